//! Patterns of LIST and LSUB. Called by those two commands.
//!
//! The states of the pattern are all followed at once, so time is the product of the two lengths and never more: there is
//! nothing to back up to (`%*%*%*` against a long name has stopped servers).

/// Longer patterns match nothing: no mailbox name is that long, and the product above stays small.
const PATTERN_BYTES_MAX: usize = 1_024;

/// A pattern with its wildcards.
#[derive(Debug)]
pub(crate) struct Pattern(Vec<Step>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// This octet.
    Octet(u8),
    /// `%`: any octets but the separator.
    Level,
    /// `*`: any octets.
    Any,
}

impl Pattern {
    /// From UTF-8.
    pub(crate) fn new(text: &str) -> Self {
        let mut steps: Vec<Step> = Vec::new();
        for b in text.bytes() {
            let step = match b {
                b'%' => Step::Level,
                b'*' => Step::Any,
                b => Step::Octet(b),
            };
            match (steps.last(), step) {
                // A wildcard beside a wider one adds nothing.
                (Some(Step::Any), Step::Any | Step::Level) | (Some(Step::Level), Step::Level) => {}
                (Some(Step::Level), Step::Any) => *steps.last_mut().unwrap_or(&mut Step::Any) = Step::Any,
                _ => steps.push(step),
            }
        }
        Self(steps)
    }

    /// Does the pattern cover this name? The letters of a leading `INBOX` are compared without regard to case.
    pub(crate) fn matches(&self, name: &str) -> bool {
        let steps = &self.0;
        if steps.len() > PATTERN_BYTES_MAX {
            return false;
        }
        // RFC 9051 section 5.1: INBOX is case-insensitive, and so is the pattern that means it.
        let folded = if name == "INBOX" || name.starts_with("INBOX/") { 5 } else { 0 };
        // `alive[i]`: the octets so far can be covered by the first i steps.
        let mut alive = vec![false; steps.len() + 1];
        let mut next = alive.clone();
        alive[0] = true;
        skip_wildcards(steps, &mut alive);
        for (at, b) in name.bytes().enumerate() {
            next.fill(false);
            for (i, step) in steps.iter().enumerate().filter(|(i, _)| alive[*i]) {
                match step {
                    Step::Octet(wanted) if *wanted == b || (at < folded && wanted.eq_ignore_ascii_case(&b)) => next[i + 1] = true,
                    Step::Level if b != b'/' => next[i] = true,
                    Step::Any => next[i] = true,
                    _ => {}
                }
            }
            skip_wildcards(steps, &mut next);
            std::mem::swap(&mut alive, &mut next);
        }
        alive[steps.len()]
    }
}

/// A wildcard may cover nothing at all.
fn skip_wildcards(steps: &[Step], alive: &mut [bool]) {
    for (i, step) in steps.iter().enumerate() {
        if alive[i] && !matches!(step, Step::Octet(_)) {
            alive[i + 1] = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn naive(pattern: &[u8], name: &[u8]) -> bool {
        match pattern.split_first() {
            None => name.is_empty(),
            Some((b'*', rest)) => (0..=name.len()).any(|n| naive(rest, &name[n..])),
            Some((b'%', rest)) => (0..=name.len()).take_while(|n| !name[..*n].contains(&b'/')).any(|n| naive(rest, &name[n..])),
            Some((b, rest)) => name.first() == Some(b) && naive(rest, &name[1..]),
        }
    }

    #[test]
    fn wildcards_mean_what_the_rfc_says() {
        for (pattern, name, covered) in [
            ("*", "a/b/c", true),
            ("%", "a", true),
            ("%", "a/b", false),
            ("a/%", "a/b", true),
            ("a/%", "a/", true),
            ("%/%", "a/b/c", false),
            ("inbox", "INBOX", true),
            ("InBox/%", "INBOX/Projets", true),
            ("inbox/projets", "INBOX/Projets", false),
            ("inbox", "Inboxes", false),
            ("", "", true),
            ("", "a", false),
        ] {
            assert_eq!(Pattern::new(pattern).matches(name), covered, "{pattern} {name}");
        }
    }

    #[test]
    fn hostile_patterns_end_soon() {
        let begun = std::time::Instant::now();
        let name = "a".repeat(8_000);
        assert!(!Pattern::new(&format!("{}b", "%*a%*".repeat(10_000))).matches(&name));
        assert!(!Pattern::new(&format!("{}b", "*a".repeat(500))).matches(&name));
        assert!(begun.elapsed().as_secs() < 5);
    }

    proptest! {
        #[test]
        fn the_same_as_the_naive_matcher(pattern in "[ab/%*]{0,8}", name in "[ab/]{0,8}") {
            prop_assert_eq!(Pattern::new(&pattern).matches(&name), naive(pattern.as_bytes(), name.as_bytes()));
        }
    }
}
