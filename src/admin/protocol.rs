//! What goes over the admin socket.

use super::progress::Told;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::path::PathBuf;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// What is asked for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub(crate) enum Request {
    AccountAdd {
        address: String,
        name: String,
        profile: String,
        remote: bool,
        password: Secret,
    },
    AccountList,
    AccountRemove {
        address: String,
    },
    AppPasswordMint {
        address: String,
        label: String,
        services: Vec<String>,
        expires_days: Option<u32>,
    },
    AppPasswordList {
        address: String,
    },
    AppPasswordRevoke {
        id: String,
    },
    QuotaSet {
        address: String,
        path: Option<String>,
        bytes: u64,
        items: Option<u64>,
    },
    QuotaRemove {
        address: String,
        path: Option<String>,
    },
    QuotaList {
        address: Option<String>,
    },
    Share {
        owner: String,
        path: String,
        with: Vec<String>,
    },
    Explain {
        who: String,
        service: String,
        path: String,
        zone: Option<String>,
        from: Option<IpAddr>,
        strength: String,
        credential: Option<String>,
    },
    /// What follows on the socket, and what comes back, is in `import/wire.rs`.
    Import {
        address: String,
        resume: bool,
    },
    Audit {
        lines: usize,
    },
    Reload,
    Check,
    RebuildSearch,
    StoreStat {
        segments: bool,
    },
    StoreCompact {
        all: bool,
    },
    BackupCreate {
        folder: PathBuf,
        with_key: bool,
    },
    BackupRestore {
        folder: PathBuf,
        snapshot: Option<String>,
        account: String,
        /// Area and path.
        place: Option<String>,
        /// Seconds since 1970.
        at: Option<i64>,
        into: Option<String>,
        in_place: bool,
        create: bool,
    },
}

impl Request {
    /// It only looks, or can be taken up again: it may end at any point when nobody waits for it any more.
    pub(crate) fn may_be_dropped(&self) -> bool {
        matches!(self, Self::Check | Self::RebuildSearch | Self::StoreStat { .. } | Self::StoreCompact { .. })
    }
}

/// What comes back. [`Reply::Progress`] any number of times, then one other.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Reply {
    Done,
    Secret(Secret),
    Accounts(Vec<AccountLine>),
    AppPasswords(Vec<AppPasswordLine>),
    Quotas(Vec<QuotaLine>),
    Text(String),
    Check {
        summary: String,
        faults: Vec<String>,
    },
    Restored {
        summary: String,
        lost: Vec<String>,
    },
    /// Not the answer yet.
    Progress(Told),
    Failed(String),
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AccountLine {
    pub(crate) address: String,
    pub(crate) name: String,
    pub(crate) profile: String,
    pub(crate) remote: bool,
    pub(crate) second_factor: bool,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AppPasswordLine {
    pub(crate) id: String,
    pub(crate) label: String,
    pub(crate) services: String,
    pub(crate) created: String,
    pub(crate) expires: Option<String>,
    pub(crate) last_used: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct QuotaLine {
    pub(crate) address: String,
    /// Area and path; `None` for all that the account has.
    pub(crate) path: Option<String>,
    pub(crate) bytes: u64,
    pub(crate) bytes_max: u64,
    pub(crate) items: u64,
    pub(crate) items_max: Option<u64>,
}

/// A text that is wiped when it is dropped and never printed by accident.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(transparent)]
pub(crate) struct Secret(pub(crate) String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}
