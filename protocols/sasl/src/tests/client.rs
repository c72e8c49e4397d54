//! A client of SCRAM-SHA-256 (RFC 5802, RFC 7677). The tests of who carries the messages include this file too.

use data_encoding::BASE64;
use ring::{digest, hmac, pbkdf2};
use std::num::NonZeroU32;

/// What a client is about to say.
pub(crate) struct ScramClient {
    /// `n,,`, or what it binds to and as whom it wants to act.
    pub(crate) header: String,
    /// The value of the channel that it binds to.
    pub(crate) value: Vec<u8>,
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) nonce: String,
}

impl ScramClient {
    /// One that binds to nothing.
    pub(crate) fn new(user: &str, password: &str) -> Self {
        let [user, password] = [user, password].map(str::to_owned);
        Self { header: "n,,".to_owned(), value: Vec::new(), user, password, nonce: "rOprNGfwEbeRWgbNEkqO".to_owned() }
    }

    /// With another header, and the value that it stands for.
    pub(crate) fn bound(self, header: &str, value: &[u8]) -> Self {
        Self { header: header.to_owned(), value: value.to_vec(), ..self }
    }

    fn bare(&self) -> String {
        format!("n={},r={}", self.user, self.nonce)
    }

    /// The first message.
    pub(crate) fn first(&self) -> String {
        format!("{}{}", self.header, self.bare())
    }

    /// The last message, and what the server must answer.
    pub(crate) fn last(&self, server_first: &str) -> (String, String) {
        let part = |name: &str| server_first.split(',').find_map(|part| part.strip_prefix(name)).unwrap_or_default().to_owned();
        let (salt, iterations) = (BASE64.decode(part("s=").as_bytes()).unwrap(), part("i=").parse().unwrap());
        let nonce = part("r=");
        assert!(nonce.starts_with(&self.nonce) && nonce.len() > self.nonce.len());
        let mut salted = [0; 32];
        let iterations = NonZeroU32::new(iterations).unwrap();
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, iterations, &salt, self.password.as_bytes(), &mut salted);
        let binding = BASE64.encode(&[self.header.as_bytes(), &self.value].concat());
        let without_proof = format!("c={binding},r={nonce}");
        let signed = format!("{},{server_first},{without_proof}", self.bare());
        let client = sign(&salted, b"Client Key");
        let mut proof = sign(digest::digest(&digest::SHA256, &client).as_ref(), signed.as_bytes());
        proof.iter_mut().zip(&client).for_each(|(octet, key)| *octet ^= key);
        let server = sign(&sign(&salted, b"Server Key"), signed.as_bytes());
        (format!("{without_proof},p={}", BASE64.encode(&proof)), format!("v={}", BASE64.encode(&server)))
    }
}

fn sign(key: &[u8], message: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message).as_ref().to_vec()
}
