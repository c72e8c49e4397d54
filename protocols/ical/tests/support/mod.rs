//! What several of the tests need: times as iCalendar writes them.

use jiff::Timestamp;
use octroi_ical::{Moment, Window};

/// A time in UTC.
pub(crate) fn at(text: &str) -> Timestamp {
    match Moment::of(text, None, None) {
        Ok(Moment::Utc(instant)) => instant,
        _ => panic!("{text}"),
    }
}

/// From one time in UTC to another.
pub(crate) fn window(start: &str, end: &str) -> Window {
    Window { start: at(start), end: at(end) }
}
