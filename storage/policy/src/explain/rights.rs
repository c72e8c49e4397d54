//! Each single right, and the one thing that gives it or takes it.

use super::subject;
use crate::condition::Obstacle;
use crate::decide::{Facts, Step, resolve};
use crate::policy::{Effect, Policy};
use octroi_model::Rights;
use std::fmt;

/// All rights, each with its reason. `Display` writes one line per right.
#[derive(Debug, Clone)]
pub struct RightsExplained {
    /// Who, on what, from where.
    pub subject: String,
    /// In the order of [`Rights::LETTERS`], none left out.
    pub rights: Vec<RightExplained>,
    /// What [`effective`](crate::effective) says.
    pub effective: Rights,
}

/// One right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RightExplained {
    /// The right.
    pub right: Rights,
    /// Its letter.
    pub letter: char,
    /// It is in force.
    pub held: bool,
    /// Why, or why not.
    pub because: Because,
}

/// The one thing that gives or takes a right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Because {
    /// The profile does not exist.
    NoProfile,
    /// The zone does not exist.
    NoZone,
    /// No rule gives it.
    NoRule,
    /// The only rules that would give it do not apply; this is the last of them.
    Passed {
        /// The rule's line in the profiles file.
        line: usize,
        /// What keeps it from applying.
        obstacle: Obstacle,
    },
    /// A rule gives it.
    Given {
        /// The rule's line in the profiles file.
        line: usize,
    },
    /// A rule takes it.
    Taken {
        /// The rule's line in the profiles file.
        line: usize,
    },
    /// The owner's ACL does not grant it.
    Acl,
    /// The app password was narrowed.
    AppPassword,
}

/// The same computation as [`effective`](crate::effective), with what gives or takes each right.
pub fn explain_rights(policy: &Policy, facts: &Facts<'_>) -> RightsExplained {
    let mut reasons = Rights::LETTERS.map(|(right, _)| (right, Because::NoRule));
    let mut before = Rights::NONE;
    let effective = resolve(policy, facts, |step| {
        for (right, because) in &mut reasons {
            if let Some(reason) = reason(step, *right, *because, before) {
                *because = reason;
            }
        }
        before = match step {
            Step::Rule { left, .. } | Step::Acl { left } | Step::Scope { left } => left,
            Step::NoProfile | Step::NoZone => Rights::NONE,
            Step::Passed { .. } => before,
        };
    });
    let letters = Rights::LETTERS.iter().zip(reasons);
    let rights = letters
        .map(|((right, letter), (_, because))| RightExplained { right: *right, letter: *letter, held: effective.contains(*right), because })
        .collect();
    RightsExplained { subject: subject(facts), rights, effective }
}

/// What a step says of a right, if it says something new.
fn reason(step: Step, right: Rights, so_far: Because, before: Rights) -> Option<Because> {
    let goes = |left: Rights| before.contains(right) && !left.contains(right);
    match step {
        Step::NoProfile => Some(Because::NoProfile),
        Step::NoZone => Some(Because::NoZone),
        Step::Rule { line, effect, changed, .. } if changed.contains(right) => {
            Some(if effect == Effect::Allow { Because::Given { line } } else { Because::Taken { line } })
        }
        Step::Passed { line, effect: Effect::Allow, rights, obstacle } if rights.contains(right) => {
            matches!(so_far, Because::NoRule | Because::Passed { .. }).then_some(Because::Passed { line, obstacle })
        }
        Step::Acl { left } if goes(left) => Some(Because::Acl),
        Step::Scope { left } if goes(left) => Some(Because::AppPassword),
        _ => None,
    }
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoProfile => f.write_str("the profile does not exist"),
            Self::NoZone => f.write_str("the zone does not exist"),
            Self::NoRule => f.write_str("no rule gives it"),
            Self::Passed { line, obstacle } => write!(f, "the rule at line {line} would give it, but does not apply because of {obstacle}"),
            Self::Given { line } => write!(f, "the rule at line {line} gives it"),
            Self::Taken { line } => write!(f, "the rule at line {line} takes it"),
            Self::Acl => f.write_str("the owner's ACL does not grant it"),
            Self::AppPassword => f.write_str("the app password was not made for it"),
        }
    }
}

impl fmt::Display for RightExplained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}  {}", self.letter, if self.held { "yes" } else { "no " }, self.because)
    }
}

impl fmt::Display for RightsExplained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.subject)?;
        self.rights.iter().try_for_each(|right| write!(f, "\n  {right}"))
    }
}
