//! A disk that loses what was not synced, for the crash tests.
//!
//! Files and the folder each have a durable image and a present one. When the power goes, every operation from then on fails;
//! [`SimDisk::after_crash`] is what is found afterwards: the durable image, with any part of what was written since and not synced.

use crate::disk::{Disk, DiskFile};
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

/// Reordered writes survive in pieces of this size.
const PAGE_BYTES: usize = 512;

/// A small generator of numbers that a failing test can repeat from its seed (splitmix64).
#[derive(Debug, Clone)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to `sides - 1`.
    pub(crate) fn below(&mut self, sides: u64) -> u64 {
        self.roll() % sides.max(1)
    }

    pub(crate) fn one_in(&mut self, sides: u64) -> bool {
        self.below(sides) == 0
    }

    pub(crate) fn octets(&mut self, bytes: usize) -> Vec<u8> {
        (0..bytes).map(|_| self.roll() as u8).collect()
    }
}

/// See the module.
#[derive(Debug, Clone, Default)]
pub(crate) struct SimDisk(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    files: Vec<Data>,
    present: BTreeMap<String, usize>,
    durable: BTreeMap<String, usize>,
    /// Operations until the power goes.
    left: Option<u64>,
    dead: bool,
    /// Says that it synced and does nothing.
    lies: bool,
    operations: u64,
    /// How long a sync takes.
    slow: std::time::Duration,
    /// Bytes that fit into all files together.
    room: Option<usize>,
}

#[derive(Debug, Default, Clone)]
struct Data {
    durable: Vec<u8>,
    present: Vec<u8>,
    unsynced: Vec<Unsynced>,
}

#[derive(Debug, Clone)]
enum Unsynced {
    Write(usize, Vec<u8>),
    Truncate(usize),
}

impl SimDisk {
    /// The power goes at the operation after so many.
    pub(crate) fn die_after(&self, operations: u64) {
        self.inner().left = Some(operations);
    }

    /// From now on syncs do nothing.
    pub(crate) fn lie(&self) {
        self.inner().lies = true;
    }

    /// Let every sync of a file take so long, so that others come in between.
    pub(crate) fn slow_down(&self, sync: std::time::Duration) {
        self.inner().slow = sync;
    }

    /// So many bytes fit; `None`: any number.
    pub(crate) fn set_room(&self, room: Option<usize>) {
        self.inner().room = room;
    }

    /// Bytes of all files.
    pub(crate) fn bytes_used(&self) -> usize {
        self.inner().used()
    }

    /// Operations that would change something, so far.
    pub(crate) fn operations(&self) -> u64 {
        self.inner().operations
    }

    /// What is found when the power is back.
    pub(crate) fn after_crash(&self, dice: &mut Dice) -> Self {
        let mut inner = self.inner();
        inner.dead = true;
        let mut found = Inner::default();
        let mut names = inner.durable.clone();
        for (name, file) in &inner.present {
            // A new file, or one that took another's name, may have become durable by itself.
            if names.get(name) != Some(file) && dice.one_in(2) {
                names.insert(name.clone(), *file);
            }
        }
        // And so may a removal.
        names.retain(|name, _| inner.present.contains_key(name) || dice.one_in(2));
        let way = dice.below(6);
        for (name, file) in names {
            let survivor = survive(&inner.files[file], way, dice);
            found.present.insert(name.clone(), found.files.len());
            found.durable.insert(name, found.files.len());
            found.files.push(Data { durable: survivor.clone(), present: survivor, unsynced: Vec::new() });
        }
        Self(Arc::new(Mutex::new(found)))
    }

    /// The octets of a file, to damage them.
    pub(crate) fn alter(&self, name: &str, with: impl FnOnce(&mut Vec<u8>)) {
        let mut inner = self.inner();
        let file = inner.present[name];
        let data = &mut inner.files[file];
        with(&mut data.present);
        data.durable = data.present.clone();
    }

    /// The octets of a file.
    pub(crate) fn look(&self, name: &str, with: impl FnOnce(&[u8])) {
        let inner = self.inner();
        with(&inner.files[inner.present[name]].present);
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }
}

impl Inner {
    fn used(&self) -> usize {
        self.present.values().map(|file| self.files[*file].present.len()).sum()
    }

    fn alive(&self) -> io::Result<()> {
        if self.dead { Err(io::Error::other("the power is off")) } else { Ok(()) }
    }

    /// Count an operation; `Err` if the power goes at it.
    fn count(&mut self) -> io::Result<()> {
        self.alive()?;
        self.operations += 1;
        match &mut self.left {
            Some(0) => self.dead = true,
            Some(left) => *left -= 1,
            None => {}
        }
        self.alive()
    }
}

/// What is left of a file: its durable image and some of what came after.
fn survive(data: &Data, way: u64, dice: &mut Dice) -> Vec<u8> {
    let mut left = data.durable.clone();
    let kept = match way {
        0 => 0,
        1 => data.unsynced.len(),
        _ => dice.below(data.unsynced.len() as u64 + 1) as usize,
    };
    for (at, unsynced) in data.unsynced.iter().take(kept).enumerate() {
        let torn = way > 1 && at + 1 == kept;
        match unsynced {
            Unsynced::Truncate(bytes) => left.resize(*bytes, 0),
            Unsynced::Write(offset, octets) if !torn => write(&mut left, *offset, octets),
            Unsynced::Write(offset, octets) => {
                let cut = dice.below(octets.len() as u64 + 1) as usize;
                match way {
                    // The first part, and then nothing.
                    2 => write(&mut left, *offset, &octets[..cut]),
                    // The first part, and then something else.
                    3 => {
                        write(&mut left, *offset, &octets[..cut]);
                        let garbage = dice.octets(octets.len() - cut);
                        write(&mut left, *offset + cut, &garbage);
                    }
                    // The first part, and then nulls: the length was there before the data.
                    4 => {
                        write(&mut left, *offset, &octets[..cut]);
                        write(&mut left, *offset + cut, &vec![0; octets.len() - cut]);
                    }
                    // Some pages, in no order.
                    _ => {
                        for (page, piece) in octets.chunks(PAGE_BYTES).enumerate() {
                            if dice.one_in(2) {
                                write(&mut left, *offset + page * PAGE_BYTES, piece);
                            }
                        }
                    }
                }
            }
        }
    }
    left
}

fn write(file: &mut Vec<u8>, offset: usize, octets: &[u8]) {
    if file.len() < offset + octets.len() {
        file.resize(offset + octets.len(), 0);
    }
    file[offset..offset + octets.len()].copy_from_slice(octets);
}

impl Disk for SimDisk {
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut inner = self.inner();
        inner.count()?;
        if inner.present.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let file = inner.files.len();
        inner.files.push(Data::default());
        inner.present.insert(name.to_owned(), file);
        Ok(Arc::new(SimFile { disk: self.clone(), file }))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let inner = self.inner();
        inner.alive()?;
        let file = *inner.present.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(Arc::new(SimFile { disk: self.clone(), file }))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let inner = self.inner();
        inner.alive()?;
        Ok(inner.present.keys().cloned().collect())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut inner = self.inner();
        inner.count()?;
        inner.present.remove(name).map(|_| ()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut inner = self.inner();
        inner.count()?;
        let file = inner.present.remove(from).ok_or(io::ErrorKind::NotFound)?;
        inner.present.insert(to.to_owned(), file);
        Ok(())
    }

    fn sync_dir(&self) -> io::Result<()> {
        let mut inner = self.inner();
        inner.count()?;
        if !inner.lies {
            inner.durable = inner.present.clone();
        }
        Ok(())
    }
}

#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    file: usize,
}

impl DiskFile for SimFile {
    fn write_at(&self, octets: &[u8], offset: u64) -> io::Result<()> {
        let mut inner = self.disk.inner();
        inner.alive()?;
        let outcome = inner.count();
        let grows = (offset as usize + octets.len()).saturating_sub(inner.files[self.file].present.len());
        let left = inner.room.map_or(usize::MAX, |room| room.saturating_sub(inner.used()));
        if grows > left {
            // What fits is written, as a real disk does.
            let fits = &octets[..octets.len() - (grows - left)];
            let data = &mut inner.files[self.file];
            write(&mut data.present, offset as usize, fits);
            data.unsynced.push(Unsynced::Write(offset as usize, fits.to_vec()));
            return Err(io::ErrorKind::StorageFull.into());
        }
        // The write at which the power goes may have come through in part.
        let data = &mut inner.files[self.file];
        write(&mut data.present, offset as usize, octets);
        data.unsynced.push(Unsynced::Write(offset as usize, octets.to_vec()));
        outcome
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<()> {
        let inner = self.disk.inner();
        inner.alive()?;
        let present = &inner.files[self.file].present;
        let end = offset as usize + into.len();
        into.copy_from_slice(present.get(offset as usize..end).ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn read_cached(&self, into: &mut [u8], offset: u64) -> io::Result<bool> {
        self.read_at(into, offset).map(|()| true)
    }

    fn sync(&self) -> io::Result<()> {
        let slow = self.disk.inner().slow;
        std::thread::sleep(slow);
        let mut inner = self.disk.inner();
        inner.count()?;
        if !inner.lies {
            let data = &mut inner.files[self.file];
            data.durable = data.present.clone();
            data.unsynced.clear();
        }
        Ok(())
    }

    fn truncate(&self, bytes: u64) -> io::Result<()> {
        let mut inner = self.disk.inner();
        inner.count()?;
        let data = &mut inner.files[self.file];
        data.present.resize(bytes as usize, 0);
        data.unsynced.push(Unsynced::Truncate(bytes as usize));
        Ok(())
    }

    fn bytes(&self) -> io::Result<u64> {
        let inner = self.disk.inner();
        inner.alive()?;
        Ok(inner.files[self.file].present.len() as u64)
    }
}
