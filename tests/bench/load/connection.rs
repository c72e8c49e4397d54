//! One IMAP connection under TLS: a command goes out, its answer is read to the end, and each untagged line is shown to whoever follows.
//!
//! Called by `session.rs`. What always holds: literals are counted and dropped without being kept, so the program's own cost stays small and
//! alike for every server. No certificate is checked: both ends are ours, and what is measured is the work on both sides of it.

use super::Failure;
use super::picture::Picture;
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Longest wait for an answer: a server that hangs must not hang us.
const PATIENCE: Duration = Duration::from_mins(1);
/// Octets that are read at once: a TLS record.
const READ_OCTETS: usize = 16 * 1024;
/// Octets of one untagged line without its literals: far more than the envelope of any message that the bench makes.
const LINE_OCTETS_MAX: usize = 1024 * 1024;

/// How a command ended.
#[derive(Debug)]
pub(crate) enum Answer {
    Done,
    /// RFC 5530 section 3: another session had removed the message first, and the server says so.
    Raced,
    Refused(String),
}

/// Makes connections to one server.
#[derive(Clone)]
pub(crate) struct Connector {
    address: SocketAddr,
    tls: TlsConnector,
}

impl Connector {
    pub(crate) fn new(address: SocketAddr) -> Result<Self, Failure> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let any = Arc::new(AnyCertificate(provider.signature_verification_algorithms));
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(any)
            .with_no_client_auth();
        // Each session is a client of its own: the handshake is a whole one everywhere.
        config.resumption = Resumption::disabled();
        Ok(Self { address, tls: TlsConnector::from(Arc::new(config)) })
    }

    /// A connection that has been greeted.
    pub(crate) async fn connect(&self) -> io::Result<Connection> {
        let tcp = TcpStream::connect(self.address).await?;
        tcp.set_nodelay(true)?;
        let name = ServerName::IpAddress(self.address.ip().into());
        let stream = timeout(PATIENCE, self.tls.connect(name, tcp)).await.map_err(io::Error::other)??;
        let stream = BufReader::with_capacity(READ_OCTETS, stream);
        let mut connection = Connection { stream, line: Vec::new(), unsent: Vec::new(), number: 0, received: 0 };
        timeout(PATIENCE, connection.read_line()).await.map_err(io::Error::other)??;
        Ok(connection)
    }
}

/// A connection that waits for its next command.
pub(crate) struct Connection {
    stream: BufReader<TlsStream<TcpStream>>,
    line: Vec<u8>,
    unsent: Vec<u8>,
    number: u32,
    /// Octets of answers so far.
    pub(crate) received: u64,
}

impl Connection {
    /// Send a command and read its whole answer.
    pub(crate) async fn command(&mut self, text: &str, picture: &mut Picture) -> io::Result<Answer> {
        self.send_command(text).await?;
        self.patiently(picture, Until::Tagged).await
    }

    /// Begin to wait for news: send IDLE and read to the continuation.
    pub(crate) async fn idle(&mut self, picture: &mut Picture) -> io::Result<Answer> {
        self.send_command("IDLE").await?;
        self.patiently(picture, Until::Continuation).await
    }

    /// End it again.
    pub(crate) async fn done(&mut self, picture: &mut Picture) -> io::Result<Answer> {
        self.unsent.extend_from_slice(b"DONE\r\n");
        self.send().await?;
        self.patiently(picture, Until::Tagged).await
    }

    async fn send_command(&mut self, text: &str) -> io::Result<()> {
        self.number += 1;
        self.unsent.extend_from_slice(format!("a{} {text}\r\n", self.number).as_bytes());
        self.send().await
    }

    async fn send(&mut self) -> io::Result<()> {
        let stream = self.stream.get_mut();
        stream.write_all(&self.unsent).await?;
        stream.flush().await?;
        self.unsent.clear();
        Ok(())
    }

    async fn patiently(&mut self, picture: &mut Picture, until: Until) -> io::Result<Answer> {
        timeout(PATIENCE, self.read_answer(picture, until)).await.map_err(io::Error::other)?
    }

    async fn read_answer(&mut self, picture: &mut Picture, until: Until) -> io::Result<Answer> {
        let tag = format!("a{} ", self.number);
        loop {
            self.read_line().await?;
            if let Some(untagged) = self.line.strip_prefix(b"* ") {
                picture.hear(untagged);
            } else if let Some(status) = self.line.strip_prefix(tag.as_bytes()) {
                return Ok(answer(status));
            } else if until == Until::Continuation && self.line.starts_with(b"+") {
                return Ok(Answer::Done);
            } else {
                return Err(io::Error::other(format!("what is this: {}", shown(&self.line))));
            }
        }
    }

    /// The next line into `self.line`, without what stood in its literals.
    async fn read_line(&mut self) -> io::Result<()> {
        self.line.clear();
        loop {
            let read = self.stream.read_until(b'\n', &mut self.line).await?;
            self.received += read as u64;
            if !self.line.ends_with(b"\r\n") {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            if self.line.len() > LINE_OCTETS_MAX {
                return Err(io::Error::other("a line without end"));
            }
            let Some(octets) = literal_octets(&self.line) else { return Ok(()) };
            self.skip(octets).await?;
        }
    }

    async fn skip(&mut self, octets: u64) -> io::Result<()> {
        self.received += octets;
        let mut left = octets as usize;
        while left > 0 {
            let had = self.stream.fill_buf().await?.len().min(left);
            if had == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            self.stream.consume(had);
            left -= had;
        }
        Ok(())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Until {
    Tagged,
    Continuation,
}

fn answer(status: &[u8]) -> Answer {
    if status.starts_with(b"OK") {
        Answer::Done
    } else if status.starts_with(b"NO [EXPUNGEISSUED]") {
        Answer::Raced
    } else {
        Answer::Refused(shown(status))
    }
}

fn shown(line: &[u8]) -> String {
    String::from_utf8_lossy(&line[..line.len().min(200)]).trim_end().to_owned()
}

/// The size of the literal that a line announces at its end.
fn literal_octets(line: &[u8]) -> Option<u64> {
    let inner = line.strip_suffix(b"}\r\n")?;
    let open = inner.iter().rposition(|octet| *octet == b'{')?;
    std::str::from_utf8(&inner[open + 1..]).ok()?.parse().ok()
}

/// Takes every certificate whose key signed the handshake.
#[derive(Debug)]
struct AnyCertificate(WebPkiSupportedAlgorithms);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
