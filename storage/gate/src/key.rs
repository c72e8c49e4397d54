//! The data folder's key: hashes app passwords and seals second-factor secrets, so that a copied index alone opens nothing.
//!
//! Made at first start, kept in `secret.key` beside the journal with mode 0600. Losing it invalidates every app password and second factor.

use crate::addressing::SrsKey;
use data_encoding::HEXLOWER;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use zeroize::Zeroizing;

/// Its name in the data folder.
pub const KEY_FILE: &str = "secret.key";

/// 256 random bits and what is derived from them.
pub struct DataKey {
    app_passwords: Zeroizing<[u8; 32]>,
    salts: Zeroizing<[u8; 32]>,
    topics: Zeroizing<[u8; 32]>,
    links: Zeroizing<[u8; 32]>,
    sealing: LessSafeKey,
    srs: SrsKey,
}

impl DataKey {
    /// Read the key from `file`, or make it there.
    pub fn load_or_create(file: &Path) -> io::Result<Self> {
        match fs::read(file) {
            Ok(text) => {
                let text = Zeroizing::new(text);
                let bytes = HEXLOWER.decode(text.trim_ascii()).ok().and_then(|b| <[u8; 32]>::try_from(b).ok());
                bytes
                    .map(|b| Self::from_bytes(&Zeroizing::new(b)))
                    .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, format!("{} does not hold a key", file.display())))
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => Self::create(file),
            Err(e) => Err(e),
        }
    }

    fn create(file: &Path) -> io::Result<Self> {
        let mut bytes = Zeroizing::new([0u8; 32]);
        fill_random(&mut *bytes)?;
        let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
        out.write_all(Zeroizing::new(HEXLOWER.encode(&*bytes)).as_bytes())?;
        out.sync_all()?;
        if let Some(folder) = file.parent() {
            fs::File::open(folder)?.sync_all()?;
        }
        Ok(Self::from_bytes(&bytes))
    }

    /// Derive the working keys from the 32 bytes of the file.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        let sealing = Zeroizing::new(blake3::derive_key("octroi 2026 second-factor sealing", bytes));
        // The key has the algorithm's length, so this cannot fail.
        let unbound = UnboundKey::new(&CHACHA20_POLY1305, &*sealing).expect("32 bytes are a ChaCha20 key");
        Self {
            app_passwords: Zeroizing::new(blake3::derive_key("octroi 2026 app password hash", bytes)),
            salts: Zeroizing::new(blake3::derive_key("octroi 2026 scram salt", bytes)),
            topics: Zeroizing::new(blake3::derive_key("octroi 2026 push topic", bytes)),
            links: Zeroizing::new(blake3::derive_key("octroi 2026 published link", bytes)),
            sealing: LessSafeKey::new(unbound),
            srs: SrsKey::new(&Zeroizing::new(blake3::derive_key("octroi 2026 sender rewriting", bytes))),
        }
    }

    /// The keyed hash under which an app password's secret is stored.
    pub(crate) fn hash_secret(&self, secret: &[u8]) -> blake3::Hash {
        blake3::keyed_hash(&self.app_passwords, secret)
    }

    /// What the salt for a name is taken from: nobody without the key can tell it from the salt of a name that is not there.
    pub(crate) fn hash_salt(&self, name: &[u8]) -> blake3::Hash {
        blake3::keyed_hash(&self.salts, name)
    }

    /// What collections are called in push messages: nobody without the key can make one of a number.
    pub(crate) fn hash_topic(&self, of: &[u8]) -> blake3::Hash {
        blake3::keyed_hash(&self.topics, of)
    }

    /// Under which a published link is kept: nobody can make a link of it.
    pub(crate) fn hash_link(&self, secret: &[u8]) -> blake3::Hash {
        blake3::keyed_hash(&self.links, secret)
    }

    /// What the return paths of forwarded mail are made with.
    pub(crate) fn srs(&self) -> &SrsKey {
        &self.srs
    }

    /// Encrypt a short secret for the journal.
    pub(crate) fn seal(&self, secret: &[u8]) -> io::Result<Vec<u8>> {
        let mut nonce = [0u8; NONCE_LEN];
        fill_random(&mut nonce)?;
        let mut sealed = secret.to_vec();
        self.sealing
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut sealed)
            .map_err(|_| io::Error::other("sealing failed"))?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Decrypt what [`DataKey::seal`] made; `None` when it was made under another key or altered.
    pub(crate) fn unseal(&self, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, text) = sealed.split_at_checked(NONCE_LEN)?;
        let mut text = Zeroizing::new(text.to_vec());
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let bytes = self.sealing.open_in_place(nonce, Aad::empty(), &mut text).ok()?.len();
        text.truncate(bytes);
        Some(text)
    }
}

/// Random octets from the operating system.
pub(crate) fn fill_random(into: &mut [u8]) -> io::Result<()> {
    getrandom::fill(into).map_err(io::Error::other)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_under_the_same_key_only() {
        let key = DataKey::from_bytes(&[1; 32]);
        let mut sealed = key.seal(b"JBSWY3DPEHPK3PXP").unwrap();
        assert_eq!(key.unseal(&sealed).unwrap().as_slice(), b"JBSWY3DPEHPK3PXP");
        assert!(DataKey::from_bytes(&[2; 32]).unseal(&sealed).is_none());
        sealed[14] ^= 1;
        assert!(key.unseal(&sealed).is_none());
        assert!(key.unseal(b"short").is_none());
    }

    #[test]
    fn the_file_is_made_once_and_private() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret.key");
        let first = DataKey::load_or_create(&file).unwrap();
        let again = DataKey::load_or_create(&file).unwrap();
        assert_eq!(first.hash_secret(b"x"), again.hash_secret(b"x"));
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
