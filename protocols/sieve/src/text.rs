//! Strings of a script with variables in them (RFC 5229 section 3), and the escapes of encoded-character (RFC 5228 section 2.4.2.4).

use std::collections::HashMap;

/// A string: its pieces are put together when it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Literal(String),
    /// In lower case.
    Variable(String),
    /// `${1}` and the like.
    Matched(usize),
}

impl Text {
    /// A string without variables.
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self(vec![Piece::Literal(text.into())])
    }

    /// A string in which variables count. Fails on a namespace, since no extension of ours has one (RFC 5229 section 3).
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            let (before, from) = rest.split_at(at);
            literal.push_str(before);
            let Some((name, after)) = variable(&from[2..]) else {
                // RFC 5229 section 3: what is no reference stands for itself.
                literal.push_str("${");
                rest = &from[2..];
                continue;
            };
            if name.contains('.') {
                return Err(format!("there are no variables such as `{name}`: no extension here has a namespace"));
            }
            pieces.push(Piece::Literal(std::mem::take(&mut literal)));
            pieces.push(match name.parse() {
                Ok(number) => Piece::Matched(number),
                // More digits than any number of wildcards.
                Err(_) if name.starts_with(|c: char| c.is_ascii_digit()) => Piece::Matched(usize::MAX),
                Err(_) => Piece::Variable(name.to_ascii_lowercase()),
            });
            rest = after;
        }
        literal.push_str(rest);
        pieces.push(Piece::Literal(literal));
        pieces.retain(|piece| !matches!(piece, Piece::Literal(text) if text.is_empty()));
        Ok(Self(pieces))
    }

    /// What it is, if it has no variables.
    pub(crate) fn constant(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Piece::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// What it is now, cut to so many octets.
    pub(crate) fn expand(&self, variables: &Variables, bytes_max: usize) -> String {
        let mut out = String::new();
        for piece in &self.0 {
            out.push_str(match piece {
                Piece::Literal(text) => text,
                Piece::Variable(name) => variables.named.get(name).map_or("", String::as_str),
                Piece::Matched(number) => variables.matched.get(*number).map_or("", String::as_str),
            });
            if out.len() > bytes_max && self.constant().is_none() {
                cut(&mut out, bytes_max);
                break;
            }
        }
        out
    }
}

/// The values of one run.
#[derive(Debug, Default)]
pub(crate) struct Variables {
    pub(crate) named: HashMap<String, String>,
    /// Of the last `:matches` that held: the whole, then each wildcard.
    pub(crate) matched: Vec<String>,
}

/// Shorten to at most so many octets, at a character's end.
pub(crate) fn cut(text: &mut String, bytes_max: usize) {
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
}

/// The name in `name}…`, and what follows.
fn variable(text: &str) -> Option<(&str, &str)> {
    let (name, after) = text.split_once('}')?;
    let is_number = !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit());
    (is_number || name.split('.').all(is_identifier)).then_some((name, after))
}

/// RFC 5228 section 8.1.
pub(crate) fn is_identifier(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// `${hex: …}` and `${unicode: …}` replaced by what they stand for; what is neither stays. Fails on what is no character and on octets that
/// are not UTF-8 together.
pub(crate) fn decode_characters(text: &str) -> Result<String, String> {
    let mut out: Vec<u8> = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        let from = &rest[at..];
        if let Some((octets, after)) = escape(&from[2..])? {
            out.extend(octets);
            rest = after;
        } else {
            out.extend_from_slice(b"${");
            rest = &from[2..];
        }
    }
    out.extend_from_slice(rest.as_bytes());
    String::from_utf8(out).map_err(|_| "the octets of `${hex:…}` are not UTF-8".to_owned())
}

fn escape(text: &str) -> Result<Option<(Vec<u8>, &str)>, String> {
    let Some((inner, after)) = text.split_once('}') else { return Ok(None) };
    let Some((kind, list)) = inner.split_once(':') else { return Ok(None) };
    let digits_max = match kind.to_ascii_lowercase().as_str() {
        "hex" => 2,
        "unicode" => 6,
        _ => return Ok(None),
    };
    let mut octets = Vec::new();
    let mut any = false;
    for word in list.split_ascii_whitespace() {
        any = true;
        let digits = if digits_max == 6 { word.trim_start_matches('0') } else { word };
        let is_hex = word.bytes().all(|b| b.is_ascii_hexdigit());
        if !is_hex || digits.len() > digits_max {
            // RFC 5228 section 2.4.2.4: what is not of this form is text; a number that is no character is a fault.
            return if is_hex && digits_max == 6 { Err(format!("`{word}` is no character")) } else { Ok(None) };
        }
        let number = u32::from_str_radix(word.trim_start_matches('0'), 16).unwrap_or(0);
        if digits_max == 2 {
            octets.push(number as u8);
        } else {
            let character = char::from_u32(number).ok_or_else(|| format!("`{word}` is no character"))?;
            octets.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
    Ok(any.then_some((octets, after)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(text: &str) -> String {
        let mut variables = Variables::default();
        variables.named.insert("company".to_owned(), "ACME".to_owned());
        variables.matched = vec!["whole".to_owned(), "one".to_owned()];
        Text::parse(text).unwrap().expand(&variables, 1000)
    }

    /// RFC 5229 section 3.
    #[test]
    fn examples_of_rfc_5229() {
        for (text, value) in [
            ("&%${}!", "&%${}!"),
            ("${doh!}", "${doh!}"),
            ("${company}", "ACME"),
            ("${BAD${Company}", "${BADACME"),
            ("${President, ${Company} Inc.}", "${President, ACME Inc.}"),
            ("${1}${2}-${01}", "one-one"),
            ("${99999999999999999999999}", ""),
        ] {
            assert_eq!(expanded(text), value, "{text}");
        }
        assert!(Text::parse("${foo.bar}").is_err());
    }

    /// RFC 5228 section 2.4.2.4.
    #[test]
    fn examples_of_encoded_characters() {
        for (text, value) in [
            ("$${hex:40}", "$@"),
            ("${hex: 40 }", "@"),
            ("${HEX: 40}", "@"),
            ("${hex:40", "${hex:40"),
            ("${hex:400}", "${hex:400}"),
            ("${hex:4${hex:30}}", "${hex:40}"),
            ("${unicode:40}", "@"),
            ("${ unicode:40}", "${ unicode:40}"),
            ("${UNICODE:40}", "@"),
            ("${UnICoDE:0000040}", "@"),
            ("${Unicode:40}", "@"),
            ("${Unicode:Cool}", "${Unicode:Cool}"),
            ("${unicode:200B}", "\u{200b}"),
            ("${hex: C3 A9}", "é"),
        ] {
            assert_eq!(decode_characters(text).as_deref(), Ok(value), "{text}");
        }
        assert!(decode_characters("${unicode:110000}").is_err());
        assert!(decode_characters("${unicode:d800}").is_err());
        assert!(decode_characters("${hex:ff}").is_err());
    }
}
