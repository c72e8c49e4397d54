//! Second factors beside TOTP (which is part of [`crate::Account`]): passkeys, devices that get a code, recovery codes.
//!
//! Secrets are here only sealed by the gate, or as keyed hashes. All of an account's are one record, replaced as a whole against the
//! version that was looked at ([`Factors::version`]), so that what counts once counts once.

use crate::{Address, FactorId, UnixTime};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The second factors of an account beside TOTP, and how often each kind was guessed at.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Factors {
    /// Moves with each change; 0 for an account that never had any.
    pub version: u64,
    /// Passkeys by age.
    pub passkeys: Vec<Passkey>,
    /// Devices that a code can be sent to, by age.
    pub devices: Vec<Device>,
    /// Keyed hashes of the recovery codes that were not used yet.
    pub recovery: Vec<[u8; 32]>,
    /// Wrong tries by kind of factor; a kind that is not listed has none.
    pub tries: Vec<(FactorKind, Tries)>,
}

/// What proves a second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FactorKind {
    /// A code of an authenticator (RFC 6238).
    Totp,
    /// A signature of an authenticator (WebAuthn).
    Passkey,
    /// A code that was sent to a device.
    Device,
    /// A recovery code.
    Recovery,
}

impl FactorKind {
    /// Its name in the audit trail.
    pub fn name(self) -> &'static str {
        match self {
            Self::Totp => "totp",
            Self::Passkey => "passkey",
            Self::Device => "device",
            Self::Recovery => "recovery code",
        }
    }
}

/// Wrong tries since the last right one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tries {
    /// How many.
    pub wrong: u32,
    /// Until then none is looked at.
    pub locked_until: UnixTime,
}

/// A passkey.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passkey {
    /// Its number.
    pub id: FactorId,
    /// The owner's name for it.
    pub label: String,
    /// Its public key and counter, sealed by the gate under the data folder's key.
    pub sealed: Vec<u8>,
    /// When it was enrolled.
    pub created: UnixTime,
    /// When it last signed.
    pub last_used: Option<UnixTime>,
}

impl fmt::Debug for Passkey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passkey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Something of the owner's that a code can be sent to. It counts only once it has been proven to be theirs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Its number.
    pub id: FactorId,
    /// How it is reached.
    pub reach: Reach,
    /// When it was enrolled.
    pub created: UnixTime,
    /// When a code of it was last given.
    pub last_used: Option<UnixTime>,
}

/// How a code gets to a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reach {
    /// By mail to an address elsewhere.
    Mail(Address),
    /// Through the configured command or webhook, which is given this number.
    Message(String),
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mail(address) => address.fmt(f),
            Self::Message(number) => f.write_str(number),
        }
    }
}

impl Factors {
    /// The tries at a kind of factor.
    pub fn tries(&self, kind: FactorKind) -> Tries {
        self.tries.iter().find(|(of, _)| *of == kind).map_or_else(Tries::default, |(_, tries)| *tries)
    }

    /// Set the tries at a kind of factor.
    pub fn set_tries(&mut self, kind: FactorKind, tries: Tries) {
        self.tries.retain(|(of, _)| *of != kind);
        if tries != Tries::default() {
            self.tries.push((kind, tries));
        }
    }
}
