//! What objects cost: reading one as a tree, its span, a thousand rules over a window, a year of a daily event expanded.
//!
//! `cargo bench -p octroi-ical`. One thread; each number is the best of several rounds.

#![allow(clippy::unwrap_used, missing_docs)] // A bench that cannot go on says so by panicking.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use octroi_ical::{ExpansionLimits, Tree, Window, expand, occurrences, span, stripped, validate_calendar};
use std::hint::black_box;
use std::time::{Duration, Instant};

const ROUNDS: usize = 7;
const RULES: usize = 1_000;

/// Best time of one call.
fn best(calls: u32, mut act: impl FnMut()) -> Duration {
    let round = |_| {
        let begun = Instant::now();
        (0..calls).for_each(|_| act());
        begun.elapsed() / calls
    };
    (0..ROUNDS).map(round).min().unwrap()
}

fn object(inside: &str) -> String {
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Bench//EN\r\n{inside}END:VCALENDAR\r\n")
}

/// An event as Thunderbird sends it, with a zone, an alarm and three people.
fn event(uid: usize, start: &str, rule: &str) -> String {
    object(&format!(
        "BEGIN:VTIMEZONE\r\nTZID:Europe/Paris\r\nBEGIN:DAYLIGHT\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\nTZNAME:CEST\r\nDTSTART:19700329T020000\r\n\
         RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3\r\nEND:DAYLIGHT\r\nBEGIN:STANDARD\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nTZNAME:CET\r\n\
         DTSTART:19701025T030000\r\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n\
         BEGIN:VEVENT\r\nCREATED:20260101T000000Z\r\nLAST-MODIFIED:20260101T000000Z\r\nDTSTAMP:20260101T000000Z\r\nUID:{uid}@bench.example\r\n\
         SUMMARY:Point hebdomadaire\r\nDTSTART;TZID=Europe/Paris:{start}\r\nDTEND;TZID=Europe/Paris:{start}\r\n{rule}\
         ORGANIZER;CN=Hugo Petit:mailto:hugo@bench.example\r\nATTENDEE;CN=Léa Martin;PARTSTAT=ACCEPTED;ROLE=REQ-PARTICIPANT:mailto:lea@bench.example\r\n\
         ATTENDEE;CN=Paul Moreau;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:paul@bench.example\r\nDESCRIPTION:Ordre du jour : douane\\, quai sud\\nSalle 3\r\n\
         BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT15M\r\nDESCRIPTION:Rappel\r\nEND:VALARM\r\nEND:VEVENT\r\n"
    ))
}

/// Rules as people have them, and some that few have; begun between 1990 and 2025.
fn rule(number: usize) -> (String, String) {
    let rules = [
        "FREQ=DAILY",
        "FREQ=WEEKLY;BYDAY=MO,WE,FR",
        "FREQ=WEEKLY;INTERVAL=2",
        "FREQ=MONTHLY;BYDAY=-1FR",
        "FREQ=MONTHLY;BYMONTHDAY=15",
        "FREQ=YEARLY",
        "FREQ=WEEKLY;COUNT=5000",
        "FREQ=DAILY;UNTIL=20300101T000000Z",
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
        "FREQ=YEARLY;BYMONTH=3,9;BYDAY=2SU",
    ];
    let start = format!("{}{:02}{:02}T{:02}0000", 1990 + number % 36, 1 + number % 12, 1 + number % 28, 8 + number % 9);
    (start, format!("RRULE:{}\r\n", rules[number % rules.len()]))
}

fn main() {
    // `cargo test --benches` runs this too: it must not take minutes there.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let limits = ExpansionLimits::default();
    let paris = TimeZone::get("Europe/Paris").unwrap();
    let instant = |text: &str| text.parse::<Timestamp>().unwrap();
    let month = Window { start: instant("2026-06-01T00:00:00Z"), end: instant("2026-07-01T00:00:00Z") };
    let year = Window { start: instant("2026-01-01T00:00:00Z"), end: instant("2027-01-01T00:00:00Z") };
    let single = event(1, "20260424T090000", "");
    let daily = event(1, "20250101T090000", "RRULE:FREQ=DAILY\r\n");
    let (tree, series) = (Tree::read(single.as_bytes()).unwrap(), Tree::read(daily.as_bytes()).unwrap());
    println!("an event of {} octets", single.len());
    println!("  its tree            {:>10.1?}", best(2_000, || drop(black_box(Tree::read(single.as_bytes())))));
    println!("  checked             {:>10.1?}", best(2_000, || drop(black_box(validate_calendar(single.as_bytes())))));
    println!("  its span            {:>10.1?}", best(2_000, || _ = black_box(span(&tree, &paris, &limits))));
    println!("  in a month          {:>10.1?}", best(2_000, || drop(black_box(occurrences(&tree, &paris, &month, &limits)))));
    println!("  stripped            {:>10.1?}", best(2_000, || drop(black_box(stripped(&tree, "uid")))));
    println!("a daily event");
    println!("  in a month          {:>10.1?}", best(500, || drop(black_box(occurrences(&series, &paris, &month, &limits)))));
    println!("  a year expanded     {:>10.1?}", best(50, || drop(black_box(expand(&series, &paris, &year, &limits)))));
    let texts: Vec<String> =
        (0..RULES).map(|number| (number, rule(number))).map(|(number, (start, rule))| event(number, &start, &rule)).collect();
    let trees: Vec<Tree<'_>> = texts.iter().map(|text| Tree::read(text.as_bytes()).unwrap()).collect();
    let all = |window: &Window| trees.iter().map(|tree| occurrences(tree, &paris, window, &limits).unwrap().len()).sum::<usize>();
    println!("{RULES} rules");
    println!(
        "  read and in a month {:>10.1?}",
        best(3, || {
            for text in &texts {
                drop(black_box(occurrences(&Tree::read(text.as_bytes()).unwrap(), &paris, &month, &limits)));
            }
        })
    );
    println!("  in a month          {:>10.1?}  {} occurrences", best(3, || _ = black_box(all(&month))), all(&month));
    println!("  in a year           {:>10.1?}  {} occurrences", best(3, || _ = black_box(all(&year))), all(&year));
    let own = object(
        "BEGIN:VTIMEZONE\r\nTZID:Own\r\nBEGIN:DAYLIGHT\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\nDTSTART:16010101T020000\r\n\
         RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3\r\nEND:DAYLIGHT\r\nBEGIN:STANDARD\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nDTSTART:16010101T030000\r\n\
         RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTART;TZID=Own:20260424T090000\r\nEND:VEVENT\r\n",
    );
    let own = Tree::read(own.as_bytes()).unwrap();
    println!("an event in a zone of its own {:>10.1?}", best(50, || drop(black_box(occurrences(&own, &paris, &month, &limits)))));
}
