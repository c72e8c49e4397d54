//! Each right with the one thing that gives it or takes it.

use octroi_model::Rights;
use octroi_policy::{Area, Because, Facts, Obstacle, Policy, Strength, effective, explain_rights};

const TEXT: &str = "\
[zone.office]
networks = [\"10.0.0.0/8\"]
[profile.a]
[[profile.a.rule]]
path = \"**\"
rights = \"lrsw\"
[[profile.a.rule]]
path = \"mail/**\"
rights = \"wite\"
[[profile.a.rule]]
effect = \"deny\"
path = \"mail/INBOX\"
rights = \"t\"
[[profile.a.rule]]
path = \"mail/**\"
rights = \"p\"
zones = [\"office\"]
[[profile.a.rule]]
path = \"mail/**\"
rights = \"a\"
owner = \"others\"
[[profile.a.rule]]
effect = \"deny\"
path = \"mail/**\"
rights = \"l\"
strength_min = \"confirmed\"
";

fn facts(zone: &str) -> Facts<'_> {
    Facts {
        profile: "a",
        zone,
        strength: Strength::AppPassword,
        own: true,
        area: Area::Mail,
        path: "INBOX",
        acl: Rights::parse("lrswteip").unwrap(),
        scope: Rights::parse("lrwteip").unwrap(),
    }
}

#[test]
fn fourteen_lines_say_why() {
    let policy = Policy::parse(TEXT).unwrap();
    let acl = Rights::parse("lrswtep").unwrap();
    assert_eq!(
        explain_rights(&policy, &Facts { acl, ..facts("anywhere") }).to_string(),
        "a on their own mail/INBOX from anywhere with strength app-password:\n  \
         l yes  the rule at line 4 gives it\n  \
         r yes  the rule at line 4 gives it\n  \
         s no   the app password was not made for it\n  \
         w yes  the rule at line 4 gives it\n  \
         i no   the owner's ACL does not grant it\n  \
         p no   the rule at line 14 would give it, but does not apply because of the zone\n  \
         k no   no rule gives it\n  \
         x no   no rule gives it\n  \
         t no   the rule at line 10 takes it\n  \
         e yes  the rule at line 7 gives it\n  \
         a no   the rule at line 18 would give it, but does not apply because of whose it is\n  \
         0 no   the rule at line 10 takes it\n  \
         1 yes  the rule at line 4 gives it\n  \
         2 no   no rule gives it"
    );
}

#[test]
fn an_unknown_profile_or_zone_explains_itself() {
    let policy = Policy::parse(TEXT).unwrap();
    for (given, because) in [(Facts { profile: "b", ..facts("office") }, Because::NoProfile), (facts("moon"), Because::NoZone)] {
        let explained = explain_rights(&policy, &given);
        assert!(explained.rights.iter().all(|right| !right.held && right.because == because));
    }
}

/// Held or not is what `effective` says, and the reason is of the right kind.
#[test]
fn explaining_rights_is_deciding() {
    let policy = Policy::parse(TEXT).unwrap();
    for zone in ["office", "anywhere", "moon"] {
        for strength in [Strength::AppPassword, Strength::Confirmed] {
            for own in [true, false] {
                for (area, path) in [(Area::Mail, "INBOX"), (Area::Mail, "x"), (Area::Files, ""), (Area::Mail, "")] {
                    let facts = Facts { strength, own, area, path, ..facts(zone) };
                    let (explained, held) = (explain_rights(&policy, &facts), effective(&policy, &facts));
                    assert_eq!(explained.effective, held);
                    assert_eq!(explained.rights.len(), 14);
                    for right in &explained.rights {
                        assert_eq!(right.held, held.contains(right.right), "{explained}");
                        assert_eq!(right.held, matches!(right.because, Because::Given { .. }), "{explained}");
                    }
                }
            }
        }
    }
    let strong = Facts { strength: Strength::Confirmed, ..facts("office") };
    assert_eq!(explain_rights(&policy, &strong).rights[0].because, Because::Taken { line: 22 });
    // A rule that does not apply would give what it brings along, too.
    let elsewhere = Policy::parse(
        "[zone.office]\nnetworks = [\"10.0.0.0/8\"]\n[[profile.a.rule]]\npath = \"**\"\nrights = \"r\"\nzones = [\"office\"]",
    );
    let explained = explain_rights(&elsewhere.unwrap(), &facts("anywhere"));
    assert_eq!(explained.rights[12].because, Because::Passed { line: 3, obstacle: Obstacle::Zone });
    let weak = explain_rights(&policy, &facts("anywhere")).rights[5].because;
    assert_eq!(weak, Because::Passed { line: 14, obstacle: Obstacle::Zone });
}
