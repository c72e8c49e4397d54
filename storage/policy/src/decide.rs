//! May this be done to this collection, and by which rule?
//!
//! Called by the gate for every act and for every listing of rights. [`effective`], [`decide`] and [`explain`] all run
//! [`resolve`], so they cannot say different things.

use crate::Strength;
use crate::policy::{Area, Effect, Owner, Policy, Rule};
use octroi_model::Rights;
use std::fmt;

/// What is known about an act.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// The acting account's profile.
    pub profile: &'a str,
    /// Where its session comes from.
    pub zone: &'a str,
    /// How sure its log-in is.
    pub strength: Strength,
    /// The collection is its own.
    pub own: bool,
    /// The area that the collection lies in.
    pub area: Area,
    /// The collection's path within the area, segments separated by `/`; empty at the top.
    pub path: &'a str,
    /// What the owner's ACL grants; [`Rights::ALL`] for the owner.
    pub acl: Rights,
    /// What the credential was narrowed to; [`Rights::ALL`] if it was not.
    pub scope: Rights,
}

/// Why an act is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// May not even learn that the collection is there.
    Missing,
    /// May know that it is there, but not do this.
    Forbidden,
}

/// One step of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The profile does not exist, so nothing is allowed.
    NoProfile,
    /// The zone does not exist, so nothing is allowed.
    NoZone,
    /// A rule gave or took.
    Rule {
        /// Its line in the profiles file.
        line: usize,
        /// What it does.
        effect: Effect,
        /// The rights that were not held before, or no longer are.
        changed: Rights,
        /// The rights held after it.
        left: Rights,
    },
    /// A rule is about this path, but not about this case.
    Passed {
        /// Its line in the profiles file.
        line: usize,
        /// What kept it from applying.
        obstacle: Obstacle,
    },
    /// The owner's ACL was applied.
    Acl {
        /// The rights held after it.
        left: Rights,
    },
    /// The credential's scope was applied.
    Scope {
        /// The rights held after it.
        left: Rights,
    },
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

/// A decision with all its steps, for people. `Display` writes one line per step.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// Who, on what, from where.
    pub subject: String,
    /// In the order in which they were taken.
    pub steps: Vec<Step>,
    /// The rights in force.
    pub rights: Rights,
    /// The rights that the act needs.
    pub needs: Rights,
    /// What [`decide`] says.
    pub decision: Result<(), Denied>,
}

/// The rights in force: what the ACL grants ∩ what the profile allows ∩ what the credential was narrowed to.
pub fn effective(policy: &Policy, facts: &Facts<'_>) -> Rights {
    resolve(policy, facts, |_| {})
}

/// May an act that needs `needs` be done?
pub fn decide(policy: &Policy, facts: &Facts<'_>, needs: Rights) -> Result<(), Denied> {
    judge(effective(policy, facts), needs)
}

/// The same decision as [`decide`], with the rule behind each step.
pub fn explain(policy: &Policy, facts: &Facts<'_>, needs: Rights) -> Explanation {
    let mut steps = Vec::new();
    let rights = resolve(policy, facts, |step| steps.push(step));
    let whose = if facts.own { "their own" } else { "someone else's" };
    let subject = format!("{} on {whose} {} from {} with strength {}", facts.profile, full_path(facts), facts.zone, facts.strength);
    Explanation { subject, steps, rights, needs, decision: judge(rights, needs) }
}

/// The one computation of rights; each step is told to `note`.
fn resolve(policy: &Policy, facts: &Facts<'_>, mut note: impl FnMut(Step)) -> Rights {
    let Some(profile) = policy.profile(facts.profile) else {
        note(Step::NoProfile);
        return Rights::NONE;
    };
    // A zone that has gone from the file would slip through every deny rule that names zones.
    if !policy.has_zone(facts.zone) {
        note(Step::NoZone);
        return Rights::NONE;
    }
    let path = full_path(facts);
    let mut held = Rights::NONE;
    for pass in [Effect::Allow, Effect::Deny] {
        for rule in profile.rules.iter().filter(|rule| rule.effect == pass && rule.path.matches(&path)) {
            let line = rule.line;
            if let Some(obstacle) = obstacle(rule, facts) {
                note(Step::Passed { line, obstacle });
                continue;
            }
            let (changed, left) = match rule.effect {
                Effect::Allow => (rule.rights.without(held), held | rule.rights),
                Effect::Deny => (rule.rights & held, held.without(rule.rights)),
            };
            held = left;
            note(Step::Rule { line, effect: rule.effect, changed, left });
        }
    }
    held = held & facts.acl;
    note(Step::Acl { left: held });
    held = held & facts.scope;
    note(Step::Scope { left: held });
    held
}

fn obstacle(rule: &Rule, facts: &Facts<'_>) -> Option<Obstacle> {
    let owner_fits = match rule.owner {
        Owner::Any => true,
        Owner::Oneself => facts.own,
        Owner::Others => !facts.own,
    };
    if !owner_fits {
        Some(Obstacle::Owner)
    } else if !rule.zones.contains(facts.zone) {
        Some(Obstacle::Zone)
    } else if rule.strength_min.is_some_and(|min| facts.strength < min) || rule.strength_below.is_some_and(|below| facts.strength >= below)
    {
        Some(Obstacle::Strength)
    } else {
        None
    }
}

/// What rights held say to rights needed: the last step of every decision.
pub fn judge(held: Rights, needs: Rights) -> Result<(), Denied> {
    // RFC 4314 section 4: without `l` nothing may show that the mailbox exists.
    if !held.contains(Rights::LOOKUP) {
        Err(Denied::Missing)
    } else if held.contains(needs) {
        Ok(())
    } else {
        Err(Denied::Forbidden)
    }
}

fn full_path(facts: &Facts<'_>) -> String {
    let area = facts.area.name();
    if facts.path.is_empty() { area.to_owned() } else { format!("{area}/{}", facts.path) }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoProfile => f.write_str("the profile does not exist: nothing is allowed"),
            Self::NoZone => f.write_str("the zone does not exist: nothing is allowed"),
            Self::Rule { line, effect, changed, left } => {
                let verb = if *effect == Effect::Allow { "adds" } else { "takes away" };
                write!(f, "the rule at line {line} {verb} {}: {} held", or_nothing(*changed), or_nothing(*left))
            }
            Self::Passed { line, obstacle } => {
                let why = match obstacle {
                    Obstacle::Owner => "whose it is",
                    Obstacle::Zone => "the zone",
                    Obstacle::Strength => "the strength of the log-in",
                };
                write!(f, "the rule at line {line} does not apply because of {why}")
            }
            Self::Acl { left } => write!(f, "the owner's ACL leaves {}", or_nothing(*left)),
            Self::Scope { left } => write!(f, "the app password leaves {}", or_nothing(*left)),
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}:", self.subject)?;
        for step in &self.steps {
            writeln!(f, "  {step}")?;
        }
        let verdict = match self.decision {
            Ok(()) => "allowed",
            Err(Denied::Missing) => "refused, as if it did not exist",
            Err(Denied::Forbidden) => "refused",
        };
        write!(f, "  {} needed, {} in force: {verdict}", or_nothing(self.needs), or_nothing(self.rights))
    }
}

fn or_nothing(rights: Rights) -> String {
    if rights == Rights::NONE { "nothing".to_owned() } else { rights.to_string() }
}
