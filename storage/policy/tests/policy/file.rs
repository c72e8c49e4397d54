//! The profiles file: what is taken, what is refused and where, zones.

use crate::SAMPLE;
use octroi_model::{Service, Services};
use octroi_policy::{Policy, SecondFactor, SendTo, may_send_to};

#[test]
fn the_shipped_sample_is_valid_and_whole() {
    let policy = Policy::parse(SAMPLE).unwrap();
    let names: Vec<_> = policy.names().collect();
    assert_eq!(names, ["administrator", "agent", "auditor", "document-manager", "operator", "plain", "team-lead"]);
    assert!(policy.names().all(|name| policy.profile(name).unwrap().portal()));
    assert_eq!(policy.profile("auditor").unwrap().services(), Services::NONE);
    let agent = policy.profile("agent").unwrap();
    assert_eq!(agent.services(), Services::ALL);
    assert_eq!(agent.second_factor("anywhere"), Some(SecondFactor::Within(12 * 3600)));
    assert_eq!(agent.fresh_seconds(), 600);
}

#[test]
fn the_builtin_policy_is_valid() {
    let policy = Policy::builtin();
    assert_eq!(policy.names().collect::<Vec<_>>(), ["administrator", "plain"]);
    assert_eq!(policy.zones().collect::<Vec<_>>(), ["anywhere"]);
    assert_eq!(policy.profile("plain").unwrap().second_factor("anywhere"), Some(SecondFactor::Enrolment));
}

#[test]
fn an_empty_file_is_a_policy_without_profiles() {
    let policy = Policy::parse("").unwrap();
    assert_eq!(policy.names().count(), 0);
    assert_eq!(policy.zone_of("192.0.2.1".parse().unwrap()), "anywhere");
}

#[test]
fn the_most_specific_network_wins_wherever_it_stands() {
    let policy = Policy::parse(SAMPLE).unwrap();
    for (address, zone) in [
        ("10.1.2.3", "office"),
        ("10.20.0.1", "secured"),
        ("10.21.0.1", "office"),
        ("127.0.0.1", "office"),
        ("127.0.2.9", "secured"),
        ("127.1.0.1", "anywhere"),
        ("::1", "office"),
        ("::2", "anywhere"),
        ("192.0.2.1", "anywhere"),
        // The same machine, as a socket for both families reports it.
        ("::ffff:10.20.0.1", "secured"),
    ] {
        assert_eq!(policy.zone_of(address.parse().unwrap()), zone, "{address}");
    }
}

/// Each text is wrong at the place of the mark ‹ (which is taken out before reading).
#[test]
fn what_is_wrong_is_refused_with_its_place() {
    for (marked, message) in [
        ("‹zones = 1", "unknown field `zones`"),
        ("[zone.office]\nnetworks = [\"10.0.0.0/8\"]\n‹colour = 1", "unknown field `colour`"),
        ("[zone.office]\nnetworks = [\"10.0.0.0/8\", ‹\"10.0.0.1/8\"]", "write `10.0.0.0/8`"),
        ("[zone.office]\nnetworks = [‹\"office\"]", "is not a network"),
        ("[zone.office]\nnetworks = [‹\"::ffff:10.0.0.0/104\"]", "IPv6 clothes"),
        ("[zone.‹office]\nnetworks = []", "at least one network"),
        ("[zone.a]\nnetworks = [\"10.0.0.0/8\"]\n[zone.b]\nnetworks = [‹\"10.0.0.0/8\"]", "in the zone `a` already"),
        ("[zone.‹anywhere]\nnetworks = [\"10.0.0.0/8\"]", "no other zone holds"),
        ("[zone.‹Office]\nnetworks = [\"10.0.0.0/8\"]", "is not a name"),
        ("[profile.‹\"a b\"]", "is not a name"),
        ("[profile.a]\n‹portals = true", "unknown field `portals`"),
        ("[profile.a]\nportal = ‹\"yes\"", "expected a boolean"),
        ("[profile.a]\nremote_zones = [‹\"home\"]", "no zone `home`"),
        ("[profile.a]\nsend_to = ‹\"everyone\"", "\"anyone\", \"inside\", \"nobody\" or a list of domains"),
        ("[profile.a]\nsend_to = ‹[\"a b\"]", "`a b` is not a domain"),
        ("[profile.a]\nfresh_for = ‹\"10\"", "is not a time"),
        ("[profile.a]\nfresh_for = ‹\"0m\"", "is not a time"),
        ("[profile.a]\nfresh_for = ‹\"4294967295d\"", "is not a time"),
        ("[profile.a]\nfresh_for = ‹\"é\"", "is not a time"),
        ("[profile.a.services]\n‹pop3 = [\"*\"]", "unknown field `pop3`"),
        ("[profile.a.services]\nimap = [‹\"home\"]", "no zone `home`"),
        ("[profile.a.services]\nimap = ‹[\"anywhere\"]", "needs an entry in profile.a.second_factor"),
        ("[profile.a.second_factor]\n‹home = \"device\"", "no zone `home`"),
        ("[profile.a.second_factor]\nanywhere = ‹\"never\"", "expected \"enrolment\", \"device\" or a time"),
        ("[[profile.a.rule]]\npath = \"**\"\nrights = ‹\"lz\"", "is not a set of rights"),
        ("[[profile.a.rule]]\npath = \"**\"\nrights = ‹\"\"", "is not a set of rights"),
        ("[[profile.a.rule]]\nrights = \"l\"\npath = ‹\"mails/**\"", "not with `mails`"),
        ("[[profile.a.rule]]\nrights = \"l\"\npath = ‹\"mail//x\"", "empty segment"),
        ("[[profile.a.rule]]\nrights = \"l\"\npath = ‹\"mail/a**\"", "stands alone"),
        ("‹[[profile.a.rule]]\nrights = \"l\"", "missing field `path`"),
        ("[[profile.a.rule]]\nrights = \"l\"\npath = \"**\"\neffect = ‹\"maybe\"", "unknown variant `maybe`"),
        ("[[profile.a.rule]]\nrights = \"l\"\npath = \"**\"\nowner = ‹\"me\"", "unknown variant `me`"),
        ("[[profile.a.rule]]\nrights = \"l\"\npath = \"**\"\nzones = ‹[]", "never applies"),
        ("[[profile.a.rule]]\nrights = \"l\"\npath = \"**\"\nzones = [‹\"home\"]", "no zone `home`"),
        (
            "‹[[profile.a.rule]]\nrights = \"l\"\npath = \"**\"\nstrength_min = \"confirmed\"\nstrength_below = \"confirmed\"",
            "never applies",
        ),
        ("[profile.a]\n[profile.‹a]", "duplicate key"),
    ] {
        let before = &marked[..marked.find('‹').unwrap()];
        let place = (before.matches('\n').count() + 1, before.chars().rev().take_while(|c| *c != '\n').count() + 1);
        let error = Policy::parse(&marked.replace('‹', "")).expect_err(marked);
        assert!(error.message.contains(message), "{marked}\n{error}");
        assert_eq!((error.line, error.column), (Some(place.0), place.1), "{marked}\n{error}");
    }
}

#[test]
fn submissions_reach_whom_the_profile_says() {
    let text = "[profile.a]\nsend_to = \"anyone\"\n[profile.i]\nsend_to = \"inside\"\n[profile.n]\nsend_to = \"nobody\"\n[profile.d]\n[profile.l]\nsend_to = [\"Port.example\"]";
    let policy = Policy::parse(text).unwrap();
    let reaches = |profile| {
        [("ours.example", true), ("port.example", false), ("sub.port.example", false)]
            .map(|(d, ours)| may_send_to(&policy, profile, ours, d))
    };
    assert_eq!(reaches("a"), [true, true, true]);
    assert_eq!(reaches("i"), [true, false, false]);
    assert_eq!(reaches("n"), [false; 3]);
    assert_eq!(reaches("d"), [false; 3], "nobody is the default");
    assert_eq!(reaches("l"), [false, true, false]);
    assert_eq!(reaches("unknown"), [false; 3]);
    assert_eq!(policy.profile("l").unwrap().send_to(), &SendTo::Domains(vec!["port.example".to_owned()]));
}

#[test]
fn a_service_for_no_zone_is_not_a_service() {
    let policy = Policy::parse("[profile.a.services]\nimap = []\nfiles = [\"*\"]\n[profile.a.second_factor]\n\"*\" = \"device\"").unwrap();
    assert_eq!(policy.profile("a").unwrap().services(), Services::NONE.with(Service::Files));
}
