//! Accounts and their credentials as the journal keeps them. Secrets are here only as hashes, but for the TOTP secret.

use crate::{AccountId, Address, AppPasswordId, Rights, UnixTime};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a credential can open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Service {
    /// Reading mail.
    Imap = 1,
    /// Sending mail.
    Submission = 1 << 1,
    /// Calendars.
    Caldav = 1 << 2,
    /// Address books.
    Carddav = 1 << 3,
    /// Documents over WebDAV.
    Files = 1 << 4,
    /// Filters for mail (ManageSieve).
    Sieve = 1 << 5,
}

impl Service {
    /// All, with the names that configuration and commands use.
    pub const ALL: [(Self, &'static str); 6] = [
        (Self::Imap, "imap"),
        (Self::Submission, "submission"),
        (Self::Caldav, "caldav"),
        (Self::Carddav, "carddav"),
        (Self::Files, "files"),
        (Self::Sieve, "sieve"),
    ];

    /// The service of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, n)| *n == name).map(|(s, _)| s)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(s, _)| *s == self).map_or("", |(_, n)| n)
    }
}

/// A set of services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Services(u8);

impl Services {
    /// Every service.
    pub const ALL: Self = Self(0b11_1111);
    /// No service.
    pub const NONE: Self = Self(0);

    /// The set with one more.
    #[must_use]
    pub fn with(self, service: Service) -> Self {
        Self(self.0 | service as u8)
    }

    /// Is it in the set?
    pub fn contains(self, service: Service) -> bool {
        self.0 & service as u8 != 0
    }

    /// Every service of `self` is in `other`.
    pub fn is_within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }
}

impl fmt::Display for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = Service::ALL.into_iter().filter(|(s, _)| self.contains(*s)).map(|(_, n)| n).collect();
        f.write_str(&names.join(","))
    }
}

/// A TOTP second factor (RFC 6238).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TotpState {
    /// The shared secret, sealed by the gate under the data folder's key.
    pub sealed_secret: Vec<u8>,
    /// The last time step that was accepted, on any protocol: a code counts once (RFC 6238 section 5.2).
    pub last_step: u64,
}

impl fmt::Debug for TotpState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TotpState").field("last_step", &self.last_step).finish_non_exhaustive()
    }
}

/// An account.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Its address; [`Address::key`] is unique.
    pub address: Address,
    /// For humans; may be empty.
    pub display_name: String,
    /// Name of its profile in the profiles file.
    pub profile: String,
    /// PHC string (Argon2id) of the main password, which opens the portal only; `None`: cannot sign in there.
    pub password_hash: Option<String>,
    /// Second factor, once enrolled.
    pub totp: Option<TotpState>,
    /// May be used from zones that the profile calls remote.
    pub remote_access: bool,
    /// When it was made.
    pub created: UnixTime,
    /// Mailbox names that LSUB shows (RFC 3501 section 6.3.6).
    pub subscriptions: Vec<String>,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("id", &self.id).field("profile", &self.profile).finish_non_exhaustive()
    }
}

/// An app password: a narrow credential. The secret itself is never kept.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppPassword {
    /// Its number; never reused.
    pub id: AppPasswordId,
    /// Whose it is.
    pub account: AccountId,
    /// The id that stands visibly in front of the secret.
    pub public_id: String,
    /// BLAKE3 of the secret, keyed with the data folder's key.
    pub keyed_hash: [u8; 32],
    /// The owner's name for it.
    pub label: String,
    /// What it opens.
    pub services: Services,
    /// When it was minted.
    pub created: UnixTime,
    /// When it ends by itself.
    pub expires: Option<UnixTime>,
    /// It was minted by a session with a fresh second factor (or by the administrator on the account's behalf).
    pub enrolled: bool,
    /// Rights it was narrowed to; [`crate::Rights::ALL`] for none.
    pub rights: Rights,
    /// Last use, kept to the minute.
    pub last_used: Option<LastUse>,
}

/// What an app password was narrowed to beside its services and rights: never more than its maker has.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Narrowing {
    /// Collections by pattern (`area/path` as the owner's programs name it), with what may be done there; none: everywhere, with
    /// [`AppPassword::rights`].
    pub folders: Vec<(String, Rights)>,
    /// Zones from which it opens; none: all.
    pub zones: Vec<String>,
    /// What a new device or network needs, beyond what the profile asks for: `device` or a time such as `12h`.
    pub confirm: Option<String>,
    /// Name of the preset that it was made with, for people.
    pub preset: Option<String>,
    /// It is no secret but a client certificate (SASL EXTERNAL): [`AppPassword::keyed_hash`] is that of its octets.
    pub certificate: bool,
    /// What the client last called itself.
    pub client: Option<String>,
}

/// What an app password is proven by without being sent (SCRAM, RFC 5802): sealed by the gate, which alone knows what is in it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScramKeys {
    /// Salt, iterations, `StoredKey` and `ServerKey` under the data folder's key.
    pub sealed: Vec<u8>,
}

impl fmt::Debug for ScramKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScramKeys").finish_non_exhaustive()
    }
}

/// When and from where a credential was last used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastUse {
    /// When.
    pub at: UnixTime,
    /// The peer's address, without its port.
    pub peer: String,
    /// Over which service.
    pub service: Service,
}

impl fmt::Debug for AppPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppPassword").field("id", &self.id).field("account", &self.account).finish_non_exhaustive()
    }
}

/// A second factor given for an app password from one network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// For which app password.
    pub app_password: AppPasswordId,
    /// From which network, as a prefix such as `192.0.2.0/24`.
    pub network: String,
    /// When.
    pub at: UnixTime,
}
