//! A recurrence rule from its text. Strict, each fault with its name; what is taken all the same stands at the place that takes it.

use super::rule::{ByDay, Frequency, Rule};
use crate::value::Moment;
use jiff::civil::Weekday;
use std::fmt;
use std::str::FromStr;

/// Values of one part: BYYEARDAY can name every day.
const VALUES_MAX: usize = 800;
/// Largest INTERVAL: ten thousand years of seconds do not fit, and mean nothing.
const INTERVAL_MAX: u32 = 100_000_000;

/// Why a text is no rule that is understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleFault {
    /// No FREQ.
    NoFrequency,
    /// A part that RFC 5545 does not know.
    Unknown(String),
    /// A part that stands there twice.
    Twice(&'static str),
    /// A value that the part cannot have.
    Value(&'static str),
    /// More values than a part can have.
    TooMany(&'static str),
    /// RFC 7529: a calendar other than the Gregorian, or days that move instead of being left out.
    Scale,
    /// Hours, minutes or seconds from a start that is a day.
    ShorterThanDay,
}

impl fmt::Display for RuleFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFrequency => f.write_str("the rule has no FREQ"),
            Self::Unknown(name) => write!(f, "{name} is no part of a rule"),
            Self::Twice(name) => write!(f, "{name} stands twice in the rule"),
            Self::Value(name) => write!(f, "{name} has a value that it cannot have"),
            Self::TooMany(name) => write!(f, "{name} has too many values"),
            Self::Scale => f.write_str("only Gregorian rules without SKIP are understood"),
            Self::ShorterThanDay => f.write_str("a day cannot recur within the day"),
        }
    }
}

impl std::error::Error for RuleFault {}

const NAMES: [&str; 14] = [
    "FREQ",
    "INTERVAL",
    "UNTIL",
    "COUNT",
    "WKST",
    "BYSECOND",
    "BYMINUTE",
    "BYHOUR",
    "BYDAY",
    "BYMONTHDAY",
    "BYYEARDAY",
    "BYWEEKNO",
    "BYMONTH",
    "BYSETPOS",
];

impl FromStr for Rule {
    type Err = RuleFault;

    fn from_str(text: &str) -> Result<Self, RuleFault> {
        let mut values: [Option<&str>; NAMES.len()] = [None; NAMES.len()];
        // A semicolon at the end, lower case and spaces round the parts are no faults; nor are parts without a value.
        for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').ok_or_else(|| RuleFault::Unknown(shown(part)))?;
            let (name, value) = (name.trim().to_ascii_uppercase(), value.trim());
            if let Some(at) = NAMES.iter().position(|known| *known == name) {
                if values[at].is_some() {
                    return Err(RuleFault::Twice(NAMES[at]));
                }
                values[at] = Some(value).filter(|value| !value.is_empty());
            } else if name == "RSCALE" {
                // RFC 7529 section 4.1.
                if !value.eq_ignore_ascii_case("GREGORIAN") {
                    return Err(RuleFault::Scale);
                }
            } else if name == "SKIP" {
                if !value.eq_ignore_ascii_case("OMIT") {
                    return Err(RuleFault::Scale);
                }
            } else if !name.starts_with("X-") {
                // RFC 2445 allowed parts of one's own.
                return Err(RuleFault::Unknown(shown(&name)));
            }
        }
        Parts(values).rule()
    }
}

/// The beginning of what somebody sent, for a message.
fn shown(text: &str) -> String {
    text.chars().take(24).collect()
}

struct Parts<'t>([Option<&'t str>; NAMES.len()]);

impl Parts<'_> {
    fn rule(&self) -> Result<Rule, RuleFault> {
        let frequency = match self.value("FREQ").ok_or(RuleFault::NoFrequency)?.to_ascii_uppercase().as_str() {
            "SECONDLY" => Frequency::Secondly,
            "MINUTELY" => Frequency::Minutely,
            "HOURLY" => Frequency::Hourly,
            "DAILY" => Frequency::Daily,
            "WEEKLY" => Frequency::Weekly,
            "MONTHLY" => Frequency::Monthly,
            "YEARLY" => Frequency::Yearly,
            _ => return Err(RuleFault::Value("FREQ")),
        };
        let until = self.value("UNTIL").map(|value| Moment::of(value, None, None).map_err(|_| RuleFault::Value("UNTIL")));
        let week_start = self.value("WKST").map(|value| weekday(value).ok_or(RuleFault::Value("WKST")));
        Ok(Rule {
            frequency,
            interval: self.whole("INTERVAL", INTERVAL_MAX)?.unwrap_or(1),
            until: until.transpose()?,
            count: self.whole("COUNT", u32::MAX)?,
            by_second: self.numbers("BYSECOND", 0, 60)?,
            by_minute: self.numbers("BYMINUTE", 0, 59)?,
            by_hour: self.numbers("BYHOUR", 0, 23)?,
            by_day: self.days()?,
            by_month_day: self.signed("BYMONTHDAY", 31)?,
            by_year_day: self.signed("BYYEARDAY", 366)?,
            by_week_no: self.signed("BYWEEKNO", 53)?,
            by_month: self.numbers("BYMONTH", 1, 12)?,
            by_set_pos: self.signed("BYSETPOS", 366)?,
            week_start: week_start.transpose()?.unwrap_or(Weekday::Monday),
        })
    }

    fn value(&self, name: &'static str) -> Option<&str> {
        NAMES.iter().position(|known| *known == name).and_then(|at| self.0[at])
    }

    /// From 1.
    fn whole(&self, name: &'static str, max: u32) -> Result<Option<u32>, RuleFault> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let number = value.parse().ok().filter(|number| (1..=max).contains(number));
        number.map(Some).ok_or(RuleFault::Value(name))
    }

    fn list<T>(&self, name: &'static str, read: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, RuleFault> {
        let Some(value) = self.value(name) else { return Ok(Vec::new()) };
        if value.split(',').count() > VALUES_MAX {
            return Err(RuleFault::TooMany(name));
        }
        value.split(',').map(|value| read(value.trim()).ok_or(RuleFault::Value(name))).collect()
    }

    fn numbers(&self, name: &'static str, min: i16, max: i16) -> Result<Vec<i16>, RuleFault> {
        self.list(name, |value| value.parse().ok().filter(|number| (min..=max).contains(number)))
    }

    /// From 1, or from -1 downwards.
    fn signed(&self, name: &'static str, max: i16) -> Result<Vec<i16>, RuleFault> {
        self.list(name, |value| value.parse().ok().filter(|number: &i16| (1..=max).contains(&number.saturating_abs())))
    }

    fn days(&self) -> Result<Vec<ByDay>, RuleFault> {
        self.list("BYDAY", |value| {
            let (ordinal, name) = value.split_at_checked(value.len().checked_sub(2)?)?;
            let ordinal = match ordinal {
                "" => 0,
                number => number.parse().ok().filter(|number: &i16| (1..=53).contains(&number.saturating_abs()))?,
            };
            Some(ByDay { ordinal, weekday: weekday(name)? })
        })
    }
}

fn weekday(name: &str) -> Option<Weekday> {
    Some(match name.to_ascii_uppercase().as_str() {
        "MO" => Weekday::Monday,
        "TU" => Weekday::Tuesday,
        "WE" => Weekday::Wednesday,
        "TH" => Weekday::Thursday,
        "FR" => Weekday::Friday,
        "SA" => Weekday::Saturday,
        "SU" => Weekday::Sunday,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_rule_is_read() {
        let rule: Rule = "FREQ=MONTHLY;INTERVAL=2;BYDAY=MO,-1SU,+2TU;BYSETPOS=-1;WKST=SU;COUNT=10".parse().unwrap();
        assert_eq!((rule.frequency, rule.interval, rule.count, rule.week_start), (Frequency::Monthly, 2, Some(10), Weekday::Sunday));
        let days: Vec<_> = rule.by_day.iter().map(|day| (day.ordinal, day.weekday)).collect();
        assert_eq!(days, [(0, Weekday::Monday), (-1, Weekday::Sunday), (2, Weekday::Tuesday)]);
        let rule: Rule = " freq=yearly ; until=19971224t000000z;BYDAY=;X-OWN=1;RSCALE=GREGORIAN;SKIP=OMIT;".parse().unwrap();
        assert!(matches!(rule.until, Some(Moment::Utc(_))));
    }

    #[test]
    fn faults_have_names() {
        for (text, fault) in [
            ("", RuleFault::NoFrequency),
            ("INTERVAL=2", RuleFault::NoFrequency),
            ("FREQ=DAILY;FREQ=DAILY", RuleFault::Twice("FREQ")),
            ("FREQ=NEVER", RuleFault::Value("FREQ")),
            ("FREQ=DAILY;INTERVAL=0", RuleFault::Value("INTERVAL")),
            ("FREQ=DAILY;COUNT=0", RuleFault::Value("COUNT")),
            ("FREQ=DAILY;COUNT=-1", RuleFault::Value("COUNT")),
            ("FREQ=DAILY;UNTIL=soon", RuleFault::Value("UNTIL")),
            ("FREQ=DAILY;BYHOUR=24", RuleFault::Value("BYHOUR")),
            ("FREQ=DAILY;BYMONTHDAY=0", RuleFault::Value("BYMONTHDAY")),
            ("FREQ=DAILY;BYMONTHDAY=1,,2", RuleFault::Value("BYMONTHDAY")),
            ("FREQ=DAILY;BYDAY=0MO", RuleFault::Value("BYDAY")),
            ("FREQ=DAILY;BYDAY=M", RuleFault::Value("BYDAY")),
            ("FREQ=DAILY;BYDAY=1\u{e9}", RuleFault::Value("BYDAY")),
            ("FREQ=DAILY;WKST=XX", RuleFault::Value("WKST")),
            ("FREQ=DAILY;BYEASTER=1", RuleFault::Unknown("BYEASTER".to_owned())),
            ("FREQ=DAILY;nothing", RuleFault::Unknown("nothing".to_owned())),
            ("RSCALE=CHINESE;FREQ=YEARLY", RuleFault::Scale),
            ("FREQ=MONTHLY;SKIP=BACKWARD", RuleFault::Scale),
        ] {
            assert_eq!(text.parse::<Rule>(), Err(fault), "{text}");
        }
        let many = format!("FREQ=DAILY;BYHOUR={}1", "1,".repeat(VALUES_MAX));
        assert_eq!(many.parse::<Rule>(), Err(RuleFault::TooMany("BYHOUR")));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "((FREQ|COUNT|BYDAY|UNTIL|BYSETPOS|X-Y|é)=[A-Z0-9,+-]{0,12};?){0,5}") {
            let _ = text.parse::<Rule>();
        }
    }
}
