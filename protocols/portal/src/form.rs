//! The fields of a posted form (`application/x-www-form-urlencoded`). They may hold passwords, so they are wiped when they go.

use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

/// Octets of a form: a password, a label and a token fit many times over.
pub(crate) const FORM_BYTES_MAX: usize = 8 * 1024;
/// Fields of a form: a page of documents has 500 rows that can be ticked.
const FIELDS_MAX: usize = 520;
/// Characters of the longest code, a recovery code, without its dashes.
const CODE_CHARACTERS_MAX: usize = 16;

/// The fields.
#[derive(Default)]
pub(crate) struct Form(Vec<(String, Zeroizing<String>)>);

impl Form {
    /// Parse a body; `None` if it is none.
    pub(crate) fn parse(body: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(body).ok()?;
        let mut fields = Vec::new();
        for field in text.split('&').filter(|field| !field.is_empty()) {
            let (name, value) = field.split_once('=').unwrap_or((field, ""));
            fields.push((decode(name)?.to_string(), decode(value)?));
            if fields.len() > FIELDS_MAX {
                return None;
            }
        }
        Some(Self(fields))
    }

    /// The value of a field; empty if it is absent.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.all(name).next().unwrap_or("")
    }

    /// The values of a field that may come several times.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The lines of a field, without blanks round them and without empty ones.
    pub(crate) fn lines(&self, name: &str) -> Vec<&str> {
        self.get(name).lines().map(str::trim).filter(|line| !line.is_empty()).collect()
    }

    /// A one-time code as people type it.
    pub(crate) fn code(&self) -> String {
        self.get("code").chars().filter(|c| !c.is_whitespace() && *c != '-').take(CODE_CHARACTERS_MAX).collect()
    }
}

fn decode(text: &str) -> Option<Zeroizing<String>> {
    let spaced = Zeroizing::new(text.replace('+', " "));
    let decoded = percent_decode_str(&spaced).decode_utf8().ok()?;
    Some(Zeroizing::new(decoded.into_owned()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fields_are_decoded() {
        let form = Form::parse(b"address=l%C3%A9a%40a.example&password=a+b%2B&service=imap&service=files&empty&code=12+34%2056").unwrap();
        assert_eq!(form.get("address"), "léa@a.example");
        assert_eq!(form.get("password"), "a b+");
        assert_eq!(form.all("service").collect::<Vec<_>>(), ["imap", "files"]);
        assert_eq!((form.get("empty"), form.get("absent")), ("", ""));
        assert_eq!(form.code(), "123456");
        assert_eq!(Form::parse(b"code=abcd-efgh-2345-mnop").unwrap().code(), "abcdefgh2345mnop");
        assert!(Form::parse(b"a=%ff").is_none());
        assert!(Form::parse(&b"a=1&".repeat(FIELDS_MAX + 1)).is_none());
    }

    proptest! {
        #[test]
        fn nothing_panics(body in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = Form::parse(&body);
        }
    }
}
