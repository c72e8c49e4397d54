//! TLS settings of the outbound client.

use super::dane::{Association, DaneVerifier};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::sync::Arc;

/// What TLS one host must speak.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HostTls {
    /// When it is offered, with any certificate (RFC 7435); in the clear otherwise.
    Opportunistic,
    /// Always, with any certificate (RFC 7672 section 2.2: the domain says that it has TLS, in words that we do not know).
    Encrypted,
    /// Always, with a certificate for its name from an authority.
    Verified,
    /// Always, with a certificate that DNS vouches for (RFC 7672).
    Dane(Arc<[Association]>),
}

/// How a connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Secured {
    No,
    /// Against those who only listen.
    Unverified,
    /// The host is who it should be.
    Verified,
}

/// Settings of each kind, made once.
#[derive(Debug, Clone)]
pub(crate) struct TlsConfigs {
    provider: Arc<CryptoProvider>,
    opportunistic: Arc<ClientConfig>,
    pub(super) verified: Arc<ClientConfig>,
}

impl TlsConfigs {
    /// `more` authorities beside the public ones.
    pub(crate) fn new(more: &[CertificateDer<'static>]) -> Result<Self, rustls::Error> {
        let provider = Arc::new(ring::default_provider());
        let builder = || ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        for authority in more {
            roots.add(authority.clone())?;
        }
        let verified = builder()?.with_root_certificates(roots).with_no_client_auth();
        let any = Arc::new(AnyCertificate(provider.clone()));
        let opportunistic = builder()?.dangerous().with_custom_certificate_verifier(any).with_no_client_auth();
        Ok(Self { opportunistic: Arc::new(opportunistic), verified: Arc::new(verified), provider })
    }

    /// The settings for a host, and what they make a connection.
    pub(crate) fn of(&self, tls: &HostTls) -> Result<(Arc<ClientConfig>, Secured), rustls::Error> {
        Ok(match tls {
            HostTls::Opportunistic | HostTls::Encrypted => (self.opportunistic.clone(), Secured::Unverified),
            HostTls::Verified => (self.verified.clone(), Secured::Verified),
            HostTls::Dane(associations) => {
                let verifier = Arc::new(DaneVerifier::new(associations.clone(), self.provider.clone()));
                let builder = ClientConfig::builder_with_provider(self.provider.clone()).with_safe_default_protocol_versions()?;
                (Arc::new(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()), Secured::Verified)
            }
        })
    }
}

/// Takes any certificate. A name from MX is not authentic without DNSSEC, so a certificate for it would prove nothing, and a
/// refusal would only mean the same mail in the clear (RFC 7435 section 3). The handshake itself is checked as ever.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
