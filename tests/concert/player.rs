//! One session: what it does next is chosen by its own numbers, and what it hears goes into its picture.

use super::picture::{Entry, Manner, Message, Picture, number_behind, numbers};
use crate::support::imap::{Imap, Reply};
use crate::support::{Server, eventually};
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

/// More messages than these are not added to.
const MESSAGES_MAX: usize = 30;
/// Lines of each session that are shown when it fails.
const REMEMBERED_LINES: usize = 80;
const FLAGS: [&str; 6] = ["\\Seen", "\\Flagged", "\\Answered", "\\Draft", "$Forwarded", "Octroi-Concert"];

/// What kind of client it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// IMAP4rev1 and nothing else.
    Plain,
    Condstore,
    Qresync,
    UidOnly,
    Rev2,
    /// IMAP4rev1, mostly in IDLE.
    Idling,
    /// QRESYNC; it goes away without a word and comes back.
    Returning,
}

/// A client at work.
pub(super) struct Player {
    server: &'static Server,
    imap: Imap,
    mailbox: String,
    kind: Kind,
    state: u64,
    uid_validity: u64,
    picture: Picture,
    /// What was said, the last lines of it.
    said: VecDeque<String>,
}

/// Add a message.
pub(super) fn append(imap: &mut Imap, mailbox: &str) -> Reply {
    imap.try_append(mailbox, "", b"From: a@b.example\r\nSubject: a part\r\n\r\nla la\r\n").unwrap()
}

impl Drop for Player {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{:?}:\n{}", self.kind, self.said.iter().cloned().collect::<Vec<_>>().join("\n"));
        }
    }
}

impl Player {
    pub(super) fn new(server: &'static Server, mailbox: &str, kind: Kind, seed: u64) -> Self {
        let imap = Imap::login(server, server.user(1));
        let state = seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mailbox = mailbox.to_owned();
        let mut player = Self { server, imap, mailbox, kind, state, uid_validity: 0, picture: Picture::default(), said: VecDeque::new() };
        player.enter("");
        player
    }

    fn enter(&mut self, parameters: &str) -> Reply {
        let (enable, manner) = match self.kind {
            Kind::Plain | Kind::Idling => ("", Manner::default()),
            Kind::Condstore => ("CONDSTORE", Manner { modseqs: true, ..Manner::default() }),
            Kind::Qresync | Kind::Returning => ("QRESYNC", Manner { modseqs: true, vanished: true, ..Manner::default() }),
            Kind::UidOnly => ("UIDONLY CONDSTORE", Manner { modseqs: true, vanished: true, uid_only: true, rev2: false }),
            Kind::Rev2 => ("IMAP4rev2 CONDSTORE", Manner { modseqs: true, rev2: true, ..Manner::default() }),
        };
        if !enable.is_empty() {
            self.say(&format!("ENABLE {enable}"));
        }
        self.picture.manner = manner;
        let reply = self.say(&format!("SELECT {}{parameters}", self.mailbox));
        self.uid_validity = number_behind(&reply.text(), "[UIDVALIDITY ").unwrap();
        if parameters.is_empty() {
            self.picture.hear(&reply.lines(), &reply.status);
            self.look_at_new();
        } else {
            self.picture.catch_up(&reply.lines());
        }
        reply
    }

    /// The next number below `end`.
    fn below(&mut self, end: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 16) as usize % end.max(1)
    }

    fn note(&mut self, line: String) {
        self.said.push_back(line);
        if self.said.len() > REMEMBERED_LINES {
            self.said.pop_front();
        }
    }

    /// Send a command; nothing that these clients send is ever BAD.
    fn say(&mut self, command: &str) -> Reply {
        self.note(format!("C: {command}"));
        let reply = self.imap.command(command);
        self.heard(&reply);
        assert!(!reply.status.starts_with("BAD"), "{command}: {}", reply.status);
        reply
    }

    fn heard(&mut self, reply: &Reply) {
        for line in reply.lines() {
            self.note(format!("   {}", line.lines().next().unwrap_or_default()));
        }
        self.note(format!("   {}", reply.status));
    }

    fn take_in(&mut self, reply: &Reply) {
        self.picture.hear(&reply.lines(), &reply.status);
        self.look_at_new();
    }

    /// Ask about what was told with EXISTS.
    fn look_at_new(&mut self) {
        // What arrives while it is asked for is asked for too.
        while self.picture.unknown() > 0 {
            let (count, unknown) = (self.picture.list.len(), self.picture.unknown());
            let modseq = if self.picture.manner.modseqs { " MODSEQ" } else { "" };
            let known = self.picture.list[..count - unknown].last().and_then(|entry| entry.uid).unwrap_or(0);
            let command = match self.kind {
                // It may have heard of a later one before, and cannot tell where the others stand.
                Kind::UidOnly => format!("UID FETCH 1:* (FLAGS{modseq})"),
                Kind::Qresync | Kind::Returning => format!("UID FETCH {}:* (FLAGS{modseq})", known + 1),
                _ => format!("FETCH {}:{count} (UID FLAGS{modseq})", count - unknown + 1),
            };
            let reply = self.say(&command);
            self.picture.hear(&reply.lines(), &reply.status);
        }
    }

    /// Do something.
    pub(super) fn step(&mut self) {
        let choice = self.below(20);
        match (self.kind, choice) {
            (Kind::Idling, 7..) | (_, 19) => self.idle(),
            (Kind::Returning, 14..=18) => self.come_back(),
            (_, 0..=6) => self.store(),
            (_, 7) => self.plainly("NOOP"),
            (_, 8 | 9) => self.add(),
            (_, 10) => self.copy_or_move("COPY", &self.mailbox.clone()),
            (_, 11) => self.copy_or_move("MOVE", &format!("{}-aside", self.mailbox)),
            (_, 12 | 13) => self.expunge(),
            (_, 14 | 15) => self.read(),
            (Kind::UidOnly, 16) => self.plainly("UID SEARCH ALL"),
            (_, 16) => self.plainly("SEARCH ALL"),
            (_, 17) if self.picture.manner.modseqs => self.changes(),
            (_, 18) if self.kind != Kind::UidOnly => self.plainly("FETCH 1:* (FLAGS)"),
            _ => self.plainly("UID FETCH 1:* (FLAGS)"),
        }
    }

    fn idle(&mut self) {
        let length = Duration::from_millis(self.below(40) as u64);
        self.note("C: IDLE".to_owned());
        let reply = self.imap.idle(length);
        self.heard(&reply);
        self.take_in(&reply);
    }

    fn plainly(&mut self, command: &str) {
        let reply = self.say(command);
        self.take_in(&reply);
    }

    /// Some of the messages: where they stand, `UID ` or nothing, and the set.
    fn some(&mut self) -> Option<(Vec<usize>, &'static str, String)> {
        let length = self.picture.list.len();
        if length == 0 {
            return None;
        }
        let count = 1 + self.below(3);
        let chosen: BTreeSet<usize> = (0..count).map(|_| self.below(length)).collect();
        let by_uid = self.kind == Kind::UidOnly || self.below(2) == 0;
        let name = |at: &usize| if by_uid { self.picture.list[*at].uid.unwrap_or(0).to_string() } else { (at + 1).to_string() };
        let set: Vec<String> = chosen.iter().map(name).collect();
        let set = set.join(",");
        Some((chosen.into_iter().collect(), if by_uid { "UID " } else { "" }, set))
    }

    fn store(&mut self) {
        let Some((chosen, uid, set)) = self.some() else { return };
        let mode = ["+", "-", ""][self.below(3)];
        let silent = ["", ".SILENT"][self.below(2)];
        let first = self.below(FLAGS.len());
        // Now and then one is to go.
        let second = if self.below(5) == 0 { "\\Deleted" } else { FLAGS[self.below(FLAGS.len())] };
        let flags = BTreeSet::from([FLAGS[first].to_owned(), second.to_owned()]);
        let listed = flags.iter().cloned().collect::<Vec<_>>().join(" ");
        let mut condition = String::new();
        if self.picture.manner.modseqs && self.below(2) == 0 {
            let modseqs: Vec<u64> = chosen.iter().filter_map(|at| self.picture.list[*at].modseq).collect();
            let since = if self.below(2) == 0 { modseqs.iter().max() } else { modseqs.iter().min() };
            condition = format!("(UNCHANGEDSINCE {}) ", since.unwrap_or(&1));
        }
        let reply = self.say(&format!("{uid}STORE {set} {condition}{mode}FLAGS{silent} ({listed})"));
        if reply.is_ok() && !silent.is_empty() {
            let modified: Vec<u32> = match reply.status.split_once("[MODIFIED ") {
                Some((_, rest)) => numbers(rest.split(']').next().unwrap_or_default()),
                None => Vec::new(),
            };
            for at in chosen {
                let entry = &mut self.picture.list[at];
                let name = if uid.is_empty() { at as u32 + 1 } else { entry.uid.unwrap_or(0) };
                if !modified.contains(&name) {
                    presume(entry, mode, &flags);
                }
            }
        }
        self.take_in(&reply);
    }

    fn add(&mut self) {
        if self.picture.list.len() >= MESSAGES_MAX {
            return;
        }
        self.note("C: APPEND".to_owned());
        let reply = append(&mut self.imap, &self.mailbox);
        self.heard(&reply);
        self.take_in(&reply);
    }

    fn copy_or_move(&mut self, word: &str, target: &str) {
        if word == "COPY" && self.picture.list.len() >= MESSAGES_MAX {
            return;
        }
        let Some((_, uid, set)) = self.some() else { return };
        self.plainly(&format!("{uid}{word} {set} {target}"));
    }

    fn expunge(&mut self) {
        match self.some() {
            Some((chosen, ..)) if self.below(2) == 0 => {
                let uids: Vec<String> = chosen.iter().filter_map(|at| self.picture.list[*at].uid).map(|uid| uid.to_string()).collect();
                self.plainly(&format!("UID EXPUNGE {}", uids.join(",")));
            }
            _ => self.plainly("EXPUNGE"),
        }
    }

    /// Read a message, which sets `\Seen`.
    fn read(&mut self) {
        let Some((_, uid, set)) = self.some() else { return };
        let items = ["BODY[TEXT]", "(FLAGS BODY[TEXT])"][self.below(2)];
        self.plainly(&format!("{uid}FETCH {set} {items}"));
    }

    fn changes(&mut self) {
        let vanished = if matches!(self.kind, Kind::Qresync | Kind::Returning) { " VANISHED" } else { "" };
        self.plainly(&format!("UID FETCH 1:* (FLAGS) (CHANGEDSINCE {}{vanished})", self.picture.highest.max(1)));
    }

    /// The connection breaks; a new one goes on from what is remembered.
    fn come_back(&mut self) {
        // So many log-ins of one account are put off now and then.
        let person = self.server.user(1);
        self.imap = eventually("a log-in", || Imap::try_login(self.server, &person.address, &person.app_password).ok());
        let uids: Vec<String> = self.picture.list.iter().filter_map(|entry| entry.uid).map(|uid| uid.to_string()).collect();
        let known = if uids.is_empty() || self.below(2) == 0 { String::new() } else { format!(" {}", uids.join(",")) };
        self.enter(&format!(" (QRESYNC ({} {}{known}))", self.uid_validity, self.picture.highest));
        self.look_at_new();
    }

    /// Hear all that there is to hear.
    pub(super) fn settle(&mut self) {
        self.plainly("NOOP");
    }

    /// Is the picture what there is?
    pub(super) fn compare(&self, there: &[Message], seed: u64) {
        let modseqs = self.picture.manner.modseqs;
        let told = |message: &Message| (message.uid, message.flags.clone(), modseqs.then_some(message.modseq));
        let known = |entry: &Entry| {
            let modseq = if modseqs { entry.modseq } else { None };
            (entry.uid.unwrap_or(0), entry.flags.clone().unwrap_or_default(), modseq)
        };
        let wanted: Vec<_> = there.iter().map(told).collect();
        let found: Vec<_> = self.picture.list.iter().map(known).collect();
        assert_eq!(found, wanted, "{:?}, seed {seed}: left what the client thinks, right what is there", self.kind);
    }
}

/// What a client that asked for silence takes the flags to be.
fn presume(entry: &mut Entry, mode: &str, flags: &BTreeSet<String>) {
    let Some(known) = &mut entry.flags else { return };
    match mode {
        "+" => known.extend(flags.iter().cloned()),
        "-" => known.retain(|flag| !flags.contains(flag)),
        _ => known.clone_from(flags),
    }
}
