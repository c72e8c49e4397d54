//! Actions beyond folders.

use octroi_policy::{Act, Circumstances, NotPermitted, Policy, Sharee, Strength, explain_act, permit};

fn who<'a>(profile: &'a str, zone: &'a str) -> Circumstances<'a> {
    Circumstances { profile, zone, strength: Strength::AppPassword, second_factor_age: None }
}

fn may(policy: &Policy, profile: &str, act: Act<'_>) -> bool {
    permit(policy, &who(profile, "anywhere"), &act).is_ok()
}

#[test]
fn the_short_way_is_a_rule_like_others() {
    let text = "[profile.a]\nsend_to = \"anyone\"\n[profile.i]\nsend_to = \"inside\"\n[profile.n]\nsend_to = \"nobody\"\n[profile.d]\n\
                [profile.l]\nsend_to = [\"Port.example\"]\n\
                [profile.both]\nsend_to = \"anyone\"\n\
                [[profile.both.action]]\neffect = \"deny\"\naction = \"send\"\nto = [\"port.example\"]\n\
                [profile.more]\nsend_to = \"inside\"\n[[profile.more.action]]\naction = \"send\"\nto = [\"port.example\"]";
    let policy = Policy::parse(text).unwrap();
    let reaches = |profile| {
        [("ours.example", true), ("port.example", false), ("PORT.example", false), ("sub.port.example", false)]
            .map(|(domain, ours)| may(&policy, profile, Act::Send { domain, ours }))
    };
    assert_eq!(reaches("a"), [true; 4]);
    assert_eq!(reaches("i"), [true, false, false, false]);
    assert_eq!(reaches("n"), [false; 4]);
    assert_eq!(reaches("d"), [false; 4], "nobody is the default");
    assert_eq!(reaches("l"), [false, true, true, false]);
    assert_eq!(reaches("both"), [true, false, false, true]);
    assert_eq!(reaches("more"), [true, true, true, false]);
    assert_eq!(reaches("unknown"), [false; 4]);
}

#[test]
fn inside_and_outside_are_opposites() {
    let policy = Policy::parse("[[profile.a.action]]\naction = \"send\"\nto = [\"outside\"]").unwrap();
    assert!(!may(&policy, "a", Act::Send { domain: "x.example", ours: true }));
    assert!(may(&policy, "a", Act::Send { domain: "x.example", ours: false }));
}

#[test]
fn one_sends_as_whom_the_profile_says() {
    let text = "[[profile.a.action]]\naction = \"send-as\"\nas = [\"Douane@douane.example\", \"*@port.example\"]\n\
                [[profile.all.action]]\naction = \"send-as\"\nas = [\"anyone\"]\n[profile.none]";
    let policy = Policy::parse(text).unwrap();
    for (address, allowed) in [
        ("douane@douane.example", true),
        ("DOUANE@Douane.example", true),
        ("x.douane@douane.example", false),
        ("douane@douane.example.port.exampl", false),
        ("anyone@port.example", true),
        ("a@b@port.example", true),
        ("x@sub.port.example", false),
        ("port.example", false),
        ("", false),
    ] {
        assert_eq!(may(&policy, "a", Act::SendAs { address }), allowed, "{address}");
        assert!(may(&policy, "all", Act::SendAs { address }));
        assert!(!may(&policy, "none", Act::SendAs { address }));
    }
}

#[test]
fn whoever_has_no_share_rule_shares_with_nobody() {
    let text = "[profile.none]\nsend_to = \"anyone\"\n\
                [[profile.some.action]]\naction = \"share\"\nwith = [\"accounts\", \"profile:none\", \"group:evaluation\"]\n\
                [[profile.public.action]]\naction = \"share\"\nwith = [\"anyone\"]\n\
                [[profile.all.action]]\naction = \"share\"\nwith = [\"*\"]";
    let policy = Policy::parse(text).unwrap();
    let sharees = [
        Sharee::Account,
        Sharee::Profile("none"),
        Sharee::Profile("some"),
        Sharee::Group("evaluation"),
        Sharee::Group("none"),
        Sharee::Anyone,
    ];
    let of = |profile| sharees.map(|with| may(&policy, profile, Act::Share { with }));
    assert_eq!(of("none"), [false; 6]);
    assert_eq!(of("some"), [true, true, false, true, false, false]);
    assert_eq!(of("public"), [false, false, false, false, false, true], "everybody at once is not each of them");
    assert_eq!(of("all"), [true; 6]);
}

const EXPORT: &str = "\
[zone.office]
networks = [\"10.0.0.0/8\"]
[profile.a]
[[profile.a.action]]
action = \"export\"
strength_min = \"confirmed\"
[[profile.a.action]]
effect = \"deny\"
action = \"export\"
zones = [\"anywhere\"]
";

#[test]
fn deny_beats_allow_and_conditions_count() {
    let policy = Policy::parse(EXPORT).unwrap();
    let export = |zone, strength| permit(&policy, &Circumstances { strength, ..who("a", zone) }, &Act::Export);
    assert_eq!(export("office", Strength::Confirmed), Ok(()));
    assert_eq!(export("office", Strength::FreshSecondFactor), Ok(()));
    assert_eq!(export("office", Strength::AppPassword), Err(NotPermitted::NoRule));
    assert_eq!(export("anywhere", Strength::FreshSecondFactor), Err(NotPermitted::Denied { line: 7 }));
    assert_eq!(export("moon", Strength::FreshSecondFactor), Err(NotPermitted::UnknownZone));
    assert_eq!(permit(&policy, &who("b", "office"), &Act::Export), Err(NotPermitted::UnknownProfile));
    assert_eq!(NotPermitted::Denied { line: 7 }.to_string(), "the rule at line 7 forbids it");
    assert_eq!(NotPermitted::NoRule.to_string(), "no rule allows it");
}

#[test]
fn an_action_is_explained_by_its_rules() {
    let policy = Policy::parse(EXPORT).unwrap();
    let explain = |zone, strength| explain_act(&policy, &Circumstances { strength, ..who("a", zone) }, &Act::Export);
    assert_eq!(
        explain("office", Strength::AppPassword).to_string(),
        "a to export from office with strength app-password:\n  \
         the rule at line 7 would forbid it, but does not apply because of the zone\n  \
         the rule at line 4 would allow it, but does not apply because of the strength of the log-in\n  \
         refused: no rule allows it"
    );
    assert_eq!(
        explain("anywhere", Strength::Confirmed).to_string(),
        "a to export from anywhere with strength confirmed:\n  the rule at line 7 forbids it\n  refused: the rule at line 7 forbids it"
    );
    for zone in ["office", "anywhere", "moon"] {
        for strength in [Strength::AppPassword, Strength::Confirmed, Strength::FreshSecondFactor] {
            let decision = permit(&policy, &Circumstances { strength, ..who("a", zone) }, &Act::Export);
            assert_eq!(explain(zone, strength).decision, decision);
        }
    }
}
