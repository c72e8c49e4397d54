//! An action beyond folders, with the rule that allows or forbids it.

use crate::actions::{Act, ActStep, Circumstances, NotPermitted, weigh};
use crate::policy::{Effect, Policy};
use std::fmt;

/// A decision about an action. `Display` writes one line per step.
#[derive(Debug, Clone)]
pub struct ActExplained {
    /// Who does what, from where.
    pub subject: String,
    /// In the order in which they were taken.
    pub steps: Vec<ActStep>,
    /// What [`permit`](crate::permit) says.
    pub decision: Result<(), NotPermitted>,
}

/// The same decision as [`permit`](crate::permit), with the rules about it.
pub fn explain_act(policy: &Policy, who: &Circumstances<'_>, act: &Act<'_>) -> ActExplained {
    let mut steps = Vec::new();
    let decision = weigh(policy, who, act, |step| steps.push(step));
    let subject = format!("{} to {act} from {} with strength {}", who.profile, who.zone, who.strength);
    ActExplained { subject, steps, decision }
}

impl fmt::Display for ActStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let does = |effect: &Effect| if *effect == Effect::Allow { "allow" } else { "forbid" };
        match self {
            Self::Rule { line, effect } => write!(f, "the rule at line {line} {}s it", does(effect)),
            Self::Passed { line, effect, obstacle } => {
                write!(f, "the rule at line {line} would {} it, but does not apply because of {obstacle}", does(effect))
            }
        }
    }
}

impl fmt::Display for ActExplained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.subject)?;
        self.steps.iter().try_for_each(|step| write!(f, "\n  {step}"))?;
        match self.decision {
            Ok(()) => write!(f, "\n  allowed"),
            Err(why) => write!(f, "\n  refused: {why}"),
        }
    }
}
