//! SCRAM-SHA-256 (RFC 5802, RFC 7677) for app passwords: the keys, the salt of a name, and the proof.
//!
//! `octroi-sasl` speaks the messages and calls [`Gate::scram_salt`] and [`Gate::login_scram`]. What always holds: no answer depends on whether
//! a user exists, nor does the work: an account without app passwords and a name without an account are looked at as often as one with the
//! most. The main password is never looked at.
//!
//! Own code on `ring`, which TLS uses already. The SCRAM crates there are hold one password per user, and here the proof tells which of
//! several is meant: a server can try each `StoredKey`, since only the right one gives back a `ClientKey` that hashes to it. A client takes
//! one salt per user, so all app passwords of an account share the salt of its address. That weakens nothing: a salt keeps apart weak
//! passwords that are alike, and these are 160 random bits each; for the same reason the count of iterations is the least that RFC 7677
//! allows.
//!
//! Known limits: what `ring` computes with is not wiped by it, only what stands here. An app password from before there were these keys gets
//! them at its next log-in that sends it. An account that is given more app passwords than are looked at takes longer: a thousand, or
//! [`crate::Limits::app_passwords_max`] if that was lowered later.

use crate::app_password::Presented;
use crate::channel::Channel;
use crate::gate::Gate;
use crate::key::DataKey;
use crate::login::{Credential, Login};
use octroi_engine::{Batch, Change};
use octroi_model::{Account, Address, Narrowing, ScramKeys};
use ring::{digest, hmac, pbkdf2};
use std::io;
use std::num::NonZeroU32;
use std::sync::Arc;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Rounds of PBKDF2.
// RFC 7677 section 4: at least 4096.
pub const SCRAM_ITERATIONS: u32 = 4096;
/// Octets of a salt.
pub const SCRAM_SALT_BYTES: usize = 16;
/// Octets of SHA-256: of a key, a signature and a proof.
pub const SCRAM_HASH_BYTES: usize = digest::SHA256_OUTPUT_LEN;

/// Keys that are looked at for a name without any, however many app passwords the configuration allows one account.
const LOOKED_AT_MAX: usize = 1_000;

type Sum = [u8; SCRAM_HASH_BYTES];
const SEALED_BYTES: usize = 4 + SCRAM_SALT_BYTES + 2 * SCRAM_HASH_BYTES;

/// What a client proves to have.
pub struct ScramProof<'a> {
    /// The user name, as the client wrote it.
    pub user: &'a str,
    /// `AuthMessage` of RFC 5802 section 3.
    pub auth_message: &'a [u8],
    /// `ClientProof`.
    pub proof: &'a [u8; SCRAM_HASH_BYTES],
}

/// What became of a proof: a log-in, and what the client is to know us by. Only a right proof has a signature.
pub struct ScramLogin {
    /// As for any other log-in.
    pub login: Login,
    /// `ServerSignature` of RFC 5802 section 3, for who gets in.
    pub signature: Option<[u8; SCRAM_HASH_BYTES]>,
}

/// Why an exchange ended although no proof was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScramFault {
    /// The client asks to act as somebody else.
    Authorisation,
    /// The client binds to a channel and believes that we cannot: somebody between has taken that off the list.
    Downgrade,
    /// What the client is bound to is not this channel: somebody stands between.
    Binding,
}

impl ScramFault {
    fn reason(self) -> &'static str {
        match self {
            Self::Authorisation => "asks to act as somebody else",
            Self::Downgrade => "was told that no channel binding is offered, though it is",
            Self::Binding => "bound to another channel than this one",
        }
    }
}

/// What one app password is proven by, under one salt. Wiped when dropped.
#[derive(Zeroize, ZeroizeOnDrop)]
struct Keys {
    iterations: u32,
    salt: [u8; SCRAM_SALT_BYTES],
    stored: Sum,
    server: Sum,
}

impl Keys {
    // RFC 5802 section 3. SASLprep changes nothing in what app passwords are made of: letters, digits and a dash.
    fn derive(password: &[u8], salt: [u8; SCRAM_SALT_BYTES]) -> Self {
        // 4096 is not 0.
        const ITERATIONS: NonZeroU32 = NonZeroU32::new(SCRAM_ITERATIONS).expect("4096 is not 0");
        let mut salted = Zeroizing::new([0; SCRAM_HASH_BYTES]);
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, ITERATIONS, &salt, password, &mut *salted);
        let client = Zeroizing::new(signature(&*salted, b"Client Key"));
        Self { iterations: SCRAM_ITERATIONS, salt, stored: hash(&*client), server: signature(&*salted, b"Server Key") }
    }

    fn seal(&self, key: &DataKey) -> io::Result<ScramKeys> {
        let mut text = Zeroizing::new(Vec::with_capacity(SEALED_BYTES));
        text.extend(self.iterations.to_be_bytes());
        text.extend(self.salt);
        text.extend(self.stored);
        text.extend(self.server);
        Ok(ScramKeys { sealed: key.seal(&text)? })
    }

    fn unseal(key: &DataKey, sealed: &[u8]) -> Option<Self> {
        let text = key.unseal(sealed)?;
        let (iterations, rest) = text.split_first_chunk()?;
        let (salt, rest) = rest.split_first_chunk()?;
        let (stored, rest) = rest.split_first_chunk()?;
        let server = rest.try_into().ok()?;
        Some(Self { iterations: u32::from_be_bytes(*iterations), salt: *salt, stored: *stored, server })
    }

    /// Is this proof by who has the password of these keys?
    fn proven(&self, auth_message: &[u8], proof: &Sum) -> bool {
        let mut client = Zeroizing::new(signature(&self.stored, auth_message));
        client.iter_mut().zip(proof).for_each(|(octet, proof)| *octet ^= proof);
        // `blake3::Hash` compares in constant time.
        blake3::Hash::from_bytes(hash(&*client)) == blake3::Hash::from_bytes(self.stored)
    }
}

fn signature(key: &[u8], message: &[u8]) -> Sum {
    sum(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message).as_ref())
}

fn hash(octets: &[u8]) -> Sum {
    sum(digest::digest(&digest::SHA256, octets).as_ref())
}

fn sum(octets: &[u8]) -> Sum {
    let mut sum = [0; SCRAM_HASH_BYTES];
    sum.copy_from_slice(octets);
    sum
}

/// Keys of no password, sealed like others, for those to be looked at who have none.
pub(crate) fn decoy(key: &DataKey) -> io::Result<ScramKeys> {
    let mut nobody = Keys { iterations: SCRAM_ITERATIONS, salt: [0; SCRAM_SALT_BYTES], stored: [0; 32], server: [0; 32] };
    crate::key::fill_random(&mut nobody.stored)?;
    nobody.seal(key)
}

/// The password as a client of SCRAM has it: all of the app password.
fn password(public_id: &str, secret: &str) -> Zeroizing<String> {
    Zeroizing::new(format!("{public_id}-{secret}"))
}

impl Gate {
    /// The salt for whoever calls himself so. It is that of the address, whether somebody has it or not, so it tells nothing.
    pub fn scram_salt(&self, user: &str) -> [u8; SCRAM_SALT_BYTES] {
        self.salt_of(&user.parse::<Address>().map_or_else(|_| user.to_lowercase(), |address| address.key()))
    }

    fn salt_of(&self, key: &str) -> [u8; SCRAM_SALT_BYTES] {
        let mut salt = [0; SCRAM_SALT_BYTES];
        salt.copy_from_slice(&self.0.key.hash_salt(key.as_bytes()).as_bytes()[..SCRAM_SALT_BYTES]);
        salt
    }

    /// What a new app password is proven by.
    pub(crate) fn new_scram_keys(&self, account: &Account, text: &str) -> io::Result<ScramKeys> {
        Keys::derive(text.as_bytes(), self.salt_of(&account.address.key())).seal(&self.0.key)
    }

    /// An app password that was sent and is right can be proven from now on, if it could not before: it is from before there were such
    /// keys, or they are for another salt. Takes a millisecond, once.
    pub(crate) async fn remember_scram(&self, credential: &Credential, presented: &Presented<'_>) {
        let Credential { account, app_password, .. } = credential;
        let salt = self.salt_of(&account.address.key());
        let known = self.engine().scram_keys(account.id).get(&app_password.public_id).cloned();
        let current = |keys: Keys| keys.salt == salt && keys.iterations == SCRAM_ITERATIONS;
        if known.and_then(|keys| Keys::unseal(&self.0.key, &keys.sealed)).is_some_and(current) {
            return;
        }
        let text = password(presented.public_id, presented.secret);
        let derived = tokio::task::spawn_blocking(move || Keys::derive(text.as_bytes(), salt)).await;
        // Without random bits, or with the task gone at shutdown, it is left for the next time.
        let Some(keys) = derived.ok().and_then(|keys| keys.seal(&self.0.key).ok()) else { return };
        let mut batch = Batch::new();
        batch.push(Change::KeepScram { id: app_password.id, keys });
        self.engine().commit_later(batch).await;
    }

    /// Log in with a proof of an app password.
    pub async fn login_scram(&self, proof: ScramProof<'_>, via: Channel) -> ScramLogin {
        let Some((credential, signature)) = self.identify_scram(&proof) else {
            // Two proofs of one wrong secret have nothing in common, so each counts as another secret.
            self.count_failed_proof(via.peer, proof.proof);
            let login = self.refuse(proof.user, &via, None, "unknown user, or proof of no app password of theirs").await;
            return ScramLogin { login, signature: None };
        };
        let login = self.admit(credential, None, via, proof.user).await;
        let signature = matches!(login, Login::Open(_) | Login::NeedsSecondFactor(_)).then_some(signature);
        ScramLogin { login, signature }
    }

    /// An exchange is over before any proof: a line in the audit trail, and the wait of any refusal.
    pub async fn refuse_scram(&self, user: &str, via: &Channel, fault: ScramFault) -> Login {
        self.refuse(user, via, None, fault.reason()).await
    }

    /// Whose proof it is, and our own signature. Looks at as many keys whoever is named, all of them although one was right.
    fn identify_scram(&self, proof: &ScramProof<'_>) -> Option<(Credential, Sum)> {
        let account = proof.user.parse::<Address>().ok().and_then(|address| self.engine().account_by_key(&address.key()));
        let of = self.engine().scram_keys(account.as_ref().map_or(crate::gate::SYSTEM, |account| account.id));
        let mut candidates = of.iter();
        let mut found: Option<(&str, Sum)> = None;
        for _ in 0..of.len().max(self.0.limits.app_passwords_max.min(LOOKED_AT_MAX)) {
            let candidate = candidates.next();
            // Only what was sealed under another key cannot be opened.
            let Some(keys) = Keys::unseal(&self.0.key, &candidate.map_or(&self.0.decoy, |(_, keys)| keys).sealed) else { continue };
            if let (true, Some((public_id, _))) = (keys.proven(proof.auth_message, proof.proof), candidate) {
                found = Some((public_id, signature(&keys.server, proof.auth_message)));
            }
        }
        let (account, (public_id, own)) = (account?, found?);
        let app_password = self.engine().app_password(public_id)?;
        let narrowing: Arc<Narrowing> = self.engine().narrowing(app_password.id);
        let fits = app_password.account == account.id && !narrowing.certificate;
        fits.then_some((Credential { account, app_password, narrowing }, own))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use data_encoding::BASE64;

    /// RFC 7677 section 3.
    #[test]
    fn the_example_of_the_standard() {
        let salt = BASE64.decode(b"W22ZaJ0SNY7soEsUEjb6gQ==").unwrap().try_into().unwrap();
        let keys = Keys::derive(b"pencil", salt);
        let message = b"n=user,r=rOprNGfwEbeRWgbNEkqO,\
            r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,\
            c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let proof: Sum = BASE64.decode(b"dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=").unwrap().try_into().unwrap();
        assert!(keys.proven(message, &proof));
        assert_eq!(BASE64.encode(&signature(&keys.server, message)), "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
        assert!(!Keys::derive(b"pencils", salt).proven(message, &proof));
        assert!(!keys.proven(&message[1..], &proof));
        for bit in 0..proof.len() * 8 {
            let mut wrong = proof;
            wrong[bit / 8] ^= 1 << (bit % 8);
            assert!(!keys.proven(message, &wrong));
        }
    }

    #[test]
    fn keys_are_sealed_and_opened_whole() {
        let key = DataKey::from_bytes(&[1; 32]);
        let keys = Keys::derive(b"a-b", [7; SCRAM_SALT_BYTES]);
        let sealed = keys.seal(&key).unwrap().sealed;
        assert_eq!(sealed.len(), decoy(&key).unwrap().sealed.len(), "a decoy takes as long");
        let opened = Keys::unseal(&key, &sealed).unwrap();
        assert_eq!((opened.iterations, opened.salt, opened.stored, opened.server), (4096, keys.salt, keys.stored, keys.server));
        assert!(Keys::unseal(&DataKey::from_bytes(&[2; 32]), &sealed).is_none());
        assert!(Keys::unseal(&key, &[]).is_none() && Keys::unseal(&key, &sealed[1..]).is_none());
        assert!(Keys::unseal(&key, &key.seal(b"short").unwrap()).is_none());
    }
}
