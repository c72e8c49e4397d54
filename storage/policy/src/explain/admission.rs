//! A log-in: what it needs, what it brings, and which step decides.

use crate::admit::{Admission, AskedBy, Evidence, Reason, weigh};
use crate::policy::Policy;
use crate::second_factor::SecondFactor;
use crate::units::show_seconds;
use std::fmt;

/// A decision about a log-in. `Display` writes one line per step.
#[derive(Debug, Clone)]
pub struct AdmissionExplained {
    /// Who, by what, from where.
    pub subject: String,
    /// What is needed, what came, and what that comes to, for people.
    pub steps: Vec<String>,
    /// What [`admit`](crate::admit) says.
    pub admission: Admission,
}

/// The same decision as [`admit`](crate::admit), with the step that decides.
pub fn explain_admission(policy: &Policy, profile: &str, evidence: &Evidence<'_>) -> AdmissionExplained {
    let weighed = weigh(policy, profile, evidence);
    let mut steps = Vec::new();
    if let Some((needed, asked_by)) = weighed.needed {
        let whose = match asked_by {
            AskedBy::Profile => format!("the profile's second_factor for {}", evidence.zone),
            AskedBy::AppPassword => "the app password's own, stricter than the profile's".to_owned(),
        };
        steps.push(format!("needs {} ({whose})", demand(needed)));
        steps.push(match (evidence.code_given, weighed.confirmed_ago) {
            (true, _) => "a code came with it".to_owned(),
            (false, Some(age)) => format!("was confirmed from this network {} ago", show_seconds(age.max(0))),
            (false, None) if evidence.app_password_enrolled => {
                "was made under a second factor, and not confirmed from this network".to_owned()
            }
            (false, None) => "was neither made under a second factor nor confirmed from this network".to_owned(),
        });
    }
    steps.push(match weighed.admission {
        Admission::Open { strength, until: None } => format!("opens with strength {strength}"),
        Admission::Open { strength, until: Some(until) } => {
            format!("opens with strength {strength}, for the next {}", show_seconds(until.0.saturating_sub(evidence.now.0)))
        }
        Admission::AskSecondFactor => "asks for a second factor".to_owned(),
        Admission::Refused(reason) => format!("refused: {reason}{}", remedy(policy, profile, evidence, reason)),
    });
    let subject = format!("{profile} by {} from {}", evidence.service.name(), evidence.zone);
    AdmissionExplained { subject, steps, admission: weighed.admission }
}

fn demand(needed: SecondFactor) -> String {
    match needed {
        SecondFactor::Enrolment => "an app password made under a second factor".to_owned(),
        SecondFactor::Device => "a second factor given once from this network".to_owned(),
        SecondFactor::Within(seconds) => format!("a second factor given from this network within {}", show_seconds(seconds)),
    }
}

/// From where it would do, when the place is what is wrong.
fn remedy(policy: &Policy, profile: &str, evidence: &Evidence<'_>, reason: Reason) -> String {
    let uses = |zone: &str| policy.profile(profile).is_some_and(|profile| profile.uses(evidence.service, zone));
    let zones = match reason {
        Reason::NotFromZone => policy.zones().filter(|zone| uses(zone)).collect::<Vec<_>>().join(", "),
        Reason::NotAtPortal => {
            let shows = |zone: &str| policy.profile(profile).is_some_and(|profile| profile.portal_shows(evidence.service, zone));
            policy.zones().filter(|zone| shows(zone)).collect::<Vec<_>>().join(", ")
        }
        Reason::NotForZone => evidence.app_password_zones.join(", "),
        Reason::NoRemoteAccess => return format!(", which it needs to come from {}", evidence.zone),
        Reason::UnknownProfile | Reason::UnknownZone | Reason::Expired | Reason::NotForService => return String::new(),
    };
    if zones.is_empty() { ", nor from any other".to_owned() } else { format!(", only for: {zones}") }
}

impl fmt::Display for AdmissionExplained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.subject)?;
        self.steps.iter().try_for_each(|step| write!(f, "\n  {step}"))
    }
}
