//! Every limit of this crate, with its default. Made by the program from its configuration file.

use octroi_net::DeflateLimit;
use std::time::Duration;

const KIB: usize = 1024;
const MIB: u64 = 1024 * 1024;

/// What a peer may make us hold, and for how long.
#[derive(Debug, Clone)]
pub struct ImapConfig {
    /// Octets of a line after log-in. Clients list thousands of uids in one FETCH.
    pub line_bytes_max: usize,
    /// Octets of a line before log-in.
    pub line_bytes_before_login_max: usize,
    /// Octets of one literal after log-in, the message of an APPEND apart. The longest are search keys and mailbox names.
    pub literal_bytes_max: u64,
    /// Octets of all lines and literals of one command after log-in, the message of an APPEND apart.
    pub command_bytes_max: usize,
    /// Octets of one literal before log-in: a user name or a password.
    pub literal_bytes_before_login_max: u64,
    /// Octets of all lines and literals of one command before log-in.
    pub command_bytes_before_login_max: usize,
    /// Octets of a message that APPEND takes.
    pub append_bytes_max: u64,
    /// Messages that one APPEND takes.
    pub append_messages_max: usize,
    /// Messages that one command may be about (MESSAGELIMIT); nothing: any number, and it is not announced. Programs that do not know
    /// of it take what they get for all there is.
    // RFC 9738 section 3: at least 1,000.
    pub messages_per_command_max: Option<u32>,
    /// Octets of all messages of one APPEND; of a single one no less than [`ImapConfig::append_bytes_max`].
    pub append_command_bytes_max: u64,
    /// Octets of a non-synchronising literal that is over a limit and still read to its end, after log-in, so that the client
    /// hears why; of a longer one it hears `BYE`.
    pub discard_bytes_max: u64,
    /// Octets per second below which a literal takes too long; counted over the whole literal, after a minute's grace.
    pub literal_rate_min: u64,
    /// Silence after which the connection is closed. RFC 9051 section 5.4: at least 30 minutes.
    pub idle_timeout: Duration,
    /// From connecting until logged in.
    pub login_timeout: Duration,
    /// How often a client in IDLE hears that we are still here, so that routers on the way keep the connection.
    pub idle_notice: Duration,
    /// How long the client may take for our last answer.
    pub write_timeout: Duration,
    /// For the TLS handshake after STARTTLS.
    pub handshake_timeout: Duration,
    /// Lines in a row that are no commands.
    pub bad_commands_max: u32,
    /// Log-ins that fail on one connection.
    pub login_failures_max: u32,
    /// Connections that are compressed at the same time, on all listeners together; each holds [`octroi_net::DEFLATE_STATE_BYTES`].
    pub deflate: DeflateLimit,
}

impl Default for ImapConfig {
    fn default() -> Self {
        Self {
            line_bytes_max: 64 * KIB,
            line_bytes_before_login_max: 8 * KIB,
            literal_bytes_max: 64 * KIB as u64,
            command_bytes_max: 256 * KIB,
            literal_bytes_before_login_max: 4 * KIB as u64,
            command_bytes_before_login_max: 16 * KIB,
            append_bytes_max: 64 * MIB,
            append_messages_max: 256,
            messages_per_command_max: None,
            append_command_bytes_max: 256 * MIB,
            discard_bytes_max: 64 * MIB,
            literal_rate_min: 1024,
            idle_timeout: Duration::from_mins(30),
            login_timeout: Duration::from_mins(1),
            idle_notice: Duration::from_mins(2),
            write_timeout: Duration::from_mins(1),
            handshake_timeout: Duration::from_secs(30),
            bad_commands_max: 10,
            login_failures_max: 3,
            // 220 MiB when all are taken.
            deflate: DeflateLimit::new(512),
        }
    }
}
