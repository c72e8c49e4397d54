//! The matrix over IMAP.

use super::imap_rows::{Effect, Needs, ROWS, Row};
use super::world::{ELSEWHERE, MAIN, OFFICE, OPEN, Subject, World, has, may};
use crate::support::wire::Wire;
use std::fmt::Write as _;

/// What is only to be seen with `r`: subjects, contents.
const CONTENTS: [&str; 3] = ["Zanzibar", "Quetzal", "Okapi"];
/// What is only to be seen with `l`.
const NAMES: [&str; 2] = ["Zebra", "Secret"];
/// As long as `Secret`, and never made.
const NEVER: &str = "Sacred";

#[test]
fn every_command_of_imap_with_every_right_removed() {
    super::in_parallel(|world, number| {
        let mut owner = Owner::new(world, number);
        let mut faults = Vec::new();
        for subject in world.subjects.iter().skip(number).step_by(super::world::OWNERS) {
            for (zone, rights) in [(OFFICE, subject.mail.as_str()), (ELSEWHERE, "")] {
                furnish(world, subject);
                let mut line = Line::log_in(world, zone, subject).unwrap();
                line.forget();
                for row in ROWS {
                    let what = format!("{} from {zone} with [{rights}]: {} {}", subject.name, row.first.join("; "), row.line);
                    faults.extend(
                        case(&mut owner, &mut line, row, (rights, &subject.own_mail)).into_iter().map(|fault| format!("{what}: {fault}")),
                    );
                }
            }
        }
        faults
    });
}

#[test]
fn who_is_no_longer_let_in_gets_nothing_over_imap() {
    let world = super::world();
    for stranger in world.strangers.iter().filter(|stranger| stranger.why != "for mail only") {
        for zone in [OFFICE, ELSEWHERE] {
            let subject = Subject { secret: stranger.secret.clone(), address: stranger.address.clone(), ..world.subjects[0].clone() };
            let refused = Line::log_in(world, zone, &subject).err().unwrap_or_else(|| panic!("{}: let in", stranger.why));
            let unknown = Subject { address: format!("nobody@{}", crate::support::server::DOMAIN), secret: MAIN.to_owned(), ..subject };
            assert_eq!(Line::log_in(world, zone, &unknown).err(), Some(refused), "{} is told from an unknown user", stranger.why);
        }
    }
}

/// What somebody has of their own: a mailbox to copy to, and messages to copy from.
fn furnish(world: &World, subject: &Subject) {
    let mut line = Line::log_in(world, OFFICE, &Subject { secret: subject.whole.clone(), ..subject.clone() }).unwrap();
    let message = "APPEND INBOX {19+}\r\nSubject: own\r\n\r\nx\r\n";
    line.pipeline(&["CREATE Mine", message, message, message]);
}

/// Run one case. What is wrong with it.
fn case(owner: &mut Owner, line: &mut Line, row: &Row, (rights, own): (&str, &str)) -> Vec<String> {
    let mut faults = Vec::new();
    let mailbox = format!("Shared/{}/Secret", owner.subject.address);
    let answer = line.run(row, &mailbox);
    let after = owner.state();
    let (answered, allowed) = match row.needs {
        Needs::All(letters) => (may(rights, own, letters), may(rights, own, letters)),
        // A command on a mailbox that could not be opened is none.
        Needs::Silently(letters) => (row.first.is_empty() || has(rights, "lr"), has(rights, letters)),
        Needs::Nothing => (true, false),
        Needs::Owner => (false, false),
    };
    if answer.ok != answered {
        faults.push(format!("it should be {}: {}", if answered { "OK" } else { "refused" }, answer.text));
    }
    let (told, appears, vanishes) = match row.effect {
        Effect::None => (None, None, None),
        Effect::Told(text) => (Some(text), None, None),
        Effect::Appears(text) => (None, Some(text), None),
        Effect::Vanishes(text) => (None, None, Some(text)),
    };
    if told.is_some_and(|text| answer.text.contains(text) != allowed) {
        faults.push(format!("{} be told: {}", if allowed { "it should" } else { "it should not" }, answer.text));
    }
    if appears.is_some_and(|text| after.contains(text) != allowed) || vanishes.is_some_and(|text| after.contains(text) == allowed) {
        faults.push(format!("allowed is {allowed}, and the effect is otherwise: {} {after}", answer.text));
    }
    let may_change = allowed && (appears.is_some() || vanishes.is_some());
    // What went before the command may have changed something by right.
    if !may_change && row.first.len() < 2 && after != owner.baseline {
        faults.push(format!("it changed what the owner has:\n{}\nto\n{after}", owner.baseline));
    }
    faults.extend(leaks(line, row, rights));
    if !has(rights, "l") {
        let (mut real, mut never) = (line.run(row, &mailbox), line.run(row, &mailbox.replace("Secret", NEVER)));
        line.forget();
        for answer in [&mut real, &mut never] {
            answer.text = without_numbers_of_own(&answer.text.replace(NEVER, "Secret"));
        }
        if real.text != never.text {
            faults.push(format!("it can be told from what never was:\n{}\n{}", real.text, never.text));
        }
    }
    if after != owner.baseline {
        owner.restore();
    }
    faults
}

/// What came and should not have.
fn leaks(line: &mut Line, row: &Row, rights: &str) -> Vec<String> {
    let hidden = |right: &str, words: &'static [&'static str]| if has(rights, right) { &[][..] } else { words };
    let received = line.forget();
    let words = hidden("r", &CONTENTS).iter().chain(hidden("l", &NAMES));
    // A word that was sent by ourselves is no news.
    let sent = row.first.iter().chain([&row.line]).map(|line| line.replace("{M}", "Secret")).collect::<String>();
    let told = words.filter(|word| !sent.contains(**word) && received.contains(**word));
    let mut faults: Vec<String> = told.map(|word| format!("{word} is told: {received}")).collect();
    let own = row.first.iter().any(|first| first.contains("INBOX"));
    let counts = [" EXISTS", "MESSAGES ", "UIDNEXT", "UNSEEN "];
    if !has(rights, "lr") && !own && counts.iter().any(|count| received.contains(count)) {
        faults.push(format!("a count is told: {received}"));
    }
    faults
}

/// One's own mailboxes have numbers that grow with each try.
fn without_numbers_of_own(text: &str) -> String {
    let own = |line: &&str| !["EXISTS", "RECENT", "UIDNEXT", "APPENDUID", "UNSEEN", "UIDVALIDITY"].iter().any(|word| line.contains(word));
    text.lines().filter(own).collect::<Vec<_>>().join("\n")
}

/// The answer to one command.
pub(super) struct Answer {
    pub(super) ok: bool,
    /// All that came for it, without the tag.
    pub(super) text: String,
}

/// A connection whose every octet is kept until it was looked at.
struct Line {
    wire: Wire,
    received: String,
    next: u32,
}

impl Line {
    fn log_in(world: &World, zone: &str, subject: &Subject) -> Result<Self, String> {
        let mut wire = Wire::tls_from(zone, world.server.address("imaps"), world.server.certificate()).unwrap();
        wire.line();
        let mut line = Self { wire, received: String::new(), next: 0 };
        let answers = line.pipeline(&[format!("LOGIN {} {}", subject.address, subject.secret)]);
        if answers[0].ok { Ok(line) } else { Err(answers[0].text.clone()) }
    }

    /// The row's commands in one write, from a state without a mailbox.
    fn run(&mut self, row: &Row, mailbox: &str) -> Answer {
        let mut commands = vec!["SELECT //".to_owned()];
        commands.extend(row.first.iter().chain([&row.line]).map(|line| line.replace("{M}", mailbox)));
        // Who is told to try again does: the cases of other threads move rights all the time.
        for _ in 1..super::TRIES_MAX {
            let mut answers = self.pipeline(&commands);
            if !answers.iter().any(|answer| answer.text.contains("NO [UNAVAILABLE]")) {
                return answers.pop().unwrap();
            }
        }
        self.pipeline(&commands).pop().unwrap()
    }

    /// Send all, then read all answers.
    fn pipeline(&mut self, commands: &[impl AsRef<str>]) -> Vec<Answer> {
        let first = self.next;
        let mut octets = String::new();
        for command in commands {
            let _ = write!(octets, "t{} {}\r\n", self.next, command.as_ref());
            self.next += 1;
        }
        self.wire.send(octets);
        (first..self.next).map(|number| self.answer(&format!("t{number} "))).collect()
    }

    fn answer(&mut self, tag: &str) -> Answer {
        let mut text = String::new();
        loop {
            let line = self.wire.line();
            self.received.push_str(&line);
            self.received.push('\n');
            if let Some(status) = line.strip_prefix(tag) {
                text.push_str(status);
                return Answer { ok: status.starts_with("OK"), text };
            }
            text.push_str(&line);
            text.push('\n');
        }
    }

    /// What came since.
    fn forget(&mut self) -> String {
        std::mem::take(&mut self.received)
    }
}

/// The owner, who sees what became of it.
struct Owner {
    subject: Subject,
    line: Line,
    baseline: String,
}

impl Owner {
    fn new(world: &World, number: usize) -> Self {
        let subject = world.owners[number].clone();
        let mut line = Line::log_in(world, OFFICE, &subject).unwrap();
        line.pipeline(&["CREATE Secret", &format!("CREATE {OPEN}")]);
        let mut owner = Self { subject, line, baseline: String::new() };
        owner.restore();
        owner
    }

    /// All that there is to see, and to change.
    fn state(&mut self) -> String {
        let answers = self.line.pipeline(&[
            "LIST \"\" *",
            "STATUS Secret (MESSAGES UIDNEXT UIDVALIDITY UNSEEN)",
            "STATUS Secret/Zebra (MESSAGES UIDNEXT UIDVALIDITY UNSEEN)",
            "STATUS INBOX (MESSAGES UIDNEXT)",
            "LSUB \"\" *",
            "EXAMINE Secret",
            "FETCH 1:* (FLAGS BODY.PEEK[])",
        ]);
        self.line.forget();
        let seen: Vec<String> = answers.into_iter().enumerate().filter(|(at, _)| *at != 5).map(|(_, answer)| answer.text).collect();
        seen.join("\n").replace(" \\Recent", "").replace("\\Recent", "")
    }

    /// As it was at first, with new uids.
    fn restore(&mut self) {
        let tried = (0..super::TRIES_MAX).any(|_| self.try_restore());
        assert!(tried, "the owner cannot restore it");
        self.baseline = self.state();
    }

    fn try_restore(&mut self) -> bool {
        let listed = self.line.pipeline(&["LIST \"\" Secret/*"]).pop().unwrap().text;
        let mut commands: Vec<String> =
            listed.lines().filter_map(|line| Some(format!("DELETE {}", line.strip_prefix("* LIST")?.rsplit(' ').next()?))).collect();
        let message = |mailbox: &str, flags: &str, text: &str| format!("APPEND {mailbox} ({flags}) {{{}+}}\r\n{text}", text.len());
        commands.extend([
            "SELECT Secret".to_owned(),
            "STORE 1:* +FLAGS.SILENT (\\Deleted)".to_owned(),
            "CLOSE".to_owned(),
            "CREATE Secret/Zebra".to_owned(),
            message("Secret", "", "Subject: Zanzibar\r\n\r\nOkapi\r\n"),
            message("Secret", "\\Deleted", "Subject: Quetzal\r\n\r\nOkapi\r\n"),
            message("Secret/Zebra", "", "Subject: Quetzal\r\n\r\nOkapi\r\n"),
        ]);
        let answers = self.line.pipeline(&commands);
        answers[answers.len() - 4..].iter().all(|answer| answer.ok)
    }
}
