//! What can go wrong on a connection, by fault: the peer's, the clock's, or the network's.

use std::fmt;
use std::io;

/// Why nothing could be read.
#[derive(Debug)]
pub enum ReadError {
    /// The line was longer than allowed. All of it has been skipped, the connection can go on.
    TooLong,
    /// The deadline passed first.
    Timeout,
    /// The peer closed the connection (or reset it).
    Closed,
    /// The connection failed.
    Io(io::Error),
}

/// Why nothing could be written.
#[derive(Debug)]
pub enum WriteError {
    /// The peer did not take what we sent in time.
    Timeout,
    /// The connection failed.
    Io(io::Error),
}

/// Why a connection did not become a TLS connection. It is closed by then.
#[derive(Debug)]
pub enum StartTlsError {
    /// Bytes stood behind the STARTTLS line that would have been taken for protected ones.
    PendingInput,
    /// TLS is on already.
    AlreadyTls,
    /// The connection is compressed: TLS would have to come below that.
    Compressed,
    /// The deadline passed first.
    Timeout,
    /// The handshake failed.
    Io(io::Error),
    /// The certificate of a resumed session is no longer vouched for.
    Certificate,
    /// A certificate authority has looked whether a name is ours (RFC 8737 section 3): there is nothing to be said on the connection.
    Challenge,
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            // A peer that goes without close_notify or with a reset has gone all the same.
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::Io(error),
        }
    }
}

impl From<io::Error> for WriteError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<WriteError> for StartTlsError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Timeout => Self::Timeout,
            WriteError::Io(error) => Self::Io(error),
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => f.write_str("the line is too long"),
            Self::Timeout => f.write_str("nothing came in time"),
            Self::Closed => f.write_str("the peer closed the connection"),
            Self::Io(error) => write!(f, "reading failed: {error}"),
        }
    }
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout => f.write_str("the peer does not take what we send"),
            Self::Io(error) => write!(f, "writing failed: {error}"),
        }
    }
}

impl fmt::Display for StartTlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PendingInput => f.write_str("plaintext stood behind STARTTLS"),
            Self::AlreadyTls => f.write_str("TLS is on already"),
            Self::Compressed => f.write_str("the connection is compressed"),
            Self::Timeout => f.write_str("the TLS handshake took too long"),
            Self::Io(error) => write!(f, "the TLS handshake failed: {error}"),
            Self::Certificate => f.write_str("no authority vouches for the certificate of the resumed session any more"),
            Self::Challenge => f.write_str("a certificate authority has asked and is answered"),
        }
    }
}

impl std::error::Error for ReadError {}
impl std::error::Error for WriteError {}
impl std::error::Error for StartTlsError {}
