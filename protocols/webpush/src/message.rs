//! The message: encrypted for the holder of one key, in one record.

use crate::new_key;
use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes128Gcm, KeyInit};
use data_encoding::BASE64URL_NOPAD;
use hkdf::Hkdf;
use p256::elliptic_curve::sec1::ToSec1Point;
use p256::{PublicKey, SecretKey};
use sha2::Sha256;
use std::fmt;
use zeroize::Zeroizing;

/// Octets of what a message says. RFC 8291 section 4 lets a service refuse bodies of more than 4096.
pub const PAYLOAD_BYTES_MAX: usize = 3993;
/// Octets of a public key that is not compressed (RFC 8291 section 2).
const POINT_BYTES: usize = 65;
/// Octets of the authentication secret (RFC 8291 section 3.2).
const AUTH_BYTES: usize = 16;
/// Octets of the salt, and of GCM's tag.
const BLOCK_BYTES: usize = 16;
/// Octets of GCM's nonce.
const NONCE_BYTES: usize = 12;
/// Octets of a record: the whole message is one, so any size not below it does.
const RECORD_BYTES: u32 = 4096;
/// What ends the last record (RFC 8188 section 2).
const LAST_RECORD: u8 = 2;

/// Why there is no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PushError {
    /// The program's public key is not a point of the curve, not compressed, in base64url.
    PublicKey,
    /// The authentication secret is not 16 octets in base64url.
    AuthSecret,
    /// More than [`PAYLOAD_BYTES_MAX`].
    TooLong,
    /// What is kept of a key is none.
    Key,
    /// The system gives no random octets.
    Random,
}

impl fmt::Display for PushError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PublicKey => "the public key is not a point of P-256 in base64url",
            Self::AuthSecret => "the authentication secret is not 16 octets in base64url",
            Self::TooLong => "the message is too long",
            Self::Key => "the key that is kept is none",
            Self::Random => "the system gives no random octets",
        })
    }
}

impl std::error::Error for PushError {}

/// A program that messages are made for: what it said of itself when it subscribed.
#[derive(Clone)]
pub struct Recipient {
    public: PublicKey,
    point: [u8; POINT_BYTES],
    auth: Zeroizing<[u8; AUTH_BYTES]>,
}

impl Recipient {
    /// From the public key and the authentication secret as they are written: base64url, with or without padding.
    pub fn read(public_key: &str, auth_secret: &str) -> Result<Self, PushError> {
        let point = decoded::<POINT_BYTES>(public_key).ok_or(PushError::PublicKey)?;
        let public = PublicKey::from_sec1_bytes(&point).map_err(|_| PushError::PublicKey)?;
        let auth = decoded::<AUTH_BYTES>(auth_secret).ok_or(PushError::AuthSecret)?;
        Ok(Self { public, point, auth: Zeroizing::new(auth) })
    }

    /// The body of a request with `Content-Encoding: aes128gcm`.
    pub fn encrypt(&self, payload: &[u8]) -> Result<Vec<u8>, PushError> {
        let mut salt = [0u8; BLOCK_BYTES];
        getrandom::fill(&mut salt).map_err(|_| PushError::Random)?;
        self.encrypt_with(&new_key()?, salt, payload)
    }

    fn encrypt_with(&self, ours: &SecretKey, salt: [u8; BLOCK_BYTES], payload: &[u8]) -> Result<Vec<u8>, PushError> {
        if payload.len() > PAYLOAD_BYTES_MAX {
            return Err(PushError::TooLong);
        }
        let point = ours.public_key().to_sec1_point(false);
        let (key, nonce) = self.secrets(ours, point.as_bytes(), &salt)?;
        // RFC 8188 section 2.1: salt, size of records, length of the key's name, the name, which RFC 8291 makes our public key.
        let mut body = Vec::with_capacity(BLOCK_BYTES + 5 + POINT_BYTES + payload.len() + 1 + BLOCK_BYTES);
        body.extend_from_slice(&salt);
        body.extend_from_slice(&RECORD_BYTES.to_be_bytes());
        body.push(POINT_BYTES as u8);
        body.extend_from_slice(point.as_bytes());
        let mut record = payload.to_vec();
        record.push(LAST_RECORD);
        let cipher = Aes128Gcm::new((&*key).into());
        cipher.encrypt_in_place((&nonce).into(), b"", &mut record).map_err(|_| PushError::TooLong)?;
        body.append(&mut record);
        Ok(body)
    }

    /// The key and the nonce of the one record (RFC 8291 section 3.4).
    fn secrets(
        &self,
        ours: &SecretKey,
        our_point: &[u8],
        salt: &[u8],
    ) -> Result<(Zeroizing<[u8; BLOCK_BYTES]>, [u8; NONCE_BYTES]), PushError> {
        let shared = ours.diffie_hellman(&self.public);
        let (_, first) = Hkdf::<Sha256>::extract(Some(&*self.auth), shared.raw_secret_bytes());
        let info = [b"WebPush: info\0", &self.point[..], our_point].concat();
        let mut keying = Zeroizing::new([0u8; 32]);
        expand(&first, &info, &mut *keying)?;
        let (_, second) = Hkdf::<Sha256>::extract(Some(salt), &*keying);
        let mut key = Zeroizing::new([0u8; BLOCK_BYTES]);
        expand(&second, b"Content-Encoding: aes128gcm\0", &mut *key)?;
        let mut nonce = [0u8; NONCE_BYTES];
        expand(&second, b"Content-Encoding: nonce\0", &mut nonce)?;
        Ok((key, nonce))
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recipient").finish_non_exhaustive()
    }
}

/// So many octets as there is room for; a hash gives far more than is asked for here.
fn expand(from: &Hkdf<Sha256>, info: &[u8], into: &mut [u8]) -> Result<(), PushError> {
    from.expand(info, into).map_err(|_| PushError::TooLong)
}

/// Exactly so many octets; programs write them with padding and without.
fn decoded<const BYTES: usize>(text: &str) -> Option<[u8; BYTES]> {
    let octets = Zeroizing::new(BASE64URL_NOPAD.decode(text.trim().trim_end_matches('=').as_bytes()).ok()?);
    <[u8; BYTES]>::try_from(octets.as_slice()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLIC: &str = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
    const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";

    #[test]
    fn the_example_of_rfc_8291() {
        // Section 5.
        let ours = BASE64URL_NOPAD.decode(b"yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw").unwrap();
        let salt = decoded("DGv6ra1nlYgDCS1FRnbzlw").unwrap();
        let recipient = Recipient::read(PUBLIC, AUTH).unwrap();
        let payload = b"When I grow up, I want to be a watermelon";
        let body = recipient.encrypt_with(&SecretKey::from_slice(&ours).unwrap(), salt, payload).unwrap();
        let expected = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95b\
            Qpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";
        assert_eq!(BASE64URL_NOPAD.encode(&body), expected);
    }

    #[test]
    fn no_two_messages_are_alike() {
        let recipient = Recipient::read(PUBLIC, AUTH).unwrap();
        let (one, other) = (recipient.encrypt(b"x").unwrap(), recipient.encrypt(b"x").unwrap());
        assert_eq!(one.len(), other.len());
        // Salt, key and text all differ.
        assert!(one[..BLOCK_BYTES] != other[..BLOCK_BYTES] && one[21..86] != other[21..86] && one[86..] != other[86..]);
    }

    #[test]
    fn what_is_no_key_is_refused() {
        assert!(Recipient::read(&format!("{PUBLIC}="), &format!("{AUTH}==")).is_ok());
        // Not on the curve; too short; not base64url; a secret of another length.
        let mut off = decoded::<POINT_BYTES>(PUBLIC).unwrap();
        off[64] ^= 1;
        for (public, auth, why) in [
            (BASE64URL_NOPAD.encode(&off).as_str(), AUTH, PushError::PublicKey),
            (&PUBLIC[..40], AUTH, PushError::PublicKey),
            ("+/", AUTH, PushError::PublicKey),
            (PUBLIC, "BTBZMqHH6r4Tts7J_aSI", PushError::AuthSecret),
            (PUBLIC, "", PushError::AuthSecret),
        ] {
            assert_eq!(Recipient::read(public, auth).unwrap_err(), why);
        }
    }

    #[test]
    fn a_message_fills_one_body_and_no_more() {
        let recipient = Recipient::read(PUBLIC, AUTH).unwrap();
        assert_eq!(recipient.encrypt(&vec![0; PAYLOAD_BYTES_MAX]).unwrap().len(), 4096);
        assert_eq!(recipient.encrypt(&vec![0; PAYLOAD_BYTES_MAX + 1]), Err(PushError::TooLong));
    }
}
