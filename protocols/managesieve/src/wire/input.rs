//! The connection as commands: lines and literals are gathered under limits until a command is whole.

use super::{Reply, grammar};
use crate::config::ManageSieveConfig;
use crate::connection::End;
use octroi_net::{Connection, LineEnd, ReadError};
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// Octets taken from the connection at a time.
const PIECE_BYTES: usize = 16 * 1024;
/// Octets of a command beside its literals' contents.
const WORDS_BYTES: usize = 16 * 1024;
/// For the rest of a command once its literal has come.
const REST_DEADLINE: Duration = Duration::from_mins(1);

/// What has come.
pub(crate) enum Input {
    /// A whole command, or what should be one. Wiped when dropped: it may hold a password.
    Command(Zeroizing<Vec<u8>>),
    /// Something over a limit, which has been read to its end.
    TooLarge,
}

/// The connection of one dialogue.
pub(crate) struct Wire {
    pub(crate) connection: Connection,
    config: Arc<ManageSieveConfig>,
}

impl Wire {
    pub(crate) fn new(connection: Connection, config: Arc<ManageSieveConfig>) -> Self {
        Self { connection, config }
    }

    /// The next command. Its first line may be waited for in a `select!`: until it is whole, nothing is lost.
    pub(crate) async fn first_line(&mut self, within: Duration) -> Result<Option<Vec<u8>>, End> {
        match self.connection.read_line(self.config.line_bytes_max, within).await {
            // RFC 5804 section 4: lines end with CR LF.
            Ok(line) if line.end == LineEnd::CrLf => Ok(Some(line.bytes)),
            Ok(_) => Err(End::Bye("A line ends with CR LF")),
            Err(ReadError::TooLong) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The command that begins with a line: the literals that it announces are read, and the lines behind them.
    pub(crate) async fn complete(&mut self, line: Vec<u8>, member: bool) -> Result<Input, End> {
        let literal_max = if member { self.config.scripts.script_bytes_max } else { self.config.literal_bytes_before_login_max };
        let mut command = Zeroizing::new(line);
        let mut line_start = 0;
        let mut too_large = false;
        while let Some(bytes) = grammar::literal_behind(&command[line_start..]) {
            command.extend_from_slice(b"\r\n");
            // A script and what is around it.
            let room = (literal_max as u64).min((literal_max + WORDS_BYTES).saturating_sub(command.len()) as u64);
            too_large |= bytes > room;
            if too_large {
                self.skip(bytes, member).await?;
            } else {
                self.read_literal(&mut command, bytes as usize).await?;
            }
            line_start = command.len();
            match self.first_line(REST_DEADLINE).await? {
                Some(rest) if command.len() + rest.len() <= literal_max + WORDS_BYTES => command.extend_from_slice(&rest),
                _ => return Ok(Input::TooLarge),
            }
        }
        Ok(if too_large { Input::TooLarge } else { Input::Command(command) })
    }

    /// One string, as in an exchange of SASL.
    pub(crate) async fn string(&mut self, within: Duration) -> Result<Option<Zeroizing<Vec<u8>>>, End> {
        let Some(line) = self.first_line(within).await? else { return Ok(None) };
        match self.complete(line, false).await? {
            Input::Command(octets) => Ok(grammar::string(&octets).ok()),
            Input::TooLarge => Ok(None),
        }
    }

    async fn read_literal(&mut self, into: &mut Vec<u8>, bytes: usize) -> Result<(), End> {
        let deadline = tokio::time::Instant::now() + self.config.literal_timeout;
        let mut left = bytes;
        while left > 0 {
            let within = deadline.saturating_duration_since(tokio::time::Instant::now());
            let piece = self.connection.read_some(left.min(PIECE_BYTES), within).await.map_err(End::from)?;
            let count = piece.len();
            into.extend_from_slice(piece);
            self.connection.consume(count);
            left -= count;
        }
        Ok(())
    }

    /// Read a literal for nothing, so that no part of it is taken for a command.
    async fn skip(&mut self, bytes: u64, member: bool) -> Result<(), End> {
        if bytes > self.config.discard_bytes_max || !member {
            return Err(End::Bye("The literal is far too large"));
        }
        let deadline = tokio::time::Instant::now() + self.config.literal_timeout;
        let mut left = bytes;
        while left > 0 {
            let within = deadline.saturating_duration_since(tokio::time::Instant::now());
            let count = self.connection.read_some(left.min(PIECE_BYTES as u64) as usize, within).await.map_err(End::from)?.len();
            self.connection.consume(count);
            left -= count as u64;
        }
        Ok(())
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

    pub(crate) async fn raw(&mut self, octets: &[u8]) -> Result<(), End> {
        Ok(self.connection.write(octets).await?)
    }

    pub(crate) async fn say(&mut self, reply: &Reply) -> Result<(), End> {
        self.raw(&reply.octets()).await
    }

    pub(crate) async fn flush(&mut self) -> Result<(), End> {
        Ok(self.connection.flush(self.config.write_timeout).await?)
    }
}
