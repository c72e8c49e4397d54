//! DMARC aggregate reports (RFC 9990, before it RFC 7489 section 7.2): what is counted of each message, and what a report says.

mod read;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
mod write;

use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// A report.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Feedback {
    /// Who reports, for people.
    pub organisation: String,
    /// Whom to ask.
    pub email: String,
    /// The report's id.
    pub id: String,
    /// Seconds since 1970 of the first second.
    pub begin: i64,
    /// Of the last.
    pub end: i64,
    /// What could not be done.
    pub error: Option<String>,
    /// What the domain had published.
    pub published: Published,
    /// Messages that have all this in common, with their number.
    pub records: Vec<(Row, u64)>,
    /// Records that were not kept.
    pub cut: usize,
}

/// A policy as it was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// Where.
    pub domain: String,
    /// `none`, `quarantine` or `reject`.
    pub p: String,
    /// For what is below it.
    pub sp: Option<String>,
    /// For what is below it and does not exist.
    pub np: Option<String>,
    /// `r` or `s`.
    pub adkim: Option<String>,
    /// `r` or `s`.
    pub aspf: Option<String>,
    /// When failures are to be reported.
    pub fo: Option<String>,
    /// It only tries it out.
    pub testing: bool,
}

/// What messages of one line of a report have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Row {
    /// Where they came from.
    pub source: IpAddr,
    /// What became of them.
    pub disposition: Disposition,
    /// A signature of the author's domain was right.
    pub dkim_aligned: bool,
    /// The return path was of the author's domain, and it sends from there.
    pub spf_aligned: bool,
    /// Why it was not what the policy says.
    pub overridden: Option<Override>,
    /// The author's domain.
    pub header_from: String,
    /// The return path's.
    pub envelope_from: String,
    /// The signatures.
    pub dkim: Vec<DkimSeen>,
    /// SPF of the return path.
    pub spf: Option<SpfSeen>,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Disposition {
    /// Nothing was done.
    None,
    /// Nothing had to be done.
    Pass,
    /// It was put aside.
    Quarantine,
    /// It was refused.
    Reject,
}

/// Why something else became of it than the policy says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Override {
    /// We do otherwise.
    LocalPolicy,
    /// Who brought it is believed.
    TrustedForwarder,
    /// A mailing list.
    MailingList,
    /// The policy is only tried out.
    PolicyTestMode,
    /// Anything else.
    Other,
}

/// A signature.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DkimSeen {
    /// Whose.
    pub domain: String,
    /// By which key.
    pub selector: String,
    /// RFC 8601 section 2.7.1.
    pub result: String,
}

/// Whether a domain sends from there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SpfSeen {
    /// Which.
    pub domain: String,
    /// RFC 8601 section 2.7.2.
    pub result: String,
}

const DISPOSITIONS: [(Disposition, &str); 4] =
    [(Disposition::None, "none"), (Disposition::Pass, "pass"), (Disposition::Quarantine, "quarantine"), (Disposition::Reject, "reject")];
const OVERRIDES: [(Override, &str); 5] = [
    (Override::LocalPolicy, "local_policy"),
    (Override::TrustedForwarder, "trusted_forwarder"),
    (Override::MailingList, "mailing_list"),
    (Override::PolicyTestMode, "policy_test_mode"),
    (Override::Other, "other"),
];

impl Disposition {
    /// As it is written.
    pub fn word(self) -> &'static str {
        DISPOSITIONS.iter().find(|(one, _)| *one == self).map_or("none", |(_, word)| word)
    }

    fn of(word: &str) -> Self {
        DISPOSITIONS.iter().find(|(_, known)| *known == word).map_or(Self::None, |(one, _)| *one)
    }
}

impl Override {
    fn word(self) -> &'static str {
        OVERRIDES.iter().find(|(one, _)| *one == self).map_or("other", |(_, word)| word)
    }

    fn of(word: &str) -> Self {
        OVERRIDES.iter().find(|(_, known)| *known == word).map_or(Self::Other, |(one, _)| *one)
    }
}
