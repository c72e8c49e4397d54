//! Who a message is from and to, as a list of messages shows it. Called by IMAP when it orders a mailbox by that.

use crate::words::decoded_header;
use std::borrow::Cow;

/// Octets of a name that count; what is longer is cut.
const NAME_BYTES_MAX: usize = 255;

/// What is shown of the first entry of `From` and of `To`, from an ENVELOPE as the facts hold it: the name, else the address; of a group its
/// name. Empty where there is none.
// RFC 5957 section 3.
pub fn display_names(envelope: &[u8]) -> [String; 2] {
    let mut rest = Rest(envelope);
    let read = |rest: &mut Rest<'_>| {
        // What stands before From: the date and the subject.
        rest.open()?;
        rest.value()?;
        rest.value()?;
        let from = rest.first()?;
        // Sender and Reply-To.
        rest.value()?;
        rest.value()?;
        Some([from, rest.first()?])
    };
    read(&mut rest).unwrap_or_default()
}

/// What is left of an envelope that we wrote ourselves; whatever else it is, nothing here panics.
struct Rest<'a>(&'a [u8]);

/// A string, or NIL.
struct Text<'a>(Option<Cow<'a, [u8]>>);

impl<'a> Rest<'a> {
    /// An opening bracket, if it is next.
    fn open(&mut self) -> Option<()> {
        self.0 = self.0.strip_prefix(b"(")?;
        Some(())
    }

    /// The name to show of the first of a list of addresses; reads the whole list.
    fn first(&mut self) -> Option<String> {
        let mut list = Rest(self.0);
        self.value()?;
        if list.open().is_none() {
            // NIL.
            return Some(String::new());
        }
        list.open()?;
        let (Text(name), _route) = (list.string()?, list.string()?);
        let (Text(local), Text(domain)) = (list.string()?, list.string()?);
        let name = name.map(|name| decoded_header(&name)).filter(|name| !name.trim().is_empty());
        Some(match (name, local, domain) {
            (Some(name), _, _) => cut(name.trim()),
            (None, Some(local), Some(domain)) => cut(&String::from_utf8_lossy(&[&local, &b"@"[..], &domain].concat())),
            // A group: its name stands where the local part would.
            (None, Some(group), None) => cut(decoded_header(&group).trim()),
            (None, None, _) => String::new(),
        })
    }

    /// Pass over a string, NIL or a list, however deep, and the space behind it.
    fn value(&mut self) -> Option<()> {
        let mut depth = 0;
        loop {
            match self.0.first()? {
                b'(' => {
                    depth += 1;
                    self.0 = &self.0[1..];
                }
                b')' => {
                    depth -= 1;
                    self.0 = &self.0[1..];
                }
                b' ' => self.0 = &self.0[1..],
                _ => {
                    self.string()?;
                }
            }
            if depth <= 0 {
                self.0 = self.0.strip_prefix(b" ").unwrap_or(self.0);
                return Some(());
            }
        }
    }

    /// A string or NIL, and the space behind it.
    fn string(&mut self) -> Option<Text<'a>> {
        let read = match self.0.first()? {
            b'"' => Some(self.quoted()?),
            b'{' => {
                let end = memchr::memchr(b'}', self.0)?;
                let length: usize = std::str::from_utf8(self.0.get(1..end)?).ok()?.parse().ok()?;
                let start = end + b"}\r\n".len();
                let octets = self.0.get(start..start.checked_add(length)?)?;
                self.0 = &self.0[start + length..];
                Some(Cow::Borrowed(octets))
            }
            _ => {
                self.0 = self.0.strip_prefix(b"NIL")?;
                None
            }
        };
        self.0 = self.0.strip_prefix(b" ").unwrap_or(self.0);
        Some(Text(read))
    }

    fn quoted(&mut self) -> Option<Cow<'a, [u8]>> {
        let mut text = Vec::new();
        let mut octets = self.0.iter().enumerate().skip(1);
        loop {
            match octets.next()? {
                (at, b'"') => {
                    self.0 = &self.0[at + 1..];
                    return Some(Cow::Owned(text));
                }
                (_, b'\\') => text.push(*octets.next()?.1),
                (_, octet) => text.push(*octet),
            }
        }
    }
}

fn cut(name: &str) -> String {
    name[..name.floor_char_boundary(NAME_BYTES_MAX)].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts;
    use proptest::prelude::*;

    fn shown(header: &str) -> [String; 2] {
        display_names(&facts(header.as_bytes()).envelope)
    }

    #[test]
    fn names_are_shown_as_people_read_them() {
        for (field, name) in [
            ("Ren\u{e9}e <r@x.test>", "Ren\u{e9}e"),
            ("=?utf-8?q?Ren=C3=A9e?= <r@x.test>, b@x.test", "Ren\u{e9}e"),
            ("\"Doe, \\\"Jane\\\" (x)\" <j@x.test>", "Doe, \"Jane\" (x)"),
            ("j@x.test", "j@x.test"),
            ("\" \" <j@x.test>", "j@x.test"),
            ("team: a@x.test, b@x.test;", "team"),
            ("", ""),
        ] {
            let header = format!("Date: x\r\nSubject: (\"\r\nFrom: {field}\r\nSender: \"a (b\" <s@x.test>\r\nTo: {field}\r\n\r\n");
            assert_eq!(shown(&header), [name, name], "{field}");
        }
        assert_eq!(shown("To: a@x.test\r\n\r\n"), [String::new(), "a@x.test".to_owned()]);
        assert_eq!(shown(&format!("From: {} <a@x.test>\r\n\r\n", "\u{e9}".repeat(2_000)))[0].len(), NAME_BYTES_MAX - 1);
    }

    proptest! {
        #[test]
        fn no_octets_panic(envelope in proptest::collection::vec(proptest::sample::select(&b"()\"\\{}0123 NILab\r\n"[..]), 0..80)) {
            let _ = display_names(&envelope);
        }
    }
}
