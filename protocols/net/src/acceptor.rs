//! The server's certificate and TLS settings, exchangeable while serving.
//!
//! One [`Acceptor`] per ALPN name; made by the program, used by [`crate::serve`] and [`crate::Connection::start_tls`].

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

/// TLS settings that can be exchanged while connections use them. Clones share them.
#[derive(Debug, Clone)]
pub struct Acceptor {
    current: Arc<RwLock<Arc<ServerConfig>>>,
    /// Kept for [`Acceptor::reload`].
    alpn: Arc<[Vec<u8>]>,
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
}

impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate(why) => write!(f, "the certificate cannot be read: {why}"),
            Self::Key(why) => write!(f, "the private key cannot be read: {why}"),
            Self::Unusable(why) => write!(f, "certificate and key cannot be used: {why}"),
        }
    }
}

impl std::error::Error for CertificateError {}

impl Acceptor {
    /// From a certificate chain and its key, both PEM. `alpn` lists the protocol names that are spoken here: a client that offers
    /// only others is refused (RFC 7301 section 3.2), so that a session for one protocol cannot be turned to another.
    pub fn from_pem(certificate_pem: &[u8], key_pem: &[u8], alpn: &[&[u8]]) -> Result<Self, CertificateError> {
        let alpn: Arc<[Vec<u8>]> = alpn.iter().map(|name| name.to_vec()).collect();
        let config = config(certificate_pem, key_pem, &alpn)?;
        Ok(Self { current: Arc::new(RwLock::new(Arc::new(config))), alpn })
    }

    /// Exchange certificate and key for all clones. Connections that are open keep theirs; on an error nothing changes.
    pub fn reload(&self, certificate_pem: &[u8], key_pem: &[u8]) -> Result<(), CertificateError> {
        let config = Arc::new(config(certificate_pem, key_pem, &self.alpn)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(())
    }

    /// The settings for the next handshake.
    pub(crate) fn current(&self) -> Arc<ServerConfig> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn config(certificate_pem: &[u8], key_pem: &[u8], alpn: &[Vec<u8>]) -> Result<ServerConfig, CertificateError> {
    let chain = CertificateDer::pem_slice_iter(certificate_pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| CertificateError::Certificate(e.to_string()))?;
    if chain.is_empty() {
        return Err(CertificateError::Certificate("no certificate in it".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_slice(key_pem).map_err(|e| CertificateError::Key(e.to_string()))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(CertificateError::Unusable)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(CertificateError::Unusable)?;
    config.alpn_protocols = alpn.to_vec();
    Ok(config)
}
