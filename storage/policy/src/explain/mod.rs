//! Decisions for people: the same computations as the decisions themselves, with the rule behind each step.
//!
//! Called by the gate for `octroi explain` and for the portal. What always holds: an explanation never differs from the decision,
//! as both run `resolve` or `weigh`.

mod act;
mod admission;
mod rights;

pub use act::{ActExplained, explain_act};
pub use admission::{AdmissionExplained, explain_admission};
pub use rights::{Because, RightExplained, RightsExplained, explain_rights};

use crate::decide::{Denied, Facts, Step, judge, resolve};
use crate::policy::{Effect, Policy};
use octroi_model::Rights;
use std::fmt;

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
    /// What [`decide`](crate::decide) says.
    pub decision: Result<(), Denied>,
}

/// The same decision as [`decide`](crate::decide), with the rule behind each step.
pub fn explain(policy: &Policy, facts: &Facts<'_>, needs: Rights) -> Explanation {
    let mut steps = Vec::new();
    let rights = resolve(policy, facts, |step| steps.push(step));
    Explanation { subject: subject(facts), steps, rights, needs, decision: judge(rights, needs) }
}

fn subject(facts: &Facts<'_>) -> String {
    let whose = if facts.own { "their own" } else { "someone else's" };
    let area = facts.area.name();
    let path = if facts.path.is_empty() { area.to_owned() } else { format!("{area}/{}", facts.path) };
    format!("{} on {whose} {path} from {} with strength {}", facts.profile, facts.zone, facts.strength)
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
            Self::Passed { line, obstacle, .. } => write!(f, "the rule at line {line} does not apply because of {obstacle}"),
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
