//! Files of expectations: what is taken, what is refused and where, and that a wrong one fails.

use octroi_policy::{Expectations, Policy};

const POLICY: &str = "
[zone.office]
networks = [\"10.0.0.0/8\"]
[action.validate-act]
sets = [\"$Validated\"]
second_factor_within = \"10m\"
[profile.a]
audit = true
remote_zones = [\"anywhere\"]
actions = [\"validate-act\"]
send_to = \"inside\"
[profile.a.services]
imap = [\"*\"]
[profile.a.second_factor]
\"*\" = \"12h\"
[[profile.a.rule]]
path = \"files/**\"
rights = \"lr\"
[profile.b]
";

/// Each of these holds for the policy above; with the second text in place of the first, it does not.
const HOLDING: [(&str, &str, &str); 21] = [
    ("owner = \"self\"\npath = \"files/x\"\nhas = \"lr1\"", "lr1", "lrw"),
    ("owner = \"self\"\npath = \"files/x\"\nlacks = \"w\"", "lacks = \"w\"", "lacks = \"wr\""),
    ("owner = \"others\"\npath = \"files/x\"\nacl = \"l\"\nhas = \"l\"\nlacks = \"r\"", "acl = \"l\"", "acl = \"lr\""),
    ("service = \"imap\"\nconfirmed = \"11h\"\nlog_in = \"open\"", "11h", "12h"),
    ("service = \"imap\"\nlog_in = \"second-factor\"", "second-factor", "open"),
    ("service = \"files\"\nlog_in = \"refused\"", "files", "imap"),
    ("service = \"imap\"\nconfirmed = \"1h\"\nin_portal = true\nlog_in = \"refused\"", "in_portal = true", "in_portal = false"),
    ("service = \"imap\"\nconfirmed = \"1h\"\nin_portal = false\nlog_in = \"open\"", "in_portal = false", "in_portal = true"),
    ("send = \"x@ours.example\"\nours = true\nallowed = true", "ours = true", "ours = false"),
    ("send = \"x@ours.example\"\nours = true\nallowed = true", "allowed = true", "allowed = false"),
    ("send_as = \"x@ours.example\"\nallowed = false", "allowed = false", "allowed = true"),
    ("share_with = \"profile:b\"\nallowed = false", "allowed = false", "allowed = true"),
    ("share_with = \"account\"\nallowed = false", "allowed = false", "allowed = true"),
    ("export = true\nallowed = false", "allowed = false", "allowed = true"),
    ("sets = \"$validated\"\npath = \"mail\"\nsecond_factor = \"5m\"\nallowed = true", "5m", "15m"),
    ("sets = \"$validated\"\npath = \"mail\"\nallowed = false", "allowed = false", "allowed = true"),
    ("sets = \"$validated\"\npath = \"mail\"\nallowed = false\naction = \"validate-act\"", "validate-act", "draft-act"),
    ("adds_to = \"mail/x\"\nallowed = true", "allowed = true", "allowed = false"),
    // An ordinary deed is no reserved action, so whoever expects one is told.
    (
        "adds_to = \"mail/x\"\nsets = \"$Validated\"\nsecond_factor = \"1m\"\nallowed = true\naction = \"validate-act\"",
        "$Validated",
        "$Other",
    ),
    ("may = \"audit\"\nallowed = true", "audit", "administer"),
    ("may = \"portal\"\nallowed = false", "allowed = false", "allowed = true"),
];

fn expect(rest: &str) -> String {
    let zone = if rest.contains("may =") { "" } else { "zone = \"office\"\n" };
    format!("\n[[expect]]\nabout = \"This\"\nprofile = \"a\"\n{zone}{rest}\n")
}

#[test]
fn what_holds_passes_and_what_does_not_fails() {
    let policy = Policy::parse(POLICY).unwrap();
    for (right, from, to) in HOLDING {
        assert!(right.contains(from), "{right}");
        let text = expect(right) + &expect(&right.replace(from, to));
        let checked = Expectations::parse(&text).unwrap_or_else(|e| panic!("{text}\n{e}")).run(&policy);
        assert_eq!(checked.iter().map(|c| c.passed).collect::<Vec<_>>(), [true, false], "{text}\n{checked:?}");
        assert_eq!((checked[0].line, checked[0].text.as_str()), (2, "This"));
        assert!(checked[1].text.starts_with("This: ") && checked[1].line > 5, "{checked:?}");
    }
}

#[test]
fn a_failure_names_the_rule() {
    let policy = Policy::parse(POLICY).unwrap();
    let why = |rest| Expectations::parse(&expect(rest)).unwrap().run(&policy).remove(0).text;
    assert_eq!(
        why("owner = \"self\"\npath = \"files/x\"\nhas = \"lw\"\nlacks = \"r\""),
        "This: a on their own files/x from office with strength app-password:\n  \
         r yes  the rule at line 16 gives it\n  w no   no rule gives it"
    );
    assert!(why("export = true\nallowed = true").ends_with("refused: no rule allows it"));
    assert!(why("service = \"imap\"\nlog_in = \"open\"").ends_with("asks for a second factor"));
    assert!(why("sets = \"$Validated\"\npath = \"mail\"\nallowed = true").ends_with("it needs a second factor given within 10m"));
}

/// A name that was misspelt would make every refusal come true.
#[test]
fn an_unknown_name_fails_whatever_is_expected() {
    let policy = Policy::parse(POLICY).unwrap();
    for (from, to, why) in
        [("\"a\"", "\"z\"", "no profile `z`"), ("\"office\"", "\"moon\"", "no zone `moon`"), ("\"validate-act\"", "\"x\"", "no action `x`")]
    {
        for allowed in [true, false] {
            let text = expect(&format!("sets = \"$Validated\"\npath = \"mail\"\naction = \"validate-act\"\nallowed = {allowed}"));
            let checked = Expectations::parse(&text.replace(from, to)).unwrap().run(&policy);
            assert!(!checked[0].passed && checked[0].text.contains(why), "{checked:?}");
        }
    }
}

/// Each text is wrong at the place of the mark ‹ (which is taken out before reading).
#[test]
fn what_is_wrong_is_refused_with_its_place() {
    let head = "\n[[expect]]\nabout = \"x\"\nprofile = \"a\"\n";
    let table = head.replace("[[", "‹[[");
    for (marked, message) in [
        ("‹expected = 1".to_owned(), "unknown field `expected`"),
        (format!("{head}‹colour = 1"), "unknown field `colour`"),
        (format!("{table}zone = \"office\""), "nothing is expected"),
        ("‹[[expect]]\nprofile = \"a\"\nexport = true\nallowed = true".to_owned(), "missing field `about`"),
        (format!("{table}export = true\nallowed = true"), "missing field `zone`"),
        (format!("{table}zone = \"x\"\nexport = true"), "missing field `allowed`"),
        (format!("{head}zone = \"x\"\nexport = ‹false\nallowed = true"), "`export = true`"),
        (format!("{head}zone = \"x\"\nexport = true\nallowed = true\nconfirmed = ‹\"5m\""), "`confirmed` says nothing beside"),
        (format!("{head}zone = ‹\"x\"\nmay = \"audit\"\nallowed = true"), "`zone` says nothing beside `may`"),
        (format!("{head}zone = \"x\"\nmay = ‹\"fly\"\nallowed = true"), "unknown variant `fly`"),
        (format!("{table}zone = \"x\"\nexport = true\nsend_as = \"a@b.example\"\nallowed = true"), "one action in one"),
        (format!("{head}zone = \"x\"\nsend = ‹\"nobody\"\nallowed = true"), "is not an address"),
        (format!("{head}zone = \"x\"\nshare_with = ‹\"all\"\nallowed = true"), "say \"account\""),
        (format!("{head}zone = \"x\"\nservice = ‹\"pop3\"\nlog_in = \"open\""), "no service `pop3`"),
        (format!("{head}zone = \"x\"\nservice = \"imap\"\nlog_in = ‹\"yes\""), "unknown variant `yes`"),
        (format!("{head}zone = \"x\"\nservice = \"imap\"\nlog_in = \"open\"\nconfirmed = ‹\"5\""), "is not a time"),
        (format!("{head}zone = \"x\"\nowner = \"self\"\npath = ‹\"Actes\"\nhas = \"l\""), "begins with mail"),
        (format!("{head}zone = \"x\"\nowner = ‹\"any\"\npath = \"mail\"\nhas = \"l\""), "\"self\" or \"others\""),
        (format!("{head}zone = \"x\"\nowner = \"self\"\npath = \"mail\"\nhas = ‹\"lz\""), "not a set of rights"),
        (format!("{table}zone = \"x\"\nowner = \"self\"\npath = \"mail\"\nhas = \"lr\"\nlacks = \"rw\""), "none in both"),
        (format!("{table}zone = \"x\"\nowner = \"self\"\npath = \"mail\"\nhas = \"\""), "at least one right"),
        (format!("{table}zone = \"x\"\nsets = \"x\"\nallowed = true"), "missing field `path`"),
    ] {
        let before = &marked[..marked.find('‹').unwrap()];
        let place = (before.matches('\n').count() + 1, before.chars().rev().take_while(|c| *c != '\n').count() + 1);
        let error = Expectations::parse(&marked.replace('‹', "")).expect_err(&marked);
        assert!(error.message.contains(message), "{marked}\n{error}");
        assert_eq!((error.line, error.column), (Some(place.0), place.1), "{marked}\n{error}");
    }
}
