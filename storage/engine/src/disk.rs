//! The file layer under the journal: few operations, so that a test can stand in for the disk and lose what was not synced.
//!
//! Used by the journal, by staging and by reading; the index has its own (SQLite's). What holds: nothing is durable before
//! [`DiskFile::sync`], and a new file is not there after a crash before [`Disk::sync_dir`].

use rustix::io::{ReadWriteFlags, preadv2};
use std::fmt::Debug;
use std::fs::{File, OpenOptions};
use std::io::{self, IoSliceMut};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One folder of files.
pub(crate) trait Disk: Send + Sync + Debug + 'static {
    /// A new file, for reading and writing; fails if it is there.
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;
    /// A file that is there.
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;
    /// Names of all files.
    fn list(&self) -> io::Result<Vec<String>>;
    /// Remove a file.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Give a file another name, in place of the one that has it.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Make creations, removals and new names durable.
    fn sync_dir(&self) -> io::Result<()>;
}

/// An open file.
pub(crate) trait DiskFile: Send + Sync + Debug {
    /// Write all of `octets` at `offset`.
    fn write_at(&self, octets: &[u8], offset: u64) -> io::Result<()>;
    /// Fill `into` from `offset`; a file that ends before that is an error.
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<()>;
    /// The same without waiting for the disk; `false` if not all of it is in memory.
    fn read_cached(&self, into: &mut [u8], offset: u64) -> io::Result<bool>;
    /// Make the content and the length durable.
    fn sync(&self) -> io::Result<()>;
    /// Cut the file.
    fn truncate(&self, bytes: u64) -> io::Result<()>;
    /// Its length.
    fn bytes(&self) -> io::Result<u64>;
}

/// Did the disk refuse for want of room? Then nothing is wrong with it, and what was begun can be taken back.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// A folder of the operating system.
#[derive(Debug)]
pub(crate) struct RealDisk {
    dir: PathBuf,
    writes: bool,
}

impl RealDisk {
    /// The folder, made if it is not there.
    pub(crate) fn open(dir: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(dir)?;
        Ok(Self { dir: dir.to_owned(), writes: true })
    }

    /// A folder whose files are only read: it may lie on what cannot be written to.
    pub(crate) fn look(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), writes: false }
    }
}

impl Disk for RealDisk {
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        // Nobody's mail is for other users of the machine, whatever the folder above allows.
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(self.dir.join(name))?;
        Ok(Arc::new(RealFile(file)))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(RealFile(OpenOptions::new().read(true).write(self.writes).open(self.dir.join(name))?)))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.dir)? {
            // What is not UTF-8 is not ours.
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.dir.join(name))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.dir.join(from), self.dir.join(to))
    }

    fn sync_dir(&self) -> io::Result<()> {
        File::open(&self.dir)?.sync_all()
    }
}

#[derive(Debug)]
struct RealFile(File);

impl DiskFile for RealFile {
    fn write_at(&self, octets: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_all_at(octets, offset)
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<()> {
        self.0.read_exact_at(into, offset)
    }

    fn read_cached(&self, into: &mut [u8], offset: u64) -> io::Result<bool> {
        let bytes = into.len();
        // A file system that cannot say answers with an error: then ask properly.
        Ok(preadv2(&self.0, &mut [IoSliceMut::new(into)], offset, ReadWriteFlags::NOWAIT).is_ok_and(|read| read == bytes))
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn truncate(&self, bytes: u64) -> io::Result<()> {
        self.0.set_len(bytes)
    }

    fn bytes(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }
}
