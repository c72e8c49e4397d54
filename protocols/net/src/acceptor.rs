//! The server's certificate, the authorities of clients' certificates and the TLS settings, exchangeable while serving.
//!
//! One [`Acceptor`] per ALPN name; made by the program, used by [`crate::serve`] and [`crate::Connection::start_tls`].

use crate::authority::{Authorities, Authority, NotVouchedFor, PeerCertificate};
use crate::binding;
use crate::challenge::{Challenges, Shown};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

/// TLS settings that can be exchanged while connections use them. Clones share them.
#[derive(Debug, Clone)]
pub struct Acceptor {
    current: Arc<RwLock<Arc<Settings>>>,
    /// Kept for [`Acceptor::reload`].
    alpn: Arc<[Vec<u8>]>,
    challenges: Challenges,
}

/// What one handshake goes by.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) config: Arc<ServerConfig>,
    /// Of the certificate that is shown.
    pub(crate) server_end_point: Option<Arc<[u8]>>,
    authorities: Arc<Authorities>,
}

/// What is wrong with a certificate or its key.
#[derive(Debug)]
pub enum CertificateError {
    /// The certificate file is not PEM, or holds no certificate.
    Certificate(String),
    /// The key file is not PEM, or holds no private key.
    Key(String),
    /// The two do not fit together, or the key is of a kind that is not supported.
    Unusable(rustls::Error),
    /// An authority's certificates are not PEM, or none, or not usable.
    Authority {
        /// Its name.
        name: String,
        /// What is wrong.
        why: String,
    },
}

impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate(why) => write!(f, "the certificate cannot be read: {why}"),
            Self::Key(why) => write!(f, "the private key cannot be read: {why}"),
            Self::Unusable(why) => write!(f, "certificate and key cannot be used: {why}"),
            Self::Authority { name, why } => write!(f, "the authority of `{name}` cannot be used: {why}"),
        }
    }
}

impl std::error::Error for CertificateError {}

impl Acceptor {
    /// From a certificate chain and its key, both PEM. `alpn` lists the protocol names that are spoken here: a client that offers
    /// only others is refused (RFC 7301 section 3.2), so that a session for one protocol cannot be turned to another.
    ///
    /// With `authorities`, clients are asked for a certificate, which they need not have; [`crate::Peer::certificate`] tells it.
    /// One for which none of the authorities vouches ends the handshake.
    pub fn from_pem(certificate_pem: &[u8], key_pem: &[u8], alpn: &[&[u8]], authorities: &[Authority]) -> Result<Self, CertificateError> {
        let alpn: Arc<[Vec<u8>]> = alpn.iter().map(|name| name.to_vec()).collect();
        let challenges = Challenges::default();
        let settings = settings(certificate_pem, key_pem, &alpn, authorities, &challenges)?;
        Ok(Self { current: Arc::new(RwLock::new(Arc::new(settings))), alpn, challenges })
    }

    /// Exchange certificate, key and authorities for all clones. Connections that are open keep theirs; sessions are not resumed
    /// from one side of the change to the other; on an error nothing changes.
    pub fn reload(&self, certificate_pem: &[u8], key_pem: &[u8], authorities: &[Authority]) -> Result<(), CertificateError> {
        let settings = Arc::new(settings(certificate_pem, key_pem, &self.alpn, authorities, &self.challenges)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = settings;
        Ok(())
    }

    /// Where questions of a certificate authority are answered, if [`crate::ACME_TLS_ALPN`] is among the names.
    pub fn challenges(&self) -> &Challenges {
        &self.challenges
    }

    /// The settings for the next handshake.
    pub(crate) fn current(&self) -> Arc<Settings> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Settings {
    /// The certificate that came out of a handshake, if the client has shown one.
    pub(crate) fn certificate(&self, chain: Option<&[CertificateDer<'_>]>) -> Result<Option<Arc<PeerCertificate>>, NotVouchedFor> {
        chain.map(|chain| self.authorities.judge(chain, UnixTime::now()).map(Arc::new)).transpose()
    }
}

fn settings(
    certificate_pem: &[u8],
    key_pem: &[u8],
    alpn: &[Vec<u8>],
    authorities: &[Authority],
    challenges: &Challenges,
) -> Result<Settings, CertificateError> {
    let chain = CertificateDer::pem_slice_iter(certificate_pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| CertificateError::Certificate(e.to_string()))?;
    if chain.is_empty() {
        return Err(CertificateError::Certificate("no certificate in it".to_owned()));
    }
    let server_end_point = chain.first().and_then(binding::server_end_point);
    let key = PrivateKeyDer::from_pem_slice(key_pem).map_err(|e| CertificateError::Key(e.to_string()))?;
    let provider = Arc::new(ring::default_provider());
    let trusted = Arc::new(Authorities::new(authorities, &provider)?);
    let shown = Shown::new(chain, key, &provider, challenges.clone()).map_err(CertificateError::Unusable)?;
    let builder =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(CertificateError::Unusable)?;
    let builder = if authorities.is_empty() { builder.with_no_client_auth() } else { builder.with_client_cert_verifier(trusted.clone()) };
    let mut config = builder.with_cert_resolver(Arc::new(shown));
    config.alpn_protocols = alpn.to_vec();
    // Its memory of sessions to resume is its own: no session outlives the authorities under which it began.
    Ok(Settings { config: Arc::new(config), server_end_point, authorities: trusted })
}
