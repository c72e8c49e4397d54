//! Searches that are kept up to date (RFC 5267): whatever several sessions do, a client that applies what it is told has what the same
//! search finds now, in the same order.

use crate::support::imap::{Imap, Reply};
use crate::support::{shared, unique};

/// Steps between two looks, and looks.
const STEPS: usize = 8;
const LOOKS: usize = 25;
/// Messages that the mailbox may have.
const MESSAGES_MAX: usize = 30;

/// What is kept up to date: tag, command, arguments. By number and by uid, in the order of the mailbox and in another.
const KEPT: [(&str, &str, &str); 5] = [
    ("k1", "UID SEARCH", "UNFLAGGED"),
    ("k2", "SEARCH", "OR SEEN SUBJECT b"),
    ("k3", "UID SORT", "(SUBJECT) UTF-8 UNSEEN"),
    ("k4", "SORT", "(REVERSE SUBJECT REVERSE ARRIVAL) UTF-8 NOT ANSWERED"),
    ("k5", "SORT", "(SIZE) UTF-8 ALL"),
];

/// Message numbers or uids in the order in which a set names them.
fn each(set: &str) -> Vec<u32> {
    let ranges = set.split(',').map(|range| range.split_once(':').unwrap_or((range, range)));
    let ends = ranges.map(|(from, to)| (from.parse::<u32>().unwrap(), to.parse::<u32>().unwrap()));
    ends.flat_map(|(from, to)| if from <= to { (from..=to).collect::<Vec<_>>() } else { (to..=from).rev().collect() }).collect()
}

/// What a client makes of the responses.
struct Client {
    imap: Imap,
    /// A word of our own for each message, by its number.
    messages: Vec<u32>,
    next: u32,
    /// Of each that is kept: uids, or those words.
    lists: [Vec<u32>; KEPT.len()],
    said: Vec<String>,
}

impl Client {
    fn say(&mut self, command: &str) -> Reply {
        self.said.push(format!("C: {command}"));
        let reply = self.imap.command(command);
        assert!(!reply.status.starts_with("BAD"), "{command}: {}", reply.text());
        for line in reply.lines() {
            self.said.push(line.clone());
            self.hear(&line);
        }
        reply
    }

    fn hear(&mut self, line: &str) {
        if let Some(count) = line.strip_suffix(" EXISTS").and_then(|line| line.strip_prefix("* ")) {
            for _ in self.messages.len()..count.parse().unwrap() {
                self.messages.push(self.next);
                self.next += 1;
            }
        } else if let Some(number) = line.strip_suffix(" EXPUNGE").and_then(|line| line.strip_prefix("* ")) {
            let gone = self.messages.remove(number.parse::<usize>().unwrap() - 1);
            let by_number = self.lists.iter().zip(KEPT).filter(|(_, (_, command, _))| !command.starts_with("UID"));
            assert!(!by_number.map(|(list, _)| list).any(|list| list.contains(&gone)), "it went before it was taken out: {:#?}", self.said);
        }
        for (at, (tag, command, _)) in KEPT.into_iter().enumerate() {
            let by_uid = command.starts_with("UID");
            let head = format!("* ESEARCH (TAG \"{tag}\"){} ", if by_uid { " UID" } else { "" });
            let Some((word, rest)) = line.strip_prefix(&head).and_then(|rest| rest.split_once(' ')) else { continue };
            if word == "ALL" {
                self.lists[at] = self.named(rest, by_uid);
                continue;
            }
            let words: Vec<&str> = rest.trim_matches(['(', ')']).split(' ').collect();
            for pair in words.chunks(2) {
                self.change(at, by_uid, word, pair[0].parse().unwrap(), pair[1]);
            }
        }
    }

    fn named(&self, set: &str, by_uid: bool) -> Vec<u32> {
        each(set).into_iter().map(|number| if by_uid { number } else { self.messages[number as usize - 1] }).collect()
    }

    fn change(&mut self, at: usize, by_uid: bool, word: &str, place: usize, set: &str) {
        let named = self.named(set, by_uid);
        let list = &mut self.lists[at];
        match (word, place) {
            ("ADDTO", 0) => {
                list.extend(named);
                list.sort_unstable();
            }
            ("ADDTO", place) => _ = list.splice(place - 1..place - 1, named),
            ("REMOVEFROM", 0) => {
                assert!(named.iter().all(|one| list.contains(one)), "{named:?} of {list:?}: {:#?}", self.said);
                list.retain(|one| !named.contains(one));
            }
            ("REMOVEFROM", place) => {
                let removed: Vec<u32> = list.splice(place - 1..place - 1 + named.len(), []).collect();
                assert_eq!(removed, named, "{:#?}", self.said);
            }
            other => panic!("{other:?}"),
        }
    }

    /// What the same searches find now is what there is.
    fn compare(&mut self) {
        self.say("NOOP");
        for (at, (_, command, arguments)) in KEPT.into_iter().enumerate() {
            let reply = self.say(&format!("{command} {arguments}"));
            let line = reply.lines().into_iter().find(|line| line.starts_with("* SEARCH") || line.starts_with("* SORT")).unwrap();
            let found: Vec<&str> = line.split(' ').skip(2).collect();
            let found = if found.is_empty() { Vec::new() } else { self.named(&found.join(","), command.starts_with("UID")) };
            assert_eq!(self.lists[at], found, "{command} {arguments}: {:#?}", self.said);
        }
        self.said.clear();
    }
}

/// Numbers to choose by.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % end.max(1)
    }

    fn of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len())]
    }
}

fn append(imap: &mut Imap, mailbox: &str, chance: &mut Chance) {
    let text = format!("Subject: {}\r\n\r\n{}\r\n", chance.of(&["a", "b", "c", "ab"]), "x".repeat(chance.below(4)));
    let flags = chance.of(&["", "\\Seen", "\\Flagged", "\\Answered \\Seen"]);
    assert!(imap.try_append(mailbox, flags, text.as_bytes()).unwrap().is_ok());
}

/// Something that another session does; it knows as many messages as `there` says at most.
fn disturb(other: &mut Imap, mailbox: &str, there: &mut usize, chance: &mut Chance) {
    other.ok("NOOP");
    let number = chance.below(*there) + 1;
    match chance.below(7) {
        0 | 1 if *there < MESSAGES_MAX => {
            append(other, mailbox, chance);
            *there += 1;
        }
        2 if *there > 3 => {
            other.ok(&format!("STORE {number} +FLAGS.SILENT (\\Deleted)"));
            other.ok("EXPUNGE");
            *there -= 1;
        }
        3 if *there > 3 => {
            other.ok(&format!("MOVE {number} {mailbox}-aside"));
            *there -= 1;
        }
        _ => {
            let (sign, flag) = (chance.of(&["+", "-"]), chance.of(&["\\Seen", "\\Flagged", "\\Answered"]));
            other.ok(&format!("STORE {number}:* {sign}FLAGS.SILENT ({flag})"));
        }
    }
}

fn play(seed: u64) {
    let (server, mailbox) = (shared(), unique("contexts"));
    let person = server.user(3);
    let mut chance = Chance(seed);
    let (mut other, imap) = (Imap::login(server, person), Imap::login(server, person));
    other.ok(&format!("CREATE {mailbox}"));
    other.ok(&format!("CREATE {mailbox}-aside"));
    for _ in 0..6 {
        append(&mut other, &mailbox, &mut chance);
    }
    other.ok(&format!("SELECT {mailbox}"));
    let mut there = 6;
    let mut client = Client { imap, messages: Vec::new(), next: 0, lists: Default::default(), said: Vec::new() };
    client.say(&format!("SELECT {mailbox}"));
    for (tag, command, arguments) in KEPT {
        client.imap.wire.send(format!("{tag} {command} RETURN (UPDATE ALL) {arguments}\r\n"));
        loop {
            let line = String::from_utf8(client.imap.response().unwrap()).unwrap();
            client.hear(&line);
            if line.starts_with(tag) {
                assert!(line.contains(" OK"), "{line}");
                break;
            }
        }
    }
    client.compare();
    for _ in 0..LOOKS {
        for _ in 0..STEPS {
            disturb(&mut other, &mailbox, &mut there, &mut chance);
            let (sign, flag) = (chance.of(&["+", "-"]), chance.of(&["\\Seen", "\\Flagged", "\\Answered"]));
            // A client's own number need not be there any more for the server, and may be a new one: it does not matter which it is.
            match chance.below(8) {
                // Expunges are held back while these are answered.
                0 => client.say("FETCH 1 (FLAGS)"),
                1 => client.say("SEARCH ALL"),
                2 => client.say(&format!("STORE 1:2 {sign}FLAGS ({flag})")),
                3 => client.say(&format!("STORE * {sign}FLAGS.SILENT ({flag})")),
                4 => client.say(&format!("UID STORE 1:* {sign}FLAGS ({flag})")),
                5 => client.say("NOOP"),
                _ => continue,
            };
        }
        client.compare();
    }
}

#[test]
fn what_is_kept_up_to_date_is_what_is_found() {
    for seed in 1..4 {
        play(seed * 7919);
    }
}
