//! Objects by the thousand come back octet for octet: ours (`fixtures/ical`), made ones in the manner of many programs, and those of other projects'
//! test suites. Those that may be handed on are in `fixtures/ical/others`, with what becomes of each; the others (recurring-ical-events, LGPL) are read
//! where pip installs them beside the clients of the tests, and not copied.

#![allow(clippy::unwrap_used)]

use jiff::Timestamp;
use jiff::tz::TimeZone;
use octroi_ical::edit::Edits;
use octroi_ical::{
    CardVersion, ExpansionLimits, Lines, Node, Pick, Tree, Window, alarms, convert, expand, limit_recurrence_set, occurrences, pick, span,
    stripped, validate_calendar, validate_card,
};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// An object put together again from the ranges of its tree; what lies between them are blank lines.
fn together(tree: &Tree<'_>) -> Vec<u8> {
    fn add(node: &Node<'_>, pieces: &mut Vec<std::ops::Range<usize>>) {
        pieces.extend([node.begin.clone(), node.end.clone()]);
        pieces.extend(node.properties.iter().map(|entry| entry.range.clone()));
        for node in &node.components {
            add(node, pieces);
        }
    }
    let mut pieces = Vec::new();
    for node in &tree.components {
        add(node, &mut pieces);
    }
    let marks = tree.octets.iter().take_while(|octet| !octet.is_ascii_alphabetic()).count();
    pieces.sort_by_key(|piece| piece.start);
    let (mut out, mut at) = (Vec::new(), 0);
    for piece in pieces {
        let between = &tree.octets[at..piece.start];
        assert!(at < marks || between.trim_ascii().is_empty(), "{:?}", String::from_utf8_lossy(between));
        out.extend_from_slice(between);
        out.extend_from_slice(&tree.octets[piece.clone()]);
        at = piece.end;
    }
    out.extend_from_slice(&tree.octets[at..]);
    out
}

/// Read, put together, edited line by line into the same, and asked everything. `false`: refused.
fn comes_back(name: &str, octets: &[u8]) -> bool {
    assert_eq!(Lines::new(octets).map(|line| line.raw).collect::<Vec<_>>().concat(), octets, "{name}");
    let Ok(tree) = Tree::read(octets) else { return false };
    assert_eq!(together(&tree), octets, "{name}");
    let mut edits = Edits::of(octets);
    for line in Lines::new(octets).skip(1) {
        edits.remove(line.range.clone());
        edits.insert_octets(line.range.start, line.raw);
    }
    assert!(octets.ends_with(b"\n") == edits.apply().ends_with(b"\n"), "{name}");
    let limits = ExpansionLimits { instances: 200, steps: 50_000 };
    let window = Window { start: Timestamp::from_second(1_100_000_000).unwrap(), end: Timestamp::from_second(1_800_000_000).unwrap() };
    let paris = TimeZone::get("Europe/Paris").unwrap();
    if occurrences(&tree, &paris, &window, &limits).is_ok_and(|found| !found.is_empty()) {
        assert!(span(&tree, &TimeZone::UTC, &limits).may_be_in(&window), "{name}");
    }
    let _ = alarms(&tree, &paris, &window, &limits);
    let all = Pick { name: tree.components.first().map_or_else(String::new, |node| node.name.clone()), properties: None, components: None };
    let mut made = vec![
        pick(&tree, &all),
        limit_recurrence_set(&tree, &paris, &window),
        convert(&tree, CardVersion::V4),
        convert(&tree, CardVersion::V3),
    ];
    made.extend(expand(&tree, &paris, &window, &limits));
    made.extend(stripped(&tree, "uid"));
    for octets in made {
        assert!(Tree::read(&octets).is_ok(), "{name}: {}", String::from_utf8_lossy(&octets));
    }
    true
}

/// Files below a folder with one of our endings.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "ics" || ending == "vcf") {
            found.push(path);
        }
    }
}

#[test]
fn objects_of_others_come_back() {
    let top = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut found = Vec::new();
    files(&top.join("fixtures/ical"), &mut found);
    let ours = found.len();
    let python = std::fs::read_dir(top.join(".venv/lib")).expect("`./test` makes .venv").next().unwrap().unwrap().path();
    for project in ["icalendar", "recurring_ical_events"] {
        files(&python.join("site-packages").join(project), &mut found);
    }
    assert!(ours > 180 && found.len() > ours + 200, "{} and {} files", ours, found.len() - ours);
    let mut refused = Vec::new();
    for path in &found {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !comes_back(&name, &std::fs::read(path).unwrap()) {
            refused.push(name);
        }
    }
    println!("{} read, {} refused: {refused:?}", found.len() - refused.len(), refused.len());
    // Most of them are broken on purpose, to see what icalendar says.
    assert!(refused.len() * 8 < found.len(), "{refused:?}");
}

/// What becomes of an object where programs put it: a line.
fn verdict(octets: &[u8]) -> String {
    let is_card = octets.get(..11).is_some_and(|start| start.eq_ignore_ascii_case(b"BEGIN:VCARD"));
    let refused = if is_card { validate_card(octets).map(|_| ()) } else { validate_calendar(octets).map(|_| ()) };
    let line = refused.map_or_else(|why| format!("refused: {why}"), |()| "understood".to_owned());
    assert!(line.len() > 9 && !line.contains('\n'), "{line}");
    line
}

#[test]
fn others_are_understood_or_refused_with_a_line() {
    let top = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/ical/others");
    let mut found = Vec::new();
    files(&top, &mut found);
    let mut verdicts = BTreeMap::new();
    for path in &found {
        let name = path.strip_prefix(&top).unwrap().to_str().unwrap().to_owned();
        let octets = std::fs::read(path).unwrap();
        let read = comes_back(&name, &octets);
        let verdict = verdict(&octets);
        assert!(read || verdict.starts_with("refused"), "{name}");
        verdicts.insert(name, verdict);
    }
    let written = std::fs::read_to_string(top.join("verdicts.txt")).unwrap();
    let expected: BTreeMap<&str, &str> = written.lines().filter_map(|line| line.split_once(' ')).collect();
    for (name, verdict) in &verdicts {
        // Behind a tab stands by which sentence of a standard it is refused.
        let (said, why) = expected[name.as_str()].split_once('\t').unwrap_or((expected[name.as_str()], ""));
        assert_eq!(said, verdict, "{name}");
        assert_eq!(verdict.starts_with("refused"), why.starts_with("RFC "), "{name}: {why}");
    }
    assert!(expected.len() == verdicts.len() && verdicts.len() > 150, "{} and {}", expected.len(), verdicts.len());
}

/// SplitMix64: the same objects everywhere.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }

    fn of<'t>(&mut self, list: &[&'t str]) -> &'t str {
        list[self.below(list.len())]
    }
}

/// How a program writes: line ends, where it folds (0: nowhere; by octets, also within a character), and what it is fond of.
struct Manner {
    product: &'static str,
    end: &'static str,
    fold: usize,
    blanks: bool,
    mark: bool,
}

const MANNERS: [Manner; 8] = [
    Manner { product: "-//Apple Inc.//macOS 15//EN", end: "\r\n", fold: 75, blanks: false, mark: false },
    Manner { product: "-//Microsoft Corporation//Outlook 16.0 MIMEDIR//EN", end: "\r\n", fold: 74, blanks: false, mark: false },
    Manner { product: "-//Google Inc//Google Calendar 70.9054//EN", end: "\r\n", fold: 75, blanks: false, mark: false },
    Manner { product: "-//Mozilla.org/NONSGML Mozilla Calendar V1.1//EN", end: "\r\n", fold: 75, blanks: false, mark: false },
    Manner { product: "DAVx5/4 ical4j/3", end: "\r\n", fold: 73, blanks: false, mark: false },
    Manner { product: "-//K Desktop Environment//NONSGML libkcal//EN", end: "\n", fold: 75, blanks: true, mark: false },
    Manner { product: "some script", end: "\n", fold: 0, blanks: true, mark: true },
    Manner { product: "-//Ximian//NONSGML Evolution Calendar//EN", end: "\r\n", fold: 20, blanks: false, mark: true },
];

impl Manner {
    fn line(&self, line: &str, dice: &mut Dice, out: &mut Vec<u8>) {
        let mut rest = line.as_bytes();
        while self.fold > 0 && rest.len() > self.fold {
            out.extend_from_slice(&rest[..self.fold]);
            out.extend_from_slice(self.end.as_bytes());
            out.push(if dice.below(9) == 0 { b'\t' } else { b' ' });
            rest = &rest[self.fold..];
        }
        out.extend_from_slice(rest);
        out.extend_from_slice(self.end.as_bytes());
        if self.blanks && dice.below(12) == 0 {
            out.extend_from_slice(self.end.as_bytes());
        }
    }
}

const TEXTS: [&str; 6] = [
    "Contrôle au poste 4\\, quai sud\\nSalle 3\\; étage 2",
    "会議（東京）：四半期の見直し、資料は前日までに配布すること。よろしくお願いいたします",
    "Plain",
    "",
    "<html>=\"a:b;c\" 100% \\\\ \\N äöü ß 🗓️ 🏴‍☠️ long long long long long long long long long long long long long long long",
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
];

fn event(dice: &mut Dice, uid: usize) -> Vec<String> {
    let day = format!("2026{:02}{:02}", 1 + dice.below(12), 1 + dice.below(28));
    let begins = match dice.below(4) {
        0 => format!("DTSTART;VALUE=DATE:{day}"),
        1 => format!("DTSTART:{day}T{:02}3000Z", dice.below(24)),
        2 => format!(
            "DTSTART;TZID={}:{day}T093000",
            dice.of(&["Europe/Paris", "\"Romance Standard Time\"", "/mozilla.org/20050126_1/Europe/Paris", "Own"])
        ),
        _ => format!("DTSTART;X-VOBJ-FLOATINGTIME-ALLOWED=TRUE:{day}T093000"),
    };
    let mut lines = vec![format!("UID:{uid}@made.example"), "DTSTAMP:20260101T000000Z".to_owned(), begins];
    for _ in 0..dice.below(12) {
        let text = dice.of(&TEXTS);
        lines.push(match dice.below(10) {
            0 => format!("SUMMARY;LANGUAGE=fr:{text}"),
            1 => format!("DESCRIPTION;ALTREP=\"cid:part1@made.example\":{text}{text}"),
            2 => format!("X-APPLE-STRUCTURED-LOCATION;VALUE=URI;X-ADDRESS=\"1 quai\\n75001, Paris\";X-TITLE={}:geo:48.85,2.35", "Poste 4"),
            3 => {
                "ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE;CN=\"Martin, Léa\":mailto:lea@made.example"
                    .to_owned()
            }
            4 => format!(
                "RRULE:FREQ={};INTERVAL={}",
                dice.of(&["DAILY", "WEEKLY;BYDAY=MO,WE", "MONTHLY;BYDAY=-1FR;COUNT=9", "YEARLY"]),
                1 + dice.below(4)
            ),
            5 => format!("EXDATE;TZID=Europe/Paris:{day}T093000"),
            6 => format!("ATTACH;ENCODING=BASE64;VALUE=BINARY;FMTTYPE=image/png:{}", "iVBORw0KGgo".repeat(1 + dice.below(60))),
            7 => format!("x-Own-{}:{text}", dice.below(9)),
            8 => "GEO:48.85;2.35".to_owned(),
            _ => format!("LOCATION:{text}"),
        });
    }
    for _ in 0..dice.below(3) {
        let trigger = dice.of(&["TRIGGER:-PT15M", "TRIGGER;RELATED=END:PT5M", "TRIGGER;VALUE=DATE-TIME:20260401T090000Z"]);
        lines.extend(["BEGIN:VALARM", "ACTION:DISPLAY", trigger, "DESCRIPTION:Rappel", "END:VALARM"].map(str::to_owned));
    }
    lines
}

fn card(dice: &mut Dice, uid: usize) -> Vec<String> {
    let mut lines = vec![
        format!("VERSION:{}", dice.of(&["3.0", "4.0"])),
        format!("UID:urn:uuid:{uid}"),
        format!("FN:{}", dice.of(&["Léa Martin", "田中 太郎"])),
    ];
    for number in 0..dice.below(10) {
        lines.push(match dice.below(7) {
            0 => format!("item{number}.EMAIL;type=INTERNET;type=HOME;type=pref:a{number}@made.example"),
            1 => format!("item{number}.X-ABLabel:_$!<HomePage>!$_"),
            2 => format!("PHOTO;ENCODING=b;TYPE=JPEG:{}", "/9j/4AAQSkZJRg".repeat(dice.below(80))),
            3 => "ADR;TYPE=work;LABEL=\"1 quai, Paris\":;;1 quai;Paris;;75001;France".to_owned(),
            4 => format!("NOTE:{}", dice.of(&TEXTS)),
            5 => "TEL;HOME;VOICE:+33 1 23".to_owned(),
            _ => "N:Martin;Léa;;;".to_owned(),
        });
    }
    lines
}

fn made(dice: &mut Dice, number: usize) -> Vec<u8> {
    let manner = &MANNERS[number % MANNERS.len()];
    let mut lines = Vec::new();
    if dice.below(5) == 0 {
        lines.push("BEGIN:VCARD".to_owned());
        lines.extend(card(dice, number));
        lines.push("END:VCARD".to_owned());
    } else {
        lines.extend(["BEGIN:VCALENDAR", "VERSION:2.0"].map(str::to_owned));
        lines.push(format!("PRODID:{}", manner.product));
        if dice.below(2) == 0 {
            let zone =
                ["BEGIN:VTIMEZONE", "TZID:Own", "BEGIN:STANDARD", "DTSTART:16010101T030000", "TZOFFSETFROM:+0200", "TZOFFSETTO:+0100"];
            lines.extend(zone.map(str::to_owned));
            lines.extend(["RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10", "END:STANDARD", "END:VTIMEZONE"].map(str::to_owned));
        }
        let kind = dice.of(&["VEVENT", "VTODO", "VJOURNAL"]);
        for _ in 0..=dice.below(3) {
            lines.push(format!("BEGIN:{kind}"));
            lines.extend(event(dice, number));
            lines.push(format!("END:{kind}"));
        }
        lines.push("END:VCALENDAR".to_owned());
    }
    let mut out = if manner.mark { b"\xef\xbb\xbf".to_vec() } else { Vec::new() };
    for line in &lines {
        manner.line(line, dice, &mut out);
    }
    if dice.below(7) == 0 {
        out.truncate(out.trim_ascii_end().len());
    }
    out
}

#[test]
fn made_objects_come_back() {
    let mut dice = Dice(2_220);
    for number in 0..2_000 {
        let octets = made(&mut dice, number);
        assert!(
            comes_back(&number.to_string(), &octets),
            "{number}: {:?}\n{}",
            Tree::read(&octets).err(),
            String::from_utf8_lossy(&octets)
        );
    }
}
