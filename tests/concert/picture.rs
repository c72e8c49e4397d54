//! What a client makes of the server's responses: which messages there are, in the order of their numbers, with flags and modseqs.

use std::collections::BTreeSet;

/// A message as the mailbox has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) uid: u32,
    pub(super) flags: BTreeSet<String>,
    pub(super) modseq: u64,
}

/// A message as far as the client knows it.
#[derive(Debug, Clone, Default)]
pub(super) struct Entry {
    pub(super) uid: Option<u32>,
    pub(super) flags: Option<BTreeSet<String>>,
    pub(super) modseq: Option<u64>,
}

/// What the client has switched on.
#[derive(Debug, Clone, Copy, Default)]
#[allow(clippy::struct_excessive_bools)] // As in the server: any of them with any other.
pub(super) struct Manner {
    pub(super) modseqs: bool,
    pub(super) vanished: bool,
    pub(super) uid_only: bool,
    pub(super) rev2: bool,
}

/// The client's mailbox.
#[derive(Debug, Default)]
pub(super) struct Picture {
    pub(super) manner: Manner,
    pub(super) list: Vec<Entry>,
    /// Everything up to here is known.
    pub(super) highest: u64,
}

impl Picture {
    /// Take in all responses of one command.
    pub(super) fn hear(&mut self, lines: &[String], status: &str) {
        let mut seen = self.highest;
        let mut code = None;
        for line in lines.iter().map(String::as_str).chain([status]) {
            if let Some(number) = number_behind(line, "[HIGHESTMODSEQ ") {
                code = Some(number);
            } else if let Some(modseq) = self.hear_line(line) {
                seen = seen.max(modseq);
            }
        }
        // RFC 7162 section 3.2: what the server says counts; it knows what it holds back.
        self.highest = code.unwrap_or(seen);
    }

    fn hear_line(&mut self, line: &str) -> Option<u64> {
        let mut words = line.strip_prefix("* ")?.splitn(3, ' ');
        let (first, second, rest) = (words.next()?, words.next()?, words.next().unwrap_or_default());
        if first == "VANISHED" {
            assert!(self.manner.vanished, "VANISHED was not asked for: {line}");
            let set = line.rsplit(' ').next()?;
            self.vanish(set, second == "(EARLIER)");
            return None;
        }
        let number: usize = first.parse().ok()?;
        match second {
            "EXISTS" => self.exist(number),
            "EXPUNGE" => {
                assert!(!self.manner.vanished, "EXPUNGE after VANISHED was asked for: {line}");
                self.list.remove(number - 1);
            }
            "RECENT" => assert!(!self.manner.rev2, "IMAP4rev2 knows no RECENT"),
            "FETCH" => {
                assert!(!self.manner.uid_only, "a message number: {line}");
                return self.learn(number - 1, rest);
            }
            "UIDFETCH" => {
                assert!(self.manner.uid_only, "UIDFETCH was not asked for: {line}");
                return self.learn_by_uid(number as u32, rest);
            }
            _ => {}
        }
        None
    }

    fn exist(&mut self, count: usize) {
        assert!(count >= self.list.len(), "EXISTS takes no messages away: {count} of {}", self.list.len());
        self.list.resize_with(count, Entry::default);
    }

    fn vanish(&mut self, set: &str, is_earlier: bool) {
        let gone: Vec<u32> = numbers(set);
        for uid in gone {
            if let Some(at) = self.list.iter().position(|entry| entry.uid == Some(uid)) {
                self.list.remove(at);
            } else if !is_earlier {
                // One of those that were told with EXISTS and not looked at: uids ascend, so it stands behind those that are lower.
                let from = self.list.iter().rposition(|entry| entry.uid.is_some_and(|known| known < uid)).map_or(0, |at| at + 1);
                let at = self.list[from..].iter().position(|entry| entry.uid.is_none());
                self.list.remove(from + at.unwrap_or_else(|| panic!("{uid} vanished and was not there")));
            }
        }
    }

    fn learn(&mut self, at: usize, items: &str) -> Option<u64> {
        let manner = self.manner;
        assert!(at < self.list.len(), "there is no number {}", at + 1);
        let entry = &mut self.list[at];
        if let Some(uid) = number_behind(items, "UID ") {
            let uid = uid as u32;
            assert!(entry.uid.is_none_or(|known| known == uid), "number {} is {uid}, not {:?}", at + 1, entry.uid);
            entry.uid = Some(uid);
        }
        entry.learn(items, manner)
    }

    /// Of a message that may be new.
    fn learn_by_uid(&mut self, uid: u32, items: &str) -> Option<u64> {
        let known = self.list.iter().position(|entry| entry.uid == Some(uid));
        let at = known.or_else(|| self.list.iter().position(|entry| entry.uid.is_none()));
        let at = at.unwrap_or_else(|| panic!("{uid} was never told with EXISTS"));
        self.list[at].uid = Some(uid);
        let modseq = self.list[at].learn(items, self.manner);
        self.list.sort_by_key(|entry| entry.uid.unwrap_or(u32::MAX));
        modseq
    }

    /// The answer to SELECT with QRESYNC: what the picture lacks since it was left.
    pub(super) fn catch_up(&mut self, lines: &[String]) {
        self.list.retain(|entry| entry.uid.is_some());
        let mut count = 0;
        let mut highest = 0;
        for line in lines {
            if let Some(number) = line.strip_prefix("* ").and_then(|line| line.strip_suffix(" EXISTS")) {
                count = number.parse().unwrap();
            } else if let Some(number) = number_behind(line, "[HIGHESTMODSEQ ") {
                highest = number;
            } else if let Some(set) = line.strip_prefix("* VANISHED (EARLIER) ") {
                self.vanish(set, true);
            } else if let Some((_, items)) = line.split_once(" FETCH ") {
                let uid = number_behind(items, "UID ").expect("the uid goes with it") as u32;
                if self.list.iter().all(|entry| entry.uid != Some(uid)) {
                    self.list.push(Entry::default());
                }
                self.learn_by_uid(uid, items);
            }
        }
        assert!(self.list.len() <= count, "{} messages are kept that have gone", self.list.len() - count);
        self.exist(count);
        self.highest = highest;
    }

    /// How many messages there are from the first of which not all is known.
    pub(super) fn unknown(&self) -> usize {
        let is_known = |entry: &Entry| entry.uid.is_some() && entry.flags.is_some() && (entry.modseq.is_some() || !self.manner.modseqs);
        self.list.iter().position(|entry| !is_known(entry)).map_or(0, |at| self.list.len() - at)
    }
}

impl Entry {
    fn learn(&mut self, items: &str, manner: Manner) -> Option<u64> {
        let modseq = number_behind(items, "MODSEQ (");
        if let Some((_, rest)) = items.split_once("FLAGS (") {
            let flags = rest.split(')').next().unwrap_or_default();
            assert!(!(manner.rev2 && flags.contains("\\Recent")), "IMAP4rev2 knows no \\Recent");
            assert!(modseq.is_some() || !manner.modseqs, "flags without modseq: {items}");
            self.flags = Some(flags.split(' ').filter(|flag| !flag.is_empty() && *flag != "\\Recent").map(str::to_owned).collect());
        }
        self.modseq = modseq.or(self.modseq);
        modseq
    }
}

/// The messages of FETCH responses that tell everything; the numbers must count from 1.
pub(super) fn messages_of(lines: &[String]) -> Vec<Message> {
    let mut picture = Picture { manner: Manner { modseqs: true, ..Manner::default() }, ..Picture::default() };
    let fetched: Vec<&String> = lines.iter().filter(|line| line.contains(" FETCH (")).collect();
    picture.exist(fetched.len());
    for line in fetched {
        picture.hear_line(line);
    }
    let message = |entry: Entry| Some(Message { uid: entry.uid?, flags: entry.flags?, modseq: entry.modseq? });
    picture.list.into_iter().map(|entry| message(entry).expect("all is told")).collect()
}

/// The number that follows these words.
pub(super) fn number_behind(text: &str, words: &str) -> Option<u64> {
    let (_, rest) = text.split_once(words)?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// The numbers of a set.
pub(super) fn numbers(set: &str) -> Vec<u32> {
    let range = |part: &str| {
        let (from, to) = part.split_once(':').unwrap_or((part, part));
        from.parse::<u32>().unwrap()..=to.parse().unwrap()
    };
    set.split(',').flat_map(range).collect()
}
