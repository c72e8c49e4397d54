//! Path patterns.

use octroi_policy::{PATTERN_BYTES_MAX, Pattern, PatternError};
use proptest::prelude::*;
use std::time::{Duration, Instant};

#[test]
fn stars_match_within_and_across_segments() {
    for (pattern, fitting, other) in [
        ("mail/**", &["mail", "mail/INBOX", "mail/a/b/c"][..], &["mails", "files/mail", ""][..]),
        ("files/*", &["files/a", "files/"], &["files", "files/a/b"]),
        ("files/**/Actes/**", &["files/Actes", "files/Actes/x", "files/a/b/Actes/c"], &["files/Actes2", "files/a/actes", "files/a"]),
        ("files/*.pdf", &["files/.pdf", "files/a.pdf.pdf"], &["files/a.pdfx", "files/a/b.pdf"]),
        ("files/a*b*c", &["files/abc", "files/aXbYbZc"], &["files/acb", "files/abcd"]),
        ("**", &["", "mail", "mail/a/b"], &[]),
        ("*/x", &["mail/x", "files/x"], &["mail", "mail/x/y"]),
        ("files/d\u{e9}p*", &["files/d\u{e9}p\u{f4}t"], &["files/de\u{301}p"]),
    ] {
        let compiled = Pattern::parse(pattern).unwrap();
        for path in fitting {
            assert!(compiled.matches(path), "{pattern} {path}");
        }
        for path in other {
            assert!(!compiled.matches(path), "{pattern} {path}");
        }
    }
}

#[test]
fn what_is_no_pattern_is_refused() {
    for (text, why) in [
        ("", PatternError::EmptySegment),
        ("/mail", PatternError::EmptySegment),
        ("mail/", PatternError::EmptySegment),
        ("mail/a**", PatternError::Stars),
        ("mail/***", PatternError::Stars),
    ] {
        assert_eq!(Pattern::parse(text), Err(why), "{text}");
    }
    assert_eq!(Pattern::parse(&"x".repeat(PATTERN_BYTES_MAX + 1)), Err(PatternError::TooLong));
}

/// A backtracking matcher takes longer than the universe will last on each of these.
#[test]
fn hostile_patterns_take_no_time() {
    let started = Instant::now();
    let globs = format!("{}b", "a*".repeat(PATTERN_BYTES_MAX / 2 - 1));
    assert!(!Pattern::parse(&globs).unwrap().matches(&"a".repeat(8192)));
    let depths = format!("{}b", "**/a/".repeat(PATTERN_BYTES_MAX / 5 - 1));
    assert!(!Pattern::parse(&depths).unwrap().matches(&"a/".repeat(4096)));
    let both = format!("{}b", "**/*a*/".repeat(PATTERN_BYTES_MAX / 7 - 1));
    assert!(!Pattern::parse(&both).unwrap().matches(&format!("{}/", "a".repeat(255)).repeat(32)));
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
}

/// The definition, tried in every way.
fn oracle(pattern: &[&str], path: &[&str]) -> bool {
    match (pattern.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((&"**", rest)), _) => oracle(rest, path) || path.split_first().is_some_and(|(_, later)| oracle(pattern, later)),
        (Some((glob, rest)), Some((name, later))) => glob_oracle(glob.as_bytes(), name.as_bytes()) && oracle(rest, later),
        _ => false,
    }
}

fn glob_oracle(glob: &[u8], name: &[u8]) -> bool {
    match (glob.split_first(), name.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => glob_oracle(rest, name) || name.split_first().is_some_and(|(_, later)| glob_oracle(glob, later)),
        (Some((g, rest)), Some((n, later))) => g == n && glob_oracle(rest, later),
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]
    #[test]
    fn greed_finds_all_that_trying_everything_finds(
        pattern in proptest::collection::vec(prop_oneof![Just("**".to_owned()), "[ab]{1,2}", "\\*", "[ab]?\\*[ab]", "\\*[ab]\\*[ab]?"], 1..6),
        path in proptest::collection::vec("[ab]{1,3}", 1..7),
    ) {
        let compiled = Pattern::parse(&pattern.join("/")).unwrap();
        let expected = oracle(
            &pattern.iter().map(String::as_str).collect::<Vec<_>>(),
            &path.iter().map(String::as_str).collect::<Vec<_>>(),
        );
        prop_assert_eq!(compiled.matches(&path.join("/")), expected);
    }

    #[test]
    fn no_text_panics(pattern in "[a*/é]{0,20}", path in ".{0,20}") {
        if let Ok(pattern) = Pattern::parse(&pattern) {
            pattern.matches(&path);
        }
    }
}
