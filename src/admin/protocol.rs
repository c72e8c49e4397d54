//! What goes over the admin socket.

use super::progress::Told;
use octroi_mailauth::{KeyRecord, Standing};
use octroi_reports::Kept;
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
    AccountSet {
        address: String,
        profile: Option<String>,
        remote: Option<bool>,
    },
    AccountPassword {
        address: String,
        password: Secret,
    },
    SecondFactorReset {
        address: String,
    },
    AppPasswordMint(MintOrder),
    AppPasswordList {
        address: String,
    },
    AppPasswordRevoke {
        id: String,
    },
    DkimShow,
    DkimGenerate,
    DkimSwitch,
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
    Documents {
        address: String,
        order: DocumentsOrder,
    },
    QueueList {
        after: u32,
        domain: Option<String>,
    },
    QueueShow {
        id: u32,
    },
    QueueSteer(QueueOrder),
    Reports {
        domain: Option<String>,
        /// Seconds since 1970.
        since: i64,
    },
    ReportsSend {
        /// What was counted today as well.
        today: bool,
    },
    Share {
        owner: String,
        path: String,
        with: Vec<String>,
    },
    GroupAdd {
        name: String,
    },
    GroupRemove {
        name: String,
    },
    GroupList,
    GroupMember {
        name: String,
        address: String,
        is_member: bool,
    },
    GroupAddress {
        name: String,
        /// `None`: none any more.
        address: Option<String>,
        members_only: bool,
    },
    AliasAdd {
        name: String,
        to: Vec<String>,
        outside: bool,
    },
    AliasRemove {
        name: String,
        to: Vec<String>,
    },
    AliasList,
    LockList,
    LockBreak {
        token: String,
    },
    Explain(ExplainOrder),
    /// What follows on the socket, and what comes back, is in `import/wire.rs`.
    Import {
        address: String,
        resume: bool,
    },
    Audit {
        lines: usize,
        account: Option<String>,
        before: Option<u64>,
    },
    AuditVerify {
        /// A line that was seen before: its number and, in hexadecimal, its link.
        expect: Option<(u64, String)>,
    },
    /// One portion of the trail.
    AuditLines {
        after: u64,
    },
    Sieve {
        address: String,
        order: SieveOrder,
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
        matches!(self, Self::Check | Self::AuditVerify { .. } | Self::RebuildSearch | Self::StoreStat { .. } | Self::StoreCompact { .. })
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
    Dkim(Vec<DkimLine>),
    Groups(Vec<GroupLine>),
    Aliases(Vec<AliasLine>),
    Locks(Vec<LockLine>),
    /// Name, octets, whether it is active.
    Scripts(Vec<(String, u64, bool)>),
    /// A portion of the queue, and after which number to go on.
    Queue {
        lines: Vec<QueueLine>,
        next: Option<u32>,
    },
    Reports(Vec<Kept>),
    /// The end of the audit trail: number of the last line and its link in hexadecimal.
    AuditEnd {
        number: u64,
        link: String,
    },
    AuditLines(Vec<AuditLineOut>),
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

/// A pair of signing keys.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct DkimLine {
    pub(crate) standing: Standing,
    /// What must stand in the DNS below each domain.
    pub(crate) records: Vec<KeyRecord>,
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
    pub(crate) preset: Option<String>,
    /// Patterns with the rights there.
    pub(crate) folders: Vec<(String, String)>,
    /// At most these; `None` for all.
    pub(crate) rights: Option<String>,
    pub(crate) zones: Vec<String>,
    pub(crate) confirm: Option<String>,
    pub(crate) certificate: bool,
    pub(crate) created: String,
    pub(crate) expires: Option<String>,
    pub(crate) last_used: Option<String>,
}

/// What is to be done with somebody's filters.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SieveOrder {
    Put {
        name: String,
        script: String,
    },
    List,
    Get {
        name: String,
    },
    /// `None`: none is active.
    Activate {
        name: Option<String>,
    },
    Delete {
        name: String,
    },
}

/// What is to be explained.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ExplainOrder {
    pub(crate) who: String,
    pub(crate) service: String,
    pub(crate) path: String,
    pub(crate) zone: Option<String>,
    pub(crate) from: Option<IpAddr>,
    pub(crate) strength: String,
    pub(crate) credential: Option<String>,
}

/// An app password that is to be made, or a certificate to be registered as one.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct MintOrder {
    pub(crate) address: String,
    pub(crate) label: String,
    pub(crate) services: Vec<String>,
    pub(crate) preset: String,
    /// Patterns.
    pub(crate) folders: Vec<String>,
    /// RFC 4314's letters.
    pub(crate) rights: Option<String>,
    pub(crate) zones: Vec<String>,
    pub(crate) expires_days: Option<u32>,
    pub(crate) confirm: Option<String>,
    /// PEM.
    pub(crate) certificate: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct GroupLine {
    pub(crate) name: String,
    /// Addresses.
    pub(crate) members: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AliasLine {
    pub(crate) name: String,
    /// Addresses.
    pub(crate) to: Vec<String>,
    /// The group that it is for instead.
    pub(crate) group: Option<String>,
    pub(crate) members_only: bool,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LockLine {
    pub(crate) token: String,
    /// Whose tree, and where in it.
    pub(crate) at: String,
    /// Whose lock.
    pub(crate) account: String,
    /// Visible id of the app password that took it.
    pub(crate) credential: String,
    pub(crate) exclusive: bool,
    /// With all in the collection.
    pub(crate) deep: bool,
    /// When it ends.
    pub(crate) expires: String,
}

/// A line of the audit trail as `octroi audit export` prints it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AuditLineOut {
    pub(crate) number: u64,
    pub(crate) at: String,
    pub(crate) outcome: String,
    /// Address, if there still is such an account.
    pub(crate) who: Option<String>,
    /// Number of the account, which no other account will ever have.
    pub(crate) account: Option<String>,
    pub(crate) act: String,
    pub(crate) subject: String,
    pub(crate) peer: String,
    pub(crate) zone: String,
    pub(crate) credential: String,
    pub(crate) client: String,
    pub(crate) reason: String,
    /// In hexadecimal.
    pub(crate) link: String,
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

/// What is to be told of or done with what is kept of somebody's documents.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum DocumentsOrder {
    Trash,
    Restore {
        path: String,
        to: Option<String>,
    },
    Empty {
        older_than_seconds: u64,
    },
    VersionPolicy {
        folder: String,
    },
    SetVersionPolicy {
        folder: String,
        /// Versions and days; `None`: as the folder above.
        policy: Option<(u32, u32)>,
    },
}

/// What is to be done with queued messages.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct QueueOrder {
    pub(crate) act: QueueAct,
    pub(crate) ids: Vec<u32>,
    pub(crate) domain: Option<String>,
    pub(crate) all: bool,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum QueueAct {
    Retry,
    Hold,
    Release,
    Drop,
}

/// A queued message as `octroi queue list --json` prints it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct QueueLine {
    pub(crate) id: u32,
    /// Empty for `<>`.
    pub(crate) from: String,
    pub(crate) bytes: u64,
    pub(crate) queued: String,
    pub(crate) held: bool,
    pub(crate) next_try: Option<String>,
    pub(crate) priority: i8,
    pub(crate) require_tls: bool,
    pub(crate) recipients: Vec<QueueRecipientLine>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct QueueRecipientLine {
    pub(crate) address: String,
    /// `waiting`, `delivered` or `failed`.
    pub(crate) state: String,
    pub(crate) attempts: u32,
    pub(crate) next_try: Option<String>,
    pub(crate) last_error: String,
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
