//! Who sends a message: a key pair that push services know us by, and tokens signed with it.

use crate::{PushError, new_key};
use data_encoding::BASE64URL_NOPAD;
use p256::SecretKey;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use p256::elliptic_curve::sec1::ToSec1Point;
use std::fmt;
use zeroize::Zeroizing;

/// For how long a token holds. RFC 8292 section 2 allows a day; half of it leaves room for clocks that differ.
pub const TOKEN_SECONDS: i64 = 12 * 3600;
/// Octets of the private key.
const KEY_BYTES: usize = 32;

/// The key pair of this server. Programs subscribe for its public key, so it must stay what it is.
#[derive(Clone)]
pub struct Vapid {
    key: SecretKey,
}

impl Vapid {
    /// A new pair.
    pub fn generate() -> Result<Self, PushError> {
        Ok(Self { key: new_key()? })
    }

    /// From what [`Vapid::to_bytes`] gave.
    pub fn from_bytes(octets: &[u8]) -> Result<Self, PushError> {
        SecretKey::from_slice(octets).map(|key| Self { key }).map_err(|_| PushError::Key)
    }

    /// The private key, to be kept.
    pub fn to_bytes(&self) -> Zeroizing<[u8; KEY_BYTES]> {
        Zeroizing::new(self.key.to_bytes().into())
    }

    /// The public key, not compressed, in base64url: what programs give their push service.
    pub fn public_key(&self) -> String {
        BASE64URL_NOPAD.encode(self.key.public_key().to_sec1_point(false).as_bytes())
    }

    /// The value of `Authorization` (RFC 8292 section 3) for a request to `origin` (scheme, host, and port where it is not the scheme's own) at
    /// `now` in seconds since 1970; `contact` is a `mailto:` or `https:` URL by which the service reaches whoever runs this server.
    pub fn authorization(&self, origin: &str, contact: &str, now: i64) -> String {
        let claims = serde_json::json!({ "aud": origin, "exp": now.saturating_add(TOKEN_SECONDS), "sub": contact });
        let head = BASE64URL_NOPAD.encode(br#"{"typ":"JWT","alg":"ES256"}"#);
        let signed = format!("{head}.{}", BASE64URL_NOPAD.encode(claims.to_string().as_bytes()));
        let signature: Signature = SigningKey::from(&self.key).sign(signed.as_bytes());
        format!("vapid t={signed}.{}, k={}", BASE64URL_NOPAD.encode(&signature.to_bytes()), self.public_key())
    }
}

impl fmt::Debug for Vapid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vapid").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use p256::ecdsa::VerifyingKey;
    use p256::ecdsa::signature::Verifier;

    #[test]
    fn a_token_says_who_for_whom_and_until_when() {
        let vapid = Vapid::generate().unwrap();
        let value = vapid.authorization("https://push.example.net", "mailto:postmaster@example.org", 1_453_341_205);
        let (token, key) = value.strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let (head, claims) = signed.split_once('.').unwrap();
        let text = |part: &str| String::from_utf8(BASE64URL_NOPAD.decode(part.as_bytes()).unwrap()).unwrap();
        assert_eq!(text(head), r#"{"typ":"JWT","alg":"ES256"}"#);
        let claims: serde_json::Value = serde_json::from_str(&text(claims)).unwrap();
        assert_eq!(claims["aud"], "https://push.example.net");
        assert_eq!(claims["sub"], "mailto:postmaster@example.org");
        assert_eq!(claims["exp"], 1_453_341_205 + 43_200);
        let key = VerifyingKey::from_sec1_bytes(&BASE64URL_NOPAD.decode(key.as_bytes()).unwrap()).unwrap();
        let signature = Signature::from_slice(&BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap()).unwrap();
        key.verify(signed.as_bytes(), &signature).unwrap();
        key.verify(b"something else", &signature).unwrap_err();
    }

    #[test]
    fn a_key_that_is_kept_is_the_same_key() {
        let vapid = Vapid::generate().unwrap();
        let again = Vapid::from_bytes(&*vapid.to_bytes()).unwrap();
        assert_eq!(vapid.public_key(), again.public_key());
        assert_eq!(vapid.public_key().len(), 87);
        assert_ne!(vapid.public_key(), Vapid::generate().unwrap().public_key());
        assert_eq!(Vapid::from_bytes(&[0; 32]).unwrap_err(), PushError::Key);
        assert_eq!(Vapid::from_bytes(b"short").unwrap_err(), PushError::Key);
    }
}
