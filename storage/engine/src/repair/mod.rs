//! Making a damaged store whole again: a damaged record harms only itself, is reported and stepped over.
//!
//! Called on a folder that nobody has open, also where opening refuses. First all is looked at and nothing changed ([`look::look`]): what
//! does not check, which items cannot be read any more, which counters no longer agree. Then, if that is asked for, the damaged octets are
//! moved aside, the segments written anew without them ([`apply::apply`]), and one batch says what follows from it: items that are lost are
//! expunged, counters are set to what is there, and to more than they can have been where batches are lost, so that no uid and no modseq is
//! given twice. The index is made anew by the next who opens.
//!
//! Known limits: of a compacted segment whose list of parts is damaged, and of one whose key is, nothing can be read; it is lost whole. A
//! disk that cannot be read at all (an I/O error) is not damage that this can step over: copy the folder to another disk first.

mod apply;
mod correct;
mod look;

use crate::disk::{Disk, RealDisk};
use crate::embedded::{INDEX, lock};
use crate::index::Index;
use crate::journal::{SegmentHeader, segment_name};
use crate::options::{OpenError, Options};
use std::path::Path;
use std::sync::Arc;

/// File of the index that a repair makes to look at what is left.
const REPAIR_INDEX: &str = "repair.sqlite";
/// Folder, beside the journal's, that damaged octets are moved to.
const ASIDE: &str = "damaged";
/// Sentences of one kind in a report.
const LISTED_MAX: usize = 10_000;

/// What a repair found, and did if it was to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RepairReport {
    /// What is damaged or missing, and where; one sentence each.
    pub damaged: Vec<String>,
    /// What is lost by that.
    pub lost: Vec<String>,
    /// What is or would be done about it.
    pub remedies: Vec<String>,
}

impl RepairReport {
    /// Nothing to do?
    pub fn is_sound(&self) -> bool {
        self.damaged.is_empty() && self.lost.is_empty() && self.remedies.is_empty()
    }
}

/// Whether to do it or only to say what would be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repair {
    /// Change nothing.
    DryRun,
    /// Do it.
    Do,
}

/// A piece of a segment that is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Hole {
    start: u64,
    end: u64,
}

/// What becomes of a segment.
#[derive(Debug)]
enum Fate {
    /// It is sound.
    Stays,
    /// Written anew without these pieces.
    Rewritten(Vec<Hole>),
    /// Never acknowledged octets at its end are cut off.
    Cut,
    /// It is not there, or nothing in it can be read: an empty one takes its place.
    Lost { there: bool },
    /// The last one, and nothing in it can be read.
    Dropped,
}

/// A segment, as it is and as it shall be.
#[derive(Debug)]
struct Salvaged {
    /// Its number, its place in the chain and its key.
    header: SegmentHeader,
    /// Octets that can be looked at.
    looked_bytes: u64,
    /// Its length as the segment behind it says, or as far as it is whole.
    bytes: u64,
    fate: Fate,
}

impl Salvaged {
    fn name(&self) -> String {
        segment_name(self.header.number)
    }
}

/// Repair the store in `dir`. The store must not be open; its lock is held meanwhile.
pub async fn repair(dir: &Path, options: &Options, how: Repair) -> Result<RepairReport, OpenError> {
    let _lock = lock(dir)?;
    let disk = RealDisk::open(&dir.join("journal"))?;
    repair_on(dir, Arc::new(disk), options, how).await
}

/// The same on any disk.
pub(crate) async fn repair_on(dir: &Path, disk: Arc<dyn Disk>, options: &Options, how: Repair) -> Result<RepairReport, OpenError> {
    let path = dir.join(REPAIR_INDEX);
    Index::remove(&path)?;
    let known = Index::peek(&dir.join(INDEX)).await.unwrap_or_default();
    let index = Index::open(&path).await?;
    let looked = look::look(&disk, &index, known).await;
    index.close().await;
    Index::remove(&path)?;
    let found = looked?;
    if how == Repair::Do && !found.report.is_sound() {
        let aside = RealDisk::open(&dir.join(ASIDE))?;
        apply::apply(&disk, &aside, &found, options)?;
        aside.sync_dir()?;
        Index::remove(&dir.join(INDEX))?;
    }
    Ok(found.report)
}
