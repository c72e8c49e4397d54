//! What is wrong with a profiles file, and where.

use std::fmt;
use std::ops::Range;

/// Why a profiles file is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyError {
    /// Line, counted from 1; `None` if no single place is to blame.
    pub line: Option<usize>,
    /// Column in characters, counted from 1; 0 without a line.
    pub column: usize,
    /// What is wrong, for people.
    pub message: String,
}

impl PolicyError {
    /// An error about the octets `span` of `text`.
    pub(crate) fn at(text: &str, span: Option<Range<usize>>, message: impl Into<String>) -> Self {
        let place = span.map(|span| position(text, span.start));
        Self { line: place.map(|(line, _)| line), column: place.map_or(0, |(_, column)| column), message: message.into() }
    }
}

/// Line and column, counted from 1, of the octet at `offset`.
pub(crate) fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}, column {}: ", self.column)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for PolicyError {}
