//! How far a long piece of work is, on the terminal.

use crate::size;
use octroi_gate::{Look, Progress, Unit};
use std::io::{IsTerminal, Write};
use std::time::Duration;

/// How often it is told.
pub(crate) const EVERY: Duration = Duration::from_millis(500);

/// A line on the terminal that is written over. Nothing is printed where standard error is no terminal.
#[derive(Debug, Default)]
pub(crate) struct Line {
    width: usize,
}

impl Line {
    /// Say how far it is.
    pub(crate) fn tell(&mut self, look: &Told) {
        let percent = (look.done * 100).checked_div(look.total).unwrap_or(100).min(100);
        let text = if look.bytes {
            format!("{}: {} of {} ({percent} %)", look.what, size::tell(look.done), size::tell(look.total))
        } else {
            format!("{}: {} of {} ({percent} %)", look.what, look.done, look.total)
        };
        self.write(&text);
    }

    /// Leave the line empty for what is printed next.
    pub(crate) fn clear(&mut self) {
        if self.width > 0 {
            self.write("");
            eprint!("\r");
        }
    }

    fn write(&mut self, text: &str) {
        let mut terminal = std::io::stderr();
        if terminal.is_terminal() {
            let width = self.width;
            // A terminal that is gone is no reason to stop.
            let _ = write!(terminal, "\r{text:<width$}").and_then(|()| terminal.flush());
            self.width = text.len();
        }
    }
}

/// A [`Look`] that can be sent.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Told {
    pub(crate) what: String,
    pub(crate) bytes: bool,
    pub(crate) done: u64,
    pub(crate) total: u64,
}

impl Told {
    /// How far it is; `None` before there is anything to tell.
    pub(crate) fn of(progress: &Progress) -> Option<Self> {
        let Look { what, unit, done, total } = progress.look()?;
        Some(Self { what: what.to_owned(), bytes: unit == Unit::Bytes, done, total })
    }
}
