//! The order of texts that IMAP sorts by: the collation `i;unicode-casemap` of RFC 5051. Called by SORT and THREAD.
//!
//! What is approximated: compatibility decomposition is Unicode's NFKD, so Hangul syllables are taken apart and combining marks are put
//! into their canonical order, which RFC 5051 leaves as they are; the Unicode version is that of the libraries.

use icu_normalizer::DecomposingNormalizerBorrowed;
use std::borrow::Cow;

const NFKD: DecomposingNormalizerBorrowed<'static> = DecomposingNormalizerBorrowed::new_nfkd();

/// The octets that stand for a text in the collation: texts are equal or ordered as their keys are.
// RFC 5051 section 2: title case by the simple mapping, decomposition, then i;octet.
pub fn collation_key(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        if text.bytes().any(|b| b.is_ascii_lowercase()) {
            return Cow::Owned(text.to_ascii_uppercase());
        }
        return Cow::Borrowed(text);
    }
    let titled: String = text.chars().map(title).collect();
    Cow::Owned(NFKD.normalize(&titled).into_owned())
}

/// The simple title-case mapping: one character for one.
fn title(c: char) -> char {
    match c {
        // The digraphs are the only ones whose title case is not their upper case; Georgian has none.
        'Ǆ'..='ǆ' => 'ǅ',
        'Ǉ'..='ǉ' => 'ǈ',
        'Ǌ'..='ǌ' => 'ǋ',
        'Ǳ'..='ǳ' => 'ǲ',
        'ა'..='ჿ' => c,
        _ => {
            let mut upper = c.to_uppercase();
            // Where upper case takes several characters, as with ß, the simple mapping has none.
            upper.next().filter(|_| upper.next().is_none()).unwrap_or(c)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_that_differ_in_case_only_are_equal() {
        for (one, other) in [
            ("Re: Embargo", "RE: EMBARGO"),
            ("été", "ÉTÉ"),
            ("e\u{301}te\u{301}", "été"),
            ("ǆ", "Ǆ"),
            ("ａｂ", "AB"),
            ("οδοσ", "ΟΔΟΣ"),
            ("", ""),
        ] {
            assert_eq!(collation_key(one), collation_key(other), "{one}");
        }
        assert_ne!(collation_key("straße"), collation_key("strasse"));
    }

    #[test]
    fn accents_stand_behind_their_letter() {
        let mut words = ["zone", "été", "Eta", "etz", "ÉTÉ", "a"];
        words.sort_by(|one, other| collation_key(one).cmp(&collation_key(other)));
        assert_eq!(words, ["a", "Eta", "etz", "été", "ÉTÉ", "zone"]);
    }

    proptest! {
        #[test]
        fn a_key_is_its_own_key_and_case_does_not_matter(text in "[a-zA-Zàéßœ ]{0,20}") {
            let key = collation_key(&text).into_owned();
            prop_assert_eq!(collation_key(&key), key.as_str());
            let upper = text.to_ascii_uppercase();
            prop_assert_eq!(collation_key(&upper), key.as_str());
        }

        #[test]
        fn no_text_panics(text in ".{0,30}") {
            let _ = collation_key(&text);
        }
    }
}
