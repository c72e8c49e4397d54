//! App passwords: 160 random bits behind a visible id, as `id-secret` in lower-case base32.
//!
//! One candidate is looked up by its id and a keyed BLAKE3 is compared in constant time: no slow hash is needed against 160 random bits.

use crate::key::{DataKey, fill_random};
use data_encoding::{Encoding, Specification};
use std::io;
use std::sync::LazyLock;
use zeroize::Zeroizing;

const ID_BYTES: usize = 5;
const SECRET_BYTES: usize = 20;
/// Longest secret that a log-in looks at: an app password and a code, with room.
pub(crate) const SECRET_TEXT_BYTES_MAX: usize = 256;

pub(crate) static BASE32: LazyLock<Encoding> = LazyLock::new(|| {
    let mut specification = Specification::new();
    // RFC 4648 section 6 in lower case: easy to read out, no 0/O or 1/l.
    specification.symbols.push_str("abcdefghijklmnopqrstuvwxyz234567");
    // The 32 symbols above are distinct, which is all that is asked.
    specification.encoding().expect("32 distinct symbols")
});

/// A new app password: its visible id, the whole text to show once, and the hash to keep.
pub(crate) struct Fresh {
    pub(crate) public_id: String,
    pub(crate) text: Zeroizing<String>,
    pub(crate) keyed_hash: [u8; 32],
}

pub(crate) fn generate(key: &DataKey) -> io::Result<Fresh> {
    let mut id = [0u8; ID_BYTES];
    let mut secret = Zeroizing::new([0u8; SECRET_BYTES]);
    fill_random(&mut id)?;
    fill_random(&mut *secret)?;
    let public_id = BASE32.encode(&id);
    let secret_text = Zeroizing::new(BASE32.encode(&*secret));
    let keyed_hash = *key.hash_secret(secret_text.as_bytes()).as_bytes();
    Ok(Fresh { text: Zeroizing::new(format!("{public_id}-{}", *secret_text)), public_id, keyed_hash })
}

/// What a client sent as its password: an app password, and the code after it if one was appended (`secret 123456`).
pub(crate) struct Presented<'a> {
    pub(crate) public_id: &'a str,
    pub(crate) secret: &'a str,
    pub(crate) code: Option<&'a str>,
}

pub(crate) fn parse(text: &str) -> Option<Presented<'_>> {
    if text.len() > SECRET_TEXT_BYTES_MAX {
        return None;
    }
    let (password, code) = match text.trim_end().rsplit_once(' ') {
        Some((password, code)) if crate::factors::is_inband_code(code) => (password.trim_end(), Some(code)),
        _ => (text, None),
    };
    let (public_id, secret) = password.split_once('-')?;
    Some(Presented { public_id, secret, code })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_code_may_follow_the_secret() {
        let key = DataKey::from_bytes(&[7; 32]);
        let fresh = generate(&key).unwrap();
        let text = format!("{} 123456", *fresh.text);
        let presented = parse(&text).unwrap();
        assert_eq!(presented.public_id, fresh.public_id);
        assert_eq!(presented.code, Some("123456"));
        assert_eq!(key.hash_secret(presented.secret.as_bytes()), blake3::Hash::from_bytes(fresh.keyed_hash));
        assert_eq!(presented.secret.len(), 32);
        assert!(parse(&fresh.text).unwrap().code.is_none());
        assert!(parse("nodash").is_none());
    }
}
