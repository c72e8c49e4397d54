//! The folder of a backup: its files, its manifests, its lock; listing and pruning.

use super::BackupError;
use super::manifest::{MANIFEST, Manifest, PART, is_ours, snapshot_name};
use crate::disk::{Disk, RealDisk};
use octroi_model::UnixTime;
use std::collections::HashSet;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

/// Largest manifest that is read: a line for each of a million files.
const MANIFEST_BYTES_MAX: u64 = 512 << 20;
/// Snapshots of one second that are told apart.
const AGAIN_MAX: u32 = 9999;

/// A folder of a backup.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) files: Arc<dyn Disk>,
    pub(crate) snapshots: Arc<dyn Disk>,
    _lock: Option<File>,
}

/// A snapshot, as `octroi backup list` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Its name.
    pub name: String,
    /// When it was made.
    pub time: UnixTime,
    /// Version of the program that made it.
    pub version: String,
    /// Files of the store in it.
    pub files: u64,
    /// Octets that a restore of it writes.
    pub bytes: u64,
    /// Files of the data folder that were taken along.
    pub beside: Vec<String>,
    /// What is not in it and is needed as well.
    pub reminder: String,
}

/// What pruning did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PruneReport {
    /// Names of the snapshots that went.
    pub snapshots: Vec<String>,
    /// Files that no snapshot named any more.
    pub files: u64,
    /// Octets of them.
    pub bytes: u64,
}

/// The snapshots of a backup, oldest first.
pub fn list(folder: &Path) -> Result<Vec<Snapshot>, BackupError> {
    let target = Target::look(folder)?;
    let mut snapshots = Vec::new();
    for name in target.names()? {
        let manifest = target.manifest(&name)?;
        snapshots.push(Snapshot {
            time: manifest.time,
            version: manifest.version.clone(),
            files: manifest.journal.len() as u64,
            bytes: manifest.bytes(),
            beside: manifest.beside.iter().map(|stored| stored.name.clone()).collect(),
            reminder: manifest.reminder.clone(),
            name,
        });
    }
    Ok(snapshots)
}

/// Remove all but the newest `keep` snapshots, and the files that none of those names.
pub fn prune(folder: &Path, keep: usize) -> Result<PruneReport, BackupError> {
    Target::look(folder)?;
    Target::open(folder)?.prune(keep)
}

/// A folder with something else in it was named by mistake.
fn refuse_foreign(folder: &Path) -> Result<(), BackupError> {
    let Ok(mut entries) = std::fs::read_dir(folder) else { return Ok(()) };
    if folder.join("snapshots").is_dir()
        || entries.all(|entry| entry.is_ok_and(|entry| OURS.contains(&&*entry.file_name().to_string_lossy())))
    {
        return Ok(());
    }
    Err(BackupError::Failed(format!("{} is not empty and not a backup", folder.display())))
}

/// What an interrupted first backup leaves, and what a file system of its own has in its top folder.
const OURS: [&str; 3] = ["files", "lock", "lost+found"];

impl Target {
    pub(crate) fn new(files: Arc<dyn Disk>, snapshots: Arc<dyn Disk>) -> Self {
        Self { files, snapshots, _lock: None }
    }

    /// Open the folder to write to it, made if it is not there. Nobody but its owner may look into it.
    pub(crate) fn open(folder: &Path) -> Result<Self, BackupError> {
        let named = |what: &Path, error: io::Error| BackupError::Failed(format!("cannot use {}: {error}", what.display()));
        refuse_foreign(folder)?;
        for made in [folder.to_owned(), folder.join("files"), folder.join("snapshots")] {
            match DirBuilder::new().mode(0o700).create(&made) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(named(&made, error)),
                _ => {}
            }
        }
        let file = folder.join("lock");
        let lock =
            OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&file).map_err(|error| named(&file, error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(BackupError::Busy),
            // Some network file systems have no locks; a backup there is better than none.
            Err(TryLockError::Error(error)) => tracing::warn!(%error, folder = %folder.display(), "the backup's folder cannot be locked"),
        }
        let (files, snapshots) = (RealDisk::open(&folder.join("files"))?, RealDisk::open(&folder.join("snapshots"))?);
        let durable = |dir: &Path| File::open(dir).and_then(|dir| dir.sync_all()).map_err(|error| named(dir, error));
        durable(folder)?;
        if let Some(parent) = folder.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            durable(parent)?;
        }
        Ok(Self { files: Arc::new(files), snapshots: Arc::new(snapshots), _lock: Some(lock) })
    }

    /// Open it to read from it.
    pub(crate) fn look(folder: &Path) -> Result<Self, BackupError> {
        if !folder.join("snapshots").is_dir() {
            return Err(BackupError::NoSnapshot(format!("{} is not the folder of a backup", folder.display())));
        }
        let (files, snapshots) = (RealDisk::look(&folder.join("files")), RealDisk::look(&folder.join("snapshots")));
        Ok(Self::new(Arc::new(files), Arc::new(snapshots)))
    }

    /// Names of all snapshots, oldest first.
    pub(crate) fn names(&self) -> Result<Vec<String>, BackupError> {
        let mut names: Vec<String> =
            self.snapshots.list()?.iter().filter_map(|name| name.strip_suffix(MANIFEST).map(str::to_owned)).collect();
        names.sort_unstable();
        Ok(names)
    }

    /// What a snapshot is made of.
    pub(crate) fn manifest(&self, name: &str) -> Result<Manifest, BackupError> {
        let damaged = |why: String| BackupError::Damaged(format!("snapshot {name}: {why}"));
        let file = match self.snapshots.open(&format!("{name}{MANIFEST}")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(BackupError::NoSnapshot(format!("there is no snapshot {name}")));
            }
            other => other?,
        };
        let bytes = file.bytes()?;
        if bytes > MANIFEST_BYTES_MAX {
            return Err(damaged("it is too long".into()));
        }
        let mut text = vec![0; bytes as usize];
        file.read_at(&mut text, 0)?;
        Manifest::decode(&text).map_err(damaged)
    }

    /// The snapshot of that name, or the newest.
    pub(crate) fn choose(&self, name: Option<&str>) -> Result<(String, Manifest), BackupError> {
        let name = match name {
            // A name is never a path.
            Some(name) if name.contains('/') => return Err(BackupError::NoSnapshot(format!("there is no snapshot {name}"))),
            Some(name) => name.to_owned(),
            None => self.names()?.pop().ok_or_else(|| BackupError::NoSnapshot("the backup holds no snapshot yet".into()))?,
        };
        let manifest = self.manifest(&name)?;
        Ok((name, manifest))
    }

    /// Write a manifest under a name of its own, which is returned. What it names is durable already.
    pub(crate) fn publish(&self, manifest: &Manifest) -> Result<String, BackupError> {
        let taken = self.names()?;
        let free = (0..=AGAIN_MAX).map(|again| snapshot_name(manifest.time, again)).find(|name| !taken.contains(name));
        let name = free.ok_or_else(|| BackupError::Failed("too many snapshots in one second".into()))?;
        let part = format!("{name}{PART}");
        let file = self.snapshots.create(&part)?;
        file.write_at(&manifest.encode()?, 0)?;
        file.sync()?;
        self.snapshots.rename(&part, &format!("{name}{MANIFEST}"))?;
        self.snapshots.sync_dir()?;
        Ok(name)
    }

    /// Remove what was being written when the power went.
    pub(crate) fn remove_parts(&self) -> Result<(), BackupError> {
        for disk in [&self.files, &self.snapshots] {
            for name in disk.list()?.iter().filter(|name| name.ends_with(PART)) {
                disk.remove(name)?;
            }
        }
        Ok(())
    }

    /// See [`prune`].
    pub(crate) fn prune(&self, keep: usize) -> Result<PruneReport, BackupError> {
        let names = self.names()?;
        let (going, staying) = names.split_at(names.len().saturating_sub(keep.max(1)));
        // First of all, so that a manifest that cannot be read keeps its files from being removed.
        let mut named = HashSet::new();
        for name in staying {
            named.extend(self.manifest(name)?.pieces().map(|piece| piece.file.clone()));
        }
        for name in going {
            self.snapshots.remove(&format!("{name}{MANIFEST}"))?;
        }
        // A snapshot must be gone before its files are.
        self.snapshots.sync_dir()?;
        let mut report = PruneReport { snapshots: going.to_vec(), ..PruneReport::default() };
        self.remove_parts()?;
        for name in self.files.list()?.iter().filter(|name| is_ours(name) && !named.contains(*name)) {
            report.bytes += self.files.open(name)?.bytes()?;
            self.files.remove(name)?;
            report.files += 1;
        }
        self.files.sync_dir()?;
        Ok(report)
    }
}
