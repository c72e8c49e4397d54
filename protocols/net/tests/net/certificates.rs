//! Clients' certificates: whose are taken, whose are not, and what becomes of them when a session is resumed.

use crate::support::{Certificate, PLENTY, localhost, pair};
use octroi_net::{Acceptor, Authority, CertificateError, Connection, PeerCertificate, StartTlsError};
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::client::Resumption;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, HandshakeKind, RootCertStore, SupportedProtocolVersion};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

const VERSIONS: [&SupportedProtocolVersion; 2] = [&rustls::version::TLS13, &rustls::version::TLS12];

/// An authority of clients' certificates.
struct Office {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// What a client shows.
struct Shown {
    chain: Vec<CertificateDer<'static>>,
    key: Vec<u8>,
}

impl Office {
    fn new(name: &str) -> Self {
        let mut parameters = CertificateParams::new(Vec::new()).unwrap();
        parameters.distinguished_name.push(rcgen::DnType::CommonName, name);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = parameters.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(parameters, key), pem }
    }

    fn named(&self, name: &str) -> Authority {
        Authority { name: name.into(), certificates_pem: self.pem.clone().into_bytes() }
    }

    fn issue(&self, change: impl FnOnce(&mut CertificateParams)) -> Shown {
        let mut parameters = CertificateParams::new(vec!["client".to_owned()]).unwrap();
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        change(&mut parameters);
        let key = KeyPair::generate().unwrap();
        let certificate = parameters.signed_by(&key, &self.issuer).unwrap();
        Shown { chain: vec![certificate.der().clone()], key: key.serialize_der() }
    }
}

fn self_signed() -> Shown {
    let made = rcgen::generate_simple_self_signed(["client".to_owned()]).unwrap();
    Shown { chain: vec![made.cert.der().clone()], key: made.signing_key.serialize_der() }
}

/// A client with its own memory of sessions to resume.
fn client(server: &Certificate, version: &'static SupportedProtocolVersion, shown: Option<&Shown>) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(server.der().clone()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match shown {
        Some(shown) => {
            // Certificate and key as they are: rustls itself would not let a client show one without its key.
            let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(shown.key.clone()));
            let signing = rustls::crypto::ring::sign::any_supported_type(&key).unwrap();
            builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(CertifiedKey::new(shown.chain.clone(), signing))))
        }
        None => builder.with_no_client_auth(),
    };
    config.resumption = Resumption::in_memory_sessions(8);
    Arc::new(config)
}

fn acceptor(server: &Certificate, authorities: &[Authority]) -> Acceptor {
    Acceptor::from_pem(server.pem.as_bytes(), server.key_pem.as_bytes(), &[], authorities).unwrap()
}

/// What a handshake came to.
type Outcome = Result<(Option<Arc<PeerCertificate>>, HandshakeKind), StartTlsError>;

/// One handshake, with enough said afterwards that the client has got its tickets.
async fn handshake(acceptor: &Acceptor, client: &Arc<ClientConfig>) -> Outcome {
    let (server, tcp) = pair().await;
    handshake_on(server, tcp, acceptor, client).await
}

async fn handshake_on(server: Connection, tcp: TcpStream, acceptor: &Acceptor, client: &Arc<ClientConfig>) -> Outcome {
    let acceptor = acceptor.clone();
    let serving = tokio::spawn(async move {
        let mut server = server.start_tls(&acceptor, PLENTY).await?;
        server.write(b"hello").await.unwrap();
        let certificate = server.peer().certificate.clone();
        server.close().await;
        Ok(certificate)
    });
    let mut kind = HandshakeKind::Full;
    if let Ok(mut stream) = TlsConnector::from(client.clone()).connect(localhost(), tcp).await {
        let _ = stream.read_to_end(&mut Vec::new()).await;
        kind = stream.get_ref().1.handshake_kind().unwrap();
        let _ = stream.shutdown().await;
    }
    serving.await.unwrap().map(|certificate| (certificate, kind))
}

fn names(certificate: Option<&Arc<PeerCertificate>>) -> Vec<&str> {
    certificate.map(|certificate| certificate.authorities.iter().map(AsRef::as_ref).collect()).unwrap_or_default()
}

#[tokio::test]
async fn each_certificate_tells_its_authorities() {
    let server = Certificate::new();
    let (a, b) = (Office::new("A"), Office::new("B"));
    let both = Authority { name: "both".into(), certificates_pem: [a.pem.as_bytes(), b.pem.as_bytes()].concat() };
    let acceptor = acceptor(&server, &[a.named("secured"), b.named("home"), both, a.named("secured")]);
    for version in VERSIONS {
        for (office, expected) in [(&a, ["secured", "both"]), (&b, ["home", "both"])] {
            let shown = office.issue(|_| ());
            let (certificate, _) = handshake(&acceptor, &client(&server, version, Some(&shown))).await.unwrap();
            assert_eq!(names(certificate.as_ref()), expected, "{version:?}");
            assert_eq!(certificate.unwrap().der, shown.chain[0].as_ref());
        }
        let (none, _) = handshake(&acceptor, &client(&server, version, None)).await.unwrap();
        assert_eq!(none, None, "a certificate is optional");
    }
}

#[tokio::test]
async fn what_nobody_vouches_for_ends_the_handshake() {
    let server = Certificate::new();
    let (a, b) = (Office::new("A"), Office::new("B"));
    // The name of the right authority, signed by a wrong one.
    let impostor = Office::new("A");
    let acceptor = acceptor(&server, &[a.named("secured")]);
    let mut stolen = a.issue(|_| ());
    stolen.key = KeyPair::generate().unwrap().serialize_der();
    let bad = [
        ("of another authority", b.issue(|_| ())),
        ("of an impostor", impostor.issue(|_| ())),
        ("self-signed", self_signed()),
        ("expired", a.issue(|p| p.not_after = rcgen::date_time_ymd(2020, 1, 1))),
        ("not valid yet", a.issue(|p| p.not_before = rcgen::date_time_ymd(2100, 1, 1))),
        ("for servers", a.issue(|p| p.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth])),
        ("without its key", stolen),
        ("an authority's own", a.issue(|p| p.is_ca = IsCa::Ca(BasicConstraints::Unconstrained))),
    ];
    for version in VERSIONS {
        for (what, shown) in &bad {
            let outcome = handshake(&acceptor, &client(&server, version, Some(shown))).await;
            assert!(matches!(outcome, Err(StartTlsError::Io(_))), "{what} {version:?}: {outcome:?}");
        }
    }
}

#[tokio::test]
async fn without_authorities_nobody_is_asked() {
    let server = Certificate::new();
    let shown = Office::new("A").issue(|_| ());
    let (certificate, _) = handshake(&acceptor(&server, &[]), &client(&server, &rustls::version::TLS13, Some(&shown))).await.unwrap();
    assert_eq!(certificate, None);
}

#[tokio::test]
async fn a_certificate_comes_by_starttls_too() {
    let server = Certificate::new();
    let a = Office::new("A");
    let acceptor = acceptor(&server, &[a.named("secured")]);
    let (mut connection, mut tcp) = pair().await;
    tcp.write_all(b"STARTTLS\r\n").await.unwrap();
    connection.read_line(100, PLENTY).await.unwrap();
    assert_eq!(connection.peer().certificate, None);
    let client = client(&server, &rustls::version::TLS13, Some(&a.issue(|_| ())));
    let (certificate, _) = handshake_on(connection, tcp, &acceptor, &client).await.unwrap();
    assert_eq!(names(certificate.as_ref()), ["secured"]);
}

#[tokio::test]
async fn a_resumed_session_keeps_its_certificate_and_gives_nobody_one() {
    let server = Certificate::new();
    let a = Office::new("A");
    let acceptor = acceptor(&server, &[a.named("secured")]);
    for version in VERSIONS {
        let with = client(&server, version, Some(&a.issue(|_| ())));
        let without = client(&server, version, None);
        for turn in [HandshakeKind::Full, HandshakeKind::Resumed] {
            let (certificate, kind) = handshake(&acceptor, &with).await.unwrap();
            assert_eq!((names(certificate.as_ref()), kind), (vec!["secured"], turn), "{version:?}");
            let (none, kind) = handshake(&acceptor, &without).await.unwrap();
            assert_eq!((none, kind), (None, turn), "{version:?}");
        }
    }
}

#[tokio::test]
async fn authorities_that_are_exchanged_hold_from_the_next_handshake() {
    let server = Certificate::new();
    let (a, b) = (Office::new("A"), Office::new("B"));
    let acceptor = acceptor(&server, &[a.named("secured")]);
    let reload = |authorities: &[Authority]| acceptor.reload(server.pem.as_bytes(), server.key_pem.as_bytes(), authorities);
    for version in VERSIONS {
        reload(&[a.named("secured")]).unwrap();
        let with = client(&server, version, Some(&a.issue(|_| ())));
        handshake(&acceptor, &with).await.unwrap();
        reload(&[a.named("renamed"), b.named("home")]).unwrap();
        let (certificate, kind) = handshake(&acceptor, &with).await.unwrap();
        assert_eq!((names(certificate.as_ref()), kind), (vec!["renamed"], HandshakeKind::Full), "{version:?}");
        // Taken out: the session in which it was shown is no way around that.
        reload(&[b.named("home")]).unwrap();
        assert!(handshake(&acceptor, &with).await.is_err(), "{version:?}");
    }
    let unusable = Authority { name: "broken".into(), certificates_pem: b"nothing".to_vec() };
    let error = reload(&[b.named("home"), unusable]).unwrap_err();
    assert!(matches!(&error, CertificateError::Authority { name, .. } if name == "broken"), "{error}");
}

/// rustls takes a resumed session's certificate over as it is: without judging it anew it would count for as long as sessions last.
#[tokio::test]
async fn a_certificate_that_has_expired_since_is_not_resumed() {
    let server = Certificate::new();
    let a = Office::new("A");
    let acceptor = acceptor(&server, &[a.named("secured")]);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let until = rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(now.as_secs() + 6);
    let clients = VERSIONS.map(|version| client(&server, version, Some(&a.issue(|p| p.not_after = until))));
    for client in &clients {
        handshake(&acceptor, client).await.unwrap();
        let (_, kind) = handshake(&acceptor, client).await.unwrap();
        assert_eq!(kind, HandshakeKind::Resumed);
    }
    tokio::time::sleep(Duration::from_secs(8)).await;
    for client in &clients {
        let outcome = handshake(&acceptor, client).await;
        assert!(matches!(outcome, Err(StartTlsError::Certificate)), "{outcome:?}");
    }
}
