//! What the configuration tells the portal: limits, each of which can be lowered or raised, and what the help page is to say.

use std::time::Duration;

/// Limits of the portal, and what it tells people of the server.
#[derive(Debug, Clone)]
pub struct PortalConfig {
    /// A session ends when nothing was asked for this long.
    pub idle: Duration,
    /// A session ends after this long whatever happens.
    pub lifetime: Duration,
    /// How long a sign-in waits for its code.
    pub code_wait: Duration,
    /// Sessions and sign-ins that wait for their code, at the same time; about 1 KiB each.
    pub sessions_max: usize,
    /// How long a program waits to be connected.
    pub login_flow: Duration,
    /// Programs that wait at the same time.
    pub login_flows_max: usize,
    /// Sign-ins being checked at the same time: each costs a slow hash.
    pub sign_ins_max: usize,
    /// Whom people ask, in the organisation's own words.
    pub support: Option<String>,
    /// What scripts of filters may be, and how large.
    pub scripts: octroi_sieve::Limits,
    /// Octets of the largest document.
    pub document_bytes_max: u64,
    /// What the occurrences of one person's events may cost.
    pub expansion: octroi_ical::ExpansionLimits,
    /// Where programs connect.
    pub served: Served,
    /// The MTA-STS policy that other mail servers are told, whole; none without it.
    pub mta_sts: Option<String>,
}

/// Where people's programs connect. What is `None` is not served, and the help page does not mention it.
#[derive(Debug, Clone, Default)]
pub struct Served {
    /// Port of IMAP with STARTTLS.
    pub imap: Option<u16>,
    /// Port of IMAP over TLS.
    pub imaps: Option<u16>,
    /// Port of submission with STARTTLS.
    pub submission: Option<u16>,
    /// Port of submission over TLS.
    pub submissions: Option<u16>,
    /// Port of ManageSieve with STARTTLS.
    pub managesieve: Option<u16>,
    /// What WebDAV, CalDAV and CardDAV URLs begin with, such as `https://mail.example:8443`; no slash at its end.
    pub dav: Option<String>,
}

impl Default for PortalConfig {
    fn default() -> Self {
        Self {
            idle: Duration::from_mins(15),
            lifetime: Duration::from_hours(8),
            code_wait: Duration::from_mins(5),
            sessions_max: 10_000,
            login_flow: Duration::from_mins(20),
            login_flows_max: 1_000,
            sign_ins_max: 32,
            support: None,
            scripts: octroi_sieve::Limits::default(),
            document_bytes_max: 16 * 1024 * 1024 * 1024,
            expansion: octroi_ical::ExpansionLimits::default(),
            served: Served::default(),
            mta_sts: None,
        }
    }
}
