//! The recurrence set of a component: its start, its rules and dates, without its exceptions (RFC 5545 section 3.8.5).
//!
//! Called by `occurrences`. A rule or date that cannot be read adds nothing: such objects are refused when they are put, and what was kept before
//! still shows its start.

use super::days::{self, DAY};
use super::{Budget, End, Rule, Times, TooMany};
use crate::tree::Node;
use crate::value::{Moment, Period, PeriodEnd};
use crate::zone::{Zones, instant_in};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::collections::HashSet;
use std::ops::ControlFlow;

/// Rules of one component; RFC 5545 advises one, programs of old wrote several.
const RULES_MAX: usize = 16;

/// One of the set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Instance {
    /// In the local seconds of the series.
    pub(crate) local: i64,
    pub(crate) instant: Timestamp,
    /// Of an RDATE that is a period.
    pub(crate) end: Option<Timestamp>,
}

/// What instances are told apart by: their days when the series is of days, else their instants; and, of exceptions that only say a day, those.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    seconds: HashSet<i64>,
    days: HashSet<i64>,
}

/// A component's recurrence set.
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) start: Moment,
    pub(crate) zone: TimeZone,
    rules: Vec<(Rule, End)>,
    /// EXRULE of RFC 2445.
    without: Vec<(Rule, End)>,
    /// Sorted.
    dates: Vec<Instance>,
    exceptions: Keys,
}

impl Series {
    /// `None`: there is no DTSTART to start from. A task that recurs and has none starts from its DUE: so Tasks.org and its like write them, though
    /// RFC 5545 section 3.8.2.4 wants a DTSTART.
    pub(crate) fn of(node: &Node<'_>, zones: &Zones) -> Option<Self> {
        let recurs = || node.property("RRULE").is_some() || node.property("RDATE").is_some();
        let due = || node.property("DUE").filter(|_| node.name == "VTODO" && recurs());
        let start = Moment::read(node.property("DTSTART").or_else(due)?).ok()?;
        let zone = zones.zone(&start);
        let rules = |name: &str| -> Vec<(Rule, End)> {
            let parsed = node.all(name).take(RULES_MAX).filter_map(|entry| entry.value().parse::<Rule>().ok());
            parsed.map(|rule| (rule.end(&start, &zone), rule)).map(|(end, rule)| (rule, end)).collect()
        };
        let (rules, without) = (rules("RRULE"), rules("EXRULE"));
        let mut series = Self { start, zone, rules, without, dates: Vec::new(), exceptions: Keys::default() };
        for entry in node.all("EXDATE") {
            // Each by itself: one bad date does not bring the others back.
            for value in entry.value().split(',') {
                if let Ok(moment) = Moment::of(value, entry.param("TZID"), entry.param("VALUE")) {
                    series.except(&moment, zones);
                }
            }
        }
        for entry in node.all("RDATE") {
            for value in entry.value().split(',') {
                series.dates.extend(series.date(value, entry.param("TZID"), entry.param("VALUE"), zones));
            }
        }
        series.dates.sort_unstable_by_key(|instance| instance.local);
        Some(series)
    }

    /// Whether it says that there is more than the start.
    pub(crate) fn recurs(&self) -> bool {
        !self.rules.is_empty() || !self.dates.is_empty()
    }

    fn date(&self, value: &str, tzid: Option<&str>, kind: Option<&str>, zones: &Zones) -> Option<Instance> {
        let (moment, end) = if value.contains('/') {
            let period = Period::of(value, tzid).ok()?;
            let start = self.instant(&period.start, zones);
            let end = match &period.end {
                PeriodEnd::At(moment) => self.instant(moment, zones),
                PeriodEnd::After(length) => length.after(start, &self.zone),
            };
            (period.start, Some(end.max(start)))
        } else {
            (Moment::of(value, tzid, kind).ok()?, None)
        };
        let local = if self.start.is_date() {
            days::seconds(moment.local()).div_euclid(DAY) * DAY
        } else if moment.is_date() {
            // A day for a series of times: at the time of the start.
            days::seconds(moment.local()) + days::seconds(self.start.local()).rem_euclid(DAY)
        } else {
            days::seconds(self.zone.to_datetime(self.instant(&moment, zones)))
        };
        let instant = if moment.is_date() { instant_in(days::local(local), &self.zone) } else { self.instant(&moment, zones) };
        Some(Instance { local, instant, end })
    }

    /// A moment beside the series: a local time without a zone is of the series' own.
    pub(crate) fn instant(&self, moment: &Moment, zones: &Zones) -> Timestamp {
        match moment {
            Moment::Floating(local) => instant_in(*local, &self.zone),
            other => zones.instant(other),
        }
    }

    fn except(&mut self, moment: &Moment, zones: &Zones) {
        let mut keys = std::mem::take(&mut self.exceptions);
        keys.add(self, moment, zones);
        self.exceptions = keys;
    }

    /// Shows every instance between two local seconds to somebody, roughly in order, until that one has enough.
    pub(crate) fn walk<B>(
        &self,
        window: (i64, i64),
        budget: &mut Budget,
        visit: &mut impl FnMut(Instance, &mut Budget) -> Result<ControlFlow<B>, TooMany>,
    ) -> Result<Option<B>, TooMany> {
        let start = days::seconds(self.start.local());
        let mut streams = Vec::with_capacity(self.rules.len());
        for (rule, end) in &self.rules {
            streams.push(Stream::new(self, rule, *end, window, budget)?);
        }
        let mut without = Vec::with_capacity(self.without.len());
        for (rule, end) in &self.without {
            without.push(Stream::new(self, rule, *end, window, budget)?);
        }
        let mut dates = self.dates.iter().filter(|instance| (window.0..=window.1).contains(&instance.local)).peekable();
        // The start stands for itself: rules give it too.
        let mut own = (window.0..=window.1).contains(&start).then_some(start);
        let mut seen = HashSet::new();
        loop {
            let of_rules = streams.iter().filter_map(|stream| stream.head).min();
            let next = [of_rules, own, dates.peek().map(|instance| instance.local)].into_iter().flatten().min();
            let Some(local) = next else { return Ok(None) };
            own = own.filter(|own| *own != local);
            for stream in streams.iter_mut().filter(|stream| stream.head == Some(local)) {
                stream.step(self, budget)?;
            }
            let date = if dates.peek().is_some_and(|instance| instance.local == local) { dates.next().copied() } else { None };
            let instant = || instant_in(days::local(local), &self.zone);
            let instance = date.unwrap_or_else(|| Instance { local, instant: instant(), end: None });
            let mut left_out = self.exceptions.has(self, &instance);
            for stream in &mut without {
                left_out |= stream.meets(self, local, budget)?;
            }
            // Two local times can be one instant, where the clocks jump.
            if left_out || !seen.insert(instance.instant.as_second()) {
                budget.take(1)?;
                continue;
            }
            if let ControlFlow::Break(enough) = visit(instance, budget)? {
                return Ok(Some(enough));
            }
        }
    }

    /// The longest that one of its dates lasts by itself, in seconds.
    pub(crate) fn longest(&self) -> i64 {
        let lasting = self.dates.iter().filter_map(|instance| instance.end.map(|end| end.as_second() - instance.instant.as_second()));
        lasting.max().unwrap_or(0)
    }

    /// The first local second at which it can have an instance.
    pub(crate) fn first(&self) -> i64 {
        self.dates.first().map_or(i64::MAX, |instance| instance.local).min(days::seconds(self.start.local()))
    }

    /// The last local second at which it can have an instance; `None` when it goes on for ever, or nobody can tell in time.
    pub(crate) fn last(&self, budget: &mut Budget) -> Option<i64> {
        let mut last = days::seconds(self.start.local()).max(self.dates.last().map_or(i64::MIN, |instance| instance.local));
        for (rule, end) in &self.rules {
            let of_rule = match (rule.count, end.local) {
                (Some(_), _) => {
                    let mut times = Times::new(rule, &self.start, (i64::MIN, i64::MAX), *end, budget).ok()?;
                    let mut of_rule = i64::MIN;
                    while let Some(local) = times.next(budget).ok()? {
                        of_rule = local;
                    }
                    of_rule
                }
                (None, days::LAST) => return None,
                (None, end) => end,
            };
            last = last.max(of_rule);
        }
        Some(last)
    }
}

/// A rule's times with the next one looked at.
struct Stream {
    times: Times,
    end: End,
    start: i64,
    head: Option<i64>,
}

impl Stream {
    fn new(series: &Series, rule: &Rule, end: End, window: (i64, i64), budget: &mut Budget) -> Result<Self, TooMany> {
        let times = Times::new(rule, &series.start, window, end, budget)?;
        let mut stream = Self { times, end, start: days::seconds(series.start.local()), head: None };
        stream.step(series, budget)?;
        Ok(stream)
    }

    fn step(&mut self, series: &Series, budget: &mut Budget) -> Result<(), TooMany> {
        loop {
            self.head = self.times.next(budget)?;
            let Some(local) = self.head else { return Ok(()) };
            if local == self.start || !self.end.is_before(days::local(local), &series.zone) {
                return Ok(());
            }
        }
    }

    /// Whether it has this local second; what is before is passed by.
    fn meets(&mut self, series: &Series, local: i64, budget: &mut Budget) -> Result<bool, TooMany> {
        while self.head.is_some_and(|head| head < local) {
            self.step(series, budget)?;
        }
        Ok(self.head == Some(local))
    }
}

impl Keys {
    pub(crate) fn add(&mut self, series: &Series, moment: &Moment, zones: &Zones) {
        if series.start.is_date() || moment.is_date() {
            // Whatever it is written as, it names a day.
            self.days.insert(days::seconds(moment.local()).div_euclid(DAY));
        } else {
            self.seconds.insert(series.instant(moment, zones).as_second());
        }
    }

    pub(crate) fn has(&self, series: &Series, instance: &Instance) -> bool {
        let by_instant = !series.start.is_date() && self.seconds.contains(&instance.instant.as_second());
        by_instant || (!self.days.is_empty() && self.days.contains(&instance.local.div_euclid(DAY)))
    }
}
