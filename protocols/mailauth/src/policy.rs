//! What is made of what was found out. Filled by the program from its configuration file.

use mail_auth::dmarc::Policy;
use std::time::Duration;

/// What becomes of a message that failed a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Treatment {
    /// It is delivered; what was found out stands in its header.
    Note,
    /// It goes to the Junk mailbox.
    Junk,
    /// It is refused.
    Refuse,
}

/// Settings of the checks.
#[derive(Debug, Clone)]
pub struct MailAuthConfig {
    /// Of mail whose SPF check fails while DMARC does not pass. Noted by default: forwarders fail it every day.
    pub spf_fail: Treatment,
    /// Of mail that fails DMARC where the author's domain asks for `reject`. Refused by default: the domain's owner has said so in public,
    /// the sender is told at once, and a message that is refused is not lost in a mailbox nobody looks into.
    pub dmarc_reject: Treatment,
    /// The same where it asks for `quarantine`.
    pub dmarc_quarantine: Treatment,
    /// Domains (lower case) whose ARC seals are believed: what they forward and say passed DMARC with them is not held to it again.
    pub arc_trusted: Vec<String>,
    /// What is forwarded is sealed (ARC).
    pub seals: bool,
    /// How long all answers of the DNS together are waited for, once for the sender and once for the message.
    pub wait: Duration,
    /// Signatures of one message that are looked at.
    pub signatures_max: usize,
}

impl Default for MailAuthConfig {
    fn default() -> Self {
        Self {
            spf_fail: Treatment::Note,
            dmarc_reject: Treatment::Refuse,
            dmarc_quarantine: Treatment::Junk,
            arc_trusted: Vec::new(),
            seals: true,
            wait: Duration::from_secs(10),
            signatures_max: 8,
        }
    }
}

impl MailAuthConfig {
    /// What becomes of a message that fails DMARC under this policy.
    pub(crate) fn asked(&self, policy: Policy) -> Treatment {
        match policy {
            Policy::Reject => self.dmarc_reject,
            Policy::Quarantine => self.dmarc_quarantine,
            Policy::None | Policy::Unspecified => Treatment::Note,
        }
    }

    /// Is this domain, or one above it, believed?
    pub(crate) fn trusts(&self, domain: &str) -> bool {
        let domain = domain.to_ascii_lowercase();
        self.arc_trusted
            .iter()
            .any(|trusted| domain.strip_suffix(trusted.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trust_covers_what_is_below_a_domain_and_nothing_that_only_ends_like_it() {
        let config = MailAuthConfig { arc_trusted: vec!["lists.example".to_owned()], ..MailAuthConfig::default() };
        assert!(config.trusts("lists.example") && config.trusts("EU.lists.example"));
        assert!(!config.trusts("evil-lists.example") && !config.trusts("example"));
    }
}
