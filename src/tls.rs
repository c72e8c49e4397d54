//! Certificates: from files, from an authority, or self-made at first start; and the acceptors that show them, which can be given others while they serve.

use crate::acme::Kept;
use crate::config::Config;
use octroi_net::{Acceptor, Authority, CertificateError};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, SanType};
use std::fs;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use zeroize::Zeroizing;

/// How long a self-made certificate holds. Whoever runs the server for real brings one of their own.
const SELF_MADE_DAYS: i64 = 825;

/// Certificate chain and key in PEM.
pub(crate) struct Certificate {
    pub(crate) file: PathBuf,
    chain: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
}

impl Certificate {
    /// Read both files.
    pub(crate) fn from_files(chain: &Path, key: &Path) -> Result<Self, String> {
        let read = |file: &Path| fs::read(file).map_err(|e| format!("cannot read {}: {e}", file.display()));
        Ok(Self { file: chain.to_owned(), chain: read(chain)?, key: Zeroizing::new(read(key)?) })
    }

    /// The one that a configuration names, the one that an authority gave, or the self-made one of its data folder.
    pub(crate) fn of(config: &Config) -> Result<Self, String> {
        if let Some(tls) = &config.tls {
            return Self::from_files(&tls.certificate, &tls.key);
        }
        let issued = match &config.acme {
            Some(acme) => Kept::of(&config.data).certificate(&acme.names(&config.hostname))?,
            None => None,
        };
        match issued {
            Some(issued) => Ok(issued),
            None => Self::self_made(&config.data.join("tls"), &config.hostname),
        }
    }

    /// The self-made one of a data folder; made now if there is none.
    fn self_made(folder: &Path, hostname: &str) -> Result<Self, String> {
        let (chain, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
        if !chain.exists() || !key.exists() {
            make(folder, &chain, &key, hostname).map_err(|e| format!("cannot make a certificate in {}: {e}", folder.display()))?;
        }
        Self::from_files(&chain, &key)
    }

    /// For one protocol, with the authorities whose word counts for clients' certificates.
    pub(crate) fn acceptor(&self, alpn: &[&[u8]], authorities: &[Authority]) -> Result<Acceptor, String> {
        Acceptor::from_pem(&self.chain, &self.key, alpn, authorities).map_err(|e| format!("{}: {e}", self.file.display()))
    }
}

/// The acceptors of a running server. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Acceptors {
    all: Arc<Vec<Acceptor>>,
    /// Whose word counts for clients' certificates now.
    authorities: Arc<Mutex<Vec<Authority>>>,
}

impl Acceptors {
    /// All that a server has, with the authorities they were made with.
    pub(crate) fn new(all: Vec<Acceptor>, authorities: Vec<Authority>) -> Self {
        Self { all: Arc::new(all), authorities: Arc::new(Mutex::new(authorities)) }
    }

    /// Another certificate, key and authorities for all of them, or on an error for none. Connections that are open keep theirs.
    pub(crate) fn reload(&self, certificate: &Certificate, authorities: &[Authority]) -> Result<(), String> {
        let mut current = self.authorities.lock().unwrap_or_else(PoisonError::into_inner);
        self.exchange(certificate, authorities)?;
        authorities.clone_into(&mut current);
        Ok(())
    }

    /// Another certificate and key under the same authorities.
    pub(crate) fn renew(&self, certificate: &Certificate) -> Result<(), String> {
        let current = self.authorities.lock().unwrap_or_else(PoisonError::into_inner);
        self.exchange(certificate, &current)
    }

    fn exchange(&self, certificate: &Certificate, authorities: &[Authority]) -> Result<(), String> {
        // They differ in nothing that could be wrong: what one more of them takes, all take.
        certificate.acceptor(&[], authorities)?;
        let fail = |e: CertificateError| format!("{}: {e}", certificate.file.display());
        self.all.iter().try_for_each(|acceptor| acceptor.reload(&certificate.chain, &certificate.key, authorities).map_err(fail))
    }
}

fn make(folder: &Path, chain: &Path, key: &Path, hostname: &str) -> Result<(), Box<dyn std::error::Error>> {
    fs::create_dir_all(folder)?;
    let mut names = vec![hostname.to_owned()];
    if hostname != "localhost" {
        names.push("localhost".to_owned());
    }
    let mut parameters = CertificateParams::new(names)?;
    parameters.subject_alt_names.push(SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)));
    parameters.subject_alt_names.push(SanType::IpAddress(IpAddr::V6(Ipv6Addr::LOCALHOST)));
    parameters.distinguished_name = DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, hostname);
    let now = jiff::Timestamp::now().as_second();
    let day = |offset: i64| {
        let date = jiff::Timestamp::from_second(now + offset * 86_400).unwrap_or_default().to_zoned(jiff::tz::TimeZone::UTC);
        rcgen::date_time_ymd(i32::from(date.year()), date.month().unsigned_abs(), date.day().unsigned_abs())
    };
    parameters.not_before = day(-1);
    parameters.not_after = day(SELF_MADE_DAYS);
    let pair = KeyPair::generate()?;
    let certificate = parameters.self_signed(&pair)?;
    fs::write(chain, certificate.pem())?;
    let mut out = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(key)?;
    out.write_all(Zeroizing::new(pair.serialize_pem()).as_bytes())?;
    out.sync_all()?;
    Ok(())
}
