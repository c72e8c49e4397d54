//! A gate before a real store, and clients that reach a protocol under TLS, with and without a certificate of their own. For the tests of
//! log-ins; those of SMTP and ManageSieve include this file too.

#![allow(clippy::unwrap_used, dead_code)]

use octroi_engine::{Embedded, Options};
use octroi_gate::{Admin, DataKey, Errands, Gate, Limits, NewAccount, Opened, Organisation, Policy, Queue, Scope, code_at};
use octroi_model::{Address, Service, Services, UnixTime};
use octroi_net::{Acceptor, Authority, Connection, Shutdown};
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How long anything may take before it counts as failed: a busy machine must not fail a test.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);
/// An account whose app password is enough.
pub(crate) const ANA: &str = "ana@octroi.example";
/// Another one.
pub(crate) const BEN: &str = "ben@octroi.example";
/// One whose log-ins from a new network have to be confirmed.
pub(crate) const EVE: &str = "eve@octroi.example";

/// Everybody's main password, which opens the portal only.
pub(crate) const MAIN: &str = "Quay-Lantern-4821";

/// What the profiles open, and so what a credential may.
fn mail() -> Services {
    Services::NONE.with(Service::Imap).with(Service::Submission).with(Service::Sieve)
}

const PROFILES: &str = r#"
[zone.posts]
client_ca = "posts.pem"
[profile.plain]
send_to = "anyone"
[profile.plain.services]
imap = ["*"]
submission = ["*"]
sieve = ["*"]
[profile.plain.second_factor]
"*" = "enrolment"
[[profile.plain.rule]]
owner = "self"
path = "**"
rights = "lrswipkxtea"
[profile.careful]
portal = true
[profile.careful.services]
imap = ["*"]
submission = ["*"]
sieve = ["*"]
[profile.careful.second_factor]
"*" = "device"
[[profile.careful.rule]]
owner = "self"
path = "**"
rights = "lrswipkxtea"
"#;

/// A client's certificate and key.
pub(crate) struct Identity {
    der: CertificateDer<'static>,
    key: Vec<u8>,
}

/// A store, a gate, three accounts and a certificate authority.
pub(crate) struct World {
    pub(crate) gate: Gate,
    pub(crate) admin: Admin,
    pub(crate) shutdown: Shutdown,
    acceptor: Acceptor,
    root: CertificateDer<'static>,
    authority: Issuer<'static, KeyPair>,
    _rest: (Queue, Errands, tempfile::TempDir),
}

pub(crate) fn address(text: &str) -> Address {
    text.parse().unwrap()
}

impl World {
    pub(crate) async fn new(limits: &Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let engine = Embedded::open(folder.path(), Options::default()).await.unwrap();
        let organisation = Organisation {
            name: "Test".to_owned(),
            hostname: "mail.octroi.example".to_owned(),
            domains: vec!["octroi.example".to_owned()],
            postmaster: None,
            portal_url: "https://portal.octroi.example/".to_owned(),
        };
        let opened = Gate::open(engine, organisation, Policy::parse(PROFILES).unwrap(), *limits, DataKey::from_bytes(&[3; 32])).await;
        let Opened { gate, admin, queue, errands, .. } = opened.unwrap();
        for (who, profile) in [(ANA, "plain"), (BEN, "plain"), (EVE, "careful")] {
            let address = address(who);
            let new = NewAccount { address: &address, display_name: "", profile, password: Some(MAIN), remote_access: true };
            admin.add_account(new).await.unwrap();
        }
        let server = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (authority, pem) = new_authority();
        let trusted = Authority { name: "posts".into(), certificates_pem: pem.into_bytes() };
        let (chain, key) = (server.cert.pem(), server.signing_key.serialize_pem());
        let acceptor = Acceptor::from_pem(chain.as_bytes(), key.as_bytes(), &[], &[trusted]).unwrap();
        let root = server.cert.der().clone();
        Self { gate, admin, shutdown: Shutdown::new(), acceptor, root, authority, _rest: (queue, errands, folder) }
    }

    /// An app password.
    pub(crate) async fn mint(&self, who: &str) -> String {
        self.admin.mint_app_password(&address(who), Scope::of(mail()), "test").await.unwrap().secret.to_string()
    }

    /// A second factor; returns its secret for [`code`].
    pub(crate) async fn enrol(&self, who: &str) -> String {
        self.admin.enrol_totp(&address(who)).await.unwrap().secret_base32.to_string()
    }

    /// A certificate that the authority vouches for, and nobody has registered.
    pub(crate) fn issue(&self) -> Identity {
        let mut parameters = CertificateParams::new(vec!["client".to_owned()]).unwrap();
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().unwrap();
        let certificate = parameters.signed_by(&key, &self.authority).unwrap();
        Identity { der: certificate.der().clone(), key: key.serialize_der() }
    }

    /// One that is registered as somebody's.
    pub(crate) async fn register(&self, who: &str) -> Identity {
        let identity = self.issue();
        self.admin.register_certificate(&address(who), Scope::of(mail()), "card", &identity.der).await.unwrap();
        identity
    }

    /// Listen, and give each connection, once it is under TLS, to `serve`.
    pub(crate) async fn listen<F>(&self, serve: impl Fn(Connection, Gate, Shutdown) -> F + Send + 'static) -> SocketAddr
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let (gate, shutdown, acceptor) = (self.gate.clone(), self.shutdown.clone(), self.acceptor.clone());
        tokio::spawn(async move {
            while let Ok((tcp, peer)) = listener.accept().await {
                if let Ok(connection) = Connection::plain(tcp, peer).start_tls(&acceptor, PATIENCE).await {
                    tokio::spawn(serve(connection, gate.clone(), shutdown.clone()));
                }
            }
        });
        at
    }

    /// The channel binding of that name, which is the hash of the server's certificate.
    pub(crate) fn server_end_point(&self) -> Vec<u8> {
        ring::digest::digest(&ring::digest::SHA256, &self.root).as_ref().to_vec()
    }

    /// A client, which shows that certificate if it has one.
    pub(crate) async fn connect(&self, to: SocketAddr, shown: Option<&Identity>) -> Client {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let config = match shown {
            Some(Identity { der, key }) => {
                let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.clone()));
                builder.with_client_auth_cert(vec![der.clone()], key).unwrap()
            }
            None => builder.with_no_client_auth(),
        };
        let tcp = TcpStream::connect(to).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        Client(BufReader::new(TlsConnector::from(Arc::new(config)).connect(name, tcp).await.unwrap()))
    }
}

fn new_authority() -> (Issuer<'static, KeyPair>, String) {
    let mut parameters = CertificateParams::new(Vec::new()).unwrap();
    parameters.distinguished_name.push(rcgen::DnType::CommonName, "Posts");
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let pem = parameters.self_signed(&key).unwrap().pem();
    (Issuer::new(parameters, key), pem)
}

/// A secret that looks like that one and is another.
pub(crate) fn other_than(secret: &str) -> String {
    let (kept, last) = secret.split_at(secret.len() - 1);
    format!("{kept}{}", if last == "a" { "b" } else { "a" })
}

/// The code of this moment.
pub(crate) fn code(secret: &str) -> String {
    code_at(secret, UnixTime::now().0).unwrap()
}

/// A client under TLS.
pub(crate) struct Client(BufReader<TlsStream<TcpStream>>);

impl Client {
    pub(crate) async fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
        self.0.flush().await.unwrap();
    }

    /// The channel binding tls-exporter, as this end knows it.
    pub(crate) fn exporter(&self) -> Vec<u8> {
        let (_, tls) = self.0.get_ref().get_ref();
        tls.export_keying_material(vec![0; 32], b"EXPORTER-Channel-Binding", Some(b"")).unwrap()
    }

    /// The next line, without its end; empty when the server has closed.
    pub(crate) async fn line(&mut self) -> String {
        let mut line = String::new();
        let read = tokio::time::timeout(PATIENCE, self.0.read_line(&mut line)).await.expect("a line comes in time");
        // A server that is cut off has closed all the same.
        read.unwrap_or_default();
        line.trim_end_matches(['\r', '\n']).to_owned()
    }

    /// Lines up to one that begins so.
    pub(crate) async fn until(&mut self, beginning: &str) -> String {
        loop {
            let line = self.line().await;
            if line.starts_with(beginning) || line.is_empty() {
                return line;
            }
        }
    }

    /// Hang up, as a program does that is closed.
    pub(crate) async fn hang_up(mut self) {
        let _ = self.0.get_mut().shutdown().await;
        let _ = tokio::time::timeout(Duration::from_millis(10), self.0.read_to_end(&mut Vec::new())).await;
    }
}
