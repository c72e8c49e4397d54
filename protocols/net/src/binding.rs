//! What a log-in can be bound to, so that it counts on this TLS connection only and on none that somebody between has made of it.
//!
//! [`Bindings`] are asked of a [`crate::Connection`] by SASL mechanisms. What always holds: both values are those of the handshake that has
//! taken place, never of a certificate that was exchanged since.
//!
//! Known limits: under TLS 1.2 `tls-exporter` would need the extended master secret, which rustls does not tell of, so it is not offered
//! there. A certificate that is signed with Ed25519, Ed448 or something newer has no `tls-server-end-point`: RFC 5929 does not say with
//! which hash.

use ring::digest;
use rustls::pki_types::{AlgorithmIdentifier, CertificateDer, alg_id};
use std::sync::Arc;

/// Octets of `tls-exporter`.
pub const TLS_EXPORTER_BYTES: usize = 32;

/// The values that both ends of a TLS connection know; empty without TLS.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bindings {
    /// `tls-exporter`, of this connection alone.
    // RFC 9266 section 2.
    pub exporter: Option<[u8; TLS_EXPORTER_BYTES]>,
    /// `tls-server-end-point`, the hash of our certificate.
    // RFC 5929 section 4.
    pub server_end_point: Option<Arc<[u8]>>,
}

impl Bindings {
    /// There is nothing to bind to.
    pub fn is_empty(&self) -> bool {
        self.exporter.is_none() && self.server_end_point.is_none()
    }
}

/// The hash of a certificate, with the hash function that it is signed with; SHA-256 in place of MD5 and SHA-1.
// RFC 5929 section 4.1.
pub(crate) fn server_end_point(certificate: &CertificateDer<'_>) -> Option<Arc<[u8]>> {
    const MD5_OR_SHA1: [&[u8]; 3] = [
        // md5WithRSAEncryption and sha1WithRSAEncryption, with the NULL that belongs to them.
        b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x04\x05\x00",
        b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05\x05\x00",
        // ecdsa-with-SHA1.
        b"\x06\x07\x2a\x86\x48\xce\x3d\x04\x01",
    ];
    let signed_with = signature_algorithm(certificate)?;
    let is_one_of = |known: &[AlgorithmIdentifier]| known.iter().any(|known| known.as_ref() == signed_with);
    let with = if MD5_OR_SHA1.contains(&signed_with) || is_one_of(&[alg_id::RSA_PKCS1_SHA256, alg_id::RSA_PSS_SHA256, alg_id::ECDSA_SHA256])
    {
        &digest::SHA256
    } else if is_one_of(&[alg_id::RSA_PKCS1_SHA384, alg_id::RSA_PSS_SHA384, alg_id::ECDSA_SHA384]) {
        &digest::SHA384
    } else if is_one_of(&[alg_id::RSA_PKCS1_SHA512, alg_id::RSA_PSS_SHA512, alg_id::ECDSA_SHA512]) {
        &digest::SHA512
    } else {
        return None;
    };
    Some(digest::digest(with, certificate).as_ref().into())
}

/// The `signatureAlgorithm` of a certificate, without its tag and length: the second of the three parts.
// RFC 5280 section 4.1.
fn signature_algorithm(certificate: &[u8]) -> Option<&[u8]> {
    let (whole, _) = sequence(certificate)?;
    let (_, behind) = sequence(whole)?;
    sequence(behind).map(|(algorithm, _)| algorithm)
}

/// The content of the SEQUENCE in DER that stands first, and what is behind it.
fn sequence(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = der.strip_prefix(&[0x30])?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        // No certificate has more octets than three can count.
        0x81..=0x83 => {
            let (length, rest) = rest.split_at_checked(usize::from(first - 0x80))?;
            (length.iter().fold(0, |length, octet| length << 8 | usize::from(*octet)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519};

    #[test]
    fn the_hash_is_that_of_the_signature() {
        for (signed, octets) in [(&PKCS_ECDSA_P256_SHA256, Some(32)), (&PKCS_ECDSA_P384_SHA384, Some(48)), (&PKCS_ED25519, None)] {
            let key = KeyPair::generate_for(signed).unwrap();
            let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
            assert_eq!(server_end_point(certificate.der()).map(|hash| hash.len()), octets);
        }
    }

    #[test]
    fn what_is_no_certificate_has_no_hash() {
        for broken in
            [&b""[..], b"\x30", b"\x30\x05\x30", b"\x30\x84\x00\x00\x00\x00", b"\x31\x00", b"\x30\x83\xff\xff\xff\x30\x00", b"\x30\x00"]
        {
            assert_eq!(server_end_point(&CertificateDer::from(broken)), None, "{broken:?}");
        }
        assert_eq!(sequence(b"\x30\x81\x02abc"), Some((&b"ab"[..], &b"c"[..])));
    }
}
