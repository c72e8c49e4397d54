//! The profiles file: what is taken, what is refused and where, zones.

use crate::SAMPLE;
use octroi_model::{Service, Services};
use octroi_policy::{Origin, Policy, SecondFactor};

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
    assert_eq!(policy.zone_of(&Origin { address: "192.0.2.1".parse().unwrap(), authorities: &[] }), "anywhere");
}

/// A text that is wrong at the place of the mark ‹ (which is taken out before reading), and a part of what is said.
type Wrong = (&'static str, &'static str);

#[test]
fn what_is_wrong_is_refused_with_its_place() {
    are_refused(&[
        ("‹zones = 1", "unknown field `zones`"),
        ("[zone.office]\nnetworks = [\"10.0.0.0/8\"]\n‹colour = 1", "unknown field `colour`"),
        ("[zone.office]\nnetworks = [\"10.0.0.0/8\", ‹\"10.0.0.1/8\"]", "write `10.0.0.0/8`"),
        ("[zone.office]\nnetworks = [‹\"office\"]", "is not a network"),
        ("[zone.office]\nnetworks = [‹\"::ffff:10.0.0.0/104\"]", "IPv6 clothes"),
        ("[zone.office]\nnetworks = ‹[]", "at least one network"),
        ("[zone.office]\nclient_ca = \"ca.pem\"\nnetworks = ‹[]", "at least one network"),
        ("[zone.‹office]", "needs `networks`, a `client_ca` or both"),
        ("[zone.office]\nclient_ca = ‹\" \"", "is the path of a PEM file"),
        ("[zone.office]\nclient_ca = \"ca.pem\"\nnetworks = [\"10.0.0.0/8\", ‹\"10.0.0.0/8\"]", "in this zone already"),
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
        ("[profile.a]\nremote_zones = [\"*\", ‹\"home\"]", "no zone `home`"),
    ]);
}

#[test]
fn a_wrong_action_or_limit_is_refused_with_its_place() {
    are_refused(&[
        ("[profile.a]\nrecipients_per_hour = ‹0", "nonzero"),
        ("[profile.a]\nattachment_bytes_max = ‹\"25 M\"", "is not an amount"),
        ("[profile.a]\nattachment_bytes_max = ‹\"0M\"", "is not an amount"),
        ("[profile.a]\nactions = [‹\"draft-act\"]", "there is no action `draft-act`"),
        ("[profile.a]\naudit = ‹1", "expected a boolean"),
        ("[[profile.a.action]]\naction = ‹\"print\"", "unknown variant `print`"),
        ("‹[[profile.a.action]]\neffect = \"deny\"", "missing field `action`"),
        ("[[profile.a.action]]\naction = ‹\"send\"", "needs `to`"),
        ("[[profile.a.action]]\naction = \"send\"\nto = ‹[]", "about nobody"),
        ("[[profile.a.action]]\naction = \"send\"\nto = [\"inside\", ‹\"partner\"]", "nor a domain"),
        ("[[profile.a.action]]\naction = \"export\"\nto = ‹[\"inside\"]", "has no `to`"),
        ("[[profile.a.action]]\naction = \"send-as\"\nas = [‹\"*\"]", "local part"),
        ("[[profile.a.action]]\naction = \"send-as\"\nas = [‹\"x*@a.example\"]", "local part"),
        ("[[profile.a.action]]\naction = \"send-as\"\nas = [‹\"x\"]", "nor an address"),
        ("[[profile.a.action]]\naction = \"share\"\nwith = [‹\"profile:b\"]", "there is no profile `b`"),
        ("[[profile.a.action]]\naction = \"share\"\nwith = [‹\"group:A\"]", "is not a name"),
        ("[[profile.a.action]]\naction = \"share\"\nwith = [‹\"everyone\"]", "neither"),
        ("[[profile.a.action]]\naction = \"export\"\nzones = [‹\"home\"]", "no zone `home`"),
        ("‹[[profile.a.action]]\naction = \"export\"\nstrength_min = \"confirmed\"\nstrength_below = \"app-password\"", "never applies"),
        ("[action.‹x]\nzones = [\"anywhere\"]", "by `adds_to`, by `sets` or by both"),
        ("[action.‹X]\nsets = [\"x\"]", "is not a name"),
        ("[action.x]\nadds_to = [‹\"Actes/**\"]", "not with `Actes`"),
        ("[action.x]\nadds_to = [\"files/**\"]\nin = ‹[\"files/**\"]", "there is no `sets`"),
        ("[action.x]\nsets = [\"$V\"]\nin = ‹[]", "would count nowhere"),
        ("[action.x]\nsets = [‹\"$\"]", "is not a keyword"),
        ("[action.x]\nsets = [\"$V\"]\nzones = [‹\"home\"]", "no zone `home`"),
        ("[action.x]\nsets = [\"$V\"]\nzones = ‹[]", "never applies"),
        ("[action.x]\nsets = [\"$V\"]\nsecond_factor_within = ‹\"soon\"", "is not a time"),
        ("[action.x]\n‹sets_in = []", "unknown field `sets_in`"),
    ]);
}

fn are_refused(texts: &[Wrong]) {
    for (marked, message) in texts {
        let before = &marked[..marked.find('‹').unwrap()];
        let place = (before.matches('\n').count() + 1, before.chars().rev().take_while(|c| *c != '\n').count() + 1);
        let error = Policy::parse(&marked.replace('‹', "")).expect_err(marked);
        assert!(error.message.contains(message), "{marked}\n{error}");
        assert_eq!((error.line, error.column), (Some(place.0), place.1), "{marked}\n{error}");
    }
}

#[test]
fn a_service_for_no_zone_is_not_a_service() {
    let policy = Policy::parse("[profile.a.services]\nimap = []\nfiles = [\"*\"]\n[profile.a.second_factor]\n\"*\" = \"device\"").unwrap();
    assert_eq!(policy.profile("a").unwrap().services(), Services::NONE.with(Service::Files));
}

#[test]
fn limits_and_powers_are_off_unless_written() {
    let text = "[action.act]\nsets = [\"x\"]\n[profile.none]\n\
                [profile.all]\naudit = true\nadminister = true\nrecipients_per_hour = 500\n\
                attachment_bytes_max = \"25M\"\nread_only = \"mild\"\nactions = [\"act\"]";
    let policy = Policy::parse(text).unwrap();
    let (none, all) = (policy.profile("none").unwrap(), policy.profile("all").unwrap());
    assert!(!none.audit() && !none.administer() && all.audit() && all.administer());
    assert_eq!((none.recipients_per_hour(), all.recipients_per_hour()), (None, Some(500)));
    assert_eq!((none.mild_read_only(), all.mild_read_only()), (false, true));
    assert_eq!((none.attachment_bytes_max(), all.attachment_bytes_max()), (None, Some(25 << 20)));
    assert_eq!((none.actions().count(), all.actions().collect::<Vec<_>>()), (0, vec!["act"]));
}
