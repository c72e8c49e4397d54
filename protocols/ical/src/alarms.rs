//! When alarms go off (RFC 5545 section 3.6.6): for the time ranges of `VALARM` in RFC 4791 section 9.9.

use crate::occurrences::{Occurrence, Window, calendar, visit};
use crate::recur::{Budget, ExpansionLimits, TooMany};
use crate::tree::{Node, Tree};
use crate::value::{Length, Moment};
use crate::zone::Zones;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use std::ops::ControlFlow;

/// Alarms of one component that are looked at.
const ALARMS_MAX: usize = 64;
/// Most repetitions of one alarm.
const REPEATS_MAX: i64 = 1_000;

/// One time at which an alarm goes off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alarm {
    /// When.
    pub at: Timestamp,
    /// Which of the VCALENDAR's components it belongs to.
    pub component: usize,
    /// Which of that component's own components it is.
    pub alarm: usize,
}

/// A VALARM as far as time goes.
struct Ringing {
    alarm: usize,
    trigger: Trigger,
    /// How often again, and the seconds between.
    repeats: i64,
    pause: i64,
}

#[derive(Clone, Copy)]
enum Trigger {
    At(Timestamp),
    FromStart(Length),
    FromEnd(Length),
}

/// The times within a window at which alarms go off, repetitions included, in their order. Triggers that depend on a start or an end that is not
/// there never go off.
pub fn alarms(tree: &Tree<'_>, floating: &TimeZone, window: &Window, limits: &ExpansionLimits) -> Result<Vec<Alarm>, TooMany> {
    let Some(calendar) = calendar(tree) else { return Ok(Vec::new()) };
    let zones = Zones::of(tree, floating);
    let of_nodes: Vec<Vec<Ringing>> = calendar.components.iter().map(|node| ringing(node, &zones)).collect();
    let mut found = Found { window, list: Vec::new(), instances: limits.instances };
    let (mut earliest, mut latest, mut relative) = (0, 0, false);
    for (component, list) in of_nodes.iter().enumerate() {
        for ringing in list {
            let (Trigger::FromStart(length) | Trigger::FromEnd(length)) = ringing.trigger else {
                if let Trigger::At(at) = ringing.trigger {
                    found.take(at, ringing, component)?;
                }
                continue;
            };
            let seconds = i64::from(length.days) * 86_400 + length.seconds;
            earliest = earliest.min(seconds);
            latest = latest.max(seconds.saturating_add(ringing.repeats.saturating_mul(ringing.pause)));
            relative = true;
        }
    }
    if relative {
        // A day of room for days that are longer or shorter than 24 hours.
        let wide = Window { start: moved(window.start, -latest - 86_400), end: moved(window.end, 86_400 - earliest) };
        let mut budget = Budget::new(limits);
        visit(tree, &zones, &wide, limits, &mut |occurrence| {
            let list = &of_nodes[occurrence.component];
            budget.take(list.len() as u64)?;
            for ringing in list {
                if let Some(at) = rings(ringing, &occurrence, &calendar.components[occurrence.component], &zones) {
                    found.take(at, ringing, occurrence.component)?;
                }
            }
            Ok(ControlFlow::<()>::Continue(()))
        })?;
    }
    found.list.sort_by_key(|alarm| (alarm.at, alarm.component, alarm.alarm));
    Ok(found.list)
}

struct Found<'w> {
    window: &'w Window,
    list: Vec<Alarm>,
    instances: usize,
}

impl Found<'_> {
    /// Those of an alarm and its repetitions that are in the window.
    fn take(&mut self, first: Timestamp, ringing: &Ringing, component: usize) -> Result<(), TooMany> {
        let since = self.window.start.as_second().saturating_sub(first.as_second());
        let skipped = if ringing.pause > 0 { since.saturating_add(ringing.pause - 1).div_euclid(ringing.pause).max(0) } else { 0 };
        for repeat in skipped..=ringing.repeats {
            let at = moved(first, repeat.saturating_mul(ringing.pause));
            if at >= self.window.end {
                break;
            }
            if at >= self.window.start {
                if self.list.len() == self.instances {
                    return Err(TooMany::Instances);
                }
                self.list.push(Alarm { at, component, alarm: ringing.alarm });
            }
        }
        Ok(())
    }
}

fn moved(instant: Timestamp, seconds: i64) -> Timestamp {
    instant.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

fn ringing(node: &Node<'_>, zones: &Zones) -> Vec<Ringing> {
    if !matches!(node.name.as_str(), "VEVENT" | "VTODO") {
        return Vec::new();
    }
    let alarms = node.components.iter().enumerate().filter(|(_, node)| node.name == "VALARM").take(ALARMS_MAX);
    let read = |(alarm, node): (usize, &Node<'_>)| {
        let trigger = node.property("TRIGGER")?;
        let at_end = trigger.param("RELATED").is_some_and(|related| related.eq_ignore_ascii_case("END"));
        let trigger = match Length::of(trigger.value()) {
            Ok(length) if at_end => Trigger::FromEnd(length),
            Ok(length) => Trigger::FromStart(length),
            // It should be in UTC; some programs write it otherwise.
            Err(_) => Trigger::At(zones.instant(&Moment::read(trigger).ok()?)),
        };
        let pause = node.value("DURATION").and_then(|value| Length::of(value).ok()).unwrap_or_default();
        let pause = (i64::from(pause.days) * 86_400 + pause.seconds).max(0);
        let repeats = node.value("REPEAT").and_then(|value| value.trim().parse::<i64>().ok()).unwrap_or(0);
        // RFC 5545 section 3.6.6: both or neither.
        let repeats = if pause == 0 { 0 } else { repeats.clamp(0, REPEATS_MAX) };
        Some(Ringing { alarm, trigger, repeats, pause })
    };
    alarms.filter_map(read).collect()
}

/// The instant of a relative trigger of an occurrence.
fn rings(ringing: &Ringing, occurrence: &Occurrence, node: &Node<'_>, zones: &Zones) -> Option<Timestamp> {
    let zone = occurrence.begins.as_ref().map_or(TimeZone::UTC, |begins| zones.zone(begins));
    match ringing.trigger {
        Trigger::At(_) => None,
        Trigger::FromStart(length) => node.property("DTSTART").is_some().then(|| length.after(occurrence.start, &zone)),
        Trigger::FromEnd(length) => {
            let ends = occurrence.begins.is_some() || node.property("DUE").is_some();
            ends.then(|| length.after(occurrence.end, &zone))
        }
    }
}
