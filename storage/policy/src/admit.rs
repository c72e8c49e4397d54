//! Does a log-in with an app password open, and how sure are we then?
//!
//! Called by the gate after the app password itself has been found right. A pure function: the time is part of the evidence.

use crate::policy::{Policy, Profile};
use crate::second_factor::SecondFactor;
use octroi_model::{Service, Services, UnixTime};
use std::fmt;

/// How far in the future a confirmation may seem to lie, in seconds: clocks are set, but a confirmation must not live on because one was.
pub(crate) const CLOCK_STEP_SECONDS: i64 = 300;

/// How sure a log-in is, in ascending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Strength {
    /// The app password alone.
    AppPassword,
    /// It was confirmed with a second factor from this network, and that has not lapsed.
    Confirmed,
    /// A second factor was given just now (see `fresh_for` in the profiles file).
    FreshSecondFactor,
}

impl fmt::Display for Strength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AppPassword => "app-password",
            Self::Confirmed => "confirmed",
            Self::FreshSecondFactor => "fresh-second-factor",
        })
    }
}

impl std::str::FromStr for Strength {
    type Err = String;
    /// From its name; `device` and `fresh` are short for the last two.
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "app-password" => Ok(Self::AppPassword),
            "confirmed" | "device" => Ok(Self::Confirmed),
            "fresh-second-factor" | "fresh" => Ok(Self::FreshSecondFactor),
            _ => Err(format!("`{text}` is not a strength: app-password, confirmed (or device), fresh-second-factor (or fresh)")),
        }
    }
}

/// What is known about a log-in whose app password is right.
#[derive(Debug, Clone)]
pub struct Evidence<'a> {
    /// What is to be opened.
    pub service: Service,
    /// Where it comes from ([`Policy::zone_of`]).
    pub zone: &'a str,
    /// The services that the app password was made for.
    pub app_password_services: Services,
    /// The zones that it was narrowed to; empty: any.
    pub app_password_zones: &'a [String],
    /// What it asks for by itself; the stricter of this and what the profile asks for counts.
    pub app_password_confirm: Option<SecondFactor>,
    /// The app password was made under a second factor.
    pub app_password_enrolled: bool,
    /// When the app password ends by itself.
    pub expires: Option<UnixTime>,
    /// When this app password was last confirmed from this network.
    pub confirmed_at: Option<UnixTime>,
    /// A valid code, never used before, came with it.
    pub code_given: bool,
    /// The account has remote access.
    pub remote_access: bool,
    /// The time.
    pub now: UnixTime,
}

/// What a log-in comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It opens.
    Open {
        /// How sure we are.
        strength: Strength,
        /// Until then the same evidence comes to the same; from then on it may not, and has to be looked at again. A code counts as
        /// given at the time of the evidence.
        until: Option<UnixTime>,
    },
    /// It opens once a second factor has been given.
    AskSecondFactor,
    /// It does not open, and no second factor would help.
    Refused(Reason),
}

/// Why a log-in is refused. For the audit, not for the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The account's profile is not in the profiles file.
    UnknownProfile,
    /// The zone is not in the profiles file (any more).
    UnknownZone,
    /// The app password has expired.
    Expired,
    /// The app password was not made for this service.
    NotForService,
    /// The app password was not made for this zone.
    NotForZone,
    /// The profile does not use this service from this zone.
    NotFromZone,
    /// The zone is a remote one, and the account has no remote access.
    NoRemoteAccess,
    /// The profile does not open this in the portal from this zone.
    NotAtPortal,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownProfile => "the account's profile does not exist",
            Self::UnknownZone => "the zone does not exist",
            Self::Expired => "the app password has expired",
            Self::NotForService => "the app password is not for this service",
            Self::NotForZone => "the app password is not for this zone",
            Self::NotFromZone => "the profile does not use this service from this zone",
            Self::NoRemoteAccess => "the account has no remote access",
            Self::NotAtPortal => "the profile does not show this in the portal from this zone",
        })
    }
}

/// The one decision about a log-in.
pub fn admit(policy: &Policy, profile: &str, evidence: &Evidence<'_>) -> Admission {
    weigh(policy, profile, evidence).admission
}

/// The one decision about documents and calendars in the portal: what the profile says of the portal there, and then as of any log-in. The evidence is of
/// the portal's session: enrolled if a second factor was given in it, confirmed when that was.
pub fn admit_at_portal(policy: &Policy, profile: &str, evidence: &Evidence<'_>) -> Admission {
    if policy.profile(profile).is_some_and(|profile| profile.portal_shows(evidence.service, evidence.zone)) {
        admit(policy, profile, evidence)
    } else {
        Admission::Refused(Reason::NotAtPortal)
    }
}

/// A decision with what led to it.
pub(crate) struct Weighed {
    /// What the log-in needs beside the app password, and whether it is the app password that asks for it. `None`: refused before that.
    pub(crate) needed: Option<(SecondFactor, AskedBy)>,
    /// How many seconds ago the confirmation that counts was given.
    pub(crate) confirmed_ago: Option<i64>,
    pub(crate) admission: Admission,
}

/// Whose the stricter demand is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AskedBy {
    Profile,
    AppPassword,
}

/// The one computation behind [`admit`] and its explanation.
pub(crate) fn weigh(policy: &Policy, profile: &str, evidence: &Evidence<'_>) -> Weighed {
    let (profile, theirs) = match may_ask(policy, profile, evidence) {
        Ok(found) => found,
        Err(reason) => return Weighed { needed: None, confirmed_ago: None, admission: Admission::Refused(reason) },
    };
    let (needed, asked_by) = match evidence.app_password_confirm {
        Some(own) if own > theirs => (own, AskedBy::AppPassword),
        _ => (theirs, AskedBy::Profile),
    };
    let confirmed_at = if evidence.code_given { Some(evidence.now) } else { evidence.confirmed_at };
    let age = confirmed_at.map(|at| evidence.now.0.saturating_sub(at.0)).filter(|age| *age > -CLOCK_STEP_SECONDS);
    let strength = match (needed, age) {
        (SecondFactor::Within(seconds), Some(age)) if age >= seconds => None,
        (_, Some(age)) if age < profile.fresh_seconds => Some(Strength::FreshSecondFactor),
        (_, Some(_)) => Some(Strength::Confirmed),
        (SecondFactor::Enrolment, None) if evidence.app_password_enrolled => Some(Strength::AppPassword),
        (_, None) => None,
    };
    let admission = match strength {
        None => Admission::AskSecondFactor,
        Some(strength) => {
            let after = |seconds: i64| confirmed_at.map(|at| at.0.saturating_add(seconds));
            let ends = [
                evidence.expires.map(|end| end.0),
                if let SecondFactor::Within(seconds) = needed { after(seconds) } else { None },
                if strength == Strength::FreshSecondFactor { after(profile.fresh_seconds) } else { None },
                // A confirmation that lies too far in the future begins to count some day.
                if age.is_none() { after(1 - CLOCK_STEP_SECONDS) } else { None },
            ];
            Admission::Open { strength, until: ends.into_iter().flatten().min().map(UnixTime) }
        }
    };
    Weighed { needed: Some((needed, asked_by)), confirmed_ago: age, admission }
}

/// What must hold whatever second factor is given; `Ok` is what the profile then asks for.
fn may_ask<'p>(policy: &'p Policy, profile: &str, evidence: &Evidence<'_>) -> Result<(&'p Profile, SecondFactor), Reason> {
    let profile = policy.profile(profile).ok_or(Reason::UnknownProfile)?;
    if !policy.has_zone(evidence.zone) {
        return Err(Reason::UnknownZone);
    }
    if evidence.expires.is_some_and(|end| end <= evidence.now) {
        return Err(Reason::Expired);
    }
    if !evidence.app_password_services.contains(evidence.service) {
        return Err(Reason::NotForService);
    }
    let zones = evidence.app_password_zones;
    if !zones.is_empty() && !zones.iter().any(|zone| zone == evidence.zone) {
        return Err(Reason::NotForZone);
    }
    if !profile.uses(evidence.service, evidence.zone) {
        return Err(Reason::NotFromZone);
    }
    if profile.is_remote(evidence.zone) && !evidence.remote_access {
        return Err(Reason::NoRemoteAccess);
    }
    let needed = profile.second_factor(evidence.zone).ok_or(Reason::NotFromZone)?;
    Ok((profile, needed))
}
