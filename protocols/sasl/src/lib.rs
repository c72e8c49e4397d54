//! SASL mechanisms that IMAP and submission share: SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677), for app passwords.
//!
//! Called by `imap` and `smtp`, which carry the messages in their own way (base64 behind a `+` or a 334) and turn a [`Login`] into their own
//! replies; the gate does the arithmetic and decides. LOGIN and EXTERNAL stand where they are carried.
//!
//! What always holds: the state of an exchange is one value, used up by its last message; whatever is wrong ends in [`Login::Refused`]
//! and the same words; no message is answered that is longer than it may be; nonces are the operating system's.
//!
//! | file | what |
//! |---|---|
//! | `message` | the messages as text |
//! | `exchange` | [`Exchange`]: what follows on what |
//! | `plain` | [`plain`]: the message of PLAIN, for those who refuse it in one way whatever is wrong; submission has a reply for each |
//!
//! Known limits: no `e=` in the last message says what was wrong, so a client that can bind to nothing we know is refused like a wrong
//! secret; a name is not prepared with SASLprep but compared as addresses are.

mod exchange;
mod message;
mod plain;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

pub use exchange::{Exchange, Finished};
use octroi_net::Bindings;
pub use plain::{plain, text};

/// Octets of one message, decoded.
pub const MESSAGE_BYTES_MAX: usize = 4 * 1024;

/// What is spoken here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// SCRAM-SHA-256.
    ScramSha256,
    /// SCRAM-SHA-256-PLUS: bound to the TLS connection.
    ScramSha256Plus,
}

impl Mechanism {
    /// Those that are offered on a connection that can be bound to that, the strongest first.
    // RFC 5802 section 6: with PLUS only where there is something to bind to.
    pub fn offered(bindings: &Bindings) -> &'static [Self] {
        if bindings.is_empty() { &[Self::ScramSha256] } else { &[Self::ScramSha256Plus, Self::ScramSha256] }
    }

    /// Its registered name.
    pub fn name(self) -> &'static str {
        match self {
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha256Plus => "SCRAM-SHA-256-PLUS",
        }
    }
}
