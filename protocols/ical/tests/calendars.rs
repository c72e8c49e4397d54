//! Whole calendars of other projects' tests, with their overrides, exceptions and zones, beside what recurring-ical-events finds in them.

#![allow(clippy::unwrap_used)]

use jiff::Timestamp;
use jiff::tz::TimeZone;
use octroi_ical::{ExpansionLimits, Tree, Window, occurrences};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where the answers differ, and why.
const APART: [(&str, &str); 8] = [
    ("end_before_start_event.ics", "an end before the start: theirs changes the two, ours takes no time"),
    ("bad_rrule_missing_until_event.ics", "a rule that cannot be read: theirs leaves the event out, ours shows its start"),
    ("issue_165_missing_event.ics", "spaces in the list of days: theirs does not read the rule"),
    ("issue_178_custom_component_contains_other.ics", "an event outside a calendar"),
    ("issue_526_", "a name that Outlook gave a zone long ago and CLDR does not list: ours floats"),
    ("issue_86_x_wr_timezone_without_time_zone_in_dt.ics", "X-WR-TIMEZONE, which no standard has: theirs takes it for floating times"),
    ("multiple_timezones.ics", "theirs cannot sort days beside times"),
    ("issue_168_", "broken on purpose"),
];

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    found.extend(entries.filter(|path| path.extension().is_some_and(|ending| ending == "ics")));
}

/// Starts and ends in seconds, sorted; `None`: refused.
fn ours(path: &Path) -> Option<String> {
    let octets = std::fs::read(path).unwrap();
    let tree = Tree::read(&octets).ok()?;
    let calendar = tree.components.iter().find(|node| node.name == "VCALENDAR");
    let instant = |text: &str| text.parse::<Timestamp>().unwrap();
    let window = Window { start: instant("2015-01-01T00:00:00Z"), end: instant("2022-01-01T00:00:00Z") };
    let limits = ExpansionLimits { instances: 200_000, steps: 10_000_000 };
    let found = occurrences(&tree, &TimeZone::UTC, &window, &limits).unwrap();
    let events = found.iter().filter(|found| calendar.is_some_and(|calendar| calendar.components[found.component].name == "VEVENT"));
    let mut times: Vec<(i64, i64)> = events.map(|found| (found.start.as_second(), found.end.as_second())).collect();
    times.sort_unstable();
    Some(times.iter().map(|(start, end)| format!("{start}/{end}")).collect::<Vec<_>>().join(" "))
}

#[test]
fn calendars_are_when_recurring_ical_events_finds_them() {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let packages = std::fs::read_dir(here.join("../../.venv/lib"))
        .expect("`./test` makes .venv")
        .next()
        .unwrap()
        .unwrap()
        .path()
        .join("site-packages");
    let mut paths = Vec::new();
    files(&packages.join("recurring_ical_events/test/calendars"), &mut paths);
    files(&packages.join("icalendar/tests/calendars"), &mut paths);
    paths.sort();
    let script = here.join("tests/calendars_oracle.py");
    let python = Command::new(here.join("../../.venv/bin/python"))
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut child = python.unwrap();
    let mut input = child.stdin.take().unwrap();
    let lines: String = paths.iter().map(|path| format!("{}\n", path.display())).collect();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let answers = String::from_utf8(output.stdout).unwrap();
    assert_eq!(answers.lines().count(), paths.len());
    let (mut same, mut wrong) = (0, Vec::new());
    for (path, theirs) in paths.iter().zip(answers.lines()) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let known = APART.iter().any(|(apart, _)| name.starts_with(apart));
        match ours(path) {
            Some(ours) if ours == theirs => same += 1,
            Some(ours) if !theirs.starts_with('!') && !known => wrong.push(format!("{name}\n  ours   {ours:.200}\n  theirs {theirs:.200}")),
            _ => {}
        }
    }
    println!("{same} of {} are the same", paths.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(same > 150, "{same}");
}
