//! Why something is not taken for a report.

use std::fmt;

/// Why a message is not taken for a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing in it looks like one.
    NotAReport,
    /// What looks like one is none.
    Malformed(&'static str),
    /// It is more than is looked into (`what`), packed or unpacked.
    TooBig(&'static str),
    /// Others are being looked into.
    Busy,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAReport => f.write_str("there is no report in it"),
            Self::Malformed(what) => f.write_str(what),
            Self::TooBig(what) => write!(f, "too big: {what}"),
            Self::Busy => f.write_str("too many reports are being looked into"),
        }
    }
}

impl std::error::Error for Fault {}
