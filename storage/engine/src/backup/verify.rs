//! `octroi backup verify`: is all there that the manifests name, and would a restore bring every item back?

use super::BackupError;
use super::manifest::{Manifest, Piece};
use super::past::{Rebuilt, Scratch};
use super::progress::{Progress, Unit};
use super::shelf::Shelf;
use super::target::Target;
use crate::check::content;
use crate::contents::Contents;
use octroi_model::{CollectionId, Uid};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Faults reported; a backup that is damaged all over needs no longer list.
const FAULTS_MAX: usize = 1000;
/// Octets hashed at a time.
const STEP_BYTES: u64 = 1 << 20;
/// Items read from the index at a time.
const ITEMS_AT_A_TIME: u32 = 1000;

/// What a verification found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// The snapshot whose journal was replayed and whose contents were read.
    pub snapshot: String,
    /// Files hashed.
    pub files: u64,
    /// Octets of them.
    pub bytes: u64,
    /// Journal frames whose checksum was right.
    pub frames: u64,
    /// Items whose content was read and hashed.
    pub items: u64,
    /// What is wrong, one sentence each; empty when all is well.
    pub faults: Vec<String>,
}

/// Hash the files of all snapshots, or of one; then replay the journal of that one, or of the newest, into an index in `scratch` and read
/// the content of every item that was there.
pub async fn verify(folder: &Path, snapshot: Option<&str>, scratch: &Path, progress: &Arc<Progress>) -> Result<VerifyReport, BackupError> {
    verify_on(Target::look(folder)?, snapshot, scratch, progress).await
}

/// The same on any disk.
pub(crate) async fn verify_on(
    target: Target,
    snapshot: Option<&str>,
    scratch: &Path,
    progress: &Arc<Progress>,
) -> Result<VerifyReport, BackupError> {
    let mut report = VerifyReport::default();
    let mut files: BTreeMap<String, Piece> = BTreeMap::new();
    let mut chosen = None;
    let names = match snapshot {
        Some(name) => vec![target.choose(Some(name))?.0],
        None => target.names()?,
    };
    if names.is_empty() {
        target.choose(None)?;
    }
    for name in names {
        match target.manifest(&name) {
            Ok(manifest) => {
                files.extend(manifest.pieces().map(|piece| (piece.file.clone(), piece.clone())));
                chosen = Some((name, manifest));
            }
            Err(BackupError::Damaged(why)) => report.faults.push(why),
            Err(other) => return Err(other),
        }
    }
    let disk = target.files.clone();
    let hashing = progress.clone();
    report = tokio::task::spawn_blocking(move || {
        hashing.begin("hashing", Unit::Bytes, files.values().map(|piece| piece.bytes).sum());
        for piece in files.values() {
            hash(&*disk, piece, &hashing, &mut report)?;
        }
        Ok::<_, BackupError>(report)
    })
    .await??;
    if let Some((name, manifest)) = chosen {
        report.snapshot = name;
        let scratch = Scratch::new(scratch)?;
        report = replay(&target, &manifest, &scratch, progress, report).await?;
    }
    report.faults.truncate(FAULTS_MAX);
    Ok(report)
}

fn hash(disk: &dyn crate::disk::Disk, piece: &Piece, progress: &Progress, report: &mut VerifyReport) -> Result<(), BackupError> {
    let mut fault = |why: &str| report.faults.push(format!("file {}: {why}", piece.file));
    let file = match disk.open(&piece.file) {
        Ok(file) => file,
        Err(error) => {
            fault(&error.to_string());
            return progress.step(piece.bytes);
        }
    };
    if file.bytes()? != piece.bytes {
        fault(&format!("it has {} bytes, not {}", file.bytes()?, piece.bytes));
        return progress.step(piece.bytes);
    }
    let mut hasher = blake3::Hasher::new();
    let mut buffer = Vec::new();
    let mut at = 0;
    while at < piece.bytes {
        buffer.resize((piece.bytes - at).min(STEP_BYTES) as usize, 0);
        if let Err(error) = file.read_at(&mut buffer, at) {
            fault(&format!("it cannot be read at byte {at}: {error}"));
            return progress.step(piece.bytes - at);
        }
        hasher.update(&buffer);
        at += buffer.len() as u64;
        progress.step(buffer.len() as u64)?;
    }
    if hasher.finalize().to_hex().as_str() != piece.blake3 {
        fault("it does not have its hash");
    }
    report.files += 1;
    report.bytes += piece.bytes;
    Ok(())
}

async fn replay(
    target: &Target,
    manifest: &Manifest,
    scratch: &Scratch,
    progress: &Arc<Progress>,
    report: VerifyReport,
) -> Result<VerifyReport, BackupError> {
    let shelf = Arc::new(Shelf::new(target.files.clone(), manifest));
    let rebuilt = Rebuilt::open(scratch).await?;
    let (rebuilt, mut report) = rebuilt.check(shelf.clone(), manifest.position(), progress.clone(), report).await?;
    let outcome = contents(&rebuilt, Contents::new(shelf), progress, &mut report).await;
    rebuilt.close().await;
    outcome.map(|()| report)
}

/// Read and hash the content of every item.
async fn contents(rebuilt: &Rebuilt, contents: Contents, progress: &Arc<Progress>, report: &mut VerifyReport) -> Result<(), BackupError> {
    let contents = Arc::new(contents);
    let total = rebuilt.replay.state.collections.values().map(|collection| u64::from(collection.head.items)).sum();
    progress.begin("reading items", Unit::Items, total);
    let mut after = (CollectionId(0), Uid(0));
    loop {
        let items = rebuilt.index.items_after(after, ITEMS_AT_A_TIME).await?;
        let Some((collection, item)) = items.last() else { return Ok(()) };
        after = (*collection, item.uid);
        let (contents, progress) = (contents.clone(), progress.clone());
        let read = move || {
            let mut faults = Vec::new();
            for (collection, item) in &items {
                if let Err(error) = content(&contents, item) {
                    faults.push(format!("item {} of collection {collection}: {error}", item.uid));
                }
                progress.step(1)?;
            }
            Ok::<_, BackupError>((items.len() as u64, faults))
        };
        let (read, faults) = tokio::task::spawn_blocking(read).await??;
        report.items += read;
        if report.faults.len() < FAULTS_MAX {
            report.faults.extend(faults);
        }
    }
}
