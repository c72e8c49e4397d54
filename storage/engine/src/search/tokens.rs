//! Cutting text into tokens so that the text is their concatenation, and a needle into the same tokens.
//!
//! Used on both sides: when a document is taken in, and when a needle is looked for. A maximal run of alphanumerics and of marks
//! that are set on them is a word; every other run is a token of its own, except that a single space between two words is not written: two words in a row mean just that. So
//! whether a text contains a needle is a question about adjacent tokens, whatever the separators are.

/// The separator that is not written.
const IMPLIED: &str = " ";

/// A token and where it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) text: &'a str,
    /// Byte offset in the text.
    pub(crate) start: usize,
}

/// The tokens of a text.
#[derive(Debug, Clone)]
pub(crate) struct Tokens<'a> {
    text: &'a str,
    at: usize,
}

/// The tokens of a text, which is a collation key already.
pub(crate) fn tokens(text: &str) -> Tokens<'_> {
    Tokens { text, at: 0 }
}

impl<'a> Tokens<'a> {
    fn run(&mut self) -> Option<Token<'a>> {
        let start = self.at;
        let rest = &self.text[start..];
        let is_word = is_of_words(rest.chars().next()?);
        // Most characters are one octet; what is not is looked at as a character.
        let mut length = rest.bytes().take_while(|octet| octet.is_ascii() && octet.is_ascii_alphanumeric() == is_word).count();
        if rest.as_bytes().get(length).is_some_and(|octet| !octet.is_ascii()) {
            let later = rest[length..].char_indices().find(|(_, c)| is_of_words(*c) != is_word);
            length = later.map_or(rest.len(), |(at, _)| length + at);
        }
        self.at = start + length;
        Some(Token { text: &rest[..length], start })
    }
}

/// Does a character stand in words? Accents do, which collation keys have apart from their letters: otherwise each would cut a word in three.
fn is_of_words(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '\u{300}'..='\u{36f}' | '\u{3099}'..='\u{309a}')
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;
    fn next(&mut self) -> Option<Token<'a>> {
        let token = self.run()?;
        // What stands between the ends of a text stands between words, as runs are maximal.
        if token.text == IMPLIED && token.start > 0 && self.at < self.text.len() { self.run() } else { Some(token) }
    }
}

/// How a token of a needle must match one of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fit {
    /// It is that token.
    Exact,
    /// The text's token ends so.
    Suffix,
    /// The text's token begins so.
    Prefix,
    /// It stands somewhere in the text's token.
    Inside,
}

/// A needle as tokens that must be adjacent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Phrase {
    pub(crate) tokens: Vec<(String, Fit)>,
    /// A match is a match. Otherwise the text must be looked at: a space at an end of the needle may be a written or an implied one.
    pub(crate) is_certain: bool,
}

/// What to look for. `None` when tokens cannot say anything: the needle is a single space. An empty needle has no tokens.
pub(crate) fn phrase(needle: &str) -> Option<Phrase> {
    if needle == IMPLIED {
        return None;
    }
    let mut cut: Vec<&str> = tokens(needle).map(|token| token.text).collect();
    let (mut opens_left, mut opens_right) = (true, true);
    if cut.len() > 1 && cut[0] == IMPLIED {
        cut.remove(0);
        opens_left = false;
    }
    if cut.len() > 1 && cut[cut.len() - 1] == IMPLIED {
        cut.pop();
        opens_right = false;
    }
    let last = cut.len().saturating_sub(1);
    let fit = |at| match (at == 0 && opens_left, at == last && opens_right) {
        (true, true) => Fit::Inside,
        (true, false) => Fit::Suffix,
        (false, true) => Fit::Prefix,
        (false, false) => Fit::Exact,
    };
    let tokens = cut.iter().enumerate().map(|(at, text)| ((*text).to_owned(), fit(at))).collect();
    Some(Phrase { tokens, is_certain: opens_left && opens_right })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<&str> {
        tokens(text).map(|token| token.text).collect()
    }

    #[test]
    fn a_single_space_between_words_is_implied() {
        assert_eq!(cut("quota embargo"), ["quota", "embargo"]);
        assert_eq!(cut("quota  embargo, x"), ["quota", "  ", "embargo", ", ", "x"]);
        assert_eq!(cut(" a b "), [" ", "a", "b", " "]);
        assert_eq!(cut(" "), [" "]);
        assert_eq!(cut(""), [""; 0]);
        assert_eq!(cut("l'e\u{301}tat\u{301}—か\u{3099}"), ["l", "'", "e\u{301}tat\u{301}", "—", "か\u{3099}"]);
    }

    #[test]
    fn needles_are_cut_alike() {
        let certain = |needle: &str| phrase(needle).map(|phrase| (phrase.tokens, phrase.is_certain));
        let token = |text: &str, fit| (text.to_owned(), fit);
        assert_eq!(certain("a b c"), Some((vec![token("a", Fit::Suffix), token("b", Fit::Exact), token("c", Fit::Prefix)], true)));
        assert_eq!(certain("a"), Some((vec![token("a", Fit::Inside)], true)));
        assert_eq!(certain(" a "), Some((vec![token("a", Fit::Exact)], false)));
        assert_eq!(certain(", a"), Some((vec![token(", ", Fit::Suffix), token("a", Fit::Prefix)], true)));
        assert_eq!(certain("  "), Some((vec![token("  ", Fit::Inside)], true)));
        assert_eq!(certain(""), Some((vec![], true)));
        assert_eq!(certain(" "), None);
    }
}
