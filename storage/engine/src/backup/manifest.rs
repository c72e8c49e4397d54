//! Manifests: which files a snapshot is made of, and the names of those files.

use super::BackupError;
use crate::journal::{Position, big_name, segment_name};
use octroi_model::UnixTime;
use serde::{Deserialize, Serialize};

/// Moves when an older program could not restore what is written.
const FORMAT: u32 = 1;
/// Ending of a manifest.
pub(crate) const MANIFEST: &str = ".json";
/// Ending of what has not got its name yet.
pub(crate) const PART: &str = ".part";

/// A snapshot: the store as it was at one position of its journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    format: u32,
    /// Of the program that made it.
    pub(crate) version: String,
    /// When it was made; everything committed before that is in it.
    pub(crate) time: UnixTime,
    /// Last segment, and how much of it belongs to the snapshot.
    segment: u64,
    offset: u64,
    /// Files of the journal's folder.
    pub(crate) journal: Vec<Stored>,
    /// Files that lay beside it in the data folder.
    pub(crate) beside: Vec<Stored>,
    /// For people: what is not in here and is needed as well.
    pub(crate) reminder: String,
}

/// A file of the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stored {
    /// As the store names it.
    pub(crate) name: String,
    /// What it is made of, in order.
    pub(crate) pieces: Vec<Piece>,
}

/// A file of the backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Piece {
    pub(crate) file: String,
    pub(crate) bytes: u64,
    /// BLAKE3 in hexadecimal.
    pub(crate) blake3: String,
}

/// The second line of a manifest's file: what the first hashes to.
#[derive(Debug, Serialize, Deserialize)]
struct Seal {
    blake3: String,
}

/// What is looked at before all else.
#[derive(Debug, Deserialize)]
struct Format {
    format: u32,
}

impl Manifest {
    pub(crate) fn new(time: UnixTime, end: Position, journal: Vec<Stored>, beside: Vec<Stored>, reminder: String) -> Self {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        Self { format: FORMAT, version, time, segment: end.segment, offset: end.offset, journal, beside, reminder }
    }

    pub(crate) fn position(&self) -> Position {
        Position { segment: self.segment, offset: self.offset }
    }

    /// All files of the backup that it names.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = &Piece> {
        self.journal.iter().chain(&self.beside).flat_map(|stored| &stored.pieces)
    }

    /// Octets of all of them.
    pub(crate) fn bytes(&self) -> u64 {
        self.pieces().map(|piece| piece.bytes).sum()
    }

    /// As it is written: a line of JSON, and a line with its hash.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, BackupError> {
        let failed = |error: serde_json::Error| BackupError::Failed(error.to_string());
        let mut text = serde_json::to_vec(self).map_err(failed)?;
        let seal = Seal { blake3: blake3::hash(&text).to_hex().to_string() };
        text.push(b'\n');
        text.extend(serde_json::to_vec(&seal).map_err(failed)?);
        text.push(b'\n');
        Ok(text)
    }

    /// Read it back. What it names lies in the folders of the backup and nowhere else.
    pub(crate) fn decode(text: &[u8]) -> Result<Self, String> {
        let mut lines = text.split(|octet| *octet == b'\n');
        let (first, second) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
        let seal: Seal = serde_json::from_slice(second).map_err(|_| "its hash is missing".to_owned())?;
        if seal.blake3 != blake3::hash(first).to_hex().as_str() {
            return Err("it does not have its hash".into());
        }
        let Format { format } = serde_json::from_slice(first).map_err(|error| error.to_string())?;
        if format != FORMAT {
            return Err(format!("its format {format} is not one that this version of the program reads"));
        }
        let manifest: Self = serde_json::from_slice(first).map_err(|error| error.to_string())?;
        let names = manifest.journal.iter().chain(&manifest.beside).map(|stored| &stored.name);
        if names.chain(manifest.pieces().map(|piece| &piece.file)).any(|name| !is_plain(name)) {
            return Err("it names something outside of the backup".into());
        }
        Ok(manifest)
    }
}

/// A name that stays in its folder.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', '\0'])
}

/// Of what a file of the journal's folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Of {
    Segment(u64),
    Big(u64),
}

impl Of {
    /// As the store names it.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Segment(number) => segment_name(number),
            Self::Big(number) => big_name(number),
        }
    }
}

/// What the name of a copy says. The hash makes it the name of this content and no other: nothing is ever written over.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PieceName {
    pub(crate) of: Of,
    /// How often the segment had been compacted when it was copied.
    pub(crate) generation: u32,
    pub(crate) from: u64,
    pub(crate) to: u64,
    /// BLAKE3 in hexadecimal.
    pub(crate) hash: String,
}

impl PieceName {
    pub(crate) fn encode(&self) -> String {
        let (number, ending) = match self.of {
            Of::Segment(number) => (number, "seg"),
            Of::Big(number) => (number, "big"),
        };
        format!("{number:016x}-{}-{:x}-{:x}-{}.{ending}", self.generation, self.from, self.to, self.hash)
    }

    pub(crate) fn decode(name: &str) -> Option<Self> {
        let (rest, ending) = name.rsplit_once('.')?;
        let parts: Vec<&str> = rest.split('-').collect();
        let [number, generation, from, to, hash] = parts[..] else { return None };
        let hex = |text| u64::from_str_radix(text, 16).ok();
        let number = hex(number)?;
        let of = match ending {
            "seg" => Of::Segment(number),
            "big" => Of::Big(number),
            _ => return None,
        };
        let (from, to) = (hex(from)?, hex(to)?);
        let made = Self { of, generation: generation.parse().ok()?, from, to, hash: hash.to_owned() };
        (from <= to && hash.len() == 64 && made.encode() == name).then_some(made)
    }

    pub(crate) fn piece(&self) -> Piece {
        Piece { file: self.encode(), bytes: self.to - self.from, blake3: self.hash.clone() }
    }
}

/// Ending of a copy of what lies beside the journal.
pub(crate) const BESIDE: &str = ".beside";

/// Is this the name of a file that backups make?
pub(crate) fn is_ours(name: &str) -> bool {
    PieceName::decode(name).is_some() || name.strip_suffix(BESIDE).is_some_and(|hash| hash.len() == 64)
}

/// The name of a snapshot made at this moment; `again` tells those of one second apart. No colon: not every file system takes one.
pub(crate) fn snapshot_name(time: UnixTime, again: u32) -> String {
    let text = jiff::Timestamp::from_second(time.0).map_or_else(|_| time.0.to_string(), |t| t.strftime("%Y%m%dT%H%M%SZ").to_string());
    if again == 0 { text } else { format!("{text}-{again:04}") }
}

/// A moment for people.
pub(crate) fn moment(time: UnixTime) -> String {
    jiff::Timestamp::from_second(time.0).map_or_else(|_| time.0.to_string(), |t| t.to_string())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_name_says_what_it_was_made_of(number: u64, generation: u32, from in 0u64..1 << 40, bytes in 0u64..1 << 40, big: bool, octets: Vec<u8>) {
            let of = if big { Of::Big(number) } else { Of::Segment(number) };
            let name = PieceName { of, generation, from, to: from + bytes, hash: blake3::hash(&octets).to_hex().to_string() };
            prop_assert_eq!(PieceName::decode(&name.encode()), Some(name));
        }

        #[test]
        fn no_other_name_is_taken_for_one(name in "[0-9a-f.-]{0,40}(seg|big)?") {
            prop_assert_eq!(PieceName::decode(&name), None);
        }
    }

    #[test]
    fn a_manifest_is_read_back_and_an_altered_one_is_not() {
        let piece = Piece { file: "a.seg".into(), bytes: 7, blake3: "00".into() };
        let stored = Stored { name: segment_name(1), pieces: vec![piece] };
        let manifest = Manifest::new(UnixTime(7), Position { segment: 1, offset: 7 }, vec![stored], vec![], "x".into());
        let text = manifest.encode().unwrap();
        assert_eq!(Manifest::decode(&text).unwrap(), manifest);
        for at in 0..text.len() - 1 {
            let mut altered = text.clone();
            altered[at] ^= 1;
            assert!(Manifest::decode(&altered).is_err(), "octet {at}");
        }
        let mut climbing = manifest;
        climbing.journal[0].pieces[0].file = "../secret".into();
        assert!(Manifest::decode(&climbing.encode().unwrap()).is_err());
    }
}
