//! The local times of a rule, in order, from somewhere on: the heart of recurrence.
//!
//! A rule is looked at period by period (a year, a month, … a second, by FREQ). The times of a period are its days that pass, each with every time of
//! day: never written out, since the one with a number can be calculated. So a period costs its days, whatever BYHOUR, BYMINUTE and BYSECOND make of
//! them, and periods before the window cost nothing, or one step each when COUNT wants them counted.

use super::days::{self, DAY, LAST};
use super::periods::Plan;
use super::rule::{End, Frequency, Rule};
use super::{Budget, TooMany};
use crate::value::Moment;

/// See the module. Not an `Iterator`, as each step can find the budget used up.
#[derive(Debug)]
pub(crate) struct Times {
    plan: Plan,
    /// The last local second that is wanted.
    to: i64,
    /// The first local second that is wanted.
    from: i64,
    /// How many may still come; `None` without COUNT.
    left: Option<u64>,
    /// The start is still to be given.
    start_first: bool,
    /// The period that `set` is of, from the start's, which is 0; in steps of the interval.
    period: i64,
    set: Set,
    /// The next of the set.
    at: usize,
}

/// The times of one period.
#[derive(Debug, Default)]
struct Set {
    /// First seconds of its days, hours or minutes.
    bases: Vec<i64>,
    /// Which of the times BYSETPOS leaves, by number from 0; `None`: all.
    chosen: Option<Vec<usize>>,
}

impl Times {
    /// Those from a local second to another, both included. The start is one of them whatever rule and end say: "The DTSTART property value always
    /// counts as the first occurrence" (RFC 5545 section 3.3.10).
    pub(crate) fn new(rule: &Rule, start: &Moment, (from, to): (i64, i64), end: End, budget: &mut Budget) -> Result<Self, TooMany> {
        let plan = Plan::new(rule, start);
        let start_first = from <= plan.start && plan.start <= to;
        let (start, to) = (plan.start, to.min(end.local).min(LAST));
        // A day has no hours: there is nothing but the start.
        let count = if rule.frequency < Frequency::Daily && plan.is_date { Some(1) } else { rule.count.map(u64::from) };
        let mut times = Self {
            plan,
            to,
            from: from.max(start + 1),
            left: count.map(|count| count.saturating_sub(1)),
            start_first,
            period: 0,
            set: Set::default(),
            at: 0,
        };
        if times.to < times.from {
            times.left = Some(0);
        }
        times.skip(budget)?;
        Ok(times)
    }

    /// The next, in local seconds.
    pub(crate) fn next(&mut self, budget: &mut Budget) -> Result<Option<i64>, TooMany> {
        if self.start_first {
            self.start_first = false;
            return Ok(Some(self.plan.start));
        }
        if self.left == Some(0) {
            return Ok(None);
        }
        loop {
            if self.at == self.set.len(&self.plan) {
                if !self.advance(budget)? {
                    self.left = Some(0);
                    return Ok(None);
                }
                continue;
            }
            let time = self.set.time(&self.plan, self.at);
            self.at += 1;
            budget.take(1)?;
            if time > self.to {
                self.left = Some(0);
                return Ok(None);
            }
            if time < self.from {
                continue;
            }
            self.left = self.left.map(|left| left - 1);
            return Ok(Some(time));
        }
    }

    /// Goes to the period of the first wanted second, taking what lies before from COUNT.
    fn skip(&mut self, budget: &mut Budget) -> Result<(), TooMany> {
        if self.left == Some(0) {
            return Ok(());
        }
        let target = (self.plan.unit(self.from) - self.plan.unit(self.plan.start)).div_euclid(self.plan.interval).max(0);
        self.load(0, budget)?;
        if self.left.is_none() {
            if target > 0 {
                self.load(target, budget)?;
            }
            self.at = self.set.first_from(&self.plan, self.from);
            return Ok(());
        }
        // What of the first period is behind the start counts.
        self.at = self.set.first_from(&self.plan, self.plan.start + 1);
        if target > 1 && self.plan.is_even() {
            self.count_off(self.set.len(&self.plan) - self.at);
            self.load(1, budget)?;
            let each = self.set.len(&self.plan) as u64;
            let before = (target - 1) as u64;
            self.left = self.left.map(|left| left.saturating_sub(each.saturating_mul(before)));
            self.load(target, budget)?;
        }
        while self.period < target && self.left != Some(0) {
            self.count_off(self.set.len(&self.plan) - self.at);
            if !self.advance(budget)? {
                self.left = Some(0);
            }
        }
        let first = self.set.first_from(&self.plan, self.from).max(self.at);
        self.count_off(first - self.at);
        self.at = first;
        Ok(())
    }

    fn count_off(&mut self, times: usize) {
        self.left = self.left.map(|left| left.saturating_sub(times as u64));
    }

    /// To the next period that may have times. `false`: it begins behind what is wanted.
    fn advance(&mut self, budget: &mut Budget) -> Result<bool, TooMany> {
        let next = self.next_period();
        if self.plan.first_of(self.unit_of(next)) > self.to {
            return Ok(false);
        }
        self.load(next, budget)?;
        Ok(true)
    }

    fn unit_of(&self, period: i64) -> i64 {
        self.plan.unit(self.plan.start) + period * self.plan.interval
    }

    /// Periods of a day and shorter are left out by the month, the day, the hour: whatever cannot pass as a whole.
    fn next_period(&self) -> i64 {
        let next = self.period + 1;
        if self.plan.frequency > Frequency::Daily || self.unit_of(next) > self.plan.unit(LAST) {
            return next;
        }
        let first = self.plan.first_of(self.unit_of(next));
        let Some(target) = self.blocked_until(first) else { return next };
        let behind = self.plan.unit(target) - self.plan.unit(self.plan.start);
        // Rounded up to the grid of the interval.
        (behind + self.plan.interval - 1).div_euclid(self.plan.interval).max(next)
    }

    /// The next second that may pass, if this one does not for a reason longer than its own period.
    fn blocked_until(&self, seconds: i64) -> Option<i64> {
        let number = seconds.div_euclid(DAY) as i32;
        let day = days::day(number);
        if !self.plan.has_month(day.month) {
            let next = if day.month == 12 { days::number(day.year + 1, 1, 1) } else { days::number(day.year, day.month + 1, 1) };
            return Some(i64::from(next) * DAY);
        }
        if self.plan.frequency == Frequency::Daily {
            return None;
        }
        if !self.plan.has_day(number) {
            return Some(i64::from(number + 1) * DAY);
        }
        let hour = seconds.rem_euclid(DAY) / 3600;
        if self.plan.frequency < Frequency::Hourly && !self.plan.has_hour(hour) {
            return Some((seconds.div_euclid(3600) + 1) * 3600);
        }
        let minute = seconds.rem_euclid(3600) / 60;
        if self.plan.frequency < Frequency::Minutely && !self.plan.has_minute(minute) {
            return Some((seconds.div_euclid(60) + 1) * 60);
        }
        None
    }

    fn load(&mut self, period: i64, budget: &mut Budget) -> Result<(), TooMany> {
        let (plan, unit) = (&self.plan, self.unit_of(period));
        let first = plan.first_of(unit);
        let number = first.div_euclid(DAY) as i32;
        let bases = &mut self.set.bases;
        bases.clear();
        let mut take = |first: i32, count: i32| -> Result<(), TooMany> {
            budget.take(count as u64)?;
            bases.extend((first..first + count).filter(|number| plan.has_day(*number)).map(|number| i64::from(number) * DAY));
            Ok(())
        };
        match plan.frequency {
            Frequency::Yearly => {
                let year = unit as i32;
                for month in (1..=12).filter(|month| plan.has_month(*month)) {
                    take(days::number(year, month, 1), days::month_days(year, month))?;
                }
            }
            Frequency::Monthly => {
                let (year, month) = (unit.div_euclid(12) as i32, unit.rem_euclid(12) as i32 + 1);
                if plan.has_month(month) {
                    take(number, days::month_days(year, month))?;
                }
            }
            Frequency::Weekly => take(number, 7)?,
            Frequency::Daily => take(number, 1)?,
            Frequency::Hourly | Frequency::Minutely | Frequency::Secondly => {
                let of_day = first.rem_euclid(DAY);
                let passes = plan.has_hour(of_day / 3600) && plan.has_minute(of_day / 60 % 60) && plan.has_second(of_day % 60);
                if passes && plan.has_day(number) {
                    bases.push(first);
                }
            }
        }
        // Places are looked for in every period.
        budget.take(1 + plan.set_pos.len() as u64 / 8)?;
        self.period = period;
        self.at = 0;
        self.set.choose(&self.plan);
        Ok(())
    }
}

impl Set {
    /// How many times of day each base has.
    fn each(plan: &Plan) -> usize {
        plan.hours.len().max(1) * plan.minutes.len().max(1) * plan.seconds.len().max(1)
    }

    fn len(&self, plan: &Plan) -> usize {
        self.chosen.as_ref().map_or_else(|| self.bases.len() * Self::each(plan), Vec::len)
    }

    /// The one with a number below [`Set::len`].
    fn time(&self, plan: &Plan, at: usize) -> i64 {
        let at = self.chosen.as_ref().map_or(at, |chosen| chosen[at]);
        let each = Self::each(plan);
        let (base, of_base) = (self.bases[at / each], at % each);
        let (seconds, minutes) = (plan.seconds.len().max(1), plan.minutes.len().max(1));
        let part = |list: &[i64], at: usize| list.get(at).copied().unwrap_or(0);
        let hour = part(&plan.hours, of_base / (seconds * minutes));
        let minute = part(&plan.minutes, of_base / seconds % minutes);
        base + hour * 3600 + minute * 60 + part(&plan.seconds, of_base % seconds)
    }

    /// The number of the first that is not before a second.
    fn first_from(&self, plan: &Plan, from: i64) -> usize {
        let (mut low, mut high) = (0, self.len(plan));
        while low < high {
            let middle = low.midpoint(high);
            if self.time(plan, middle) < from { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// RFC 5545 section 3.3.10, BYSETPOS.
    fn choose(&mut self, plan: &Plan) {
        self.chosen = None;
        if plan.set_pos.is_empty() {
            return;
        }
        let all = self.len(plan) as i64;
        let place = |position: &i16| {
            let position = i64::from(*position);
            let place = if position > 0 { position - 1 } else { all + position };
            usize::try_from(place).ok().filter(|_| place < all)
        };
        let mut chosen: Vec<usize> = plan.set_pos.iter().filter_map(place).collect();
        chosen.sort_unstable();
        chosen.dedup();
        self.chosen = Some(chosen);
    }
}
