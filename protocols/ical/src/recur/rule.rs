//! A recurrence rule: the RECUR value of RFC 5545 section 3.3.10, as parts.

use super::days::{self, LAST};
use super::{Budget, ExpansionLimits, Times, TooMany};
use crate::value::Moment;
use crate::zone::instant_in;
use jiff::Timestamp;
use jiff::civil::{DateTime, Weekday};
use jiff::tz::TimeZone;

/// FREQ, from the shortest to the longest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Frequency {
    /// SECONDLY.
    Secondly,
    /// MINUTELY.
    Minutely,
    /// HOURLY.
    Hourly,
    /// DAILY.
    Daily,
    /// WEEKLY.
    Weekly,
    /// MONTHLY.
    Monthly,
    /// YEARLY.
    Yearly,
}

/// An element of BYDAY.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByDay {
    /// Which one of the month or year, from its end when negative; 0 is every one.
    pub ordinal: i16,
    /// Which day.
    pub weekday: Weekday,
}

/// A rule. Lists are as they were sent, empty when the part is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// FREQ.
    pub frequency: Frequency,
    /// INTERVAL, at least 1.
    pub interval: u32,
    /// UNTIL, in whichever form it was sent.
    pub until: Option<Moment>,
    /// COUNT, at least 1.
    pub count: Option<u32>,
    /// BYSECOND, 0 to 60.
    pub by_second: Vec<i16>,
    /// BYMINUTE, 0 to 59.
    pub by_minute: Vec<i16>,
    /// BYHOUR, 0 to 23.
    pub by_hour: Vec<i16>,
    /// BYDAY.
    pub by_day: Vec<ByDay>,
    /// BYMONTHDAY, 1 to 31 and -31 to -1.
    pub by_month_day: Vec<i16>,
    /// BYYEARDAY, 1 to 366 and -366 to -1.
    pub by_year_day: Vec<i16>,
    /// BYWEEKNO, 1 to 53 and -53 to -1.
    pub by_week_no: Vec<i16>,
    /// BYMONTH, 1 to 12.
    pub by_month: Vec<i16>,
    /// BYSETPOS, 1 to 366 and -366 to -1.
    pub by_set_pos: Vec<i16>,
    /// WKST.
    pub week_start: Weekday,
}

/// Where UNTIL puts the end of a rule with a certain start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct End {
    /// The last local second that may be.
    pub(crate) local: i64,
    /// And the last instant, when it was given as one for a start that is none.
    pub(crate) instant: Option<Timestamp>,
}

impl End {
    /// Whether it is before a local time, by the instant that was given.
    pub(crate) fn is_before(&self, local: DateTime, zone: &TimeZone) -> bool {
        self.instant.is_some_and(|last| instant_in(local, zone) > last)
    }
}

/// How far the local times of one instant can be apart around a change of the clocks, in seconds: no zone has jumped by more than a day.
const SLACK: i64 = 90_000;

impl Rule {
    /// What UNTIL means for a start in a zone. RFC 5545 has it of the same form as the start (in UTC for a start with a zone); the others are taken as
    /// programs mean them: a day is all of that day, and an instant for a start without a zone is what it says on its face.
    pub(crate) fn end(&self, start: &Moment, zone: &TimeZone) -> End {
        match (&self.until, start) {
            (None, _) => End { local: LAST, instant: None },
            (Some(Moment::Date(date)), _) => {
                End { local: days::seconds(date.to_datetime(jiff::civil::Time::midnight())) + days::DAY - 1, instant: None }
            }
            (Some(Moment::Utc(instant)), Moment::Zoned(..)) => {
                End { local: days::seconds(zone.to_datetime(*instant)).saturating_add(SLACK).min(LAST), instant: Some(*instant) }
            }
            (Some(until), Moment::Date(_)) => {
                End { local: days::seconds(until.local().date().to_datetime(jiff::civil::Time::midnight())), instant: None }
            }
            (Some(until), _) => End { local: days::seconds(until.local()), instant: None },
        }
    }

    /// The local times that it makes from a start, between two others, both included. The start is one whether the rule names it or not.
    pub fn times(
        &self,
        start: &Moment,
        zone: &TimeZone,
        from: DateTime,
        to: DateTime,
        limits: &ExpansionLimits,
    ) -> Result<Vec<DateTime>, TooMany> {
        let end = self.end(start, zone);
        let mut budget = Budget::new(limits);
        let first = days::seconds(start.local());
        let mut times = Times::new(self, start, (days::seconds(from), days::seconds(to)), end, &mut budget)?;
        let mut found = Vec::new();
        while let Some(seconds) = times.next(&mut budget)? {
            let local = days::local(seconds);
            if seconds != first && end.is_before(local, zone) {
                continue;
            }
            if found.len() == limits.instances {
                return Err(TooMany::Instances);
            }
            found.push(local);
        }
        Ok(found)
    }
}
