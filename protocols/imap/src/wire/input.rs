//! The connection as commands and responses: lines and literals are gathered under limits until a command is whole.
//!
//! Owned by `connection`, lent to every handler. What always holds: nothing a peer sends is held beyond the limits for its trust;
//! the messages of an APPEND are never gathered here but left on the connection for its handler; a command that is refused half-way
//! has been read to its end (or the connection ends), so that no part of it is taken for another command.

use super::enabled::Enabled;
use super::literal::{Literal, announced};
use super::{encode, grammar};
use crate::config::ImapConfig;
use crate::message_limit::MessageLimit;
use crate::reply::End;
use imap_codec::imap_types::core::Tag;
use imap_codec::imap_types::response::{Code, Data, StatusKind};
use octroi_net::{Connection, Line, ReadError};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use zeroize::Zeroizing;

/// Octets taken from the connection at a time.
const PIECE_BYTES: usize = 64 * 1024;
/// Octets of responses that are gathered before they are sent.
const BATCH_BYTES: usize = 32 * 1024;
/// Before the rate of a literal counts.
const LITERAL_GRACE: Duration = Duration::from_mins(1);
/// For the rest of a line once its literal has come.
const REST_DEADLINE: Duration = Duration::from_mins(1);
/// Literals of a refused command that are read past; no client sends that many.
const SKIPPED_LITERALS_MAX: usize = 1024;

/// What has come.
pub(crate) enum Input {
    /// A whole command, or what should be one. Wiped when dropped: it may hold a password.
    Command(Zeroizing<Vec<u8>>),
    /// An APPEND up to its message, which has not been read.
    Upload(grammar::append::Head),
    /// Something over a limit. It has been answered.
    Refused,
}

/// How much a peer may make us hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Not logged in.
    Anyone,
    /// Logged in.
    Member,
}

/// In octets.
struct Limits {
    line: usize,
    literal: u64,
    command: usize,
    discard: u64,
}

/// The connection of one dialogue.
pub(crate) struct Wire {
    pub(crate) connection: Connection,
    /// What the client has switched on.
    pub(crate) enabled: Enabled,
    config: Arc<ImapConfig>,
}

impl Wire {
    pub(crate) fn new(connection: Connection, config: Arc<ImapConfig>) -> Self {
        Self { connection, enabled: Enabled::default(), config }
    }

    /// Octets of a message that is taken.
    pub(crate) fn append_bytes_max(&self) -> u64 {
        // RFC 9051 section 9: a number has 32 bits.
        self.config.append_bytes_max.min(u64::from(u32::MAX))
    }

    /// How many messages a command may be about.
    pub(crate) fn message_limit(&self) -> MessageLimit {
        MessageLimit::new(self.config.messages_per_command_max)
    }

    fn limits(&self, trust: Trust) -> Limits {
        let config = &self.config;
        match trust {
            Trust::Anyone => Limits {
                line: config.line_bytes_before_login_max,
                literal: config.literal_bytes_before_login_max,
                command: config.command_bytes_before_login_max,
                discard: config.command_bytes_before_login_max as u64,
            },
            Trust::Member => Limits {
                line: config.line_bytes_max,
                literal: config.literal_bytes_max,
                command: config.command_bytes_max,
                discard: config.discard_bytes_max,
            },
        }
    }
}

/// Reading.
impl Wire {
    /// The next line. May be dropped and called again.
    pub(crate) async fn line(&mut self, trust: Trust, within: Duration) -> Result<Line, ReadError> {
        let line_max = self.limits(trust).line;
        self.connection.read_line(line_max, within).await
    }

    /// Resolves when the peer has hung up. It cannot be told of one that has sent something more before, which stays for later.
    pub(crate) async fn hung_up(&mut self) {
        while !self.connection.pending_input() {
            if matches!(self.connection.read_some(1, self.config.idle_timeout).await, Err(ReadError::Closed | ReadError::Io(_))) {
                return;
            }
        }
        std::future::pending::<()>().await;
    }

    /// The command that begins with `line`: the literals that it announces are read, and the lines behind them.
    pub(crate) async fn complete(&mut self, line: Line, trust: Trust) -> Result<Input, End> {
        let limits = self.limits(trust);
        let mut command = Zeroizing::new(line.bytes);
        let mut line_start = 0;
        loop {
            let literal = announced(&command[line_start..]);
            command.extend_from_slice(b"\r\n");
            let Some(literal) = literal else { return Ok(Input::Command(command)) };
            if trust == Trust::Member
                && let Some(head) = grammar::append::head(&command, self.enabled.utf8())
            {
                return Ok(Input::Upload(head));
            }
            if literal.bytes > limits.literal || command.len() as u64 + literal.bytes > limits.command as u64 {
                let tag = grammar::tag(&command);
                self.refuse_literal(literal, trust).await?;
                self.tagged(tag, StatusKind::Bad, Some(Code::TooBig), "The literal is too large").await?;
                return Ok(Input::Refused);
            }
            self.invite(literal).await?;
            self.read_literal(&mut command, literal.bytes).await?;
            line_start = command.len();
            let rest = self.connection.read_line(limits.line, REST_DEADLINE).await?;
            command.extend_from_slice(&rest.bytes);
            if command.len() > limits.command {
                let tag = grammar::tag(&command);
                self.skip(&rest.bytes, trust).await?;
                self.tagged(tag, StatusKind::Bad, Some(Code::TooBig), "The command is too large").await?;
                return Ok(Input::Refused);
            }
        }
    }

    /// Ask for a literal, if the client waits to be asked.
    pub(crate) async fn invite(&mut self, literal: Literal) -> Result<(), End> {
        if literal.waits {
            self.connection.write(b"+ Ready for the literal\r\n").await?;
            self.flush().await?;
        }
        Ok(())
    }

    /// Read a literal, behind what is there.
    pub(crate) async fn read_literal(&mut self, command: &mut Vec<u8>, bytes: u64) -> Result<(), End> {
        let mut countdown = self.countdown(bytes);
        while let Some((want, within)) = countdown.next_piece() {
            let octets = self.connection.read_some(want, within).await?;
            let count = octets.len();
            command.extend_from_slice(octets);
            self.connection.consume(count);
            countdown.took(count);
        }
        Ok(())
    }

    /// Deal with a literal that is not wanted: one that the client holds back needs nothing, since the refusal that follows ends the
    /// command; one that is under way is read and thrown away, with all that follows it in the same command.
    // RFC 7888 section 4.
    pub(crate) async fn refuse_literal(&mut self, literal: Literal, trust: Trust) -> Result<(), End> {
        if literal.waits {
            return Ok(());
        }
        let announcement = format!("{{{}+}}", literal.bytes);
        self.skip(announcement.as_bytes(), trust).await
    }

    /// Read past what follows a line of a refused command.
    pub(crate) async fn skip(&mut self, line: &[u8], trust: Trust) -> Result<(), End> {
        let limits = self.limits(trust);
        let mut left = limits.discard;
        let mut line = line.to_vec();
        for _ in 0..SKIPPED_LITERALS_MAX {
            let Some(literal) = announced(&line).filter(|literal| !literal.waits) else { return Ok(()) };
            if literal.bytes > left {
                break;
            }
            left -= literal.bytes;
            self.discard(literal.bytes).await?;
            line = self.connection.read_line(limits.line, REST_DEADLINE).await?.bytes;
        }
        Err(End::Bye(Some(Code::TooBig), "A literal is too large"))
    }

    /// Read octets and throw them away.
    pub(crate) async fn discard(&mut self, bytes: u64) -> Result<(), End> {
        let mut countdown = self.countdown(bytes);
        while let Some((want, within)) = countdown.next_piece() {
            let count = self.connection.read_some(want, within).await?.len();
            self.connection.consume(count);
            countdown.took(count);
        }
        Ok(())
    }

    /// The pace at which a literal has to come.
    pub(crate) fn countdown(&self, bytes: u64) -> Countdown {
        let rate = self.config.literal_rate_min.max(1);
        Countdown { left: bytes, until: Instant::now() + LITERAL_GRACE + Duration::from_secs(bytes / rate) }
    }
}

/// Octets of a literal that are still to come, and until when.
pub(crate) struct Countdown {
    left: u64,
    until: Instant,
}

impl Countdown {
    /// How much to ask for next and how long to wait for it; nothing when all has come.
    pub(crate) fn next_piece(&self) -> Option<(usize, Duration)> {
        let want = self.left.min(PIECE_BYTES as u64) as usize;
        (want > 0).then(|| (want, self.until.saturating_duration_since(Instant::now())))
    }

    /// So much has come.
    pub(crate) fn took(&mut self, count: usize) {
        self.left = self.left.saturating_sub(count as u64);
    }
}

/// Writing.
impl Wire {
    /// Octets that are ready to go.
    pub(crate) async fn raw(&mut self, octets: &[u8]) -> Result<(), End> {
        Ok(self.connection.write(octets).await?)
    }

    /// Octets that are gathered, once there are enough of them; the gathering begins anew then.
    pub(crate) async fn raw_if_many(&mut self, gathered: &mut Vec<u8>) -> Result<(), End> {
        if gathered.len() >= BATCH_BYTES {
            self.raw(gathered).await?;
            gathered.clear();
        }
        Ok(())
    }

    /// Untagged data.
    pub(crate) async fn data(&mut self, data: Data<'_>) -> Result<(), End> {
        self.raw(&encode::data(data)).await
    }

    /// An untagged OK with a code.
    pub(crate) async fn untagged(&mut self, code: Code<'_>, text: &str) -> Result<(), End> {
        self.raw(&encode::untagged(code, text)).await
    }

    /// The answer to a command.
    pub(crate) async fn tagged(&mut self, tag: Option<Tag<'_>>, kind: StatusKind, code: Option<Code<'_>>, text: &str) -> Result<(), End> {
        self.raw(&encode::tagged(tag, kind, code, text)).await
    }

    /// Send all that was written.
    pub(crate) async fn flush(&mut self) -> Result<(), End> {
        let within = self.config.write_timeout;
        Ok(self.connection.flush(within).await?)
    }

    /// Say goodbye and close.
    pub(crate) async fn close(mut self, end: End) {
        if let End::Bye(code, text) = end
            && self.raw(&encode::bye(code, text)).await.is_err()
        {
            return;
        }
        self.connection.close().await;
    }
}
