//! Our signing keys: pairs of an RSA and an Ed25519 key, each with a selector, and the standing of each pair.
//!
//! A pair is made and published first, signs when the DNS shows it, and is kept as a name for as long as mail it signed may be under way.
//! The program seals what [`KeySet::encode`] gives and keeps it in the data folder; [`Keyring`] is what the running server signs with.

use data_encoding::BASE64;
use mail_auth::common::to_a_label;
use mail_auth::dkim::generate::DkimKeyPair;
use ring::signature::{Ed25519KeyPair, KeyPair as _, RsaKeyPair};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// RFC 8301 section 3.2 asks for at least 1024 and recommends 2048; larger ones do not fit into one UDP answer.
const RSA_BITS: usize = 2048;
/// Octets of a PKCS #1 public key of that length with the usual exponent.
const RSA_PUBLIC_BYTES: usize = 270;
/// What makes a SubjectPublicKeyInfo of it (RFC 3279 section 2.3.1), which is what verifiers expect.
const RSA_INFO: [u8; 24] = [
    0x30, 0x82, 0x01, 0x22, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00, 0x03, 0x82, 0x01,
    0x0f, 0x00,
];
/// What the encoded form begins with.
const MAGIC: &[u8] = b"octroi dkim 1\n";

/// What is wrong with keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyFault {
    /// They could not be made.
    Generate(String),
    /// What was kept cannot be read.
    Damaged,
    /// There is a pair already that waits to be used.
    Waiting,
    /// No pair waits to be used.
    NoneWaiting,
}

impl fmt::Display for KeyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Generate(why) => write!(f, "no key could be made: {why}"),
            Self::Damaged => f.write_str("the signing keys cannot be read"),
            Self::Waiting => f.write_str("there are new keys already, which wait for their DNS records"),
            Self::NoneWaiting => f.write_str("there are no new keys to use"),
        }
    }
}

/// How a pair stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// To be published; it does not sign yet.
    Next,
    /// It signs.
    Active,
    /// It has signed; its records must stay until nothing that it signed is under way. Its private keys are gone.
    Retired {
        /// Since when, in seconds since 1970.
        since: i64,
    },
}

/// A private key in DER, wiped when it is dropped.
#[derive(Clone, Default, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
struct Private(Vec<u8>);

#[derive(Clone, Serialize, Deserialize)]
struct Key {
    selector: String,
    /// As it stands in the DNS, before base64.
    public: Vec<u8>,
    private: Private,
}

/// An RSA and an Ed25519 key that come and go together.
#[derive(Clone, Serialize, Deserialize)]
pub struct KeyPair {
    made: i64,
    standing: Standing,
    rsa: Key,
    ed25519: Key,
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyPair").field("rsa", &self.rsa.selector).field("standing", &self.standing).finish_non_exhaustive()
    }
}

impl KeyPair {
    /// Make a pair. It takes a second or so. `day` (`20261129`) becomes part of the selectors.
    pub fn generate(made: i64, day: &str) -> Result<Self, KeyFault> {
        let fail = |error: mail_auth::Error| KeyFault::Generate(error.to_string());
        let (private, public) = DkimKeyPair::generate_rsa(RSA_BITS).map_err(fail)?.into_inner();
        if public.len() != RSA_PUBLIC_BYTES {
            return Err(KeyFault::Generate(format!("a public key of {} octets", public.len())));
        }
        let rsa = Key { selector: format!("r{day}"), public: [RSA_INFO.as_slice(), &public].concat(), private: Private(private) };
        let (private, public) = DkimKeyPair::generate_ed25519().map_err(fail)?.into_inner();
        let ed25519 = Key { selector: format!("e{day}"), public, private: Private(private) };
        Ok(Self { made, standing: Standing::Next, rsa, ed25519 })
    }

    /// How it stands.
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// What must stand in the DNS below each domain.
    pub fn records(&self) -> [KeyRecord; 2] {
        // RFC 6376 section 3.6.1, RFC 8463 section 4.
        [("rsa", &self.rsa), ("ed25519", &self.ed25519)].map(|(kind, key)| KeyRecord {
            name: format!("{}._domainkey", key.selector),
            value: format!("v=DKIM1; k={kind}; p={}", BASE64.encode(&key.public)),
        })
    }
}

/// A TXT record of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRecord {
    /// Relative to the domain.
    pub name: String,
    /// The text; longer than one string of a record may be.
    pub value: String,
}

/// All pairs.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct KeySet {
    pairs: Vec<KeyPair>,
}

impl KeySet {
    /// Read what [`KeySet::encode`] gave.
    pub fn decode(octets: &[u8]) -> Result<Self, KeyFault> {
        let octets = octets.strip_prefix(MAGIC).ok_or(KeyFault::Damaged)?;
        postcard::from_bytes(octets).map_err(|_| KeyFault::Damaged)
    }

    /// As octets, private keys and all: to be sealed before they are written anywhere.
    pub fn encode(&self) -> Result<zeroize::Zeroizing<Vec<u8>>, KeyFault> {
        // With room for all, so that no copy is left behind by growing.
        let mut out = zeroize::Zeroizing::new(vec![0; MAGIC.len() + self.pairs.len() * 4096 + 64]);
        out[..MAGIC.len()].copy_from_slice(MAGIC);
        let used = postcard::to_slice(self, &mut out[MAGIC.len()..]).map_err(|_| KeyFault::Damaged)?.len();
        out.truncate(MAGIC.len() + used);
        Ok(out)
    }

    /// The pairs, oldest first.
    pub fn pairs(&self) -> &[KeyPair] {
        &self.pairs
    }

    /// The pair that waits for its records.
    pub fn next(&self) -> Option<&KeyPair> {
        self.pairs.iter().find(|pair| pair.standing == Standing::Next)
    }

    /// The pair that signs.
    pub fn active(&self) -> Option<&KeyPair> {
        self.pairs.iter().find(|pair| pair.standing == Standing::Active)
    }

    /// Are these selectors taken?
    pub fn has_day(&self, day: &str) -> bool {
        self.pairs.iter().any(|pair| pair.rsa.selector[1..] == *day)
    }

    /// Add a pair that waits.
    pub fn add(&mut self, pair: KeyPair) -> Result<(), KeyFault> {
        if self.next().is_some() {
            return Err(KeyFault::Waiting);
        }
        self.pairs.push(KeyPair { standing: Standing::Next, ..pair });
        Ok(())
    }

    /// Sign with the pair that waits; the one before signs no more.
    pub fn switch(&mut self, now: i64) -> Result<(), KeyFault> {
        if self.next().is_none() {
            return Err(KeyFault::NoneWaiting);
        }
        for pair in &mut self.pairs {
            match pair.standing {
                Standing::Active => {
                    pair.standing = Standing::Retired { since: now };
                    pair.rsa.private = Private::default();
                    pair.ed25519.private = Private::default();
                }
                Standing::Next => pair.standing = Standing::Active,
                Standing::Retired { .. } => {}
            }
        }
        Ok(())
    }

    /// Forget pairs that signed nothing for so many seconds; their records may leave the DNS.
    pub fn prune(&mut self, now: i64, keep_seconds: i64) -> bool {
        let before = self.pairs.len();
        self.pairs.retain(|pair| !matches!(pair.standing, Standing::Retired { since } if since + keep_seconds < now));
        self.pairs.len() != before
    }
}

/// A pair ready to sign.
pub(crate) struct Signer {
    pub(crate) rsa_selector: String,
    pub(crate) rsa: RsaKeyPair,
    pub(crate) ed25519_selector: String,
    pub(crate) ed25519: Ed25519KeyPair,
}

impl Signer {
    fn of(pair: &KeyPair) -> Result<Self, KeyFault> {
        let ed25519 = Ed25519KeyPair::from_pkcs8(&pair.ed25519.private.0).map_err(|_| KeyFault::Damaged)?;
        if ed25519.public_key().as_ref() != pair.ed25519.public {
            return Err(KeyFault::Damaged);
        }
        Ok(Self {
            rsa_selector: pair.rsa.selector.clone(),
            rsa: RsaKeyPair::from_der(&pair.rsa.private.0).map_err(|_| KeyFault::Damaged)?,
            ed25519_selector: pair.ed25519.selector.clone(),
            ed25519,
        })
    }
}

/// What the running server signs with, and for which domains. Cheap to clone; all clones change together.
#[derive(Clone, Default)]
pub struct Keyring {
    signer: Arc<RwLock<Option<Arc<Signer>>>>,
    /// In lower case.
    domains: Arc<[String]>,
}

impl Keyring {
    /// One without keys, for these domains.
    pub fn new<'a>(domains: impl IntoIterator<Item = &'a str>) -> Self {
        Self { signer: Arc::default(), domains: domains.into_iter().map(|domain| to_a_label(domain).into_owned()).collect() }
    }

    /// Sign with the active pair of these from now on; with none, sign nothing.
    pub fn replace(&self, keys: &KeySet) -> Result<(), KeyFault> {
        let signer = keys.active().map(Signer::of).transpose()?.map(Arc::new);
        *self.signer.write().unwrap_or_else(PoisonError::into_inner) = signer;
        Ok(())
    }

    /// Does it have keys?
    pub fn signs(&self) -> bool {
        self.signer.read().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Who signs what we say ourselves, and in the name of which of our domains: the first.
    pub(crate) fn for_ourselves(&self) -> Option<(Arc<Signer>, String)> {
        let signer = self.signer.read().unwrap_or_else(PoisonError::into_inner).clone()?;
        Some((signer, self.domains.first()?.clone()))
    }

    /// Who signs for a domain of an author, and in the name of which of our domains: that one or the nearest above it.
    pub(crate) fn for_domain(&self, domain: &str) -> Option<(Arc<Signer>, String)> {
        let signer = self.signer.read().unwrap_or_else(PoisonError::into_inner).clone()?;
        let domain = to_a_label(domain).into_owned();
        let above = |ours: &&String| domain.strip_suffix(ours.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        let ours = self.domains.iter().filter(above).max_by_key(|ours| ours.len())?;
        Some((signer, ours.clone()))
    }
}
