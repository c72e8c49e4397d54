//! Reserved actions: deeds that only some profiles may do, from some zones and with a recent second factor, whatever client is used.
//!
//! Asked by the gate beside the rights, for every deed that adds to a collection or sets keywords or properties; it audits what comes
//! back. What always holds: a deed that is no reserved action passes; one that is several must satisfy all of them; an unknown
//! profile or zone satisfies none. Limit: that a deed happens in one step. What is put elsewhere and shown under another path by a
//! rename is two deeds, and the gate asks for both.

use crate::actions::Circumstances;
use crate::admit::CLOCK_STEP_SECONDS;
use crate::pattern::Pattern;
use crate::policy::{Area, Policy};
use crate::units::show_seconds;
use crate::zones::Zones;
use std::fmt;
use std::sync::Arc;

/// What is done to a collection, as far as it may be reserved.
#[derive(Debug, Clone, Copy)]
pub struct Deed<'a> {
    /// The area that the collection lies in.
    pub area: Area,
    /// The collection's path within its owner's area, segments separated by `/`; empty at the top.
    pub path: &'a str,
    /// Something comes in or is written anew: append, copy, move, put, or a collection made or moved there.
    pub adds: bool,
    /// The keywords (IMAP) that are set or cleared, those of what is added included; local names of properties (DAV).
    pub keywords: &'a [&'a str],
}

/// A reserved action that is not to happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withheld<'p> {
    /// Its name in the profiles file.
    pub action: &'p str,
    /// For people; may be empty.
    pub description: &'p str,
    /// What is missing.
    pub lacks: Lacking<'p>,
}

/// What a reserved action lacks. The first of these in this order, so that nobody fetches a second factor in vain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lacking<'p> {
    /// The profile may not do it at all (or does not exist).
    NotInProfile,
    /// It is done from these zones only.
    Zone(&'p [Arc<str>]),
    /// It wants a second factor given less than so many seconds ago.
    SecondFactor {
        /// Seconds.
        within: i64,
    },
}

/// A reserved action of the profiles file.
#[derive(Debug, Clone)]
pub(crate) struct Reserved {
    pub(crate) name: String,
    pub(crate) description: String,
    /// Adding there is the action.
    pub(crate) adds_to: Vec<Pattern>,
    /// Setting or clearing one of these is the action.
    pub(crate) sets: Vec<String>,
    /// Where `sets` counts; `None` for everywhere.
    pub(crate) sets_in: Option<Vec<Pattern>>,
    pub(crate) zones: Zones,
    pub(crate) second_factor_within: Option<i64>,
}

/// Which reserved actions is this deed, and may it be done? `Ok` names them, for the audit; empty for an ordinary deed.
pub fn reserved<'p>(policy: &'p Policy, who: &Circumstances<'_>, deed: &Deed<'_>) -> Result<Vec<&'p str>, Withheld<'p>> {
    let mut done = Vec::new();
    for action in policy.reserved.iter().filter(|action| action.is(deed)) {
        if let Some(lacks) = lacking(policy, action, who) {
            return Err(Withheld { action: &action.name, description: &action.description, lacks });
        }
        done.push(action.name.as_str());
    }
    Ok(done)
}

fn lacking<'p>(policy: &'p Policy, action: &'p Reserved, who: &Circumstances<'_>) -> Option<Lacking<'p>> {
    let in_profile = policy.profile(who.profile).is_some_and(|profile| profile.actions.contains(&action.name));
    if !in_profile {
        return Some(Lacking::NotInProfile);
    }
    if !policy.has_zone(who.zone) || !action.zones.contains(who.zone) {
        return Some(Lacking::Zone(match &action.zones {
            Zones::Every => &policy.places.names,
            Zones::These(zones) => zones,
        }));
    }
    let within = action.second_factor_within?;
    let recent = who.second_factor_age.is_some_and(|age| age > -CLOCK_STEP_SECONDS && age < within);
    (!recent).then_some(Lacking::SecondFactor { within })
}

impl Reserved {
    fn is(&self, deed: &Deed<'_>) -> bool {
        let lies_in = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.matches_in(deed.area.name(), deed.path));
        let sets = |keyword: &&str| {
            self.sets.iter().any(|set| {
                // A DAV property's name cannot begin with `$`.
                set.eq_ignore_ascii_case(keyword) || set.strip_prefix('$').is_some_and(|name| name.eq_ignore_ascii_case(keyword))
            })
        };
        (deed.adds && lies_in(&self.adds_to))
            || (deed.keywords.iter().any(sets) && self.sets_in.as_ref().is_none_or(|patterns| lies_in(patterns)))
    }
}

impl Policy {
    /// Is there any reserved action? If not, nobody needs to find out what a deed is.
    pub fn reserves_anything(&self) -> bool {
        !self.reserved.is_empty()
    }
}

impl fmt::Display for Lacking<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotInProfile => f.write_str("the profile may not do it"),
            Self::Zone(zones) => write!(f, "it is done from these zones only: {}", zones.join(", ")),
            Self::SecondFactor { within } => write!(f, "it needs a second factor given within {}", show_seconds(*within)),
        }
    }
}

impl fmt::Display for Withheld<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is reserved: {}", self.action, self.lacks)
    }
}

impl std::error::Error for Withheld<'_> {}
