//! A blocking connection, in the clear or under TLS, with lines and counted octets.

use super::PATIENCE;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme, StreamOwned};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
    /// Only while one turns into the other.
    Between,
}

/// One connection.
pub(crate) struct Wire {
    stream: Stream,
    unread: Vec<u8>,
}

impl Wire {
    /// Connect in the clear.
    #[track_caller]
    pub(crate) fn plain(address: &str) -> Self {
        Self::try_plain(address).unwrap_or_else(|e| panic!("cannot connect to {address}: {e}"))
    }

    /// Likewise, for when the server may be away.
    pub(crate) fn try_plain(address: &str) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Ok(Self { stream: Stream::Plain(stream), unread: Vec::new() })
    }

    /// Connect with TLS from that address of ours (of the loopback: all of 127.0.0.0/8 are).
    pub(crate) fn tls_from(source: &str, address: &str, certificate: &Path) -> std::io::Result<Self> {
        let (source, address) = (format!("{source}:0").parse().unwrap(), address.parse().unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let stream = runtime.block_on(async {
            let socket = tokio::net::TcpSocket::new_v4()?;
            socket.set_reuseaddr(true)?;
            socket.bind(source)?;
            socket.connect(address).await?.into_std()
        })?;
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Self { stream: Stream::Plain(stream), unread: Vec::new() }.try_secure(certificate)
    }

    /// Connect with TLS from the first octet.
    #[track_caller]
    pub(crate) fn tls(address: &str, certificate: &Path) -> Self {
        Self::plain(address).secure(certificate)
    }

    /// Likewise, for when the server may be away.
    pub(crate) fn try_tls(address: &str, certificate: &Path) -> std::io::Result<Self> {
        Self::try_plain(address)?.try_secure(certificate)
    }

    /// Start TLS on this connection (after STARTTLS). Octets that came before and were not read are dropped, as a
    /// careful client does.
    #[track_caller]
    pub(crate) fn secure(self, certificate: &Path) -> Self {
        self.try_secure(certificate).unwrap_or_else(|e| panic!("TLS handshake: {e}"))
    }

    fn try_secure(mut self, certificate: &Path) -> std::io::Result<Self> {
        let Stream::Plain(tcp) = std::mem::replace(&mut self.stream, Stream::Between) else { panic!("TLS within TLS") };
        let name = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(client_config(certificate), name).unwrap();
        let mut stream = StreamOwned::new(connection, tcp);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(Self { stream: Stream::Tls(Box::new(stream)), unread: Vec::new() })
    }

    /// How long a read may wait from now on.
    pub(crate) fn set_patience(&mut self, patience: Duration) {
        let tcp = match &self.stream {
            Stream::Plain(tcp) => tcp,
            Stream::Tls(tls) => &tls.sock,
            Stream::Between => return,
        };
        tcp.set_read_timeout(Some(patience)).unwrap();
    }

    /// Send octets as they are.
    pub(crate) fn try_send(&mut self, octets: &[u8]) -> std::io::Result<()> {
        match &mut self.stream {
            Stream::Plain(tcp) => tcp.write_all(octets),
            Stream::Tls(tls) => tls.write_all(octets).and_then(|()| tls.flush()),
            Stream::Between => Err(ErrorKind::NotConnected.into()),
        }
    }

    /// Send octets as they are; the test fails if that cannot be done.
    #[track_caller]
    pub(crate) fn send(&mut self, octets: impl AsRef<[u8]>) {
        self.try_send(octets.as_ref()).unwrap_or_else(|e| panic!("cannot send: {e}"));
    }

    fn fill(&mut self) -> std::io::Result<usize> {
        let mut buffer = [0; 16 * 1024];
        let read = match &mut self.stream {
            Stream::Plain(tcp) => tcp.read(&mut buffer),
            Stream::Tls(tls) => tls.read(&mut buffer),
            Stream::Between => Err(ErrorKind::NotConnected.into()),
        };
        let read = match read {
            // A peer that closes TCP without close_notify has closed all the same.
            Err(e) if matches!(e.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => 0,
            other => other?,
        };
        self.unread.extend_from_slice(&buffer[..read]);
        Ok(read)
    }

    /// The next line without its CRLF; `None` at the end of the connection.
    pub(crate) fn try_line(&mut self) -> std::io::Result<Option<String>> {
        loop {
            if let Some(end) = self.unread.iter().position(|b| *b == b'\n') {
                let line: Vec<u8> = self.unread.drain(..=end).collect();
                return Ok(Some(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned()));
            }
            if self.fill()? == 0 {
                // A body may end without a line end.
                let last = std::mem::take(&mut self.unread);
                return Ok((!last.is_empty()).then(|| String::from_utf8_lossy(&last).into_owned()));
            }
        }
    }

    /// The next line; the test fails if there is none.
    #[track_caller]
    pub(crate) fn line(&mut self) -> String {
        match self.try_line() {
            Ok(Some(line)) => line,
            Ok(None) => panic!("the server closed the connection"),
            Err(e) => panic!("no line came: {e}"),
        }
    }

    /// Exactly that many octets.
    pub(crate) fn try_octets(&mut self, count: usize) -> std::io::Result<Vec<u8>> {
        while self.unread.len() < count {
            if self.fill()? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(self.unread.drain(..count).collect())
    }

    /// Everything up to the end of the connection.
    pub(crate) fn rest(&mut self) -> std::io::Result<Vec<u8>> {
        while self.fill()? > 0 {}
        Ok(std::mem::take(&mut self.unread))
    }
}

fn client_config(certificate: &Path) -> Arc<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let expected = CertificateDer::from_pem_file(certificate).unwrap_or_else(|e| panic!("{}: {e}", certificate.display()));
    let pinned = Pinned { expected, algorithms: provider.signature_verification_algorithms };
    let config = ClientConfig::builder_with_provider(CryptoProvider::clone(&provider).into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(pinned))
        .with_no_client_auth();
    Arc::new(config)
}

/// Accepts the one certificate that the server said it would show.
#[derive(Debug)]
struct Pinned {
    expected: CertificateDer<'static>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if *end_entity == self.expected {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
