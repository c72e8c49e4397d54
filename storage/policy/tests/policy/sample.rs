//! The sample organisation: what its rules promise, and that rules and reserved actions say the same.

use crate::SAMPLE;
use octroi_model::Rights;
use octroi_policy::{Area, Circumstances, Deed, Expectations, Facts, Policy, Profile, Strength, effective, reserved};

/// The promises that are shipped with the sample.
const EXPECTATIONS: &str = include_str!("../../../../deploy/expectations.toml");

#[test]
fn the_sample_keeps_its_promises() {
    let checked = Expectations::parse(EXPECTATIONS).unwrap().run(&Policy::parse(SAMPLE).unwrap());
    assert!(checked.len() >= 40, "{}", checked.len());
    let failed: Vec<_> = checked.iter().filter(|c| !c.passed).map(|c| format!("line {}: {}", c.line, c.text)).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// Calendars of the web come in for our own people; out go they from the office only, and by who plans the work of others.
#[test]
fn the_sample_says_who_subscribes_and_who_publishes() {
    let policy = Policy::parse(SAMPLE).unwrap();
    for (profile, subscribes, publishes) in [
        ("agent", true, false),
        ("document-manager", true, false),
        ("team-lead", true, true),
        ("operator", false, false),
        ("administrator", false, false),
        ("auditor", false, false),
    ] {
        let of = policy.profile(profile).unwrap();
        assert_eq!((of.subscribes_from("anywhere"), of.subscribes()), (subscribes, subscribes), "{profile}");
        assert_eq!((of.publishes_from("office"), of.publishes_from("anywhere")), (publishes, false), "{profile}");
    }
}

/// Against the rules of a server that knows none of these people, the same promises are not kept: the test above can fail.
#[test]
fn another_policy_does_not_keep_them() {
    let checked = Expectations::parse(EXPECTATIONS).unwrap().run(&Policy::builtin());
    assert!(checked.iter().filter(|c| !c.passed).count() > 40);
}

/// What the rules let somebody add to an act's folder is exactly what the reserved actions let through, so that a program that asks
/// for its rights first is told the truth.
#[test]
fn rules_and_reserved_actions_agree_on_acts() {
    let policy = Policy::parse(SAMPLE).unwrap();
    let ages = [(Strength::AppPassword, None), (Strength::Confirmed, Some(3600)), (Strength::FreshSecondFactor, Some(60))];
    for profile in ["agent", "operator", "document-manager", "team-lead"] {
        for zone in policy.zones() {
            for (strength, second_factor_age) in ages {
                for (area, path) in
                    [(Area::Files, "Actes"), (Area::Files, "a/Actes/Valides"), (Area::Mail, "Actes"), (Area::Mail, "Actes/Validated")]
                {
                    for own in [true, false] {
                        let facts = Facts { profile, zone, strength, own, area, path, acl: Rights::ALL, scope: Rights::ALL };
                        let held = effective(&policy, &facts);
                        let who = Circumstances { profile, zone, strength, second_factor_age };
                        let deed = Deed { area, path, adds: true, keywords: &["$Validated"] };
                        let passes = reserved(&policy, &who, &deed).is_ok();
                        // Nobody is given rights that a reserved action takes back.
                        assert!(passes || !held.intersects(Rights::INSERT | Rights::WRITE), "{facts:?} {held}");
                        // And who is to work on acts is not kept out by a rule.
                        assert!(!passes || profile != "agent" || held.contains(Rights::INSERT | Rights::WRITE), "{facts:?} {held}");
                        assert!(!passes || profile == "agent", "{facts:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn powers_are_apart() {
    let policy = Policy::parse(SAMPLE).unwrap();
    let with = |has: fn(&Profile) -> bool| policy.names().filter(|name| has(policy.profile(name).unwrap())).collect::<Vec<_>>();
    assert_eq!(with(Profile::audit), ["auditor"]);
    assert_eq!(with(Profile::administer), ["administrator"]);
    assert_eq!(with(|profile| profile.actions().next().is_some()), ["agent"]);
    assert_eq!(with(|profile| profile.recipients_per_hour().is_some()), ["operator"]);
}
