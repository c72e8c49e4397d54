//! The file layer under the journal: few operations, so that a test can stand in for the disk and lose what was not synced.
//!
//! Used by the journal, by staging and by reading; the index has its own (SQLite's). What holds: nothing is durable before
//! [`DiskFile::sync`], and a new file is not there after a crash before [`Disk::sync_dir`].

use rustix::fs::OFlags;
use rustix::io::{ReadWriteFlags, preadv2};
use std::fmt::Debug;
use std::fs::{File, OpenOptions};
use std::io::{self, IoSliceMut};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// What a write past the cache begins and ends at, in the file and in memory: enough for every disk of today.
pub(crate) const PAGE_BYTES: usize = 4096;

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
    /// The same for octets that nobody is expected to read soon: of those that are whole pages, in memory and in the file, the system need
    /// not keep a copy. Durable they are no sooner.
    fn write_past_cache(&self, octets: &[u8], offset: u64) -> io::Result<()> {
        self.write_at(octets, offset)
    }
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
        let path = self.dir.join(name);
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
        Ok(Arc::new(RealFile { file, path, past_cache: OnceLock::new() }))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let path = self.dir.join(name);
        let file = OpenOptions::new().read(true).write(self.writes).open(&path)?;
        Ok(Arc::new(RealFile { file, path, past_cache: OnceLock::new() }))
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
struct RealFile {
    file: File,
    path: PathBuf,
    /// The same file, open for writing past the cache; `None` where the file system has no such thing.
    past_cache: OnceLock<Option<File>>,
}

impl RealFile {
    fn past_cache(&self) -> Option<&File> {
        let open = || OpenOptions::new().write(true).custom_flags(OFlags::DIRECT.bits().cast_signed()).open(&self.path).ok();
        self.past_cache.get_or_init(open).as_ref()
    }
}

impl DiskFile for RealFile {
    fn write_at(&self, octets: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_all_at(octets, offset)
    }

    fn write_past_cache(&self, octets: &[u8], offset: u64) -> io::Result<()> {
        let (pages, rest) = octets.split_at(octets.len() / PAGE_BYTES * PAGE_BYTES);
        let begins_at_pages = octets.as_ptr().addr().is_multiple_of(PAGE_BYTES) && offset.is_multiple_of(PAGE_BYTES as u64);
        let is_written = match self.past_cache().filter(|_| begins_at_pages).map(|file| file.write_all_at(pages, offset)) {
            Some(Ok(())) => true,
            Some(Err(error)) if is_full(&error) => return Err(error),
            // Some file systems open a file so and then refuse. What is wrong with the disk itself shows again below.
            Some(Err(_)) | None => false,
        };
        if is_written {
            return self.file.write_all_at(rest, offset + pages.len() as u64);
        }
        self.file.write_all_at(octets, offset)
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_exact_at(into, offset)
    }

    fn read_cached(&self, into: &mut [u8], offset: u64) -> io::Result<bool> {
        let bytes = into.len();
        // A file system that cannot say answers with an error: then ask properly.
        Ok(preadv2(&self.file, &mut [IoSliceMut::new(into)], offset, ReadWriteFlags::NOWAIT).is_ok_and(|read| read == bytes))
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn truncate(&self, bytes: u64) -> io::Result<()> {
        self.file.set_len(bytes)
    }

    fn bytes(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::pages::Pages;

    #[test]
    fn what_is_written_past_the_cache_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let file = RealDisk::open(dir.path()).unwrap().create("file").unwrap();
        let octets: Vec<u8> = (0..3 * PAGE_BYTES as u32 + 5).map(|n| (n / 3) as u8).collect();
        let mut pages = Pages::with_room_for(octets.len() + 1);
        assert!(pages.fill(&octets).is_empty() && !pages.is_full());
        assert!(pages.octets().as_ptr().addr().is_multiple_of(PAGE_BYTES));
        file.write_at(b"begin", 0).unwrap();
        // At a page, between pages, and from memory that lies anywhere.
        for (octets, offset) in
            [(pages.octets(), 2 * PAGE_BYTES as u64), (pages.octets(), 9 * PAGE_BYTES as u64 + 7), (&octets[1..], 1 << 20)]
        {
            file.write_past_cache(octets, offset).unwrap();
            let mut read = vec![0; octets.len()];
            file.read_at(&mut read, offset).unwrap();
            assert_eq!(read, octets);
            assert_eq!(file.bytes().unwrap(), offset + octets.len() as u64);
        }
        let mut begin = [0; 5];
        file.read_at(&mut begin, 0).unwrap();
        assert_eq!(&begin, b"begin");
    }

    #[test]
    fn a_buffer_takes_what_it_has_room_for() {
        let mut pages = Pages::with_room_for(10);
        assert_eq!(pages.fill(b"0123456"), b"");
        assert_eq!(pages.fill(b"789abc"), b"abc");
        assert!(pages.is_full());
        assert_eq!(pages.octets(), b"0123456789");
        pages.clear();
        assert_eq!(pages.fill(b"abc"), b"");
        assert_eq!(pages.octets(), b"abc");
    }
}
