//! Does a log-in with an app password open, and how sure are we then?
//!
//! Called by the gate after the app password itself has been found right. A pure function: the time is part of the evidence.

use crate::policy::{Policy, SecondFactor};
use octroi_model::{Service, Services, UnixTime};
use std::fmt;

/// How far in the future a confirmation may seem to lie, in seconds: clocks are set, but a confirmation must not live on because one was.
const CLOCK_STEP_SECONDS: i64 = 300;

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

/// What is known about a log-in whose app password is right.
#[derive(Debug, Clone)]
pub struct Evidence<'a> {
    /// What is to be opened.
    pub service: Service,
    /// Where it comes from ([`Policy::zone_of`]).
    pub zone: &'a str,
    /// The services that the app password was made for.
    pub app_password_services: Services,
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
    Open(Strength),
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
    /// The profile does not use this service from this zone.
    NotFromZone,
    /// The zone is a remote one, and the account has no remote access.
    NoRemoteAccess,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownProfile => "the account's profile does not exist",
            Self::UnknownZone => "the zone does not exist",
            Self::Expired => "the app password has expired",
            Self::NotForService => "the app password is not for this service",
            Self::NotFromZone => "the profile does not use this service from this zone",
            Self::NoRemoteAccess => "the account has no remote access",
        })
    }
}

/// The one decision about a log-in.
pub fn admit(policy: &Policy, profile: &str, evidence: &Evidence<'_>) -> Admission {
    let Some(profile) = policy.profile(profile) else { return Admission::Refused(Reason::UnknownProfile) };
    if !policy.has_zone(evidence.zone) {
        return Admission::Refused(Reason::UnknownZone);
    }
    if evidence.expires.is_some_and(|end| end <= evidence.now) {
        return Admission::Refused(Reason::Expired);
    }
    if !evidence.app_password_services.contains(evidence.service) {
        return Admission::Refused(Reason::NotForService);
    }
    if !profile.uses(evidence.service, evidence.zone) {
        return Admission::Refused(Reason::NotFromZone);
    }
    if profile.is_remote(evidence.zone) && !evidence.remote_access {
        return Admission::Refused(Reason::NoRemoteAccess);
    }
    let Some(needed) = profile.second_factor(evidence.zone) else { return Admission::Refused(Reason::NotFromZone) };
    if evidence.code_given {
        return Admission::Open(Strength::FreshSecondFactor);
    }
    let age = evidence.confirmed_at.map(|at| evidence.now.0.saturating_sub(at.0)).filter(|age| *age > -CLOCK_STEP_SECONDS);
    match (needed, age) {
        (SecondFactor::Within(seconds), Some(age)) if age >= seconds => Admission::AskSecondFactor,
        (_, Some(age)) if age < profile.fresh_seconds => Admission::Open(Strength::FreshSecondFactor),
        (_, Some(_)) => Admission::Open(Strength::Confirmed),
        (SecondFactor::Enrolment, None) if evidence.app_password_enrolled => Admission::Open(Strength::AppPassword),
        (_, None) => Admission::AskSecondFactor,
    }
}
