//! Reserved actions.

use octroi_policy::{Area, Circumstances, Deed, Lacking, Policy, Strength, reserved};

const TEXT: &str = "
[zone.secured]
networks = [\"10.20.0.0/16\"]
[zone.office]
networks = [\"10.0.0.0/8\"]
[action.draft-act]
adds_to = [\"files/**/Actes/**\"]
second_factor_within = \"30m\"
[action.validate-act]
description = \"Validate an official act\"
adds_to = [\"files/**/Actes/**/Validated/**\", \"mail/**/Actes/Validated/**\"]
sets = [\"$Validated\"]
in = [\"files/**/Actes/**\", \"mail/**/Actes/**\"]
zones = [\"secured\"]
second_factor_within = \"10m\"
[action.mark]
sets = [\"seal\"]
[profile.officer]
actions = [\"draft-act\", \"validate-act\", \"mark\"]
[profile.clerk]
actions = [\"draft-act\"]
[profile.other]
";

fn who<'a>(profile: &'a str, zone: &'a str, second_factor_age: Option<i64>) -> Circumstances<'a> {
    Circumstances { profile, zone, strength: Strength::AppPassword, second_factor_age }
}

fn adds(path: &str) -> Deed<'_> {
    Deed { area: Area::Files, path, adds: true, keywords: &[] }
}

fn sets<'a>(area: Area, path: &'a str, keywords: &'a [&'a str]) -> Deed<'a> {
    Deed { area, path, adds: false, keywords }
}

#[test]
fn a_deed_is_every_action_that_it_fits() {
    let policy = Policy::parse(TEXT).unwrap();
    let ready = who("officer", "secured", Some(60));
    let is = |deed| reserved(&policy, &ready, &deed).unwrap();
    assert_eq!(is(adds("Actes")), ["draft-act"]);
    assert_eq!(is(adds("a/b/Actes/c")), ["draft-act"]);
    assert_eq!(is(adds("Actes/Validated")), ["draft-act", "validate-act"]);
    assert_eq!(is(adds("Actes/2026/Validated/x")), ["draft-act", "validate-act"]);
    assert_eq!(is(Deed { keywords: &["$Validated"], ..adds("Actes") }), ["draft-act", "validate-act"]);
    // Ordinary deeds.
    for deed in [
        adds(""),
        adds("actes"),
        adds("Validated"),
        Deed { adds: false, ..adds("Actes/Validated") },
        Deed { area: Area::Mail, ..adds("Actes") },
    ] {
        assert_eq!(is(deed), [""; 0], "{deed:?}");
    }
}

#[test]
fn a_keyword_counts_where_it_is_said_to_and_under_both_names() {
    let policy = Policy::parse(TEXT).unwrap();
    let ready = who("officer", "secured", Some(60));
    let is = |area, path, keywords: &[&str]| reserved(&policy, &ready, &sets(area, path, keywords)).unwrap().join(" ");
    for keyword in ["$Validated", "$VALIDATED", "$validated", "Validated", "validated"] {
        assert_eq!(is(Area::Mail, "Actes", &[keyword]), "validate-act", "{keyword}");
        assert_eq!(is(Area::Files, "a/Actes/b", &["x", keyword]), "validate-act", "{keyword}");
        assert_eq!(is(Area::Mail, "INBOX", &[keyword]), "", "{keyword}");
        assert_eq!(is(Area::Calendars, "Actes", &[keyword]), "", "{keyword}");
    }
    for keyword in ["$$Validated", "$Validate", "Validated2", ""] {
        assert_eq!(is(Area::Mail, "Actes", &[keyword]), "", "{keyword}");
    }
    // Without `in`, everywhere; what has no `$` in the file has none on the wire either.
    assert_eq!(is(Area::Calendars, "", &["SEAL"]), "mark");
    assert_eq!(is(Area::Calendars, "", &["$seal"]), "");
}

#[test]
fn what_is_lacking_is_said_in_the_order_of_getting_it() {
    let policy = Policy::parse(TEXT).unwrap();
    let lacks = |profile, zone, age, path| reserved(&policy, &who(profile, zone, age), &adds(path)).map_err(|w| (w.action, w.lacks));
    let secured = ["secured".into()];
    assert_eq!(lacks("other", "office", None, "Actes"), Err(("draft-act", Lacking::NotInProfile)));
    assert_eq!(lacks("unknown", "secured", Some(1), "Actes"), Err(("draft-act", Lacking::NotInProfile)));
    assert_eq!(lacks("officer", "office", None, "Actes"), Err(("draft-act", Lacking::SecondFactor { within: 1800 })));
    assert_eq!(lacks("officer", "office", Some(1799), "Actes"), Ok(vec!["draft-act"]));
    assert_eq!(lacks("officer", "office", Some(1800), "Actes"), Err(("draft-act", Lacking::SecondFactor { within: 1800 })));
    assert_eq!(lacks("officer", "office", Some(60), "Actes/Validated"), Err(("validate-act", Lacking::Zone(&secured))));
    assert_eq!(lacks("officer", "secured", Some(600), "Actes/Validated"), Err(("validate-act", Lacking::SecondFactor { within: 600 })));
    assert_eq!(lacks("officer", "secured", Some(599), "Actes/Validated"), Ok(vec!["draft-act", "validate-act"]));
    assert_eq!(lacks("clerk", "secured", Some(60), "Actes/Validated"), Err(("validate-act", Lacking::NotInProfile)));
    // A clock that was set back a little or a lot.
    assert_eq!(lacks("officer", "secured", Some(-10), "Actes"), Ok(vec!["draft-act"]));
    assert_eq!(lacks("officer", "secured", Some(-3600), "Actes"), Err(("draft-act", Lacking::SecondFactor { within: 1800 })));
    // A zone that has gone from the file, for an action that is done everywhere.
    assert!(matches!(lacks("officer", "moon", Some(60), "Actes"), Err(("draft-act", Lacking::Zone(names))) if names.len() == 3));
    // And whoever does nothing reserved lacks nothing.
    assert_eq!(lacks("unknown", "moon", None, "Notes"), Ok(vec![]));
}

#[test]
fn a_refusal_says_what_would_help() {
    let policy = Policy::parse(TEXT).unwrap();
    let why = |profile, zone, age| reserved(&policy, &who(profile, zone, age), &sets(Area::Mail, "Actes", &["$Validated"])).unwrap_err();
    assert_eq!(why("officer", "secured", None).description, "Validate an official act");
    assert_eq!(why("officer", "secured", None).to_string(), "validate-act is reserved: it needs a second factor given within 10m");
    assert_eq!(why("officer", "office", None).to_string(), "validate-act is reserved: it is done from these zones only: secured");
    assert_eq!(why("other", "office", None).to_string(), "validate-act is reserved: the profile may not do it");
}

#[test]
fn most_servers_reserve_nothing() {
    assert!(Policy::parse(TEXT).unwrap().reserves_anything());
    assert!(!Policy::builtin().reserves_anything());
}
