//! Web Push: a short message made for one program, which the service that carries it cannot read (RFC 8291, RFC 8188), and the proof of
//! who sends it (RFC 8292).
//!
//! Called by whoever has something to tell a program that does not ask at this moment. No I/O: who sends the result asks a web server. What
//! always holds: each message has a key and a salt of its own, and a private key leaves memory zeroised.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod message;
mod vapid;

pub use message::{PAYLOAD_BYTES_MAX, PushError, Recipient};
pub use vapid::{TOKEN_SECONDS, Vapid};

use p256::SecretKey;
use zeroize::Zeroizing;

/// A new key. Almost every 32 octets are one; the few others are drawn again.
fn new_key() -> Result<SecretKey, PushError> {
    let mut drawn = Zeroizing::new([0u8; 32]);
    loop {
        getrandom::fill(&mut *drawn).map_err(|_| PushError::Random)?;
        if let Ok(key) = SecretKey::from_slice(&*drawn) {
            return Ok(key);
        }
    }
}
