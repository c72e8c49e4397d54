//! One connection under TLS: the real `serve` at one end, a client at the other that says everything at once and hangs up.
//!
//! Called by `world`. A pair of Unix sockets stands for the network, since TCP would run out of ports at this pace.

use octroi_gate::Gate;
use octroi_imap::ImapConfig;
use octroi_net::{Acceptor, Connection, Shutdown};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;

/// How long a connection may live. Refused log-ins wait for some seconds each.
const PATIENCE: Duration = Duration::from_secs(30);
/// Octets read at a time.
const PIECE_BYTES: usize = 16 << 10;

/// Both ends of TLS.
pub(crate) struct Ends {
    acceptor: Acceptor,
    connector: TlsConnector,
    name: ServerName<'static>,
    config: Arc<ImapConfig>,
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
            config: Arc::new(ImapConfig { append_bytes_max: 64 << 10, discard_bytes_max: 64 << 10, ..ImapConfig::default() }),
            shutdown: Shutdown::new(),
            peers: 0,
        }
    }

    /// All that the server says to these octets.
    pub(crate) async fn converse(&mut self, gate: &Gate, sent: &[u8], answers_max: usize) -> Vec<u8> {
        let (client, server) = std::os::unix::net::UnixStream::pair().unwrap();
        client.set_nonblocking(true).unwrap();
        server.set_nonblocking(true).unwrap();
        let server = TcpStream::from_std(OwnedFd::from(server).into()).unwrap();
        self.peers = self.peers.wrapping_add(1);
        let peer = SocketAddr::from((Ipv4Addr::from_bits(0x0b00_0000_u32.wrapping_add(self.peers << 8)), 1));
        let (acceptor, gate, config, shutdown) = (self.acceptor.clone(), gate.clone(), self.config.clone(), self.shutdown.clone());
        let served = tokio::spawn(async move {
            let secured = Connection::plain(server, peer).start_tls(&acceptor, PATIENCE).await.unwrap();
            octroi_imap::serve(secured, gate, config, shutdown).await;
        });
        let tcp = UnixStream::from_std(client).unwrap();
        let conversation = async {
            let (mut reads, mut writes) = tokio::io::split(self.connector.connect(self.name.clone(), tcp).await.unwrap());
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
        };
        let answers = tokio::time::timeout(PATIENCE, conversation).await.expect("the conversation ends");
        tokio::time::timeout(PATIENCE, served).await.expect("the connection ends").expect("nothing panics");
        answers
    }
}
