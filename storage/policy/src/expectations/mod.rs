//! What an administrator expects of a profiles file, so that a change that breaks a promise is seen before it is in force.
//!
//! Called for `octroi policy test`. What always holds: an expectation is put to the same functions as a person's act; one about a
//! profile, zone or action that does not exist fails, whatever it expects; a key that would not be looked at is refused.

mod raw;

use crate::PolicyError;
use crate::actions::{Act, Circumstances, Sharee};
use crate::admit::{Admission, Evidence, Reason, Strength, admit_at_portal};
use crate::decide::Facts;
use crate::explain::{explain_act, explain_admission, explain_rights};
use crate::policy::{Area, Policy, Profile};
use crate::reserved::{Deed, reserved};
use octroi_model::{Address, Rights, Service, Services, UnixTime};
use serde::Deserialize;
use std::fmt::Write;

/// What is expected of a profiles file: the `[[expect]]` tables of one text.
#[derive(Debug, Clone)]
pub struct Expectations(Vec<Expectation>);

/// What came of one expectation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Where it begins in the file of expectations, counted from 1.
    pub line: usize,
    /// It is as expected.
    pub passed: bool,
    /// What it is about, and if it failed what is the case instead, for people.
    pub text: String,
}

#[derive(Debug, Clone)]
struct Expectation {
    line: usize,
    about: String,
    profile: String,
    zone: String,
    strength: Strength,
    expected: Expected,
}

#[derive(Debug, Clone)]
enum Expected {
    Rights {
        own: bool,
        area: Area,
        path: String,
        acl: Rights,
        has: Rights,
        lacks: Rights,
    },
    LogIn {
        service: Service,
        outcome: LogIn,
        remote_access: bool,
        enrolled: bool,
        confirmed: Option<i64>,
        in_portal: bool,
    },
    Act {
        whom: Whom,
        allowed: bool,
    },
    Reserved {
        area: Area,
        path: String,
        adds: bool,
        keyword: Option<String>,
        second_factor: Option<i64>,
        action: Option<String>,
        allowed: bool,
    },
    Power {
        power: Power,
        allowed: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum LogIn {
    Open,
    SecondFactor,
    Refused,
}

/// What a profile may do in the portal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Power {
    Portal,
    Audit,
    Administer,
}

/// An [`Act`] that owns its names.
#[derive(Debug, Clone)]
enum Whom {
    To {
        address: Address,
        ours: bool,
    },
    /// A whole address.
    As(String),
    Account,
    Profile(String),
    Group(String),
    Anyone,
    Export,
}

impl Expectations {
    /// Read a file of expectations.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        raw::read(text).map(Self)
    }

    /// Put each to the policy, in the order of the file.
    pub fn run(&self, policy: &Policy) -> Vec<Checked> {
        self.0.iter().map(|expectation| expectation.check(policy)).collect()
    }
}

impl Expectation {
    fn check(&self, policy: &Policy) -> Checked {
        let (passed, text) = match self.outcome(policy) {
            Ok(()) => (true, self.about.clone()),
            Err(instead) => (false, format!("{}: {instead}", self.about)),
        };
        Checked { line: self.line, passed, text }
    }

    /// `Err` says what is the case instead.
    fn outcome(&self, policy: &Policy) -> Result<(), String> {
        let Some(profile) = policy.profile(&self.profile) else { return Err(format!("there is no profile `{}`", self.profile)) };
        if !policy.has_zone(&self.zone) {
            return Err(format!("there is no zone `{}`", self.zone));
        }
        match &self.expected {
            Expected::Rights { own, area, path, acl, has, lacks } => {
                let (profile, zone, strength) = (&self.profile, &self.zone, self.strength);
                let facts = Facts { profile, zone, strength, own: *own, area: *area, path, acl: *acl, scope: Rights::ALL };
                rights(policy, &facts, *has, *lacks)
            }
            Expected::LogIn { service, outcome, remote_access, enrolled, confirmed, in_portal } => {
                let now = UnixTime(0);
                let evidence = Evidence {
                    service: *service,
                    zone: &self.zone,
                    app_password_services: Services::ALL,
                    app_password_zones: &[],
                    app_password_confirm: None,
                    app_password_enrolled: *enrolled,
                    expires: None,
                    confirmed_at: confirmed.map(|ago| UnixTime(now.0 - ago)),
                    code_given: false,
                    remote_access: *remote_access,
                    now,
                };
                let explained = explain_admission(policy, &self.profile, &evidence);
                let admission = if *in_portal { admit_at_portal(policy, &self.profile, &evidence) } else { explained.admission };
                if let (Admission::Refused(reason @ Reason::NotAtPortal), true) = (admission, *outcome != LogIn::Refused) {
                    return Err(format!("refused: {reason}"));
                }
                let got = match admission {
                    Admission::Open { .. } => LogIn::Open,
                    Admission::AskSecondFactor => LogIn::SecondFactor,
                    Admission::Refused(_) => LogIn::Refused,
                };
                if got == *outcome { Ok(()) } else { Err(explained.to_string()) }
            }
            Expected::Act { whom, allowed } => {
                let explained = explain_act(policy, &self.circumstances(None), &whom.act());
                if explained.decision.is_ok() == *allowed { Ok(()) } else { Err(explained.to_string()) }
            }
            Expected::Reserved { .. } => self.reserved(policy),
            Expected::Power { power, allowed } => {
                let may = power.of(profile);
                if may == *allowed { Ok(()) } else { Err(format!("{} {}", self.profile, if may { "may" } else { "may not" })) }
            }
        }
    }

    fn reserved(&self, policy: &Policy) -> Result<(), String> {
        let Expected::Reserved { area, path, adds, keyword, second_factor, action, allowed } = &self.expected else { return Ok(()) };
        if let Some(name) = action
            && !policy.reserved.iter().any(|reserved| reserved.name == *name)
        {
            return Err(format!("there is no action `{name}`"));
        }
        let keywords: Vec<&str> = keyword.iter().map(String::as_str).collect();
        let deed = Deed { area: *area, path, adds: *adds, keywords: &keywords };
        let named = |names: &[&str]| action.as_ref().is_none_or(|action| names.contains(&action.as_str()));
        match reserved(policy, &self.circumstances(*second_factor), &deed) {
            Ok(names) if *allowed && named(&names) => Ok(()),
            Ok(names) if names.is_empty() => Err("it is an ordinary deed".to_owned()),
            Ok(names) => Err(format!("it is allowed, as {}", names.join(", "))),
            Err(withheld) if !*allowed && named(&[withheld.action]) => Ok(()),
            Err(withheld) => Err(withheld.to_string()),
        }
    }

    fn circumstances(&self, second_factor_age: Option<i64>) -> Circumstances<'_> {
        Circumstances { profile: &self.profile, zone: &self.zone, strength: self.strength, second_factor_age }
    }
}

fn rights(policy: &Policy, facts: &Facts<'_>, has: Rights, lacks: Rights) -> Result<(), String> {
    let explained = explain_rights(policy, facts);
    let wrong = has.without(explained.effective) | (lacks & explained.effective);
    if wrong == Rights::NONE {
        return Ok(());
    }
    let mut text = format!("{}:", explained.subject);
    for right in explained.rights.iter().filter(|right| wrong.contains(right.right)) {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n  {right}");
    }
    Err(text)
}

impl Power {
    fn of(self, profile: &Profile) -> bool {
        match self {
            Self::Portal => profile.portal(),
            Self::Audit => profile.audit(),
            Self::Administer => profile.administer(),
        }
    }
}

impl Whom {
    fn act(&self) -> Act<'_> {
        match self {
            Self::To { address, ours } => Act::Send { domain: address.domain(), ours: *ours },
            Self::As(address) => Act::SendAs { address },
            Self::Account => Act::Share { with: Sharee::Account },
            Self::Profile(name) => Act::Share { with: Sharee::Profile(name) },
            Self::Group(name) => Act::Share { with: Sharee::Group(name) },
            Self::Anyone => Act::Share { with: Sharee::Anyone },
            Self::Export => Act::Export,
        }
    }
}
