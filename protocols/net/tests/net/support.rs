//! What the tests share: connected pairs, certificates, a TLS client.

use octroi_net::{Acceptor, Connection};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Longer than anything here takes on a busy machine.
pub(crate) const PLENTY: Duration = Duration::from_secs(20);
/// Short, for what is expected to run out.
pub(crate) const SHORT: Duration = Duration::from_millis(150);

pub(crate) async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

/// The server's end as the protocols see it, and the client's end bare.
pub(crate) async fn pair() -> (Connection, TcpStream) {
    let listener = listener().await;
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    client.set_nodelay(true).unwrap();
    let (tcp, address) = listener.accept().await.unwrap();
    (Connection::plain(tcp, address), client)
}

/// A certificate for `localhost` and its key, as PEM and as a client's only root.
pub(crate) struct Certificate {
    pub(crate) pem: String,
    pub(crate) key_pem: String,
    der: CertificateDer<'static>,
}

impl Certificate {
    pub(crate) fn new() -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        Self { pem: made.cert.pem(), key_pem: made.signing_key.serialize_pem(), der: made.cert.der().clone() }
    }

    pub(crate) fn der(&self) -> &CertificateDer<'static> {
        &self.der
    }

    pub(crate) fn acceptor(&self, alpn: &[&[u8]]) -> Acceptor {
        Acceptor::from_pem(self.pem.as_bytes(), self.key_pem.as_bytes(), alpn, &[]).unwrap()
    }

    /// A client that trusts just this certificate.
    pub(crate) fn client(&self, alpn: &[&[u8]]) -> Arc<ClientConfig> {
        self.client_with(rustls::DEFAULT_VERSIONS, alpn)
    }

    /// One that speaks just this version of TLS.
    pub(crate) fn client_of(&self, version: &'static SupportedProtocolVersion, alpn: &[&[u8]]) -> Arc<ClientConfig> {
        self.client_with(&[version], alpn)
    }

    fn client_with(&self, versions: &[&'static SupportedProtocolVersion], alpn: &[&[u8]]) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).unwrap();
        let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        Arc::new(config)
    }

    pub(crate) async fn connect(&self, tcp: TcpStream, alpn: &[&[u8]]) -> std::io::Result<TlsStream<TcpStream>> {
        TlsConnector::from(self.client(alpn)).connect(localhost(), tcp).await
    }
}

pub(crate) fn localhost() -> ServerName<'static> {
    ServerName::try_from("localhost").unwrap()
}
