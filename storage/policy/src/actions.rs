//! May this be done that is not an act on one collection: sending, sending as another, sharing, exporting?
//!
//! Called by the gate before each of them; [`explain_act`](crate::explain_act) runs the same [`weigh`]. What always holds: deny by
//! default, a deny rule beats every allow rule, an unknown profile or zone may nothing.

use crate::Strength;
use crate::condition::{Condition, Obstacle};
use crate::policy::{Effect, Policy};
use std::fmt;

/// Who does it, from where, and how sure we are of them.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    /// The acting account's profile.
    pub profile: &'a str,
    /// Where its session comes from.
    pub zone: &'a str,
    /// How sure its log-in is.
    pub strength: Strength,
    /// How many seconds ago a second factor was last given for this session's device; `None` for never.
    pub second_factor_age: Option<i64>,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act<'a> {
    /// Submit a message to a recipient.
    Send {
        /// The recipient's domain.
        domain: &'a str,
        /// It is one of the server's own.
        ours: bool,
    },
    /// Submit a message under an address that is not one's own.
    SendAs {
        /// The whole address.
        address: &'a str,
    },
    /// Give somebody rights on a collection of one's own.
    Share {
        /// Whom.
        with: Sharee<'a>,
    },
    /// Take a copy of all that the account has.
    Export,
}

/// Who receives a share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharee<'a> {
    /// A single account.
    Account,
    /// A group.
    Group(&'a str),
    /// Everybody of a profile.
    Profile(&'a str),
    /// Every account of the organisation.
    Anyone,
}

/// Why an act is not permitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotPermitted {
    /// The account's profile is not in the profiles file.
    UnknownProfile,
    /// The zone is not in the profiles file (any more).
    UnknownZone,
    /// A deny rule forbids it.
    Denied {
        /// Its line in the profiles file.
        line: usize,
    },
    /// No rule allows it.
    NoRule,
}

/// A rule of a profile about an action.
#[derive(Debug, Clone)]
pub(crate) struct ActionRule {
    /// Where it begins in the file, counted from 1.
    pub(crate) line: usize,
    pub(crate) effect: Effect,
    pub(crate) what: What,
    pub(crate) condition: Condition,
}

/// What such a rule is about.
#[derive(Debug, Clone)]
pub(crate) enum What {
    Send(Vec<Recipients>),
    SendAs(Vec<Senders>),
    Share(Vec<Sharees>),
    Export,
}

#[derive(Debug, Clone)]
pub(crate) enum Recipients {
    Anyone,
    Inside,
    Outside,
    /// In lower case.
    Domain(String),
}

#[derive(Debug, Clone)]
pub(crate) enum Senders {
    Anyone,
    /// Every address of a domain, in lower case.
    Domain(String),
    /// In lower case.
    Address(String),
}

#[derive(Debug, Clone)]
pub(crate) enum Sharees {
    /// Whoever there is.
    Every,
    Anyone,
    Accounts,
    Profile(String),
    Group(String),
}

/// One step on the way to the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActStep {
    /// A rule decides.
    Rule {
        /// Its line in the profiles file.
        line: usize,
        /// What it says.
        effect: Effect,
    },
    /// A rule is about this act, but not about this case.
    Passed {
        /// Its line in the profiles file.
        line: usize,
        /// What it would say.
        effect: Effect,
        /// What kept it from applying.
        obstacle: Obstacle,
    },
}

/// May it be done?
pub fn permit(policy: &Policy, who: &Circumstances<'_>, act: &Act<'_>) -> Result<(), NotPermitted> {
    weigh(policy, who, act, |_| {})
}

/// The one computation; each step is told to `note`.
pub(crate) fn weigh(policy: &Policy, who: &Circumstances<'_>, act: &Act<'_>, mut note: impl FnMut(ActStep)) -> Result<(), NotPermitted> {
    let Some(profile) = policy.profile(who.profile) else { return Err(NotPermitted::UnknownProfile) };
    // A zone that has gone from the file would slip through every deny rule that names zones.
    if !policy.has_zone(who.zone) {
        return Err(NotPermitted::UnknownZone);
    }
    for pass in [Effect::Deny, Effect::Allow] {
        for rule in profile.action_rules.iter().filter(|rule| rule.effect == pass && rule.what.covers(act)) {
            let (line, effect) = (rule.line, rule.effect);
            if let Some(obstacle) = rule.condition.obstacle(who.zone, who.strength) {
                note(ActStep::Passed { line, effect, obstacle });
                continue;
            }
            note(ActStep::Rule { line, effect });
            return if effect == Effect::Allow { Ok(()) } else { Err(NotPermitted::Denied { line }) };
        }
    }
    Err(NotPermitted::NoRule)
}

impl What {
    fn covers(&self, act: &Act<'_>) -> bool {
        match (self, act) {
            (Self::Send(to), Act::Send { domain, ours }) => to.iter().any(|to| match to {
                Recipients::Anyone => true,
                Recipients::Inside => *ours,
                Recipients::Outside => !*ours,
                Recipients::Domain(listed) => same(listed, domain),
            }),
            (Self::SendAs(senders), Act::SendAs { address }) => senders.iter().any(|sender| match sender {
                Senders::Anyone => true,
                Senders::Domain(listed) => address.rsplit_once('@').is_some_and(|(_, domain)| same(listed, domain)),
                Senders::Address(listed) => same(listed, address),
            }),
            (Self::Share(sharees), Act::Share { with }) => sharees.iter().any(|sharee| match sharee {
                Sharees::Every => true,
                Sharees::Anyone => *with == Sharee::Anyone,
                Sharees::Accounts => *with == Sharee::Account,
                Sharees::Profile(name) => *with == Sharee::Profile(name),
                Sharees::Group(name) => *with == Sharee::Group(name),
            }),
            (Self::Export, Act::Export) => true,
            _ => false,
        }
    }
}

/// Is `given` the same as `listed`, which is in lower case?
fn same(listed: &str, given: &str) -> bool {
    given.chars().flat_map(char::to_lowercase).eq(listed.chars())
}

impl fmt::Display for NotPermitted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownProfile => f.write_str("the profile does not exist"),
            Self::UnknownZone => f.write_str("the zone does not exist"),
            Self::Denied { line } => write!(f, "the rule at line {line} forbids it"),
            Self::NoRule => f.write_str("no rule allows it"),
        }
    }
}

impl std::error::Error for NotPermitted {}

impl fmt::Display for Sharee<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account => f.write_str("an account"),
            Self::Group(name) => write!(f, "the group {name}"),
            Self::Profile(name) => write!(f, "the profile {name}"),
            Self::Anyone => f.write_str("anyone"),
        }
    }
}

impl fmt::Display for Act<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send { domain, ours: true } => write!(f, "send to {domain} (inside)"),
            Self::Send { domain, ours: false } => write!(f, "send to {domain} (outside)"),
            Self::SendAs { address } => write!(f, "send as {address}"),
            Self::Share { with } => write!(f, "share with {with}"),
            Self::Export => f.write_str("export"),
        }
    }
}
