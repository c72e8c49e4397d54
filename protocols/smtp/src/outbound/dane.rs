//! Certificates that DNS vouches for (RFC 6698, RFC 7671, RFC 7672).
//!
//! What always holds: only answers that prove themselves come here; usages that need public authorities (PKIX-TA, PKIX-EE) are not used,
//! as RFC 7672 section 3.1.3 says.

use hickory_resolver::proto::rr::rdata::TLSA;
use hickory_resolver::proto::rr::rdata::tlsa::{CertUsage, Matching, Selector};
use ring::digest::{SHA256, SHA512, digest};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use std::sync::Arc;

/// One usable TLSA record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Association {
    /// DANE-TA: an authority of the domain's own. Otherwise DANE-EE: the host's own certificate.
    is_authority: bool,
    /// The public key only.
    is_key: bool,
    matching: Matches,
    data: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Matches {
    Whole,
    Sha256,
    Sha512,
}

impl Association {
    /// `None` for what we cannot use (RFC 7671 section 4.1: such a record is as if it were not there).
    pub(crate) fn of(record: &TLSA) -> Option<Self> {
        let is_authority = match record.cert_usage {
            CertUsage::DaneTa => true,
            CertUsage::DaneEe => false,
            _ => return None,
        };
        let is_key = match record.selector {
            Selector::Full => false,
            Selector::Spki => true,
            _ => return None,
        };
        let (matching, length) = match record.matching {
            Matching::Raw => (Matches::Whole, None),
            Matching::Sha256 => (Matches::Sha256, Some(32)),
            Matching::Sha512 => (Matches::Sha512, Some(64)),
            _ => return None,
        };
        let fits = length.is_none_or(|length| record.cert_data.len() == length);
        fits.then(|| Self { is_authority, is_key, matching, data: record.cert_data.clone() })
    }

    fn fits(&self, certificate: &CertificateDer<'_>) -> bool {
        let key;
        let selected: &[u8] = if self.is_key {
            let Ok(parsed) = ParsedCertificate::try_from(certificate) else { return false };
            key = parsed.subject_public_key_info();
            key.as_ref()
        } else {
            certificate.as_ref()
        };
        match self.matching {
            Matches::Whole => self.data == selected,
            Matches::Sha256 => self.data == digest(&SHA256, selected).as_ref(),
            Matches::Sha512 => self.data == digest(&SHA512, selected).as_ref(),
        }
    }
}

/// Takes the certificates that fit.
#[derive(Debug)]
pub(super) struct DaneVerifier {
    associations: Arc<[Association]>,
    provider: Arc<CryptoProvider>,
}

impl DaneVerifier {
    pub(super) fn new(associations: Arc<[Association]>, provider: Arc<CryptoProvider>) -> Self {
        Self { associations, provider }
    }
}

impl ServerCertVerifier for DaneVerifier {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        // RFC 7672 section 3.1.1: neither the names nor the dates in it matter.
        if self.associations.iter().any(|association| !association.is_authority && association.fits(own)) {
            return Ok(ServerCertVerified::assertion());
        }
        // RFC 7672 section 3.1.2: the authority must be in the chain, and vouch for the host's name.
        let mut roots = RootCertStore::empty();
        for authority in others {
            if self.associations.iter().any(|association| association.is_authority && association.fits(authority)) {
                roots.add(authority.clone().into_owned())?;
            }
        }
        if roots.is_empty() {
            return Err(Error::InvalidCertificate(CertificateError::UnknownIssuer));
        }
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), self.provider.clone()).build();
        let verifier = verifier.map_err(|error| Error::General(error.to_string()))?;
        verifier.verify_server_cert(own, others, name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

    fn judged(record: &TLSA, own: &CertificateDer<'_>, others: &[CertificateDer<'_>], name: &str) -> bool {
        let associations: Arc<[Association]> = Association::of(record).into_iter().collect();
        let verifier = DaneVerifier::new(associations, Arc::new(rustls::crypto::ring::default_provider()));
        let name = ServerName::try_from(name.to_owned()).unwrap();
        verifier.verify_server_cert(own, others, &name, &[], UnixTime::now()).is_ok()
    }

    #[test]
    fn certificates_fit_or_not() {
        let key = KeyPair::generate().unwrap();
        let own = CertificateParams::new(vec!["other.example".to_owned()]).unwrap().self_signed(&key).unwrap();
        let sum = |octets: &[u8]| digest(&SHA256, octets).as_ref().to_vec();
        let of_key = ParsedCertificate::try_from(own.der()).unwrap().subject_public_key_info().as_ref().to_vec();
        let ee = |selector, matching, data: Vec<u8>| TLSA::new(CertUsage::DaneEe, selector, matching, data);
        let good = |record: TLSA| judged(&record, own.der(), &[], "mx.b.example");
        // For another name all the same.
        assert!(good(ee(Selector::Spki, Matching::Sha256, sum(&of_key))));
        assert!(good(ee(Selector::Full, Matching::Sha256, sum(own.der()))));
        assert!(good(ee(Selector::Full, Matching::Raw, own.der().to_vec())));
        assert!(good(ee(Selector::Spki, Matching::Sha512, digest(&SHA512, &of_key).as_ref().to_vec())));
        assert!(!good(ee(Selector::Spki, Matching::Sha256, sum(b"another"))));
        assert!(!good(ee(Selector::Full, Matching::Sha256, sum(&of_key))));
        assert!(!good(TLSA::new(CertUsage::PkixEe, Selector::Spki, Matching::Sha256, sum(&of_key))), "needs a public authority");
    }

    #[test]
    fn an_authority_of_the_domain_vouches_for_its_names() {
        let mut parameters = CertificateParams::new(Vec::<String>::new()).unwrap();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap();
        let own =
            CertificateParams::new(vec!["mx.b.example".to_owned()]).unwrap().signed_by(&KeyPair::generate().unwrap(), &authority).unwrap();
        let root = authority.der().clone();
        let record = TLSA::new(CertUsage::DaneTa, Selector::Full, Matching::Sha256, digest(&SHA256, &root).as_ref().to_vec());
        assert!(judged(&record, own.der(), std::slice::from_ref(&root), "mx.b.example"));
        assert!(!judged(&record, own.der(), std::slice::from_ref(&root), "mx.c.example"));
        assert!(!judged(&record, own.der(), &[], "mx.b.example"), "it does not show the authority");
    }
}
