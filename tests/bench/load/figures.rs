//! What was measured: every command's time by its kind, and what went wrong.
//!
//! Filled by each session on its own, added up and reported by `main.rs`. What always holds: no time is rounded into a class or left out, so
//! a percentile is that of the commands themselves.

use super::mix::Kind;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// Texts of errors that are kept; the rest is only counted.
const ERROR_TEXTS_MAX: usize = 10;

/// Times and counts of one session, or of all.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    /// Microseconds, in the order in which they came.
    times: BTreeMap<Kind, Vec<u32>>,
    /// Commands whose message another session had removed first.
    raced: usize,
    /// Messages that were asked for by number and not answered.
    missing: usize,
    errors: usize,
    error_texts: Vec<String>,
    /// Octets of answers.
    received: u64,
}

impl Figures {
    pub(crate) fn took(&mut self, kind: Kind, time: Duration) {
        self.times.entry(kind).or_default().push(u32::try_from(time.as_micros()).unwrap_or(u32::MAX));
    }

    pub(crate) fn raced(&mut self) {
        self.raced += 1;
    }

    pub(crate) fn missed(&mut self, messages: usize) {
        self.missing += messages;
    }

    pub(crate) fn failed(&mut self, text: String) {
        self.errors += 1;
        if self.error_texts.len() < ERROR_TEXTS_MAX {
            self.error_texts.push(text);
        }
    }

    pub(crate) fn received(&mut self, octets: u64) {
        self.received += octets;
    }

    pub(crate) fn error_count(&self) -> usize {
        self.errors
    }

    pub(crate) fn add(&mut self, other: Self) {
        for (kind, times) in other.times {
            self.times.entry(kind).or_default().extend(times);
        }
        self.raced += other.raced;
        self.missing += other.missing;
        self.errors += other.errors;
        let room = ERROR_TEXTS_MAX - self.error_texts.len();
        self.error_texts.extend(other.error_texts.into_iter().take(room));
        self.received += other.received;
    }

    /// Everything, with rates over `elapsed`. Opening the session is told by kind and counts in no rate: it came before.
    pub(crate) fn report(&self, elapsed: Duration) -> Value {
        let mut all: Vec<u32> = self.times.iter().filter(|(kind, _)| kind.is_work()).flat_map(|(_, times)| times).copied().collect();
        all.sort_unstable();
        let seconds = elapsed.as_secs_f64();
        let kinds: serde_json::Map<String, Value> =
            self.times.iter().map(|(kind, times)| (kind.name().to_owned(), percentiles(times.clone()))).collect();
        json!({
            "seconds": seconds,
            "commands": all.len(),
            "per_second": all.len() as f64 / seconds,
            "all": percentiles(all),
            "kinds": kinds,
            "raced": self.raced,
            "missing": self.missing,
            "errors": self.errors,
            "error_texts": self.error_texts,
            "received_octets": self.received,
        })
    }
}

/// Count, median, 99th percentile and maximum, in milliseconds.
fn percentiles(mut times: Vec<u32>) -> Value {
    times.sort_unstable();
    // The nearest rank: the smallest time that so many hundredths of the commands did not exceed.
    let at = |hundredths: usize| times.get((times.len() * hundredths).div_ceil(100).saturating_sub(1)).copied();
    let milliseconds = |micros: Option<u32>| micros.map(|m| f64::from(m) / 1000.0);
    json!({
        "count": times.len(),
        "p50_ms": milliseconds(at(50)),
        "p99_ms": milliseconds(at(99)),
        "max_ms": milliseconds(times.last().copied()),
    })
}
