//! Client certificates: which authorities vouch for the one that a peer has shown.
//!
//! Made by `acceptor`, asked by rustls within the handshake and by [`crate::Connection::start_tls`] after it. What always holds: a
//! certificate that no authority vouches for ends the handshake; whoever shows none is served all the same; a resumed session's
//! certificate is judged anew, since rustls takes it over from the session that it was shown in.
//!
//! Known limits: revocation lists are not read, so a certificate that is lost counts until it expires or its authority is taken
//! out; of the authorities' own certificates the dates are not looked at.

use crate::CertificateError;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, RootCertStore, SignatureScheme};
use std::sync::Arc;

/// Whose word counts for whom: a name and the certificates that may sign.
#[derive(Debug, Clone)]
pub struct Authority {
    /// What [`PeerCertificate::authorities`] tells: the zone's name. The same name may stand for several authorities.
    pub name: Arc<str>,
    /// One or more certificates of authorities, PEM.
    pub certificates_pem: Vec<u8>,
}

/// The certificate that a peer has shown, with the proof that it has the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerCertificate {
    /// The names of all authorities that vouch for it, at least one, each once, in the order in which they were given.
    pub authorities: Vec<Arc<str>>,
    /// The certificate itself, DER.
    pub der: Vec<u8>,
}

/// No authority vouches for the certificate, or not any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotVouchedFor;

/// The authorities of one set of TLS settings.
#[derive(Debug)]
pub(crate) struct Authorities {
    verifiers: Vec<(Arc<str>, Arc<dyn ClientCertVerifier>)>,
    /// The names of all of them, sent to the client so that it can choose.
    hints: Vec<DistinguishedName>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Authorities {
    pub(crate) fn new(authorities: &[Authority], provider: &Arc<CryptoProvider>) -> Result<Self, CertificateError> {
        let mut verifiers = Vec::new();
        let mut hints: Vec<DistinguishedName> = Vec::new();
        for authority in authorities {
            let verifier =
                verifier(authority, provider).map_err(|why| CertificateError::Authority { name: authority.name.to_string(), why })?;
            for hint in verifier.root_hint_subjects() {
                if !hints.iter().any(|known| known.as_ref() == hint.as_ref()) {
                    hints.push(hint.clone());
                }
            }
            verifiers.push((authority.name.clone(), verifier));
        }
        Ok(Self { verifiers, hints, algorithms: provider.signature_verification_algorithms })
    }

    /// What a peer is that has shown this chain, its own certificate first.
    pub(crate) fn judge(&self, chain: &[CertificateDer<'_>], now: UnixTime) -> Result<PeerCertificate, NotVouchedFor> {
        let (own, between) = chain.split_first().ok_or(NotVouchedFor)?;
        let mut authorities: Vec<Arc<str>> = Vec::new();
        for (name, verifier) in &self.verifiers {
            if !authorities.contains(name) && verifier.verify_client_cert(own, between, now).is_ok() {
                authorities.push(name.clone());
            }
        }
        if authorities.is_empty() { Err(NotVouchedFor) } else { Ok(PeerCertificate { authorities, der: own.to_vec() }) }
    }
}

fn verifier(authority: &Authority, provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ClientCertVerifier>, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&authority.certificates_pem) {
        let certificate = certificate.map_err(|e| e.to_string())?;
        roots.add(certificate).map_err(|e| e.to_string())?;
    }
    // An empty store is refused.
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build().map_err(|e| e.to_string())
}

impl ClientCertVerifier for Authorities {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(
        &self,
        own: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let unknown = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let mut why = unknown.clone();
        for (_, verifier) in &self.verifiers {
            match verifier.verify_client_cert(own, between, now) {
                Ok(verified) => return Ok(verified),
                // That one of them knows it and refuses it says more than that the others do not know it.
                Err(error) if error != unknown => why = error,
                Err(_) => {}
            }
        }
        Err(why)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
