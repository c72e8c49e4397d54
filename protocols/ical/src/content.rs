//! One content line: name, parameters, value. Called for the unfolded text of a logical line.
//!
//! Lenient where real programs are: a vCard group before the name, parameters without a value, a quote inside a value.

use crate::limits::{PARAM_VALUES_MAX, PARAMS_MAX};
use std::fmt;

/// A content line taken apart (RFC 5545 section 3.1, RFC 6350 section 3.3). All are slices of the unfolded text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentLine<'t> {
    /// vCard's group: what stands before a dot.
    pub group: Option<&'t str>,
    /// The name as written.
    pub name: &'t str,
    /// The parameters in their order.
    pub params: Vec<Param<'t>>,
    /// What follows the colon; escapes are left as they are.
    pub value: &'t str,
}

/// A parameter of a content line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Param<'t> {
    /// The name as written.
    pub name: &'t str,
    /// The values without their quotes; none when there was no `=`, as old vCards have it.
    pub values: Vec<&'t str>,
}

/// A parameter that owns its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnedParam {
    /// In upper case.
    pub name: String,
    /// The values without their quotes.
    pub values: Vec<String>,
}

/// Why a line is no content line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineFault {
    /// Not UTF-8 even without its folds.
    NotUtf8,
    /// A control character, which neither format nor XML can carry.
    Control,
    /// No name, or a character that no name has.
    Name,
    /// No colon outside quotes.
    NoColon,
    /// A quote that is not closed.
    OpenQuote,
    /// More parameters than [`PARAMS_MAX`] or values than [`PARAM_VALUES_MAX`].
    TooMany,
}

impl fmt::Display for LineFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotUtf8 => "it is not UTF-8",
            Self::Control => "it contains a control character",
            Self::Name => "it has no valid name",
            Self::NoColon => "it has no colon",
            Self::OpenQuote => "a quote is not closed",
            Self::TooMany => "it has too many parameters",
        })
    }
}

impl<'t> ContentLine<'t> {
    /// Takes an unfolded line apart.
    pub fn parse(unfolded: &'t [u8]) -> Result<Self, LineFault> {
        Self::of(std::str::from_utf8(unfolded).map_err(|_| LineFault::NotUtf8)?)
    }

    /// Takes the text of an unfolded line apart.
    pub fn of(text: &'t str) -> Result<Self, LineFault> {
        // RFC 5545 section 3.1: CONTROL stands nowhere; a tab does.
        if text.bytes().any(|b| (b < b' ' && b != b'\t') || b == 0x7f) {
            return Err(LineFault::Control);
        }
        let head = text.find([';', ':']).ok_or(LineFault::NoColon)?;
        let (group, name) = match text[..head].rsplit_once('.') {
            Some((group, name)) => (Some(group), name),
            None => (None, &text[..head]),
        };
        if !is_name(name) || group.is_some_and(|group| !is_name(group)) {
            return Err(LineFault::Name);
        }
        let mut scanner = Scanner { text, at: head };
        let mut params = Vec::new();
        while scanner.take(b';') {
            if params.len() == PARAMS_MAX {
                return Err(LineFault::TooMany);
            }
            params.push(scanner.param()?);
        }
        // A parameter ends at `;` or `:` only.
        if !scanner.take(b':') {
            return Err(LineFault::NoColon);
        }
        Ok(Self { group, name, params, value: &text[scanner.at..] })
    }

    /// Whether it has that name, in any case.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// The first value of a parameter.
    pub fn param(&self, name: &str) -> Option<&'t str> {
        let param = self.params.iter().find(|param| param.name.eq_ignore_ascii_case(name))?;
        param.values.first().copied()
    }

    /// The parameters with their own text.
    pub fn owned_params(&self) -> Vec<OwnedParam> {
        let owned = |param: &Param<'_>| OwnedParam {
            name: param.name.to_ascii_uppercase(),
            values: param.values.iter().map(|value| (*value).to_owned()).collect(),
        };
        self.params.iter().map(owned).collect()
    }
}

/// RFC 5545's name, with the underscore that some programs put into theirs.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

struct Scanner<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Scanner<'t> {
    fn take(&mut self, mark: u8) -> bool {
        let found = self.text.as_bytes().get(self.at) == Some(&mark);
        self.at += usize::from(found);
        found
    }

    /// Up to the next of these marks; to the end of the line when there is none.
    fn until(&mut self, marks: &[char]) -> &'t str {
        let rest = &self.text[self.at..];
        let length = rest.find(marks).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    fn param(&mut self) -> Result<Param<'t>, LineFault> {
        let name = self.until(&['=', ';', ':']);
        let mut values = Vec::new();
        if self.take(b'=') {
            loop {
                if values.len() == PARAM_VALUES_MAX {
                    return Err(LineFault::TooMany);
                }
                values.push(self.param_value()?);
                if !self.take(b',') {
                    break;
                }
            }
        }
        Ok(Param { name, values })
    }

    fn param_value(&mut self) -> Result<&'t str, LineFault> {
        let start = self.at;
        if !self.take(b'"') {
            return Ok(self.until(&[',', ';', ':']));
        }
        let quoted = self.until(&['"']);
        if !self.take(b'"') {
            return Err(LineFault::OpenQuote);
        }
        if self.until(&[',', ';', ':']).is_empty() {
            return Ok(quoted);
        }
        // Something behind the closing quote: then the quotes are part of it.
        Ok(&self.text[start..self.at])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn examples_of_rfc_5545() {
        // Section 3.2: quoted and listed values.
        let line = ContentLine::parse(
            b"ATTENDEE;RSVP=TRUE;ROLE=REQ-PARTICIPANT;DELEGATED-TO=\"mailto:jdoe@example.com\",\"mailto:jqpublic@example.com\":mailto:jsmith@example.com",
        )
        .unwrap();
        assert!(line.is("attendee"));
        assert_eq!(line.param("rsvp"), Some("TRUE"));
        assert_eq!(line.params[2].values, ["mailto:jdoe@example.com", "mailto:jqpublic@example.com"]);
        assert_eq!(line.value, "mailto:jsmith@example.com");
        let line = ContentLine::parse(b"DESCRIPTION;ALTREP=\"cid:part1.0001@example.org\":The Fall'98 Wild; Wizards: Conference").unwrap();
        assert_eq!(line.param("ALTREP"), Some("cid:part1.0001@example.org"));
        assert_eq!(line.value, "The Fall'98 Wild; Wizards: Conference");
    }

    #[test]
    fn what_vcards_have() {
        let line = ContentLine::parse("item1.TEL;HOME;type=VOICE,pref:+33 1 23".as_bytes()).unwrap();
        assert_eq!((line.group, line.name, line.value), (Some("item1"), "TEL", "+33 1 23"));
        assert_eq!(line.params[0], Param { name: "HOME", values: vec![] });
        assert_eq!(line.params[1].values, ["VOICE", "pref"]);
        let line = ContentLine::parse(b"X;T=\"a\\\"b\";U=:").unwrap();
        assert_eq!(line.param("T"), Some("\"a\\\"b\""));
        assert_eq!((line.param("U"), line.value), (Some(""), ""));
    }

    #[test]
    fn faults_are_told() {
        for (line, fault) in [
            (&b""[..], LineFault::NoColon),
            (b"no colon", LineFault::NoColon),
            (b"A;B=c", LineFault::NoColon),
            (b":x", LineFault::Name),
            (b"A B:x", LineFault::Name),
            (b".A:x", LineFault::Name),
            (b"A;B=\"c:x", LineFault::OpenQuote),
            (b"A:\xff", LineFault::NotUtf8),
            (b"A:\0", LineFault::Control),
        ] {
            assert_eq!(ContentLine::parse(line), Err(fault), "{line:?}");
        }
        let many = "A".to_owned() + &";B=c".repeat(PARAMS_MAX + 1) + ":";
        assert_eq!(ContentLine::parse(many.as_bytes()), Err(LineFault::TooMany));
        let many = "A;B=".to_owned() + &"c,".repeat(PARAM_VALUES_MAX) + ":";
        assert_eq!(ContentLine::parse(many.as_bytes()), Err(LineFault::TooMany));
    }

    /// The line put together again from its pieces.
    fn written(line: &ContentLine<'_>) -> String {
        let mut out = line.group.map(|group| format!("{group}.")).unwrap_or_default() + line.name;
        for param in &line.params {
            out += ";";
            out += param.name;
            for (at, value) in param.values.iter().enumerate() {
                out += if at == 0 { "=" } else { "," };
                let is_quoted = value.contains([',', ';', ':']);
                let quote = if is_quoted { "\"" } else { "" };
                out += &[quote, value, quote].concat();
            }
        }
        out + ":" + line.value
    }

    proptest! {
        #[test]
        fn pieces_make_the_same_line_again(
            line in "([a-z]{1,4}\\.)?[A-Z-]{1,6}(;[A-Z]{1,4}(=([a-zé ]{0,4}|\"[a-z]{0,3}[,;:][a-z]{0,3}\")(,[a-z]{1,3}){0,2})?){0,3}:[ -~é]{0,12}",
        ) {
            let parsed = ContentLine::parse(line.as_bytes()).unwrap();
            prop_assert_eq!(written(&parsed), line);
        }

        #[test]
        fn no_line_panics(line in "[A-C.;:=\",\\\\ é\t]{0,40}") {
            if let Ok(parsed) = ContentLine::parse(line.as_bytes()) {
                prop_assert!(line.ends_with(parsed.value));
            }
        }
    }
}
