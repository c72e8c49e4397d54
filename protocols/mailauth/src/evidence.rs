//! What the domains of a message's authors are told of it in their reports (RFC 9990). Pure.

use crate::judge::Found;
use crate::policy::{MailAuthConfig, Treatment};
use crate::sender::{Sender, SenderFacts};
use mail_auth::dmarc::Policy;
use mail_auth::{DkimOutput, DkimResult, DmarcOutput, DmarcResult, SpfResult};
use octroi_reports::cleaned;
use octroi_reports::dmarc::{Disposition, DkimSeen, Override, Row, SpfSeen};

/// Signatures that one line of a report names.
const SIGNATURES_MAX: usize = 8;

/// A line for each domain that has said where it wants to hear of it.
pub(crate) fn rows(config: &MailAuthConfig, sender: &Sender, facts: &SenderFacts, found: &Found<'_>) -> Vec<(String, Row)> {
    let wants = |output: &&DmarcOutput| output.dmarc_record().is_some_and(|record| !record.rua.is_empty());
    let wanted = found.dmarc.iter().filter(wants);
    wanted.map(|output| (output.domain().to_owned(), row(config, sender, facts, found, output))).collect()
}

fn row(config: &MailAuthConfig, sender: &Sender, facts: &SenderFacts, found: &Found<'_>, output: &DmarcOutput) -> Row {
    let (disposition, overridden) = became(config, output, found.override_by_arc);
    let mut dkim: Vec<DkimSeen> = found.dkim.iter().filter_map(signature).collect();
    // RFC 9990 section 3.1.4: what passes goes first.
    dkim.sort_by_key(|seen| (seen.result != "pass", seen.domain != output.domain()));
    dkim.truncate(SIGNATURES_MAX);
    Row {
        source: sender.peer.to_canonical(),
        disposition,
        dkim_aligned: *output.dkim_result() == DmarcResult::Pass,
        spf_aligned: *output.spf_result() == DmarcResult::Pass,
        overridden,
        header_from: cleaned(output.domain()),
        envelope_from: cleaned(sender.from.rsplit_once('@').map_or("", |(_, domain)| domain)).to_lowercase(),
        dkim,
        spf: Some(SpfSeen { domain: cleaned(facts.from.domain()), result: spf(facts.from.result()).to_owned() }),
    }
}

/// What became of it as far as this domain's policy goes, and why it was something else than that says.
fn became(config: &MailAuthConfig, output: &DmarcOutput, vouched_for: bool) -> (Disposition, Option<Override>) {
    let policy = output.policy();
    let enforced = matches!(policy, Policy::Quarantine | Policy::Reject);
    match output.result() {
        DmarcResult::Pass => return (if enforced { Disposition::Pass } else { Disposition::None }, None),
        DmarcResult::Fail(_) => {}
        _ => return (Disposition::None, None),
    }
    if enforced && vouched_for {
        return (Disposition::None, Some(Override::TrustedForwarder));
    }
    let disposition = match config.asked(policy) {
        Treatment::Note => Disposition::None,
        Treatment::Junk => Disposition::Quarantine,
        Treatment::Refuse => Disposition::Reject,
    };
    let wanted = match policy {
        Policy::Quarantine => Disposition::Quarantine,
        Policy::Reject => Disposition::Reject,
        Policy::None | Policy::Unspecified => Disposition::None,
    };
    let tried_out = output.dmarc_record().is_some_and(|record| record.t && record.p != Policy::None);
    let overridden = match (disposition == wanted, tried_out) {
        (false, _) => Some(Override::LocalPolicy),
        (true, true) => Some(Override::PolicyTestMode),
        (true, false) => None,
    };
    (disposition, overridden)
}

fn signature(output: &DkimOutput<'_>) -> Option<DkimSeen> {
    let signature = output.signature()?;
    let result = match output.result() {
        DkimResult::Pass => "pass",
        DkimResult::Neutral(_) => "neutral",
        DkimResult::Fail(_) => "fail",
        DkimResult::PermError(_) => "permerror",
        DkimResult::TempError(_) => "temperror",
        DkimResult::None => "none",
    };
    Some(DkimSeen { domain: cleaned(&signature.d), selector: cleaned(&signature.s), result: result.to_owned() })
}

fn spf(result: SpfResult) -> &'static str {
    match result {
        SpfResult::Pass => "pass",
        SpfResult::Fail => "fail",
        SpfResult::SoftFail => "softfail",
        SpfResult::Neutral => "neutral",
        SpfResult::TempError => "temperror",
        SpfResult::PermError => "permerror",
        SpfResult::None => "none",
    }
}
