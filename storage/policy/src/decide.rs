//! May this be done to this collection, and by which rule?
//!
//! Called by the gate for every act and for every listing of rights. [`effective`], [`decide`] and the explanations all run
//! [`resolve`], so they cannot say different things. A decision allocates nothing.

use crate::Strength;
use crate::condition::Obstacle;
use crate::policy::{Area, Effect, Owner, Policy, Rule};
use octroi_model::Rights;

/// Rights to something beside the collection itself: busy times, a name to send under. They need no right to see the collection.
const STANDING_ALONE: Rights = Rights::FREE_BUSY.or(Rights::SEND_AS);

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
        /// What it would do.
        effect: Effect,
        /// The rights that it would give or take.
        rights: Rights,
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

/// The rights in force: what the ACL grants ∩ what the profile allows ∩ what the credential was narrowed to.
pub fn effective(policy: &Policy, facts: &Facts<'_>) -> Rights {
    resolve(policy, facts, |_| {})
}

/// May an act that needs `needs` be done?
pub fn decide(policy: &Policy, facts: &Facts<'_>, needs: Rights) -> Result<(), Denied> {
    judge(effective(policy, facts), needs)
}

/// The one computation of rights; each step is told to `note`.
pub(crate) fn resolve(policy: &Policy, facts: &Facts<'_>, mut note: impl FnMut(Step)) -> Rights {
    let Some(profile) = policy.profile(facts.profile) else {
        note(Step::NoProfile);
        return Rights::NONE;
    };
    // A zone that has gone from the file would slip through every deny rule that names zones.
    if !policy.has_zone(facts.zone) {
        note(Step::NoZone);
        return Rights::NONE;
    }
    let area = facts.area.name();
    let mut held = Rights::NONE;
    for pass in [Effect::Allow, Effect::Deny] {
        for rule in profile.rules.iter().filter(|rule| rule.effect == pass && rule.path.matches_in(area, facts.path)) {
            let (line, effect) = (rule.line, rule.effect);
            if let Some(obstacle) = obstacle(rule, facts) {
                note(Step::Passed { line, effect, rights: rule.rights, obstacle });
                continue;
            }
            // Two rules may give the halves of what brings a third right along.
            let left = match effect {
                Effect::Allow => (held | rule.rights).implied(),
                Effect::Deny => held.without(rule.rights),
            };
            let changed = left.without(held) | held.without(left);
            held = left;
            note(Step::Rule { line, effect, changed, left });
        }
    }
    held = held & facts.acl.implied();
    note(Step::Acl { left: held });
    held = held & facts.scope.implied();
    note(Step::Scope { left: held });
    held
}

fn obstacle(rule: &Rule, facts: &Facts<'_>) -> Option<Obstacle> {
    let owner_fits = match rule.owner {
        Owner::Any => true,
        Owner::Oneself => facts.own,
        Owner::Others => !facts.own,
    };
    if owner_fits { rule.condition.obstacle(facts.zone, facts.strength) } else { Some(Obstacle::Owner) }
}

/// What rights held say to rights needed: the last step of every decision.
pub fn judge(held: Rights, needs: Rights) -> Result<(), Denied> {
    let alone = needs != Rights::NONE && STANDING_ALONE.contains(needs) && held.contains(needs);
    // RFC 4314 section 4: without `l` nothing may show that the mailbox exists.
    if !alone && !held.contains(Rights::LOOKUP) {
        Err(Denied::Missing)
    } else if held.contains(needs) {
        Ok(())
    } else {
        Err(Denied::Forbidden)
    }
}
