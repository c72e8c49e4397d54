//! The limits of the portal, each of which the configuration can lower or raise.

use std::time::Duration;

/// Limits of the portal.
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
    /// Sign-ins being checked at the same time: each costs a slow hash.
    pub sign_ins_max: usize,
}

impl Default for PortalConfig {
    fn default() -> Self {
        Self {
            idle: Duration::from_mins(15),
            lifetime: Duration::from_hours(8),
            code_wait: Duration::from_mins(5),
            sessions_max: 10_000,
            sign_ins_max: 32,
        }
    }
}
