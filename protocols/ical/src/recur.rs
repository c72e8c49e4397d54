//! Recurrence: rules, the local times they make, and the series of a component.
//!
//! A rule makes local times from a local start; which instants those are is a matter of the zone and comes after. So "every day at nine" stays at nine
//! when the clocks change. Called by `occurrences` and, for the rules of a VTIMEZONE, by `zone`. What always holds: the work is bounded by
//! [`ExpansionLimits`], and a rule that began long ago costs what the window costs, not the years between.

pub(crate) mod days;
mod parse;
mod periods;
mod rule;
mod series;
mod times;

pub use parse::RuleFault;
pub(crate) use rule::End;
pub use rule::{ByDay, Frequency, Rule};
pub(crate) use series::{Instance, Keys, Series};
pub(crate) use times::Times;

use std::fmt;

/// What one expansion may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExpansionLimits {
    /// Occurrences that are given.
    pub instances: usize,
    /// Days, hours and so on that are looked at. A hundred thousand take about a millisecond.
    pub steps: u64,
}

impl Default for ExpansionLimits {
    /// More than a daily event of thirty years, and more than any rule that means something needs.
    fn default() -> Self {
        Self { instances: 12_000, steps: 200_000 }
    }
}

/// An expansion would cost more than it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TooMany {
    /// There are more occurrences.
    Instances,
    /// They come to too many octets.
    Octets,
    /// They are too far apart, or too many lie before the window.
    Steps,
}

impl fmt::Display for TooMany {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Instances => "there are too many occurrences",
            Self::Octets => "its occurrences are too large together",
            Self::Steps => "its occurrences take too long to find",
        })
    }
}

impl std::error::Error for TooMany {}

/// What is left of [`ExpansionLimits::steps`].
#[derive(Debug)]
pub(crate) struct Budget {
    steps: u64,
}

impl Budget {
    pub(crate) fn new(limits: &ExpansionLimits) -> Self {
        Self { steps: limits.steps }
    }

    pub(crate) fn take(&mut self, steps: u64) -> Result<(), TooMany> {
        self.steps = self.steps.checked_sub(steps).ok_or(TooMany::Steps)?;
        Ok(())
    }
}
