//! The base subject: what is left of a subject without the marks of replies and forwards. Called by SORT and THREAD.
//!
//! One walk without recursion; every step takes at least an octet off, and none looks further than it takes off, so hostile subjects
//! take linear time too.

/// A subject as threads compare it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseSubject {
    /// Without the marks; empty when nothing but marks was there.
    pub text: String,
    /// A mark of a reply or a forward was taken off.
    pub is_reply: bool,
}

/// The base subject of a decoded subject.
// RFC 5256 section 2.1; the steps are numbered as there.
pub fn base_subject(decoded: &str) -> BaseSubject {
    let spaced = single_spaced(decoded);
    let mut text = &spaced[..];
    let mut is_reply = false;
    loop {
        // (2)
        text = text.trim_end_matches(' ');
        while let Some(before) = strip_end(text, "(fwd)") {
            text = before.trim_end_matches(' ');
            is_reply = true;
        }
        // (3) to (5)
        while let Some((after, had_mark)) = without_leader(text) {
            text = after;
            is_reply |= had_mark;
        }
        // (6)
        match strip_start(text, "[fwd:").and_then(|inner| inner.strip_suffix(']')) {
            Some(inner) => text = inner,
            None => break,
        }
        is_reply = true;
    }
    BaseSubject { text: text.to_owned(), is_reply }
}

/// (1): runs of white space are one space. A continuation was unfolded before.
fn single_spaced(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let c = if matches!(c, '\t' | '\r' | '\n') { ' ' } else { c };
        if c != ' ' || !out.ends_with(' ') {
            out.push(c);
        }
    }
    out
}

/// One round of (3) and (4): what follows a space, a mark with the blobs before it, or blobs that have text behind them; and whether it
/// was a mark. Nothing when the text begins with none of them.
fn without_leader(text: &str) -> Option<(&str, bool)> {
    if let Some(after) = text.strip_prefix(' ') {
        return Some((after, false));
    }
    // All blobs at once: taking them one by one would look at the rest of them each time.
    let mut after = text;
    let mut last = text;
    while let Some(next) = without_blob(after) {
        last = after;
        after = next;
    }
    if let Some(marked) = without_mark(after) {
        return Some((marked, true));
    }
    // (4): a blob stays when nothing would be left; so the last of them may have to.
    let kept = if after.is_empty() { last } else { after };
    (kept.len() < text.len()).then_some((kept, false))
}

/// `subj-refwd`: `Re`, `Fw` or `Fwd`, perhaps a blob, a colon.
fn without_mark(text: &str) -> Option<&str> {
    let after = strip_start(text, "fwd").or_else(|| strip_start(text, "fw")).or_else(|| strip_start(text, "re"))?;
    let after = after.trim_start_matches(' ');
    without_blob(after).unwrap_or(after).strip_prefix(':')
}

/// `subj-blob`: brackets without brackets inside, and the spaces behind them.
fn without_blob(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('[')?;
    let end = inner.find(['[', ']'])?;
    inner[end..].strip_prefix(']').map(|after| after.trim_start_matches(' '))
}

fn strip_start<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    text.get(..word.len()).filter(|start| start.eq_ignore_ascii_case(word)).map(|_| &text[word.len()..])
}

fn strip_end<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let at = text.len().checked_sub(word.len())?;
    text.get(at..).filter(|end| end.eq_ignore_ascii_case(word)).map(|_| &text[..at])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn base(text: &str) -> (String, bool) {
        let BaseSubject { text, is_reply } = base_subject(text);
        (text, is_reply)
    }

    #[test]
    fn marks_of_rfc_5256_are_taken_off() {
        for (text, rest, is_reply) in [
            ("manifest", "manifest", false),
            ("Re: manifest", "manifest", true),
            ("RE:manifest", "manifest", true),
            ("fw: Fwd : re[4]: manifest", "manifest", true),
            ("re [x] : manifest", "manifest", true),
            ("  a \t b\t ", "a b", false),
            ("manifest (fwd)", "manifest", true),
            ("manifest (FWD) (fwd) ", "manifest", true),
            ("[list] manifest", "manifest", false),
            ("[list] Re: [list] [b] manifest", "manifest", true),
            ("[list]", "[list]", false),
            ("[a] [b]", "[b]", false),
            ("[a][b] Re:", "", true),
            ("Re: [list]", "[list]", true),
            ("[Fwd: Re: manifest]", "manifest", true),
            ("[fwd: [Fwd: manifest (fwd)]]", "manifest", true),
            ("[fwd: manifest", "[fwd: manifest", false),
            ("[a[b] x", "[a[b] x", false),
            ("Re", "Re", false),
            ("Reply: x", "Reply: x", false),
            ("Re:", "", true),
            ("", "", false),
            ("(fwd)", "", true),
            ("é re: x", "é re: x", false),
            ("\u{e9}", "\u{e9}", false),
        ] {
            assert_eq!(base(text), (rest.to_owned(), is_reply), "{text}");
        }
    }

    #[test]
    fn a_megabyte_of_marks_takes_no_time() {
        for unit in ["[a]", "re:", "[fwd:", "(fwd)", "[", "re[", " ", "[a] ", "fwd [", "]"] {
            let _ = base_subject(&unit.repeat(1_000_000 / unit.len()));
            let _ = base_subject(&(unit.repeat(500_000 / unit.len()) + &"]".repeat(500_000)));
        }
    }

    proptest! {
        #[test]
        fn no_mark_is_left(text in "(re|fwd|Fw|\\[|\\]|:| |\\(fwd\\)|x|é|\t){0,12}") {
            let once = base_subject(&text);
            prop_assert!(!once.text.starts_with(' ') && !once.text.ends_with(' ') && !once.text.contains("  "));
            prop_assert_eq!(&base_subject(&once.text).text, &once.text);
        }
    }
}
