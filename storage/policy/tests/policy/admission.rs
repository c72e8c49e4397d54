//! Log-ins.

use crate::SAMPLE;
use octroi_model::{Service, Services, UnixTime};
use octroi_policy::{Admission, Evidence, Policy, Reason, SecondFactor, Strength, admit, admit_at_portal, explain_admission};
use proptest::prelude::*;

const NOW: UnixTime = UnixTime(1_800_000_000);
const HOUR: i64 = 3600;

/// From the office, with an app password that is good for everything.
fn from(zone: &str) -> Evidence<'_> {
    Evidence {
        service: Service::Imap,
        zone,
        app_password_services: Services::ALL,
        app_password_zones: &[],
        app_password_confirm: None,
        app_password_enrolled: true,
        expires: None,
        confirmed_at: None,
        code_given: false,
        remote_access: true,
        now: NOW,
    }
}

/// [`Admission`] without the time until which it holds, which has tests of its own.
#[derive(Debug, PartialEq)]
enum Said {
    Open(Strength),
    AskSecondFactor,
    Refused(Reason),
}

fn said(admission: Admission) -> Said {
    match admission {
        Admission::Open { strength, .. } => Said::Open(strength),
        Admission::AskSecondFactor => Said::AskSecondFactor,
        Admission::Refused(reason) => Said::Refused(reason),
    }
}

fn until(admission: Admission) -> Option<i64> {
    match admission {
        Admission::Open { until, .. } => until.map(|end| end.0 - NOW.0),
        other => panic!("not open: {other:?}"),
    }
}

fn ago(seconds: i64) -> UnixTime {
    UnixTime(NOW.0 - seconds)
}

fn agent(evidence: &Evidence<'_>) -> Said {
    said(admit(&Policy::parse(SAMPLE).unwrap(), "agent", evidence))
}

/// Documents in the portal: not without the profile's word for the zone, and then no more than a program would get.
#[test]
fn the_portal_shows_documents_where_the_profile_says_so_and_no_further() {
    let rules = |zones: &str, files: &str| {
        let text = format!(
            "[zone.office]\nnetworks = [\"10.0.0.0/8\"]\n[profile.a]\nportal = true\n{zones}\nremote_zones = [\"anywhere\"]\n\
             [profile.a.services]\n{files}\n[profile.a.second_factor]\noffice = \"enrolment\"\n\"*\" = \"12h\"\n"
        );
        Policy::parse(&text).unwrap()
    };
    let (files, everywhere) = ("files = [\"*\"]", "portal_documents = [\"*\"]");
    let at =
        |policy: &Policy, evidence: Evidence<'_>| said(admit_at_portal(policy, "a", &Evidence { service: Service::Files, ..evidence }));
    let given = Evidence { confirmed_at: Some(ago(60)), ..from("office") };
    assert_eq!(at(&rules("", files), given.clone()), Said::Refused(Reason::NotAtPortal), "nothing is said, nothing opens");
    assert_eq!(at(&rules("portal_documents = [\"anywhere\"]", files), given.clone()), Said::Refused(Reason::NotAtPortal));
    assert_eq!(at(&rules("portal_documents = [\"office\"]", files), given.clone()), Said::Open(Strength::FreshSecondFactor));
    assert_eq!(at(&rules(everywhere, ""), given.clone()), Said::Refused(Reason::NotFromZone), "who has no documents has none here");
    let nothing = Evidence { app_password_enrolled: false, ..from("office") };
    assert_eq!(at(&rules(everywhere, files), nothing), Said::AskSecondFactor, "the main password alone opens nothing");
    let remote = Evidence { zone: "anywhere", ..given };
    assert_eq!(at(&rules(everywhere, files), Evidence { remote_access: false, ..remote.clone() }), Said::Refused(Reason::NoRemoteAccess));
    assert_eq!(at(&rules(everywhere, files), Evidence { confirmed_at: Some(ago(13 * HOUR)), ..remote }), Said::AskSecondFactor);
    let off = Policy::parse(
        "[profile.a]\nportal_documents = [\"*\"]\n[profile.a.services]\nfiles = [\"*\"]\n[profile.a.second_factor]\n\"*\" = \"device\"\n",
    );
    assert_eq!(at(&off.unwrap(), from("anywhere")), Said::Refused(Reason::NotAtPortal), "no portal, no documents in it");
}

/// Each of both by its own key, and neither what the portal never shows.
#[test]
fn the_portal_shows_calendars_by_their_own_key() {
    let rules = |zones: &str| {
        let text = format!(
            "[profile.a]\nportal = true\n{zones}\n[profile.a.services]\nimap = [\"*\"]\nfiles = [\"*\"]\ncaldav = [\"*\"]\n\
             [profile.a.second_factor]\n\"*\" = \"device\"\n"
        );
        Policy::parse(&text).unwrap()
    };
    let at = |policy: &Policy, service| {
        said(admit_at_portal(policy, "a", &Evidence { service, confirmed_at: Some(ago(60)), ..from("anywhere") }))
    };
    let (calendars, documents) = (rules("portal_calendars = [\"*\"]"), rules("portal_documents = [\"*\"]"));
    let opens = Said::Open(Strength::FreshSecondFactor);
    let closed = || Said::Refused(Reason::NotAtPortal);
    assert_eq!((at(&calendars, Service::Caldav), at(&calendars, Service::Files)), (opens, closed()));
    assert_eq!((at(&documents, Service::Caldav), at(&documents, Service::Files)), (closed(), Said::Open(Strength::FreshSecondFactor)));
    assert_eq!((at(&calendars, Service::Imap), at(&documents, Service::Imap)), (closed(), closed()), "mail never");
}

#[test]
fn enrolment_is_enough_where_the_profile_says_so() {
    assert_eq!(agent(&from("office")), Said::Open(Strength::AppPassword));
    let not_enrolled = Evidence { app_password_enrolled: false, ..from("office") };
    assert_eq!(agent(&not_enrolled), Said::AskSecondFactor);
    assert_eq!(agent(&Evidence { code_given: true, ..not_enrolled.clone() }), Said::Open(Strength::FreshSecondFactor));
    assert_eq!(agent(&Evidence { confirmed_at: Some(ago(HOUR)), ..not_enrolled }), Said::Open(Strength::Confirmed));
}

#[test]
fn a_confirmation_lapses_where_the_profile_says_so() {
    let with = |confirmed_at| agent(&Evidence { confirmed_at, ..from("anywhere") });
    assert_eq!(with(None), Said::AskSecondFactor);
    assert_eq!(with(Some(ago(0))), Said::Open(Strength::FreshSecondFactor));
    assert_eq!(with(Some(ago(599))), Said::Open(Strength::FreshSecondFactor));
    assert_eq!(with(Some(ago(600))), Said::Open(Strength::Confirmed));
    assert_eq!(with(Some(ago(12 * HOUR - 1))), Said::Open(Strength::Confirmed));
    assert_eq!(with(Some(ago(12 * HOUR))), Said::AskSecondFactor);
    // The clock was set back a little, or a lot.
    assert_eq!(with(Some(ago(-10))), Said::Open(Strength::FreshSecondFactor));
    assert_eq!(with(Some(ago(-HOUR))), Said::AskSecondFactor);
    assert_eq!(with(Some(UnixTime(i64::MIN))), Said::AskSecondFactor);
}

#[test]
fn a_device_is_confirmed_once() {
    let policy = Policy::parse("[profile.a.services]\nimap = [\"*\"]\n[profile.a.second_factor]\n\"*\" = \"device\"").unwrap();
    assert_eq!(said(admit(&policy, "a", &from("anywhere"))), Said::AskSecondFactor);
    let confirmed = Evidence { confirmed_at: Some(ago(1000 * 24 * HOUR)), ..from("anywhere") };
    assert_eq!(said(admit(&policy, "a", &confirmed)), Said::Open(Strength::Confirmed));
}

#[test]
fn a_short_confirmation_is_not_stretched_by_being_fresh() {
    let policy = Policy::parse("[profile.a.services]\nimap = [\"*\"]\n[profile.a.second_factor]\n\"*\" = \"1m\"").unwrap();
    let lapsed = Evidence { confirmed_at: Some(ago(61)), ..from("anywhere") };
    assert_eq!(said(admit(&policy, "a", &lapsed)), Said::AskSecondFactor);
}

/// Each of these is refused although everything else is right and a code was given.
#[test]
fn no_second_factor_helps_against_a_refusal() {
    let code = |zone| Evidence { code_given: true, ..from(zone) };
    let only_files = Services::NONE.with(Service::Files);
    assert_eq!(agent(&Evidence { remote_access: false, ..code("anywhere") }), Said::Refused(Reason::NoRemoteAccess));
    assert_eq!(agent(&Evidence { remote_access: false, ..code("office") }), Said::Open(Strength::FreshSecondFactor));
    assert_eq!(agent(&Evidence { app_password_services: only_files, ..code("office") }), Said::Refused(Reason::NotForService));
    assert_eq!(agent(&Evidence { expires: Some(NOW), ..code("office") }), Said::Refused(Reason::Expired));
    assert_eq!(agent(&Evidence { expires: Some(UnixTime(NOW.0 + 1)), ..code("office") }), Said::Open(Strength::FreshSecondFactor));
    assert_eq!(agent(&code("moon")), Said::Refused(Reason::UnknownZone));
    let policy = Policy::parse(SAMPLE).unwrap();
    assert_eq!(said(admit(&policy, "nobody", &code("office"))), Said::Refused(Reason::UnknownProfile));
    assert_eq!(said(admit(&policy, "auditor", &code("office"))), Said::Refused(Reason::NotFromZone));
    assert_eq!(said(admit(&policy, "administrator", &code("anywhere"))), Said::Refused(Reason::NotFromZone));
    let contacts = Evidence { service: Service::Carddav, ..code("office") };
    assert_eq!(said(admit(&policy, "operator", &contacts)), Said::Refused(Reason::NotFromZone));
}

#[test]
fn an_app_password_opens_in_the_zones_it_was_made_for_only() {
    let secured = ["secured".to_owned(), "gone".to_owned()];
    let narrow = |zone| Evidence { app_password_zones: &secured, code_given: true, ..from(zone) };
    assert_eq!(agent(&narrow("secured")), Said::Open(Strength::FreshSecondFactor));
    assert_eq!(agent(&narrow("office")), Said::Refused(Reason::NotForZone));
    assert_eq!(agent(&narrow("anywhere")), Said::Refused(Reason::NotForZone));
    assert_eq!(agent(&narrow("gone")), Said::Refused(Reason::UnknownZone));
    // Being made for a zone gives nothing that the profile does not.
    let administrator = admit(
        &Policy::parse(SAMPLE).unwrap(),
        "administrator",
        &Evidence { app_password_zones: &["anywhere".to_owned()], ..from("anywhere") },
    );
    assert_eq!(said(administrator), Said::Refused(Reason::NotFromZone));
}

#[test]
fn the_stricter_of_two_demands_counts() {
    use SecondFactor::{Device, Enrolment, Within};
    let with = |confirm, zone, confirmed_at| agent(&Evidence { app_password_confirm: Some(confirm), confirmed_at, ..from(zone) });
    // The office asks for enrolment.
    assert_eq!(with(Enrolment, "office", None), Said::Open(Strength::AppPassword));
    assert_eq!(with(Device, "office", None), Said::AskSecondFactor);
    assert_eq!(with(Device, "office", Some(ago(400 * 24 * HOUR))), Said::Open(Strength::Confirmed));
    assert_eq!(with(Within(HOUR), "office", Some(ago(HOUR - 1))), Said::Open(Strength::Confirmed));
    assert_eq!(with(Within(HOUR), "office", Some(ago(HOUR))), Said::AskSecondFactor);
    // Elsewhere, 12 hours are asked for, and a laxer app password changes nothing.
    for lax in [Enrolment, Device, Within(24 * HOUR)] {
        assert_eq!(with(lax, "anywhere", None), Said::AskSecondFactor);
        assert_eq!(with(lax, "anywhere", Some(ago(13 * HOUR))), Said::AskSecondFactor);
        assert_eq!(with(lax, "anywhere", Some(ago(11 * HOUR))), Said::Open(Strength::Confirmed));
    }
    assert_eq!(with(Within(HOUR), "anywhere", Some(ago(11 * HOUR))), Said::AskSecondFactor);
    assert!(Enrolment < Device && Device < Within(24 * HOUR) && Within(24 * HOUR) < Within(HOUR));
}

#[test]
fn a_demand_is_written_as_it_is_read() {
    for text in ["enrolment", "device", "12h", "90s", "10m", "7d", "61s"] {
        assert_eq!(text.parse::<SecondFactor>().unwrap().to_string(), text);
    }
    assert_eq!("24h".parse::<SecondFactor>().unwrap().to_string(), "1d");
    assert!("never".parse::<SecondFactor>().unwrap_err().to_string().contains("\"enrolment\", \"device\" or a time"));
    assert!("+5m".parse::<SecondFactor>().is_err());
}

#[test]
fn an_answer_says_how_long_it_holds() {
    let policy = Policy::parse(SAMPLE).unwrap();
    let of = |evidence: Evidence<'_>| until(admit(&policy, "agent", &evidence));
    assert_eq!(of(from("office")), None);
    assert_eq!(of(Evidence { expires: Some(UnixTime(NOW.0 + 7)), ..from("office") }), Some(7));
    assert_eq!(of(Evidence { confirmed_at: Some(ago(60)), ..from("office") }), Some(540), "freshness lapses");
    assert_eq!(of(Evidence { confirmed_at: Some(ago(HOUR)), ..from("office") }), None);
    assert_eq!(of(Evidence { confirmed_at: Some(ago(HOUR)), ..from("anywhere") }), Some(11 * HOUR), "the confirmation lapses");
    assert_eq!(of(Evidence { code_given: true, confirmed_at: Some(ago(HOUR)), ..from("anywhere") }), Some(600));
    let short = Evidence { app_password_confirm: Some(SecondFactor::Within(60)), confirmed_at: Some(ago(50)), ..from("office") };
    assert_eq!(of(short), Some(10));
    assert_eq!(
        of(Evidence { confirmed_at: Some(ago(-1000)), ..from("office") }),
        Some(701),
        "a confirmation out of the future begins to count"
    );
}

#[test]
fn a_log_in_is_explained_by_the_step_that_decides() {
    let policy = Policy::parse(SAMPLE).unwrap();
    let said = |profile, evidence: Evidence<'_>| explain_admission(&policy, profile, &evidence).to_string();
    assert_eq!(
        said("agent", Evidence { confirmed_at: Some(ago(HOUR)), ..from("anywhere") }),
        "agent by imap from anywhere:\n  \
         needs a second factor given from this network within 12h (the profile's second_factor for anywhere)\n  \
         was confirmed from this network 1h ago\n  \
         opens with strength confirmed, for the next 11h"
    );
    assert_eq!(
        said("agent", Evidence { app_password_confirm: Some(SecondFactor::Device), ..from("office") }),
        "agent by imap from office:\n  \
         needs a second factor given once from this network (the app password's own, stricter than the profile's)\n  \
         was made under a second factor, and not confirmed from this network\n  \
         asks for a second factor"
    );
    for (profile, evidence, end) in [
        ("administrator", from("anywhere"), "does not use this service from this zone, only for: office, secured"),
        ("auditor", from("office"), "from this zone, nor from any other"),
        ("agent", Evidence { remote_access: false, ..from("anywhere") }, "no remote access, which it needs to come from anywhere"),
        ("agent", Evidence { app_password_zones: &["secured".to_owned()], ..from("office") }, "not for this zone, only for: secured"),
        ("nobody", from("office"), "the account's profile does not exist"),
        (
            "agent",
            Evidence { code_given: true, ..from("office") },
            "a code came with it\n  opens with strength fresh-second-factor, for the next 10m",
        ),
    ] {
        let text = said(profile, evidence);
        assert!(text.ends_with(end), "{text}");
    }
}

fn some_demand() -> impl Strategy<Value = SecondFactor> {
    prop_oneof![Just(SecondFactor::Enrolment), Just(SecondFactor::Device), (1..2000_i64).prop_map(SecondFactor::Within)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    /// A session need not be looked at before `until`; and if it says none, never.
    #[test]
    fn until_then_the_answer_stays_the_same(
        theirs in some_demand(),
        own in proptest::option::of(some_demand()),
        fresh in 1..2000_i64,
        expires in proptest::option::of(0..3000_i64),
        confirmed in proptest::option::of(-1500..3000_i64),
        code_given in any::<bool>(),
        enrolled in any::<bool>(),
        later in 0..4000_i64,
    ) {
        let text = format!("[profile.a]\nfresh_for = \"{fresh}s\"\n[profile.a.services]\nimap = [\"*\"]\n\
             [profile.a.second_factor]\n\"*\" = \"{theirs}\"");
        let policy = Policy::parse(&text).unwrap();
        let evidence = Evidence {
            app_password_confirm: own,
            app_password_enrolled: enrolled,
            expires: expires.map(|after| UnixTime(NOW.0 + after)),
            confirmed_at: confirmed.map(ago),
            code_given,
            ..from("anywhere")
        };
        let first = admit(&policy, "a", &evidence);
        let at = |now| admit(&policy, "a", &Evidence { now, ..evidence.clone() });
        if let Admission::Open { strength, until } = first {
            prop_assert!(until.is_none_or(|end| end > NOW));
            let when = UnixTime(NOW.0 + later);
            if until.is_none_or(|end| when < end) {
                // A code counts as given at the time of the evidence, so its own end moves along.
                prop_assert_eq!(said(at(when)), Said::Open(strength));
                prop_assert!(code_given || at(when) == first);
            }
            // And the moment is not named in vain.
            if let (Some(end), false) = (until, code_given) {
                prop_assert_ne!(said(at(end)), Said::Open(strength));
            }
        }
        prop_assert_eq!(explain_admission(&policy, "a", &evidence).admission, first);
    }
}
