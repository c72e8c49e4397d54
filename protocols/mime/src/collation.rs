//! How texts are compared and ordered: the collation `i;unicode-casemap` of RFC 5051. Called by SEARCH, SORT and THREAD, and for the search
//! index, which must know of a text what SEARCH would see in it.
//!
//! The Unicode version is that of the libraries.

use icu_normalizer::DecomposingNormalizerBorrowed;
use std::borrow::Cow;

const NFKD: DecomposingNormalizerBorrowed<'static> = DecomposingNormalizerBorrowed::new_nfkd();

/// The octets that stand for a text in the collation: texts are equal or ordered as their keys are, and one is within another if its key
/// is. Each character is taken for itself, so the key of two texts in a row is the one's key and the other's.
// RFC 5051 section 2: title case by the simple mapping, decomposition, then i;octet.
pub fn collation_key(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        if text.bytes().any(|b| b.is_ascii_lowercase()) {
            return Cow::Owned(text.to_ascii_uppercase());
        }
        return Cow::Borrowed(text);
    }
    let mut key = String::with_capacity(text.len() + text.len() / 8);
    let mut octets = [0; 4];
    for c in text.chars() {
        if c.is_ascii() {
            key.push(c.to_ascii_uppercase());
            continue;
        }
        let titled = title(c);
        if is_whole(titled) {
            key.push(titled);
        } else {
            key.push_str(&NFKD.normalize(titled.encode_utf8(&mut octets)));
        }
    }
    Cow::Owned(key)
}

/// Has a character no decomposition? Asked of those that texts are full of. Hangul syllables have none in UnicodeData.txt, which is what
/// RFC 5051 goes by.
fn is_whole(c: char) -> bool {
    matches!(c, '\u{0}'..='\u{9f}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}')
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
            ("οδος", "ΟΔΟΣ"),
            ("ﬁn", "ﬁN"),
            ("", ""),
        ] {
            assert_eq!(collation_key(one), collation_key(other), "{one}");
        }
        assert_ne!(collation_key("straße"), collation_key("strasse"));
        assert_eq!(collation_key("한글"), "한글");
    }

    // RFC 5051 section 2, step (2).
    #[test]
    fn the_example_of_the_rfc_is_kept() {
        assert_eq!(collation_key("\u{1c4}"), "\u{44}\u{7a}\u{30c}");
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

        /// What the pieces of a text become stands side by side in what the text becomes.
        #[test]
        fn a_key_is_made_by_character(one in "[aAßİıΣσς é\u{301}\u{323}\u{345}ŉǅﬁ가]{0,6}", other in "[aAßİıΣσς é\u{301}\u{323}\u{345}ŉǅﬁ가]{0,6}") {
            prop_assert_eq!(collation_key(&format!("{one}{other}")).into_owned(), format!("{}{}", collation_key(&one), collation_key(&other)));
        }

        /// The quick way out is right.
        #[test]
        fn what_has_no_decomposition_has_none(c in any::<char>()) {
            if is_whole(c) && !('\u{ac00}'..='\u{d7a3}').contains(&c) {
                let mut octets = [0; 4];
                let text = &*c.encode_utf8(&mut octets);
                prop_assert_eq!(NFKD.normalize(text), text);
            }
        }

        #[test]
        fn no_text_panics(text in ".{0,30}") {
            let _ = collation_key(&text);
        }
    }
}
