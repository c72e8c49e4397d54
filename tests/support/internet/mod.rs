//! The rest of the world on loopback: a DNS server of our own with the zones of several domains, and the hosts that these name.
//!
//! Every [`Internet`] has a block of addresses of its own (127.x.y.0/24) and one port on which all its mail hosts listen, as 25 is in
//! the real one. A server that is to live in it gets [`Internet::settings`].
#![allow(dead_code)] // It has more to offer than each room of the tests takes.

mod dns;
mod host;
mod policy;

pub(crate) use host::{Host, Manner, Say};

use dns::Dns;
use rcgen::{BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use tempfile::TempDir;

/// Names, hosts and an authority for certificates.
pub(crate) struct Internet {
    dns: Dns,
    block: [u8; 3],
    next: AtomicU8,
    port: u16,
    /// Holds the port while no host does.
    _port: TcpListener,
    /// Holds the port on which all policies are told.
    https: TcpListener,
    authority: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Internet {
    /// An empty one: only the root zone is there.
    pub(crate) fn start() -> Self {
        static COUNT: AtomicU8 = AtomicU8::new(1);
        // Other test programs may run beside this one.
        let block = [127, 64 + (std::process::id() % 128) as u8, COUNT.fetch_add(1, Ordering::Relaxed)];
        let port = TcpListener::bind((Ipv4Addr::new(block[0], block[1], block[2], 1), 0)).unwrap();
        let https = TcpListener::bind((Ipv4Addr::new(block[0], block[1], block[2], 1), 0)).unwrap();
        let folder = tempfile::Builder::new().prefix("octroi-internet-").tempdir().unwrap();
        let dns = Dns::start();
        std::fs::write(folder.path().join("anchors"), dns.trust_anchor()).unwrap();
        let mut parameters = CertificateParams::new(Vec::<String>::new()).unwrap();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap();
        std::fs::write(folder.path().join("authority.pem"), authority.pem()).unwrap();
        Self { dns, block, next: AtomicU8::new(2), port: port.local_addr().unwrap().port(), _port: port, https, authority, folder }
    }

    /// What a server's configuration says to live here: lines of `[dns]` and `[outbound]`. More lines of `[outbound]` may follow them.
    pub(crate) fn settings(&self) -> String {
        self.settings_with("")
    }

    /// The same with DNSSEC.
    pub(crate) fn settings_with_dnssec(&self) -> String {
        self.settings_with(&format!("dnssec = true\ntrust_anchors = \"{}\"\n", self.trust_anchors().display()))
    }

    fn settings_with(&self, dns: &str) -> String {
        let (server, https, authority) = (self.dns.address(), self.https.local_addr().unwrap().port(), self.authority());
        format!(
            "[dns]\nservers = [\"{server}\"]\n{dns}[outbound]\nport = {}\nprivate_addresses = true\nmta_sts_port = {https}\n\
             authorities = \"{}\"\n",
            self.port,
            authority.display()
        )
    }

    /// A domain whose MTA-STS policy says so, told under a certificate of the authority; `records` are those of its zone.
    pub(crate) fn zone_with_policy(&self, origin: &str, records: &str, policy: &str) {
        let host = self.address();
        let (config, _) = self.certified(&[&format!("mta-sts.{origin}")]);
        policy::serve(SocketAddr::new(IpAddr::V4(host), self.https.local_addr().unwrap().port()), config, policy.to_owned());
        self.zone(origin, &format!("{records}\n_mta-sts TXT \"v=STSv1; id=20261101;\"\nmta-sts A {host}"));
    }

    /// The TLSA record for a host that shows that certificate.
    pub(crate) fn tlsa(&self, host: &str, certificate: &CertificateDer<'_>) -> String {
        let sum = ::ring::digest::digest(&::ring::digest::SHA256, certificate);
        let sum: String = sum.as_ref().iter().map(|octet| format!("{octet:02x}")).collect();
        format!("_{}._tcp.{host} TLSA 3 0 1 {sum}", self.port)
    }

    /// The same for the authority of whoever signed its certificate.
    pub(crate) fn tlsa_of_authority(&self, host: &str) -> String {
        let sum = ::ring::digest::digest(&::ring::digest::SHA256, &self.authority_certificate());
        let sum: String = sum.as_ref().iter().map(|octet| format!("{octet:02x}")).collect();
        format!("_{}._tcp.{host} TLSA 2 0 1 {sum}", self.port)
    }

    fn authority_certificate(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(self.authority.pem().as_bytes()).unwrap()
    }

    /// Where names are looked up, over UDP and TCP.
    pub(crate) fn dns(&self) -> SocketAddr {
        self.dns.address()
    }

    /// The port of all mail hosts.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// An address that nobody else has.
    pub(crate) fn address(&self) -> Ipv4Addr {
        let [a, b, c] = self.block;
        Ipv4Addr::new(a, b, c, self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// A domain without DNSSEC, or what it is from now on. Lines of a zone file (`@ MX 10 mx`, `mx A 127.0.0.9`); NS and SOA are added.
    pub(crate) fn zone(&self, origin: &str, records: &str) {
        self.dns.set(origin, records, dns::Signing::None);
    }

    /// The same, signed, with a chain of trust from the root.
    pub(crate) fn signed_zone(&self, origin: &str, records: &str) {
        self.dns.set(origin, records, dns::Signing::Good);
    }

    /// The same, signed with another key than the one that its parent vouches for: no answer from it can be validated.
    pub(crate) fn bogus_zone(&self, origin: &str, records: &str) {
        self.dns.set(origin, records, dns::Signing::Bogus);
    }

    /// Names at and below this one cannot be looked up (SERVFAIL), or can again.
    pub(crate) fn broken(&self, origin: &str, broken: bool) {
        self.dns.set_broken(origin, broken);
    }

    /// A domain with one MX, `mx.DOMAIN`, that behaves so.
    pub(crate) fn domain(&self, origin: &str, manner: Manner) -> Host {
        let host = self.host(manner);
        self.zone(origin, &format!("@ MX 10 mx\nmx A {}", host.ip()));
        host
    }

    /// A mail host with an address of its own, in no zone yet.
    pub(crate) fn host(&self, manner: Manner) -> Host {
        Host::start(SocketAddr::new(IpAddr::V4(self.address()), self.port), manner)
    }

    /// A certificate of the authority for these names, as a server shows it, and the certificate itself.
    pub(crate) fn certified(&self, names: &[&str]) -> (Arc<ServerConfig>, CertificateDer<'static>) {
        let key = KeyPair::generate().unwrap();
        let parameters = CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap();
        shown(&parameters.signed_by(&key, &self.authority).unwrap(), &key, None)
    }

    /// The same, shown with the authority's own.
    pub(crate) fn chained(&self, names: &[&str]) -> Arc<ServerConfig> {
        let key = KeyPair::generate().unwrap();
        let parameters = CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap();
        shown(&parameters.signed_by(&key, &self.authority).unwrap(), &key, Some(self.authority_certificate())).0
    }

    /// The same by nobody but itself.
    pub(crate) fn self_signed(names: &[&str]) -> (Arc<ServerConfig>, CertificateDer<'static>) {
        let key = KeyPair::generate().unwrap();
        let parameters = CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap();
        shown(&parameters.self_signed(&key).unwrap(), &key, None)
    }

    /// The authority's certificate.
    pub(crate) fn authority(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }

    /// The root zone's key, as a file of DNSKEY records.
    pub(crate) fn trust_anchors(&self) -> PathBuf {
        self.folder.path().join("anchors")
    }
}

fn shown(certificate: &Certificate, key: &KeyPair, above: Option<CertificateDer<'static>>) -> (Arc<ServerConfig>, CertificateDer<'static>) {
    let der = certificate.der().clone();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(std::iter::once(der.clone()).chain(above).collect(), PrivateKeyDer::try_from(key.serialize_der()).unwrap())
        .unwrap();
    (Arc::new(config), der)
}
