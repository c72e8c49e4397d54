//! What a rule says, made ready to calculate with: which days pass, which times of day, and how far apart its periods are.

use super::days::{self, DAY, Day, LAST};
use super::rule::{Frequency, Rule};
use crate::value::Moment;

/// A rule with its start.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) frequency: Frequency,
    pub(super) interval: i64,
    /// Its start, in local seconds.
    pub(super) start: i64,
    /// Whether that is a day.
    pub(super) is_date: bool,
    week_start: i32,
    /// Bits from 1; 0 is all.
    months: u32,
    /// Bits from 1, and from 1 for those counted from the end.
    month_days: u32,
    last_days: u32,
    year_days: Signed,
    week_nos: Signed,
    /// Bits from Monday.
    weekdays: u32,
    /// For each weekday, which ones of the month or the year.
    ordinals: [Signed; 7],
    has_ordinals: bool,
    /// Whether those count in the month.
    in_month: bool,
    /// Sorted; empty where the period gives it.
    pub(super) hours: Vec<i64>,
    pub(super) minutes: Vec<i64>,
    pub(super) seconds: Vec<i64>,
    /// Hours and minutes that a shorter period must be in, as bits; 0 is all.
    only_hours: u32,
    only_minutes: u64,
    only_seconds: u64,
    pub(super) set_pos: Vec<i16>,
}

/// A set of numbers from 1 to 366 and from -1 to -366, asked for a place from the front and from the back: as quick with all as with one.
#[derive(Debug, Clone, Copy, Default)]
struct Signed {
    front: [u64; 6],
    back: [u64; 6],
}

impl Signed {
    fn of(numbers: &[i16]) -> Self {
        let mut set = Self::default();
        for number in numbers {
            set.add(*number);
        }
        set
    }

    fn add(&mut self, number: i16) {
        let side = if number > 0 { &mut self.front } else { &mut self.back };
        let place = usize::from(number.unsigned_abs());
        side[place / 64] |= 1 << (place % 64);
    }

    fn is_empty(&self) -> bool {
        self.front == [0; 6] && self.back == [0; 6]
    }

    /// Whether it has the place `at` from 1 of a whole of `length`.
    fn has(&self, at: i32, length: i32) -> bool {
        let bit = |side: &[u64; 6], place: i32| {
            let place = usize::try_from(place).unwrap_or(0);
            side.get(place / 64).is_some_and(|word| word >> (place % 64) & 1 == 1)
        };
        bit(&self.front, at) || bit(&self.back, length - at + 1)
    }
}

impl Plan {
    pub(super) fn new(rule: &Rule, start: &Moment) -> Self {
        let local = days::seconds(start.local());
        let day = days::day(local.div_euclid(DAY) as i32);
        let of_day = local.rem_euclid(DAY);
        let is_date = start.is_date();
        // A leap second is second 59, as in values.
        let listed = |list: &[i16], max: i16| -> Vec<i64> {
            // RFC 5545 section 3.3.10: times MUST be ignored when the start is a day.
            let mut list: Vec<i64> = if is_date { Vec::new() } else { list.iter().map(|value| i64::from((*value).min(max))).collect() };
            list.sort_unstable();
            list.dedup();
            list
        };
        let or = |list: Vec<i64>, default: i64| if list.is_empty() { vec![default] } else { list };
        let (hours, minutes, seconds) = (listed(&rule.by_hour, 23), listed(&rule.by_minute, 59), listed(&rule.by_second, 59));
        let bits = |list: &[i64]| list.iter().fold(0_u64, |bits, value| bits | 1 << value);
        let mut plan = Self {
            frequency: rule.frequency,
            interval: i64::from(rule.interval),
            start: local,
            is_date,
            week_start: i32::from(rule.week_start.to_monday_zero_offset()),
            months: rule.by_month.iter().fold(0, |bits, month| bits | 1 << month),
            month_days: rule.by_month_day.iter().filter(|day| **day > 0).fold(0, |bits, day| bits | 1 << day),
            last_days: rule.by_month_day.iter().filter(|day| **day < 0).fold(0, |bits, day| bits | 1 << -day),
            year_days: Signed::of(&rule.by_year_day),
            week_nos: Signed::of(&rule.by_week_no),
            weekdays: 0,
            ordinals: [Signed::default(); 7],
            has_ordinals: false,
            in_month: rule.frequency == Frequency::Monthly || !rule.by_month.is_empty(),
            only_hours: if rule.frequency < Frequency::Daily { bits(&hours) as u32 } else { 0 },
            only_minutes: if rule.frequency < Frequency::Hourly { bits(&minutes) } else { 0 },
            only_seconds: if rule.frequency < Frequency::Minutely { bits(&seconds) } else { 0 },
            hours: if rule.frequency < Frequency::Daily { Vec::new() } else { or(hours, of_day / 3600) },
            minutes: if rule.frequency < Frequency::Hourly { Vec::new() } else { or(minutes, of_day / 60 % 60) },
            seconds: if rule.frequency < Frequency::Minutely { Vec::new() } else { or(seconds, of_day % 60) },
            set_pos: rule.by_set_pos.clone(),
        };
        plan.take_weekdays(rule);
        plan.take_from_start(rule, day, days::weekday(local.div_euclid(DAY) as i32));
        plan
    }

    fn take_weekdays(&mut self, rule: &Rule) {
        for day in &rule.by_day {
            let weekday = i32::from(day.weekday.to_monday_zero_offset());
            // With a shorter frequency a number has no meaning (RFC 5545 forbids it): the day is what counts.
            if day.ordinal == 0 || rule.frequency < Frequency::Monthly {
                self.weekdays |= 1 << weekday;
            } else {
                self.ordinals[weekday as usize].add(day.ordinal);
                self.has_ordinals = true;
            }
        }
    }

    /// RFC 5545 section 3.3.10: what the rule does not say and needs is derived from the start.
    fn take_from_start(&mut self, rule: &Rule, day: Day, weekday: i32) {
        let no_days = rule.by_month_day.is_empty() && rule.by_year_day.is_empty() && rule.by_day.is_empty();
        match rule.frequency {
            Frequency::Yearly if no_days && !rule.by_week_no.is_empty() => self.weekdays = 1 << weekday,
            Frequency::Yearly if no_days => {
                if self.months == 0 {
                    self.months = 1 << day.month;
                }
                self.month_days = 1 << day.of_month;
            }
            Frequency::Monthly if no_days && rule.by_week_no.is_empty() => self.month_days = 1 << day.of_month,
            Frequency::Weekly if no_days && rule.by_week_no.is_empty() => self.weekdays = 1 << weekday,
            _ => {}
        }
    }

    /// Whether a month passes.
    pub(super) fn has_month(&self, month: i32) -> bool {
        self.months == 0 || self.months >> month & 1 == 1
    }

    /// Whether a day passes.
    pub(super) fn has_day(&self, number: i32) -> bool {
        let day = days::day(number);
        self.has_month(day.month) && self.has_weekday(number, day) && self.has_month_day(day) && self.has_year_day(number, day)
    }

    /// Whether hour, minute and second pass, as far as they are periods.
    pub(super) fn has_hour(&self, hour: i64) -> bool {
        self.only_hours == 0 || self.only_hours >> hour & 1 == 1
    }

    pub(super) fn has_minute(&self, minute: i64) -> bool {
        self.only_minutes == 0 || self.only_minutes >> minute & 1 == 1
    }

    pub(super) fn has_second(&self, second: i64) -> bool {
        self.only_seconds == 0 || self.only_seconds >> second & 1 == 1
    }

    fn has_month_day(&self, day: Day) -> bool {
        if self.month_days == 0 && self.last_days == 0 {
            return true;
        }
        let from_end = days::month_days(day.year, day.month) - day.of_month + 1;
        self.month_days >> day.of_month & 1 == 1 || self.last_days >> from_end & 1 == 1
    }

    fn has_weekday(&self, number: i32, day: Day) -> bool {
        if self.weekdays == 0 && !self.has_ordinals {
            return true;
        }
        let weekday = days::weekday(number);
        if self.weekdays >> weekday & 1 == 1 {
            return true;
        }
        let ordinals = &self.ordinals[weekday as usize];
        if !self.has_ordinals || ordinals.is_empty() {
            return false;
        }
        let (at, length) = if self.in_month {
            (day.of_month, days::month_days(day.year, day.month))
        } else {
            (number - days::number(day.year, 1, 1) + 1, days::year_days(day.year))
        };
        // Which one it is, and how many of its weekday there are.
        let (before, behind) = ((at - 1) / 7, (length - at) / 7);
        ordinals.has(before + 1, before + 1 + behind)
    }

    fn has_year_day(&self, number: i32, day: Day) -> bool {
        if !self.year_days.is_empty() {
            let at = number - days::number(day.year, 1, 1) + 1;
            if !self.year_days.has(at, days::year_days(day.year)) {
                return false;
            }
        }
        if self.week_nos.is_empty() {
            return true;
        }
        let (week, year) = self.week(number);
        // The 28th of December is in the last week of its year whatever day the weeks begin on.
        self.week_nos.has(week, self.week(days::number(year, 12, 28)).0)
    }

    /// The week of a day and the year that the week belongs to: the one that has at least four of its days.
    fn week(&self, number: i32) -> (i32, i32) {
        let fourth = self.week_of(number) + 3;
        let year = days::day(fourth).year;
        ((fourth - days::number(year, 1, 1)) / 7 + 1, year)
    }

    /// The first day of a day's week.
    pub(super) fn week_of(&self, number: i32) -> i32 {
        number - (days::weekday(number) - self.week_start).rem_euclid(7)
    }

    /// The period that a local second is in, counted from some beginning in its own unit.
    pub(super) fn unit(&self, seconds: i64) -> i64 {
        let number = seconds.div_euclid(DAY);
        match self.frequency {
            Frequency::Secondly => seconds,
            Frequency::Minutely => seconds.div_euclid(60),
            Frequency::Hourly => seconds.div_euclid(3600),
            Frequency::Daily => number,
            Frequency::Weekly => i64::from(self.week_of(number as i32)).div_euclid(7),
            Frequency::Monthly => {
                let day = days::day(number as i32);
                i64::from(day.year) * 12 + i64::from(day.month) - 1
            }
            Frequency::Yearly => i64::from(days::day(number as i32).year),
        }
    }

    /// The first local second of such a period; behind the year 9999 all are behind [`LAST`].
    pub(super) fn first_of(&self, unit: i64) -> i64 {
        if unit > self.unit(LAST) {
            return LAST + 1;
        }
        match self.frequency {
            Frequency::Secondly => unit,
            Frequency::Minutely => unit * 60,
            Frequency::Hourly => unit * 3600,
            Frequency::Daily => unit * DAY,
            // The weeks that begin on one weekday all have the same rest by seven.
            Frequency::Weekly => (unit * 7 + i64::from(self.week_of(0)).rem_euclid(7)) * DAY,
            Frequency::Monthly => i64::from(days::number(unit.div_euclid(12) as i32, unit.rem_euclid(12) as i32 + 1, 1)) * DAY,
            Frequency::Yearly => i64::from(days::number(unit as i32, 1, 1)) * DAY,
        }
    }

    /// Whether every period but the first has as many times as every other: then they need not be counted.
    pub(super) fn is_even(&self) -> bool {
        let no_days = self.months == 0
            && self.month_days == 0
            && self.last_days == 0
            && self.year_days.is_empty()
            && self.week_nos.is_empty()
            && !self.has_ordinals;
        let no_times = self.only_hours == 0 && self.only_minutes == 0 && self.only_seconds == 0;
        no_days && no_times && (self.frequency == Frequency::Weekly || (self.frequency < Frequency::Weekly && self.weekdays == 0))
    }
}
