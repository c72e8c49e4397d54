//! Certificates that answer a certificate authority's question whether a name is ours (RFC 8737, `tls-alpn-01`).
//!
//! Asked by rustls within a handshake. What always holds: such a certificate is shown to nobody but who offers the protocol `acme-tls/1` alone,
//! and nothing is spoken on that connection: [`crate::Connection::start_tls`] ends it.

use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// The protocol name of RFC 8737 section 4; where it is not among an acceptor's, no question is answered.
pub const ACME_TLS_ALPN: &[u8] = b"acme-tls/1";

/// Answers to questions that are open, by name. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Challenges {
    open: Arc<RwLock<HashMap<String, Arc<CertifiedKey>>>>,
}

impl Challenges {
    /// Answer with this certificate, DER, and its key, PKCS #8 DER, for `name` until [`Challenges::forget`].
    pub fn answer(&self, name: &str, certificate: Vec<u8>, key: &[u8]) -> Result<(), rustls::Error> {
        let key = PrivateKeyDer::Pkcs8(key.to_vec().into());
        let provider = rustls::crypto::ring::default_provider();
        // Not `from_der`: it does not know the critical extension that makes the certificate an answer.
        let shown = CertifiedKey::new(vec![CertificateDer::from(certificate)], provider.key_provider.load_private_key(key)?);
        self.open.write().unwrap_or_else(PoisonError::into_inner).insert(name.to_ascii_lowercase(), Arc::new(shown));
        Ok(())
    }

    /// The question is settled.
    pub fn forget(&self, name: &str) {
        self.open.write().unwrap_or_else(PoisonError::into_inner).remove(&name.to_ascii_lowercase());
    }

    fn of(&self, name: &str) -> Option<Arc<CertifiedKey>> {
        self.open.read().unwrap_or_else(PoisonError::into_inner).get(&name.to_ascii_lowercase()).cloned()
    }
}

/// What is shown: our certificate, or the answer to a question.
#[derive(Debug)]
pub(crate) struct Shown {
    ours: Arc<CertifiedKey>,
    challenges: Challenges,
}

impl Shown {
    pub(crate) fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
        provider: &CryptoProvider,
        challenges: Challenges,
    ) -> Result<Self, rustls::Error> {
        Ok(Self { ours: Arc::new(CertifiedKey::from_der(chain, key, provider)?), challenges })
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let asks = hello.alpn().is_some_and(|mut offered| offered.next() == Some(ACME_TLS_ALPN) && offered.next().is_none());
        if asks { self.challenges.of(hello.server_name()?) } else { Some(self.ours.clone()) }
    }
}
