//! Rules by the thousand, the same for ever, beside what others make of them: python-dateutil for local times, the `rrule` crate for zones.
//!
//! Where the answers differ, the difference must be one of those with a name here; RFC 5545's words stand beside it.

#![allow(clippy::unwrap_used)]

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use octroi_ical::{ExpansionLimits, Moment, Rule, instant_in};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Times that are compared of one rule.
const MOST: usize = 80;

/// SplitMix64: the same numbers everywhere.
struct Dice(u64);

impl Dice {
    fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: i64) -> i64 {
        (self.number() % bound.unsigned_abs()) as i64
    }

    fn one_in(&mut self, many: i64) -> bool {
        self.below(many) == 0
    }

    /// Some different numbers of a range, in any order.
    fn some(&mut self, from: i64, to: i64) -> Vec<i64> {
        let mut list: Vec<i64> = (0..=self.below(3)).map(|_| from + self.below(to - from + 1)).filter(|number| *number != 0).collect();
        list.sort_unstable();
        list.dedup();
        if list.is_empty() { vec![to] } else { list }
    }
}

/// A rule with its parts apart, so that the oracle can be asked for a part.
#[derive(Debug, Clone)]
struct Made {
    start: DateTime,
    to: DateTime,
    frequency: &'static str,
    parts: BTreeMap<&'static str, String>,
}

const DAYS: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];

impl Made {
    fn text(&self) -> String {
        let parts: String = self.parts.iter().map(|(name, value)| format!(";{name}={value}")).collect();
        format!("FREQ={}{parts}", self.frequency)
    }

    fn has(&self, name: &str) -> bool {
        self.parts.contains_key(name)
    }

    fn ours(&self) -> Vec<DateTime> {
        let rule: Rule = self.text().parse().unwrap_or_else(|fault| panic!("{}: {fault}", self.text()));
        let start = Moment::Floating(self.start);
        let limits = ExpansionLimits { instances: 1_000_000, steps: 10_000_000 };
        let mut times = rule.times(&start, &TimeZone::UTC, self.start, self.to, &limits).unwrap();
        times.truncate(MOST);
        times
    }
}

fn joined(numbers: &[i64]) -> String {
    numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(",")
}

/// A rule as RFC 5545 allows it.
fn make(dice: &mut Dice) -> Made {
    let frequency = ["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY", "SECONDLY"][dice.below(7) as usize];
    let day: DateTime = "1995-01-01T00:00:00".parse().unwrap();
    let start = day.checked_add((dice.below(35 * 366).days()).seconds(dice.below(86_400))).unwrap();
    let span = match frequency {
        "YEARLY" => 40.years(),
        "MONTHLY" => 10.years(),
        "WEEKLY" => 5.years(),
        "DAILY" => 3.years(),
        "HOURLY" => 50.days(),
        "MINUTELY" => 3.days(),
        _ => 2.hours(),
    };
    let mut made = Made { start, to: start.checked_add(span).unwrap(), frequency, parts: BTreeMap::new() };
    if dice.one_in(2) {
        let most = if dice.one_in(4) { 40 } else { 4 };
        made.parts.insert("INTERVAL", (1 + dice.below(most)).to_string());
    }
    if dice.one_in(3) {
        made.parts.insert("WKST", DAYS[dice.below(7) as usize].to_owned());
    }
    days_of(&mut made, dice);
    for (name, most) in [("BYHOUR", 23), ("BYMINUTE", 59), ("BYSECOND", 59)] {
        if dice.one_in(6) && (frequency != "SECONDLY" || name != "BYHOUR") {
            made.parts.insert(name, joined(&dice.some(0, most)));
        }
    }
    if made.parts.keys().any(|name| name.starts_with("BY")) && dice.one_in(4) {
        // Of hours and less more would often be of nothing, which takes dateutil a year of minutes to see.
        let most = if matches!(frequency, "HOURLY" | "MINUTELY" | "SECONDLY") { 1 } else { 4 };
        made.parts.insert("BYSETPOS", joined(&dice.some(-most, most)));
    }
    // Of what is compared in part only, nothing is counted.
    let in_part = (frequency == "WEEKLY" && made.has("BYSETPOS")) || made.parts.get("BYWEEKNO").is_some_and(|weeks| weeks.contains('-'));
    if in_part {
        if made.has("BYWEEKNO") {
            made.parts.remove("BYSETPOS");
        }
        return made;
    }
    let end = dice.below(9);
    if end < 3 {
        made.parts.insert("COUNT", (1 + dice.below(40)).to_string());
    } else if end < 5 {
        let seconds = i64::from(made.to.duration_since(start).as_secs() as i32).max(1);
        let until = start.checked_add(dice.below(seconds).seconds()).unwrap();
        made.parts.insert("UNTIL", if dice.one_in(4) { text(until)[..8].to_owned() } else { text(until) });
    }
    made
}

fn days_of(made: &mut Made, dice: &mut Dice) {
    let yearly = made.frequency == "YEARLY";
    let within_day = !matches!(made.frequency, "YEARLY" | "MONTHLY" | "WEEKLY" | "DAILY");
    if dice.one_in(4) && !within_day {
        made.parts.insert("BYMONTH", joined(&dice.some(1, 12)));
    }
    if dice.one_in(4) && made.frequency != "WEEKLY" && !within_day {
        made.parts.insert("BYMONTHDAY", joined(&dice.some(-31, 31)));
    }
    if dice.one_in(5) && yearly {
        made.parts.insert("BYYEARDAY", joined(&dice.some(-366, 366)));
    }
    if dice.one_in(5) && yearly {
        made.parts.insert("BYWEEKNO", joined(&dice.some(-53, 53)));
    }
    if dice.one_in(3) && made.frequency != "SECONDLY" {
        let numbered = matches!(made.frequency, "YEARLY" | "MONTHLY") && !made.has("BYWEEKNO");
        let days: Vec<String> = (0..=dice.below(3))
            .map(|_| {
                let day = DAYS[dice.below(7) as usize];
                let ordinal = dice.below(11) - 5;
                if numbered && ordinal != 0 && dice.one_in(2) { format!("{ordinal}{day}") } else { day.to_owned() }
            })
            .collect();
        made.parts.insert("BYDAY", days.join(","));
    }
}

fn text(time: DateTime) -> String {
    time.strftime("%Y%m%dT%H%M%S").to_string()
}

/// What python-dateutil says to questions of (start, rule, last); `None` where it sees a fault.
fn dateutil(questions: &[(DateTime, String, DateTime)]) -> Vec<Option<Vec<DateTime>>> {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let python = here.join("../../.venv/bin/python");
    assert!(python.exists(), "python-dateutil is asked: `./test` makes .venv");
    let mut child =
        Command::new(python).arg(here.join("tests/dateutil_oracle.py")).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let lines: String = questions.iter().map(|(start, rule, to)| format!("{}\t{rule}\t{}\t{MOST}\n", text(*start), text(*to))).collect();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let answer = String::from_utf8(output.stdout).unwrap();
    let read = |line: &str| {
        let times = line.split_whitespace().map(|time| DateTime::strptime("%Y%m%dT%H%M%S", time).unwrap());
        (!line.starts_with('!')).then(|| times.collect())
    };
    answer.lines().map(read).collect()
}

/// Why dateutil is asked something else than what is asked of us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Difference {
    /// "The DTSTART property value always counts as the first occurrence": dateutil gives it only when the rule names it.
    StartCounts,
    /// "Information, not contained in the rule, necessary to determine the various recurrence instance[s] … are derived from [DTSTART]": of weeks
    /// without a day that is the weekday; dateutil gives all seven.
    WeekWithoutDay,
    /// BYDAY is a list: days with a number and days without are both in it. dateutil wants both at once.
    MixedDays,
    /// UNTIL that is a day is all of that day; for dateutil it is its midnight.
    UntilDay,
    /// BYSETPOS counts in "the set of recurrence instances … specified by the rule" of an interval, here a week; the first week of dateutil begins with
    /// the start.
    FirstWeek,
    /// The weeks that count from the end: a week 1 that begins in the December before is -52 or -53, which dateutil's source has as a thing to do.
    /// (With other seeds one finds that it also takes the length of this year for that of the year before: 1 January 2006 is in no week 53 that begins
    /// on a Tuesday.)
    LastWeeks,
    /// dateutil refuses a rule that has nothing but its start, and one that has BYSETPOS of a set that is its only one.
    Nothing,
}

/// The rules that dateutil is asked for one of ours: their times together are what it should be, besides the start.
fn asked(made: &Made, seen: &mut Vec<Difference>) -> Vec<Made> {
    let mut made = made.clone();
    // Counted here, as the start counts.
    made.parts.remove("COUNT");
    if let Some(until) = made.parts.get_mut("UNTIL")
        && until.len() == 8
    {
        until.push_str("T235959");
        seen.push(Difference::UntilDay);
    }
    let no_days = ["BYDAY", "BYMONTHDAY", "BYYEARDAY"].iter().all(|name| !made.has(name));
    if made.has("BYWEEKNO") && no_days {
        made.parts.insert("BYDAY", DAYS[made.start.weekday().to_monday_zero_offset() as usize].to_owned());
        seen.push(Difference::WeekWithoutDay);
    }
    let days = made.parts.get("BYDAY").cloned().unwrap_or_default();
    let (plain, numbered): (Vec<&str>, Vec<&str>) = days.split(',').partition(|day| day.len() == 2);
    if !plain.is_empty() && !numbered.is_empty() && !days.is_empty() {
        seen.push(Difference::MixedDays);
        let with = |days: &[&str]| {
            let mut made = made.clone();
            made.parts.insert("BYDAY", days.join(","));
            made
        };
        return vec![with(&plain), with(&numbered)];
    }
    vec![made]
}

#[test]
fn rules_are_those_of_dateutil() {
    let mut dice = Dice(5545);
    // BYSETPOS of mixed days cannot be put together from two answers.
    let mixed = |made: &Made| made.has("BYSETPOS") && asked(made, &mut Vec::new()).len() > 1;
    let all: Vec<Made> = std::iter::repeat_with(|| make(&mut dice)).filter(|made| !mixed(made)).take(5_000).collect();
    let questions: Vec<_> =
        all.iter().flat_map(|made| asked(made, &mut Vec::new())).map(|made| (made.start, made.text(), made.to)).collect();
    let mut answers = dateutil(&questions).into_iter();
    let mut differences: BTreeMap<Difference, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for made in &all {
        let mut seen = Vec::new();
        let parts = asked(made, &mut seen);
        let mut expected: Vec<DateTime> = Vec::new();
        for _ in &parts {
            match answers.next().unwrap() {
                Some(times) => expected.extend(times),
                None => seen.push(Difference::Nothing),
            }
        }
        expected.sort_unstable();
        expected.dedup();
        if expected.first() != Some(&made.start) {
            seen.push(Difference::StartCounts);
            expected.insert(0, made.start);
        }
        let (mut ours, mut expected) = (made.ours(), expected);
        let without = |list: &mut Vec<DateTime>, left_out: &dyn Fn(&DateTime) -> bool| list.retain(|time| !left_out(time));
        if made.frequency == "WEEKLY" && made.has("BYSETPOS") {
            let first_week = |time: &DateTime| time.duration_since(made.start).as_hours() < 7 * 24;
            without(&mut ours, &first_week);
            without(&mut expected, &first_week);
            seen.push(Difference::FirstWeek);
        }
        if made.parts.get("BYWEEKNO").is_some_and(|weeks| weeks.contains('-')) {
            let turn_of_year = |time: &DateTime| (time.month(), time.day()) > (12, 25) || (time.month(), time.day()) < (1, 7);
            without(&mut ours, &turn_of_year);
            without(&mut expected, &turn_of_year);
            seen.push(Difference::LastWeeks);
        }
        let most = made.parts.get("COUNT").map_or(MOST, |count| count.parse().unwrap());
        // dateutil was asked for so many of each part only, and what was left out above are some of both.
        let in_part = seen.contains(&Difference::FirstWeek) || seen.contains(&Difference::LastWeeks);
        let known = most.min(if in_part { MOST / 2 } else { MOST - 1 });
        expected.truncate(known);
        // A COUNT is kept by itself.
        if most >= MOST {
            ours.truncate(known);
        }
        if ours != expected {
            wrong.push(format!("{} {}\n  ours   {:?}\n  theirs {:?}", text(made.start), made.text(), shown(&ours), shown(&expected)));
        }
        seen.dedup();
        for difference in seen {
            *differences.entry(difference).or_default() += 1;
        }
    }
    println!("{differences:?}");
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong[..wrong.len().min(12)].join("\n"));
    assert!(differences.len() == 7, "every difference is met: {differences:?}");
}

fn shown(times: &[DateTime]) -> Vec<String> {
    times.iter().take(12).map(|time| text(*time)).collect()
}

#[test]
fn a_window_finds_what_all_has_in_it() {
    let mut dice = Dice(1970);
    for made in std::iter::repeat_with(|| make(&mut dice)).take(2_000).collect::<Vec<_>>() {
        let rule: Rule = made.text().parse().unwrap();
        let start = Moment::Floating(made.start);
        let limits = ExpansionLimits { instances: 1_000_000, steps: 10_000_000 };
        let between = |from, to| rule.times(&start, &TimeZone::UTC, from, to, &limits).unwrap();
        let all = between(made.start, made.to);
        let span = made.to.duration_since(made.start).as_secs();
        for _ in 0..4 {
            let from = made.start.checked_add(dice.below(span).seconds()).unwrap();
            let to = from.checked_add(dice.below(span).seconds()).unwrap().min(made.to);
            let expected: Vec<_> = all.iter().copied().filter(|time| (from..=to).contains(time)).collect();
            assert_eq!(between(from, to), expected, "{} {} from {from} to {to}", text(made.start), made.text());
        }
    }
}

/// Not more rules: the `rrule` crate is slow where filters leave much out.
const ZONED: usize = 600;

#[test]
fn zones_are_those_of_the_rrule_crate() {
    let mut dice = Dice(7529);
    let (mut wrong, mut refused, mut compared) = (Vec::new(), 0, 0);
    while compared < ZONED {
        let mut made = make(&mut dice);
        let name = ["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Tokyo"][dice.below(4) as usize];
        let zone = TimeZone::get(name).unwrap();
        made.parts.remove("UNTIL");
        let mut seen = Vec::new();
        let parts = asked(&made, &mut seen);
        let in_part = made.has("BYSETPOS") && (made.frequency == "WEEKLY" || parts.len() > 1);
        if made.has("BYWEEKNO") || matches!(made.frequency, "SECONDLY" | "MINUTELY") || in_part {
            continue;
        }
        let question = |made: &Made| format!("DTSTART;TZID={name}:{}\nRRULE:{}", text(made.start), made.text());
        let sets: Result<Vec<rrule::RRuleSet>, _> = parts.iter().map(|made| question(made).parse()).collect();
        let Ok(sets) = sets else {
            refused += 1;
            continue;
        };
        compared += 1;
        let rule: Rule = made.text().parse().unwrap();
        let start = Moment::Zoned(made.start, name.to_owned());
        let limits = ExpansionLimits { instances: 100_000, steps: 10_000_000 };
        let ours = rule.times(&start, &zone, made.start, made.to, &limits).unwrap();
        let mut ours: Vec<i64> = ours.into_iter().map(|local| instant_in(local, &zone).as_second()).collect();
        ours.dedup();
        let last = instant_in(made.to, &zone).as_second();
        let mut theirs: Vec<i64> = sets.into_iter().flat_map(|set| set.all(MOST as u16).dates).map(|date| date.timestamp()).collect();
        // The start counts, as above.
        theirs.push(instant_in(made.start, &zone).as_second());
        theirs.sort_unstable();
        theirs.dedup();
        theirs.retain(|second| *second <= last);
        let count = made.parts.get("COUNT").map_or(MOST, |count| count.parse().unwrap());
        theirs.truncate(count);
        ours.truncate(MOST);
        theirs.truncate(MOST);
        if ours != theirs {
            let at = ours.iter().zip(&theirs).position(|(one, other)| one != other).unwrap_or(ours.len().min(theirs.len()));
            let time =
                |list: &[i64]| list.get(at).map(|second| Timestamp::from_second(*second).unwrap().to_zoned(zone.clone()).to_string());
            wrong.push(format!("{name} {} {}: {at}. {:?} {:?}", text(made.start), made.text(), time(&ours), time(&theirs)));
        }
    }
    println!("refused {refused}");
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong[..wrong.len().min(40)].join("\n"));
}
