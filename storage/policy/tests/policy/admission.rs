//! Log-ins.

use crate::SAMPLE;
use octroi_model::{Service, Services, UnixTime};
use octroi_policy::{Admission, Evidence, Policy, Reason, Strength, admit};

const NOW: UnixTime = UnixTime(1_800_000_000);
const HOUR: i64 = 3600;

/// From the office, with an app password that is good for everything.
fn from(zone: &str) -> Evidence<'_> {
    Evidence {
        service: Service::Imap,
        zone,
        app_password_services: Services::ALL,
        app_password_enrolled: true,
        expires: None,
        confirmed_at: None,
        code_given: false,
        remote_access: true,
        now: NOW,
    }
}

fn ago(seconds: i64) -> UnixTime {
    UnixTime(NOW.0 - seconds)
}

fn agent(evidence: &Evidence<'_>) -> Admission {
    admit(&Policy::parse(SAMPLE).unwrap(), "agent", evidence)
}

#[test]
fn enrolment_is_enough_where_the_profile_says_so() {
    assert_eq!(agent(&from("office")), Admission::Open(Strength::AppPassword));
    let not_enrolled = Evidence { app_password_enrolled: false, ..from("office") };
    assert_eq!(agent(&not_enrolled), Admission::AskSecondFactor);
    assert_eq!(agent(&Evidence { code_given: true, ..not_enrolled.clone() }), Admission::Open(Strength::FreshSecondFactor));
    assert_eq!(agent(&Evidence { confirmed_at: Some(ago(HOUR)), ..not_enrolled }), Admission::Open(Strength::Confirmed));
}

#[test]
fn a_confirmation_lapses_where_the_profile_says_so() {
    let with = |confirmed_at| agent(&Evidence { confirmed_at, ..from("anywhere") });
    assert_eq!(with(None), Admission::AskSecondFactor);
    assert_eq!(with(Some(ago(0))), Admission::Open(Strength::FreshSecondFactor));
    assert_eq!(with(Some(ago(599))), Admission::Open(Strength::FreshSecondFactor));
    assert_eq!(with(Some(ago(600))), Admission::Open(Strength::Confirmed));
    assert_eq!(with(Some(ago(12 * HOUR - 1))), Admission::Open(Strength::Confirmed));
    assert_eq!(with(Some(ago(12 * HOUR))), Admission::AskSecondFactor);
    // The clock was set back a little, or a lot.
    assert_eq!(with(Some(ago(-10))), Admission::Open(Strength::FreshSecondFactor));
    assert_eq!(with(Some(ago(-HOUR))), Admission::AskSecondFactor);
    assert_eq!(with(Some(UnixTime(i64::MIN))), Admission::AskSecondFactor);
}

#[test]
fn a_device_is_confirmed_once() {
    let policy = Policy::parse("[profile.a.services]\nimap = [\"*\"]\n[profile.a.second_factor]\n\"*\" = \"device\"").unwrap();
    assert_eq!(admit(&policy, "a", &from("anywhere")), Admission::AskSecondFactor);
    let confirmed = Evidence { confirmed_at: Some(ago(1000 * 24 * HOUR)), ..from("anywhere") };
    assert_eq!(admit(&policy, "a", &confirmed), Admission::Open(Strength::Confirmed));
}

#[test]
fn a_short_confirmation_is_not_stretched_by_being_fresh() {
    let policy = Policy::parse("[profile.a.services]\nimap = [\"*\"]\n[profile.a.second_factor]\n\"*\" = \"1m\"").unwrap();
    let lapsed = Evidence { confirmed_at: Some(ago(61)), ..from("anywhere") };
    assert_eq!(admit(&policy, "a", &lapsed), Admission::AskSecondFactor);
}

/// Each of these is refused although everything else is right and a code was given.
#[test]
fn no_second_factor_helps_against_a_refusal() {
    let code = |zone| Evidence { code_given: true, ..from(zone) };
    let only_files = Services::NONE.with(Service::Files);
    assert_eq!(agent(&Evidence { remote_access: false, ..code("anywhere") }), Admission::Refused(Reason::NoRemoteAccess));
    assert_eq!(agent(&Evidence { remote_access: false, ..code("office") }), Admission::Open(Strength::FreshSecondFactor));
    assert_eq!(agent(&Evidence { app_password_services: only_files, ..code("office") }), Admission::Refused(Reason::NotForService));
    assert_eq!(agent(&Evidence { expires: Some(NOW), ..code("office") }), Admission::Refused(Reason::Expired));
    assert_eq!(agent(&Evidence { expires: Some(UnixTime(NOW.0 + 1)), ..code("office") }), Admission::Open(Strength::FreshSecondFactor));
    assert_eq!(agent(&code("moon")), Admission::Refused(Reason::UnknownZone));
    let policy = Policy::parse(SAMPLE).unwrap();
    assert_eq!(admit(&policy, "nobody", &code("office")), Admission::Refused(Reason::UnknownProfile));
    assert_eq!(admit(&policy, "auditor", &code("office")), Admission::Refused(Reason::NotFromZone));
    assert_eq!(admit(&policy, "administrator", &code("anywhere")), Admission::Refused(Reason::NotFromZone));
    let calendar = Evidence { service: Service::Caldav, ..code("office") };
    assert_eq!(admit(&policy, "operator", &calendar), Admission::Refused(Reason::NotFromZone));
}
