//! Acts: what the sample's people may do, and laws that hold for every policy.

use crate::SAMPLE;
use octroi_model::Rights;
use octroi_policy::{Area, Circumstances, Deed, Denied, Effect, Facts, Obstacle, Policy, Step, Strength};
use octroi_policy::{decide, effective, explain, judge, reserved};
use proptest::prelude::*;
use std::fmt::Write;
use std::hint::black_box;
use std::time::{Duration, Instant};

const STRENGTHS: [Strength; 3] = [Strength::AppPassword, Strength::Confirmed, Strength::FreshSecondFactor];

fn facts<'a>(profile: &'a str, zone: &'a str, area: Area, path: &'a str) -> Facts<'a> {
    Facts { profile, zone, strength: Strength::AppPassword, own: true, area, path, acl: Rights::ALL, scope: Rights::ALL }
}

fn rights(letters: &str) -> Rights {
    Rights::parse(letters).unwrap()
}

#[test]
fn official_acts_are_reserved() {
    let policy = Policy::parse(SAMPLE).unwrap();
    let acts = |zone, strength| Facts { own: false, strength, ..facts("agent", zone, Area::Files, "Shared/Actes/2026") };
    for zone in ["office", "anywhere"] {
        for strength in STRENGTHS {
            assert_eq!(effective(&policy, &acts(zone, strength)), rights("lrs1"), "{zone} {strength}");
        }
    }
    assert_eq!(effective(&policy, &acts("secured", Strength::Confirmed)), rights("lrs1"));
    assert_eq!(effective(&policy, &acts("secured", Strength::FreshSecondFactor)), rights("lrswipk1"));
    let beside = Facts { own: false, ..facts("agent", "office", Area::Files, "Shared/Notes") };
    assert_eq!(effective(&policy, &beside), rights("lrswipk1"));
}

#[test]
fn each_profile_has_what_it_needs_and_no_more() {
    let policy = Policy::parse(SAMPLE).unwrap();
    let of = |profile, own, area, path| effective(&policy, &Facts { own, ..facts(profile, "office", area, path) });
    assert_eq!(of("operator", false, Area::Files, "Declarations"), rights("lri1"));
    assert_eq!(of("operator", false, Area::Files, "Actes"), Rights::NONE);
    assert_eq!(of("operator", false, Area::Calendars, "Team"), Rights::FREE_BUSY);
    assert_eq!(of("document-manager", false, Area::Mail, "INBOX"), Rights::NONE);
    assert_eq!(of("document-manager", false, Area::Files, "Dossiers"), rights("lrswipkxtea01"));
    assert_eq!(of("document-manager", false, Area::Files, "Actes"), rights("lrspa1"));
    assert_eq!(of("team-lead", false, Area::Calendars, "Team"), rights("lrswipkxte01"));
    assert_eq!(of("administrator", false, Area::Mail, "INBOX"), Rights::NONE);
    assert_eq!(of("administrator", true, Area::Mail, "INBOX"), rights("lrswipkxtea01"));
    assert_eq!(of("auditor", true, Area::Mail, "INBOX"), Rights::NONE);
    assert_eq!(of("plain", true, Area::Files, ""), rights("lrswipkxtea01"));
    assert_eq!(of("nobody", true, Area::Mail, "INBOX"), Rights::NONE);
}

#[test]
fn acl_and_scope_only_ever_narrow() {
    let policy = Policy::builtin();
    let narrowed = Facts { acl: rights("lrsw"), scope: rights("lri"), ..facts("plain", "anywhere", Area::Mail, "INBOX") };
    assert_eq!(effective(&policy, &narrowed), rights("lr1"));
}

#[test]
fn without_lookup_nothing_shows_that_it_exists() {
    let policy = Policy::builtin();
    let with = |acl| Facts { acl, ..facts("plain", "anywhere", Area::Mail, "INBOX") };
    assert_eq!(decide(&policy, &with(rights("lr")), Rights::READ), Ok(()));
    assert_eq!(decide(&policy, &with(rights("l")), Rights::READ), Err(Denied::Forbidden));
    assert_eq!(decide(&policy, &with(rights("rswi")), Rights::READ), Err(Denied::Missing));
    assert_eq!(decide(&policy, &with(Rights::NONE), Rights::NONE), Err(Denied::Missing));
}

#[test]
fn busy_times_and_a_name_are_had_without_seeing_the_collection() {
    for alone in [Rights::FREE_BUSY, Rights::SEND_AS] {
        assert_eq!(judge(alone, alone), Ok(()));
        assert_eq!(judge(Rights::NONE, alone), Err(Denied::Missing));
        assert_eq!(judge(alone, alone | Rights::READ), Err(Denied::Missing));
    }
    assert_eq!(judge(Rights::FREE_BUSY, Rights::NONE), Err(Denied::Missing));
    assert_eq!(judge(Rights::LOOKUP, Rights::FREE_BUSY), Err(Denied::Forbidden));
    assert_eq!(judge(rights("ri"), Rights::INSERT), Err(Denied::Missing));
}

/// Each half of the right to destroy comes from another rule; what both bring along is there, and goes with either.
#[test]
fn what_rights_bring_along_is_worked_out_over_all_rules() {
    let rule = |effect: &str, letters: &str| format!("[[profile.a.rule]]\neffect = \"{effect}\"\npath = \"**\"\nrights = \"{letters}\"\n");
    let of = |rules: &[String]| effective(&Policy::parse(&rules.concat()).unwrap(), &facts("a", "anywhere", Area::Mail, "INBOX"));
    assert_eq!(of(&[rule("allow", "lt"), rule("allow", "e")]), rights("lte0"));
    assert_eq!(of(&[rule("allow", "lte"), rule("deny", "e")]), rights("lt"));
    assert_eq!(of(&[rule("allow", "lte"), rule("deny", "0")]), rights("lte"));
    assert_eq!(of(&[rule("allow", "lr1"), rule("deny", "r")]), rights("l"));
    assert_eq!(of(&[rule("allow", "l0")]), rights("l0"), "moving away without destroying");
}

/// A session outlives the zone it came from when the profiles file changes: a deny rule that lists the other zones would not see it.
#[test]
fn a_zone_that_is_gone_has_no_rights() {
    let policy = Policy::builtin();
    assert_eq!(effective(&policy, &facts("plain", "office", Area::Mail, "INBOX")), Rights::NONE);
}

#[test]
fn an_explanation_names_the_lines() {
    let text = "\
[profile.a]
[[profile.a.rule]]
path = \"mail/**\"
rights = \"lrsw\"
[[profile.a.rule]]
effect = \"deny\"
path = \"mail/*\"
rights = \"wi\"
[[profile.a.rule]]
path = \"mail/INBOX\"
owner = \"others\"
rights = \"a\"
[[profile.a.rule]]
path = \"files/**\"
rights = \"l\"
";
    let policy = Policy::parse(text).unwrap();
    let facts = Facts { acl: rights("lrs"), ..facts("a", "anywhere", Area::Mail, "INBOX") };
    let explanation = explain(&policy, &facts, Rights::WRITE);
    assert_eq!(
        explanation.steps,
        [
            Step::Rule { line: 2, effect: Effect::Allow, changed: rights("lrsw1"), left: rights("lrsw1") },
            Step::Passed { line: 9, effect: Effect::Allow, rights: rights("a"), obstacle: Obstacle::Owner },
            Step::Rule { line: 5, effect: Effect::Deny, changed: rights("w"), left: rights("lrs1") },
            Step::Acl { left: rights("lrs1") },
            Step::Scope { left: rights("lrs1") },
        ]
    );
    assert_eq!(
        explanation.to_string(),
        "a on their own mail/INBOX from anywhere with strength app-password:\n  \
         the rule at line 2 adds lrsw1: lrsw1 held\n  \
         the rule at line 9 does not apply because of whose it is\n  \
         the rule at line 5 takes away w: lrs1 held\n  \
         the owner's ACL leaves lrs1\n  \
         the app password leaves lrs1\n  \
         w needed, lrs1 in force: refused"
    );
}

/// A decision is made for every command, so this must not creep up: it takes some 3 µs unoptimised. The limit is wide, for a busy machine.
#[test]
fn decisions_take_no_time() {
    let policy = Policy::parse(SAMPLE).unwrap();
    let facts = Facts { own: false, ..facts("agent", "office", Area::Files, "Shared/Actes/2026/Projets") };
    let who = Circumstances { profile: "agent", zone: "office", strength: facts.strength, second_factor_age: None };
    let deed = Deed { area: facts.area, path: "Dossiers/2026/Projets", adds: true, keywords: &["$Other"] };
    let started = Instant::now();
    for _ in 0..10_000 {
        assert_eq!(black_box(effective(&policy, black_box(&facts))), rights("lrs1"));
        assert_eq!(reserved(&policy, &who, black_box(&deed)), Ok(Vec::new()));
    }
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
}

/// A rule as generated, with its own small idea of when it applies.
#[derive(Debug, Clone)]
struct TestRule {
    deny: bool,
    owner: &'static str,
    path: &'static str,
    rights: Rights,
    zones: Option<Vec<&'static str>>,
    min: Option<Strength>,
    below: Option<Strength>,
}

/// What a pattern means, said in another way.
type Meaning = fn(&str) -> bool;

const PATHS: [(&str, Meaning); 5] = [
    ("**", |_| true),
    ("mail/**", |p| p == "mail" || p.starts_with("mail/")),
    ("files/a", |p| p == "files/a"),
    ("*/a/**", |p| p.split('/').nth(1) == Some("a")),
    ("files/*", |p| p.starts_with("files/") && p.matches('/').count() == 1),
];

impl TestRule {
    fn applies(&self, f: &Facts<'_>) -> bool {
        let path = if f.path.is_empty() { f.area.name().to_owned() } else { format!("{}/{}", f.area.name(), f.path) };
        (self.owner == "any" || (self.owner == "self") == f.own)
            && self.zones.as_ref().is_none_or(|zones| zones.contains(&f.zone))
            && self.min.is_none_or(|min| f.strength >= min)
            && self.below.is_none_or(|below| f.strength < below)
            && PATHS.iter().find(|(p, _)| *p == self.path).unwrap().1(&path)
    }
}

fn toml(rules: &[TestRule]) -> String {
    let mut text = "[zone.office]\nnetworks = [\"10.0.0.0/8\"]\n[profile.a]\n".to_owned();
    for rule in rules {
        let effect = if rule.deny { "deny" } else { "allow" };
        writeln!(text, "[[profile.a.rule]]\neffect = \"{effect}\"\nowner = \"{}\"\npath = \"{}\"", rule.owner, rule.path).unwrap();
        writeln!(text, "rights = \"{}\"", rule.rights).unwrap();
        if let Some(zones) = &rule.zones {
            writeln!(text, "zones = {zones:?}").unwrap();
        }
        for (key, strength) in [("strength_min", rule.min), ("strength_below", rule.below)] {
            if let Some(strength) = strength {
                writeln!(text, "{key} = \"{strength}\"").unwrap();
            }
        }
    }
    text
}

fn some_rights() -> impl Strategy<Value = Rights> {
    proptest::sample::subsequence(Rights::LETTERS.to_vec(), 1..=14)
        .prop_map(|chosen| chosen.into_iter().fold(Rights::NONE, |all, (r, _)| all | r))
}

fn some_rule() -> impl Strategy<Value = TestRule> {
    let zones = prop_oneof![Just(None), Just(Some(vec!["office"])), Just(Some(vec!["anywhere"])), Just(Some(vec!["office", "anywhere"]))];
    let strengths = prop_oneof![
        Just((None, None)),
        proptest::sample::select(&STRENGTHS[..]).prop_map(|s| (Some(s), None)),
        proptest::sample::select(&STRENGTHS[..]).prop_map(|s| (None, Some(s))),
        Just((Some(Strength::Confirmed), Some(Strength::FreshSecondFactor))),
    ];
    let owner = proptest::sample::select(vec!["self", "others", "any"]);
    let path = proptest::sample::select(&PATHS[..]).prop_map(|(path, _)| path);
    (any::<bool>(), owner, path, some_rights(), zones, strengths).prop_map(|(deny, owner, path, rights, zones, (min, below))| TestRule {
        deny,
        owner,
        path,
        rights,
        zones,
        min,
        below,
    })
}

fn some_facts() -> impl Strategy<Value = Facts<'static>> {
    let zone = proptest::sample::select(vec!["office", "anywhere"]);
    let strength = proptest::sample::select(&STRENGTHS[..]);
    let area = proptest::sample::select(&Area::ALL[..]).prop_map(|(area, _)| area);
    let path = proptest::sample::select(vec!["", "a", "b", "a/b", "b/a"]);
    (zone, strength, any::<bool>(), area, path, some_rights(), some_rights())
        .prop_map(|(zone, strength, own, area, path, acl, scope)| Facts { profile: "a", zone, strength, own, area, path, acl, scope })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    /// Deny beats allow, nothing matched is nothing allowed, ACL and scope only narrow: all of it in one line, worked out anew.
    #[test]
    fn rights_are_what_the_rules_say(rules in proptest::collection::vec(some_rule(), 0..6), facts in some_facts()) {
        let policy = Policy::parse(&toml(&rules)).unwrap();
        let union = |deny: bool| rules.iter().filter(|r| r.deny == deny && r.applies(&facts)).fold(Rights::NONE, |all, r| all | r.rights);
        let expected = union(false).implied().without(union(true).taken_along()) & facts.acl.implied() & facts.scope.implied();
        prop_assert_eq!(effective(&policy, &facts), expected);
        prop_assert_eq!(effective(&policy, &Facts { profile: "b", ..facts }), Rights::NONE);
    }

    #[test]
    fn the_order_of_rules_is_without_meaning(
        (rules, shuffled) in proptest::collection::vec(some_rule(), 0..6).prop_flat_map(|r| (Just(r.clone()), Just(r).prop_shuffle())),
        facts in some_facts(),
    ) {
        let (policy, other) = (Policy::parse(&toml(&rules)).unwrap(), Policy::parse(&toml(&shuffled)).unwrap());
        prop_assert_eq!(effective(&policy, &facts), effective(&other, &facts));
    }

    #[test]
    fn explaining_is_deciding(rules in proptest::collection::vec(some_rule(), 0..6), facts in some_facts(), needs in some_rights()) {
        let policy = Policy::parse(&toml(&rules)).unwrap();
        let explanation = explain(&policy, &facts, needs);
        prop_assert_eq!(explanation.decision, decide(&policy, &facts, needs));
        prop_assert_eq!(explanation.rights, effective(&policy, &facts));
        // And the steps add up to the result.
        let last = explanation.steps.last().copied();
        prop_assert_eq!(last, Some(Step::Scope { left: explanation.rights }));
        let (mut added, mut taken) = (Rights::NONE, Rights::NONE);
        for step in &explanation.steps {
            if let Step::Rule { effect, changed, .. } = step {
                if *effect == Effect::Allow { added = added | *changed } else { taken = taken | *changed }
            }
        }
        prop_assert_eq!(added.without(taken) & facts.acl.implied() & facts.scope.implied(), explanation.rights);
    }
}
