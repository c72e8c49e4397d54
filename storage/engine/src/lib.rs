//! The store: a change journal that is the truth, an index behind it, views in memory.
//!
//! Only `gate` may name this crate (a tidy test holds that): nothing here checks rights. Everything that alters anything is a
//! [`Change`] in a [`Batch`]; a batch is acknowledged when it is on disk.

mod annotations;
mod backup;
mod body;
mod change;
mod check;
mod committer;
mod compact;
mod companion;
mod contents;
mod disk;
mod draft;
mod embedded;
mod idle;
mod index;
mod interface;
mod journal;
mod lane;
mod large;
mod locks;
mod log;
mod news;
mod options;
mod pack;
mod pages;
mod projector;
mod quota;
mod recovery;
mod repair;
mod search;
mod shared;
mod stage;
mod stamp;
mod state;
#[cfg(test)]
mod tests;
mod trail;
mod view;

pub use annotations::{ANNOTATION_BYTES_MAX, ANNOTATION_NAME_BYTES_MAX, ANNOTATIONS_BYTES_MAX, ANNOTATIONS_MAX};
pub use backup::{
    BackupError, BackupReport, BackupRequest, Look, Past, Progress, PruneReport, RestoreReport, Snapshot, Unit, VerifyReport,
    list as list_snapshots, prune as prune_snapshots, restore as restore_snapshot, verify as verify_backup,
};
pub use body::{Body, hash_of};
pub use change::{Batch, BodyIndex, Change, Expect, Receipt};
pub use companion::Companion;
pub use embedded::Embedded;
pub use interface::{
    CheckReport, CommitError, Compacted, Describe, Engine, Part, PastRequest, Promise, ReadError, SegmentStat, Stage, Step, StoreStat,
    Watcher,
};
pub use news::News;
pub use options::{OpenError, Options};
pub use repair::{Repair, RepairReport, repair};
pub use search::{DOCUMENT_BYTES_MAX, Extractor, Found, Piece, SearchProgress, Sought, Within, is_text};
pub use stage::{DESCRIBED_BYTES_MAX, HEAD_BYTES_MAX};
pub use trail::{Trail, verify as verify_trail};
pub use view::{TOMBSTONES_MAX, View};
