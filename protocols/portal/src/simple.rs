//! The filter that the portal writes for people who do not write scripts: *away* and *send on to*, as one script.
//!
//! What was filled in stands in comments at its top, and the rest is made of that alone. So a script is known again as the portal's if making
//! it anew gives the same text; one that somebody has altered is theirs, and the forms do not pretend to know it. Pure.

use octroi_model::Address;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use std::fmt::Write as _;

/// The script's name, in whatever language.
pub(crate) const NAME: &str = "portal";
/// Its first line.
const MARK: &str = "# Made by the portal of Octroi, version 1; what is altered by hand is not known there any more.";
/// What ends no comment and no line.
const PLAIN: &AsciiSet = &CONTROLS.add(b'%');
/// Characters of a subject, and of a text.
pub(crate) const SUBJECT_MAX: usize = 200;
pub(crate) const TEXT_MAX: usize = 4000;
/// Days after which somebody is answered again.
const DAYS: u32 = 7;

/// What is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Simple {
    pub away: Option<Away>,
    pub onward: Option<Onward>,
}

/// Who writes hears that one is away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Away {
    /// The first and the last day, as `2026-12-21`.
    pub from: Option<jiff::civil::Date>,
    pub until: Option<jiff::civil::Date>,
    pub subject: String,
    pub text: String,
}

/// What comes goes to somebody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Onward {
    pub to: Address,
    /// It stays here as well.
    pub copy: bool,
}

impl Simple {
    /// As a script. Days are those of this server's clock.
    pub(crate) fn script(&self) -> String {
        let mut out = format!("{MARK}\r\n");
        // Into a string: this does not fail.
        if let Some(Away { from, until, subject, text }) = &self.away {
            let day = |day: &Option<jiff::civil::Date>| day.map(|day| day.to_string()).unwrap_or_default();
            let _ = write!(out, "#: away {} {}\r\n", day(from), day(until));
            let _ = write!(out, "#: subject {}\r\n#: text {}\r\n", encoded(subject), encoded(text));
        }
        if let Some(Onward { to, copy }) = &self.onward {
            let _ = write!(out, "#: {} {}\r\n", if *copy { "copy" } else { "send" }, encoded(&to.to_string()));
        }
        let dated = self.away.as_ref().is_some_and(|away| away.from.or(away.until).is_some());
        let needs = [
            ("copy", self.onward.as_ref().is_some_and(|onward| onward.copy)),
            ("date", dated),
            ("relational", dated),
            ("vacation", self.away.is_some()),
        ];
        let needs: Vec<String> = needs.iter().filter(|(_, needed)| *needed).map(|(name, _)| format!("\"{name}\"")).collect();
        if !needs.is_empty() {
            let _ = write!(out, "require [{}];\r\n", needs.join(", "));
        }
        out.push_str(&self.away.as_ref().map(Away::command).unwrap_or_default());
        if let Some(Onward { to, copy }) = &self.onward {
            let _ = write!(out, "redirect {}{};\r\n", if *copy { ":copy " } else { "" }, quoted(&to.to_string()));
        }
        out
    }

    /// What such a script was made of; `None` if it was not made here, or altered since.
    pub(crate) fn of(script: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(script).ok()?;
        let mut simple = Self::default();
        for line in text.strip_prefix(MARK)?.lines().filter_map(|line| line.strip_prefix("#: ")) {
            let (key, value) = line.split_once(' ')?;
            match key {
                "away" => {
                    let (from, until) = value.split_once(' ')?;
                    simple.away = Some(Away { from: day(from).ok()?, until: day(until).ok()?, ..Away::default() });
                }
                "subject" => simple.away.as_mut()?.subject = decoded(value)?,
                "text" => simple.away.as_mut()?.text = decoded(value)?,
                "copy" | "send" => simple.onward = Some(Onward { to: decoded(value)?.parse().ok()?, copy: key == "copy" }),
                _ => return None,
            }
        }
        // The clock's offset may be another one now, which is no alteration of theirs.
        (without_zones(&simple.script()) == without_zones(text)).then_some(simple)
    }

    pub(crate) fn is_nothing(&self) -> bool {
        self.away.is_none() && self.onward.is_none()
    }
}

impl Away {
    fn command(&self) -> String {
        let test = |relation: &str, day: jiff::civil::Date| {
            format!("currentdate :zone \"{}\" :value \"{relation}\" \"date\" \"{day}\"", offset(day))
        };
        let tests = [self.from.map(|day| test("ge", day)), self.until.map(|day| test("le", day))];
        let tests: Vec<String> = tests.into_iter().flatten().collect();
        let subject = if self.subject.is_empty() { String::new() } else { format!(" :subject {}", quoted(&self.subject)) };
        let answer = format!("vacation :days {DAYS}{subject} {};\r\n", quoted(&self.text));
        match tests.as_slice() {
            [] => answer,
            [test] => format!("if {test} {{\r\n{answer}}}\r\n"),
            tests => format!("if allof ({}) {{\r\n{answer}}}\r\n", tests.join(", ")),
        }
    }
}

/// By how much this server's clock differs from UTC on that day at noon, as Sieve has it (RFC 5260 section 4.1).
fn offset(day: jiff::civil::Date) -> String {
    let noon = day.at(12, 0, 0, 0).to_zoned(jiff::tz::TimeZone::system());
    let minutes = noon.map_or(0, |noon| noon.offset().seconds() / 60);
    format!("{}{:02}{:02}", if minutes < 0 { '-' } else { '+' }, minutes.abs() / 60, minutes.abs() % 60)
}

fn without_zones(script: &str) -> String {
    let mut out = String::with_capacity(script.len());
    let mut rest = script;
    while let Some(at) = rest.find(":zone \"").filter(|at| rest.len() >= at + 13 && rest.is_char_boundary(at + 13)) {
        out.push_str(&rest[..at]);
        rest = &rest[at + 13..];
    }
    out + rest
}

/// An empty day is none.
fn day(text: &str) -> Result<Option<jiff::civil::Date>, jiff::Error> {
    if text.is_empty() { Ok(None) } else { text.parse().map(Some) }
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

fn decoded(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

/// RFC 5228 section 2.4.2.
fn quoted(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    format!("\"{}\"", lines.join("\r\n").replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use octroi_sieve::{Limits, compile};
    use proptest::prelude::*;

    fn away(from: &str, until: &str, subject: &str, text: &str) -> Away {
        Away { from: day(from).unwrap(), until: day(until).unwrap(), subject: subject.to_owned(), text: text.to_owned() }
    }

    fn onward(to: &str, copy: bool) -> Onward {
        Onward { to: to.parse().unwrap(), copy }
    }

    fn all() -> Vec<Simple> {
        let aways = [
            None,
            Some(away("2026-12-21", "2027-01-04", "Away", "Until 4 January.\nIn urgent cases \"call\" \\ write.\n.\n")),
            Some(away("", "2027-01-04", "", "Été %0D")),
            Some(away("2026-12-21", "", "", "x")),
            Some(away("", "", "Congé", "\"; discard; #\r\nstop;")),
        ];
        let onwards = [None, Some(onward("paul@b.example", true)), Some(onward("léa@b.example", false))];
        aways.iter().flat_map(|away| onwards.iter().map(|onward| Simple { away: away.clone(), onward: onward.clone() })).collect()
    }

    #[test]
    fn what_is_written_is_a_script_and_known_again() {
        for simple in all() {
            let script = simple.script();
            compile(&script, &Limits::default()).unwrap_or_else(|fault| panic!("{fault}: {script}"));
            assert_eq!(Simple::of(script.as_bytes()), Some(simple), "{script}");
        }
    }

    #[test]
    fn what_was_altered_is_not_the_portals() {
        let script = all()[4].script();
        for altered in [
            script.replace("vacation :days 7", "vacation :days 1"),
            script.clone() + "discard;\r\n",
            script.replace(MARK, "# mine"),
            script.replace("2027-01-04\r\n#:", "2027-01-05\r\n#:"),
            String::new(),
            "keep;".to_owned(),
        ] {
            assert_eq!(Simple::of(altered.as_bytes()), None, "{altered}");
        }
        // Another time of the year has another offset.
        assert!(Simple::of(script.replace(&offset("2026-12-21".parse().unwrap()), "+0530").as_bytes()).is_some());
    }

    proptest! {
        #[test]
        fn whatever_is_filled_in_stays_within_its_string(subject in "\\PC{0,40}", text in "(\\PC|\r\n|\n|\"|\\\\|;|%){0,60}") {
            let simple = Simple { away: Some(away("", "", &subject, &text)), onward: None };
            let script = simple.script();
            prop_assert!(compile(&script, &Limits::default()).is_ok(), "{}", script);
            prop_assert_eq!(script.matches("vacation :days").count(), 1 + subject.matches("vacation :days").count() * 2);
            prop_assert_eq!(Simple::of(script.as_bytes()), Some(simple));
        }

        #[test]
        fn nothing_panics(script in "(# Made by the portal of Octroi, version 1|#: (away|text|copy) |\\PC|\r\n){0,12}") {
            let _ = Simple::of(script.as_bytes());
            let _ = Simple::of(format!("{MARK}\r\n{script}").as_bytes());
            let _ = without_zones(&script);
        }
    }
}
