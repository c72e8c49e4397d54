//! When a rule applies: zones and strengths of the log-in. Shared by the rules on folders and those on actions.

use crate::Strength;
use crate::zones::Zones;

/// When a rule applies.
#[derive(Debug, Clone)]
pub(crate) struct Condition {
    pub(crate) zones: Zones,
    pub(crate) strength_min: Option<Strength>,
    pub(crate) strength_below: Option<Strength>,
}

/// What kept a rule from applying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// It is about one's own collections, or about others'.
    Owner,
    /// It is about other zones.
    Zone,
    /// It is about stronger or weaker log-ins.
    Strength,
}

impl Condition {
    /// Always.
    pub(crate) const NONE: Self = Self { zones: Zones::Every, strength_min: None, strength_below: None };

    /// What keeps a rule from applying to a log-in of that strength from that zone.
    pub(crate) fn obstacle(&self, zone: &str, strength: Strength) -> Option<Obstacle> {
        if !self.zones.contains(zone) {
            return Some(Obstacle::Zone);
        }
        let too_weak = self.strength_min.is_some_and(|min| strength < min);
        let too_strong = self.strength_below.is_some_and(|below| strength >= below);
        (too_weak || too_strong).then_some(Obstacle::Strength)
    }
}

impl std::fmt::Display for Obstacle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Owner => "whose it is",
            Self::Zone => "the zone",
            Self::Strength => "the strength of the log-in",
        })
    }
}
