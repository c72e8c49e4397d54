//! Maildir with the sub-folders of Maildir++ (`.Folder.Below` beside `cur` and `new`).
//!
//! Flags are the letters after `:2,` of the file's name, keywords the letters `a` to `z` by the folder's `dovecot-keywords`, the date is
//! the file's. Names of folders are in modified UTF-7. Read while nobody else writes to it: a file that was renamed meanwhile is
//! reported and left for a second run. Known limits: the names of one folder's files are held in memory.

use super::source::{Fault, Found, Message, Source, as_message, too_large};
use octroi_model::{Flags, UnixTime};
use std::fs::{self, DirEntry};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Letters of the info part (the Maildir specification), with what they are in IMAP. `P`, passed on, is a keyword.
const FLAGS: [(u8, Flags); 5] =
    [(b'F', Flags::FLAGGED), (b'R', Flags::ANSWERED), (b'S', Flags::SEEN), (b'T', Flags::DELETED), (b'D', Flags::DRAFT)];
const FORWARDED: &str = "$Forwarded";
/// Keywords that a folder can give letters to.
const LETTERS: usize = 26;

/// A Maildir that is being read.
pub(crate) struct Maildir {
    /// Folders that were not begun yet, the last one first.
    waiting: Vec<Folder>,
    open: Option<Open>,
    total: u64,
}

struct Folder {
    at: PathBuf,
    /// The mailbox's names, or why it cannot be one.
    into: Result<Vec<String>, String>,
}

struct Open {
    folder: Folder,
    into: Vec<String>,
    keywords: Vec<String>,
    /// Files that were not read yet, below the folder, the oldest one last.
    files: Vec<PathBuf>,
}

impl Maildir {
    /// Look at what is there. `into` are the names of the mailbox that stands for the top; without any that is the INBOX, and sub-folders
    /// lie beside it.
    pub(crate) fn open(at: &Path, into: &[String]) -> Result<Self, String> {
        let fail = |e: io::Error| format!("cannot read {}: {e}", at.display());
        if !at.join("cur").is_dir() && !at.join("new").is_dir() {
            return Err(format!("{} is no Maildir: there is no `cur` and no `new` in it", at.display()));
        }
        let mut folders = Vec::new();
        for entry in fs::read_dir(at).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let name = entry.file_name();
            let is_folder = entry.path().join("cur").is_dir() || entry.path().join("new").is_dir();
            if let Some(name) = name.as_bytes().strip_prefix(b".").filter(|_| is_folder) {
                folders.push(Folder { at: entry.path(), into: folder_names(name).map(|names| [into, &names].concat()) });
            }
        }
        folders.sort_by(|a, b| b.at.cmp(&a.at));
        let top = if into.is_empty() { vec!["INBOX".to_owned()] } else { into.to_vec() };
        folders.push(Folder { at: at.to_owned(), into: Ok(top) });
        let mut total = 0;
        for folder in &folders {
            for directory in directories(&folder.at) {
                total += entries(&directory).map_err(|e| format!("cannot read {}: {e}", directory.display()))?.count() as u64;
            }
        }
        Ok(Self { waiting: folders, open: None, total })
    }

    /// Begin with the next folder; something to report if it cannot be one of ours.
    fn begin(&mut self, folder: Folder) -> Result<Option<Found>, String> {
        let mut files = Vec::new();
        for directory in directories(&folder.at) {
            let found = entries(&directory).map_err(|e| format!("cannot read {}: {e}", directory.display()))?;
            // A path from the folder on is short; there may be a million of them.
            files.extend(found.map(|entry| Path::new(directory.file_name().unwrap_or_default()).join(entry.file_name())));
        }
        let into = match &folder.into {
            Ok(into) => into.clone(),
            Err(why) => {
                let (label, messages) = (folder.at.display().to_string(), files.len() as u64);
                return Ok(Some(Found::Fault(Fault { label, why: why.clone(), messages })));
            }
        };
        files.sort_by_cached_key(|file| std::cmp::Reverse(age(file)));
        self.open = Some(Open { keywords: keywords(&folder.at), folder, into, files });
        Ok(None)
    }
}

impl Source for Maildir {
    fn total(&self) -> u64 {
        self.total
    }

    fn next(&mut self, bytes_max: u64) -> Result<Option<Found>, String> {
        loop {
            if let Some(open) = &mut self.open
                && let Some(file) = open.files.pop()
            {
                return Ok(Some(open.read(&file, bytes_max)));
            }
            match self.waiting.pop() {
                None => return Ok(None),
                Some(folder) => {
                    if let Some(fault) = self.begin(folder)? {
                        return Ok(Some(fault));
                    }
                }
            }
        }
    }
}

impl Open {
    fn read(&self, file: &Path, bytes_max: u64) -> Found {
        let path = self.folder.at.join(file);
        let label = path.display().to_string();
        match read(&path, bytes_max) {
            Err(why) => Fault::one(label, why),
            Ok((octets, date)) => {
                let (flags, keywords) = info(file.as_os_str().as_bytes(), &self.keywords);
                Found::Message(Box::new(Message { into: self.into.clone(), label, octets, flags, keywords, date }))
            }
        }
    }
}

fn read(path: &Path, bytes_max: u64) -> Result<(Vec<u8>, UnixTime), String> {
    let metadata = fs::metadata(path).map_err(|e| e.to_string())?;
    if !metadata.is_file() {
        return Err("it is no file".to_owned());
    }
    if metadata.len() > bytes_max {
        return Err(too_large(bytes_max));
    }
    let octets = as_message(fs::read(path).map_err(|e| e.to_string())?);
    if octets.is_empty() {
        return Err("it is empty".to_owned());
    }
    let since = metadata.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    Ok((octets, since.map_or_else(UnixTime::now, |since| UnixTime(since.as_secs() as i64))))
}

/// The two directories that hold messages; what is in `tmp` is not delivered yet.
fn directories(folder: &Path) -> impl Iterator<Item = PathBuf> {
    ["new", "cur"].into_iter().map(|name| folder.join(name)).filter(|directory| directory.is_dir())
}

/// What is in a directory, but for hidden files.
fn entries(directory: &Path) -> io::Result<impl Iterator<Item = DirEntry>> {
    let all: io::Result<Vec<DirEntry>> = fs::read_dir(directory)?.collect();
    Ok(all?.into_iter().filter(|entry| !entry.file_name().as_bytes().starts_with(b".")))
}

/// Sorts in the order of arrival: a name begins with the second of it.
fn age(file: &Path) -> (u64, PathBuf) {
    let name = file.file_name().unwrap_or_default();
    let digits: Vec<u8> = name.as_bytes().iter().copied().take_while(u8::is_ascii_digit).collect();
    (std::str::from_utf8(&digits).ok().and_then(|d| d.parse().ok()).unwrap_or(0), PathBuf::from(name))
}

/// Flags and keywords from a file's name.
fn info(name: &[u8], letters: &[String]) -> (Flags, Vec<String>) {
    let Some(at) = name.windows(3).rposition(|part| part == b":2,") else { return (Flags::NONE, Vec::new()) };
    let (mut flags, mut keywords) = (Flags::NONE, Vec::new());
    // What comes after a comma is an extension of some program.
    for letter in name[at + 3..].iter().take_while(|letter| **letter != b',') {
        if let Some((_, flag)) = FLAGS.iter().find(|(l, _)| l == letter) {
            flags = flags | *flag;
        } else if *letter == b'P' {
            keywords.push(FORWARDED.to_owned());
        } else if letter.is_ascii_lowercase()
            && let Some(keyword) = letters.get(usize::from(letter - b'a')).filter(|k| !k.is_empty())
        {
            keywords.push(keyword.clone());
        }
    }
    (flags, keywords)
}

/// Lines of a number and a keyword, as Dovecot writes them. Without the file the letters mean nothing.
fn keywords(folder: &Path) -> Vec<String> {
    let mut letters = vec![String::new(); LETTERS];
    for line in fs::read_to_string(folder.join("dovecot-keywords")).unwrap_or_default().lines() {
        if let Some((number, keyword)) = line.split_once(' ')
            && let Some(place) = number.parse::<usize>().ok().and_then(|n| letters.get_mut(n))
        {
            keyword.trim().clone_into(place);
        }
    }
    letters
}

/// `Folder.Below` as names.
fn folder_names(name: &[u8]) -> Result<Vec<String>, String> {
    let text = octroi_imap::decode_utf7(name).or_else(|| String::from_utf8(name.to_vec()).ok());
    let text = text.ok_or_else(|| "the folder's name is neither modified UTF-7 nor UTF-8".to_owned())?;
    let names: Vec<String> = text.split('.').map(str::to_owned).collect();
    for name in &names {
        octroi_model::Name::new(name).map_err(|e| format!("the folder cannot be a mailbox: {e}"))?;
    }
    Ok(names)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::time::Duration;

    fn put(folder: &Path, at: &str, text: &str) {
        let path = folder.join(at);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
    }

    fn all(at: &Path, into: &[&str]) -> Vec<Found> {
        let into: Vec<String> = into.iter().map(|n| (*n).to_owned()).collect();
        let mut source = Maildir::open(at, &into).unwrap();
        let mut found = Vec::new();
        while let Some(next) = source.next(1000).unwrap() {
            found.push(next);
        }
        found
    }

    fn messages(found: &[Found]) -> Vec<&Message> {
        found.iter().filter_map(|f| if let Found::Message(m) = f { Some(&**m) } else { None }).collect()
    }

    #[test]
    fn folders_flags_keywords_and_dates_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        put(at, "cur/1700000002.b.host:2,FRSTDPab", "Subject: second\n\ntext\n");
        put(at, "new/1700000001.a.host", "Subject: first\n\ntext\n");
        put(at, "tmp/1700000000.t.host", "Subject: not delivered\n\n");
        put(at, "dovecot-keywords", "0 NonJunk\n1 $Label1\nnonsense\n");
        put(at, ".Acc&AOk-s.2026/cur/1700000003.c:2,S", "Subject: third\r\n\r\ntext\r\n");
        put(at, ".empty/maildirfolder", "");
        let first = File::open(at.join("new/1700000001.a.host")).unwrap();
        first.set_modified(UNIX_EPOCH + Duration::from_secs(1_600_000_000)).unwrap();
        assert_eq!(Maildir::open(at, &[]).unwrap().total(), 3);
        let found = all(at, &[]);
        let messages = messages(&found);
        assert_eq!(messages.len(), 3);
        assert_eq!(messages[0].octets, b"Subject: first\r\n\r\ntext\r\n");
        assert_eq!((messages[0].date, messages[0].flags), (UnixTime(1_600_000_000), Flags::NONE));
        assert_eq!(messages[1].into, ["INBOX"]);
        let every = Flags::SYSTEM.iter().fold(Flags::NONE, |sum, (flag, _)| sum | *flag);
        assert_eq!(messages[1].flags, every);
        assert_eq!(messages[1].keywords, ["$Forwarded", "NonJunk", "$Label1"]);
        assert_eq!((&messages[2].into[..], messages[2].flags), (&["Accés".to_owned(), "2026".to_owned()][..], Flags::SEEN));
        assert_eq!(all(at, &["Old", "Mail"]).len(), 3);
        assert_eq!(self::messages(&all(at, &["Old", "Mail"]))[2].into, ["Old", "Mail", "Accés", "2026"]);
    }

    #[test]
    fn what_cannot_be_imported_is_reported() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        put(at, "cur/1.large:2,", &"x".repeat(1001));
        put(at, "cur/2.empty:2,", "");
        put(at, "cur/3.good:2,", "Subject: x\n\n");
        fs::create_dir(at.join("cur/4.folder")).unwrap();
        std::os::unix::fs::symlink("/no/such/file", at.join("cur/5.gone")).unwrap();
        put(at, ".a..b/cur/1.inside:2,", "Subject: x\n\n");
        let found = all(at, &[]);
        assert_eq!(messages(&found).len(), 1);
        let faults: Vec<&Fault> = found.iter().filter_map(|f| if let Found::Fault(fault) = f { Some(fault) } else { None }).collect();
        assert_eq!(faults.iter().map(|f| f.messages).sum::<u64>(), 5);
        assert!(faults[0].label.ends_with("cur/1.large:2,") && faults[0].why.contains("1000 bytes"), "{faults:?}");
        assert!(Maildir::open(&at.join("cur"), &[]).is_err());
    }
}
