//! One connection, under TLS where people log in: the real `serve` at one end, a client at the other that says everything at once and hangs up.
//!
//! Called by `world`. A pair of Unix sockets stands for the network, since TCP would run out of ports at this pace.

use octroi_gate::Gate;
use octroi_imap::ImapConfig;
use octroi_managesieve::ManageSieveConfig;
use octroi_net::{Acceptor, Connection, Networks, Shutdown};
use octroi_smtp::{Kind, SmtpConfig, StrangerLimits};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;

/// How long a connection may live. Refused log-ins wait for some seconds each.
const PATIENCE: Duration = Duration::from_secs(30);
/// Octets read at a time.
const PIECE_BYTES: usize = 16 << 10;

/// What is spoken.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Protocol {
    Imap,
    Smtp(Kind),
    ManageSieve,
}

/// Both ends of TLS.
pub(crate) struct Ends {
    acceptor: Acceptor,
    connector: TlsConnector,
    name: ServerName<'static>,
    imap: Arc<ImapConfig>,
    smtp: Arc<SmtpConfig>,
    managesieve: Arc<ManageSieveConfig>,
    shutdown: Shutdown,
    /// Connections so far: each comes from a network of its own, so that none waits for the sins of another.
    peers: u32,
}

impl Ends {
    pub(crate) fn new() -> Self {
        let server = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (chain, key) = (server.cert.pem(), server.signing_key.serialize_pem());
        let mut roots = RootCertStore::empty();
        roots.add(server.cert.der().clone()).unwrap();
        let client = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self {
            acceptor: Acceptor::from_pem(chain.as_bytes(), key.as_bytes(), &[], &[]).unwrap(),
            connector: TlsConnector::from(Arc::new(client)),
            name: ServerName::try_from("localhost").unwrap(),
            // An input is a few kibibytes, so what is longer is as good as endless.
            imap: Arc::new(ImapConfig { append_bytes_max: 64 << 10, discard_bytes_max: 64 << 10, ..ImapConfig::default() }),
            smtp: Arc::new(smtp_config()),
            managesieve: Arc::new(ManageSieveConfig { discard_bytes_max: 64 << 10, ..ManageSieveConfig::default() }),
            shutdown: Shutdown::new(),
            peers: 0,
        }
    }

    /// All that the server says to these octets.
    pub(crate) async fn converse(&mut self, protocol: Protocol, gate: &Gate, sent: &[u8], answers_max: usize) -> Vec<u8> {
        let (client, server) = std::os::unix::net::UnixStream::pair().unwrap();
        client.set_nonblocking(true).unwrap();
        server.set_nonblocking(true).unwrap();
        let server = TcpStream::from_std(OwnedFd::from(server).into()).unwrap();
        self.peers = self.peers.wrapping_add(1);
        let peer = SocketAddr::from((Ipv4Addr::from_bits(0x0b00_0000_u32.wrapping_add(self.peers << 8)), 1));
        let plain = Connection::plain(server, peer);
        let (acceptor, gate, shutdown) = (self.acceptor.clone(), gate.clone(), self.shutdown.clone());
        let (imap, smtp, managesieve) = (self.imap.clone(), self.smtp.clone(), self.managesieve.clone());
        let served = tokio::spawn(async move {
            match protocol {
                Protocol::Imap => octroi_imap::serve(plain.start_tls(&acceptor, PATIENCE).await.unwrap(), gate, imap, shutdown).await,
                Protocol::ManageSieve => {
                    octroi_managesieve::serve(plain.start_tls(&acceptor, PATIENCE).await.unwrap(), gate, managesieve, shutdown).await;
                }
                Protocol::Smtp(kind @ Kind::Submission) => {
                    octroi_smtp::serve(kind, plain.start_tls(&acceptor, PATIENCE).await.unwrap(), gate, smtp, shutdown).await;
                }
                Protocol::Smtp(kind) => octroi_smtp::serve(kind, plain, gate, smtp, shutdown).await,
            }
        });
        let tcp = UnixStream::from_std(client).unwrap();
        let conversation = async {
            match protocol {
                Protocol::Smtp(Kind::Inbound | Kind::Lmtp) => talk(tcp, sent, answers_max).await,
                _ => talk(self.connector.connect(self.name.clone(), tcp).await.unwrap(), sent, answers_max).await,
            }
        };
        let answers = tokio::time::timeout(PATIENCE, conversation).await.expect("the conversation ends");
        tokio::time::timeout(PATIENCE, served).await.expect("the connection ends").expect("nothing panics");
        answers
    }
}

/// Say all at once and hang up; what is heard meanwhile and after.
async fn talk(stream: impl AsyncRead + AsyncWrite, sent: &[u8], answers_max: usize) -> Vec<u8> {
    let (mut reads, mut writes) = tokio::io::split(stream);
    let says = async {
        // The server may have had enough before the end.
        if writes.write_all(sent).await.is_ok() {
            let _ = writes.shutdown().await;
        }
    };
    let hears = async {
        let mut answers = Vec::new();
        let mut piece = vec![0; PIECE_BYTES];
        // A server that hangs up without more ado has said all the same what it has said.
        while let Ok(count @ 1..) = reads.read(&mut piece).await {
            answers.extend_from_slice(&piece[..count]);
            assert!(answers.len() <= answers_max, "more than {answers_max} octets of answers");
        }
        answers
    };
    let ((), answers) = tokio::join!(says, hears);
    answers
}

/// Nobody waits, as nobody here has the time, and nobody is a stranger: all say everything at once.
fn smtp_config() -> SmtpConfig {
    let everybody = Networks::parse(&["0.0.0.0/1", "128.0.0.0/1"]).unwrap();
    SmtpConfig {
        message_bytes_max: 64 << 10,
        discarded_bytes_max: 64 << 10,
        unknown_recipient_delay: Duration::ZERO,
        error_delay: Duration::ZERO,
        strangers: StrangerLimits { trusted: everybody, ..StrangerLimits::default() },
        ..SmtpConfig::default()
    }
}
