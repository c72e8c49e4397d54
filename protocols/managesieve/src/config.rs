//! Every limit of this crate, with its default. Made by the program from its configuration file.

use std::time::Duration;

const KIB: usize = 1024;

/// What a peer may make us hold, and for how long.
#[derive(Debug, Clone)]
pub struct ManageSieveConfig {
    /// Octets of a line. RFC 5804 section 4: a quoted string has up to 1024.
    pub line_bytes_max: usize,
    /// Octets of one literal before log-in: what SASL needs.
    pub literal_bytes_before_login_max: usize,
    /// Octets of a literal that is over a limit and still read to its end, so that the client hears why; of a longer one it hears `BYE`.
    pub discard_bytes_max: u64,
    /// Silence after which the connection is closed. RFC 5804 section 1.2: at least 30 minutes.
    pub idle_timeout: Duration,
    /// From connecting until logged in.
    pub login_timeout: Duration,
    /// For a literal.
    pub literal_timeout: Duration,
    /// How long the client may take for our last answer.
    pub write_timeout: Duration,
    /// For the TLS handshake after STARTTLS.
    pub handshake_timeout: Duration,
    /// Lines in a row that are no commands.
    pub bad_commands_max: u32,
    /// Log-ins that fail on one connection.
    pub login_failures_max: u32,
    /// What scripts may be, and how large.
    pub scripts: octroi_sieve::Limits,
}

impl Default for ManageSieveConfig {
    fn default() -> Self {
        Self {
            line_bytes_max: 8 * KIB,
            literal_bytes_before_login_max: 4 * KIB,
            discard_bytes_max: 16 << 20,
            idle_timeout: Duration::from_mins(30),
            login_timeout: Duration::from_mins(1),
            literal_timeout: Duration::from_mins(2),
            write_timeout: Duration::from_mins(1),
            handshake_timeout: Duration::from_secs(30),
            bad_commands_max: 10,
            login_failures_max: 3,
            scripts: octroi_sieve::Limits::default(),
        }
    }
}
