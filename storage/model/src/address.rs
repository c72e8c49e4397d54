//! Mail addresses as the server stores and compares them.

use icu_normalizer::ComposingNormalizerBorrowed;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// RFC 5321 section 4.5.3.1.1.
const LOCAL_BYTES_MAX: usize = 64;
/// RFC 5321 section 4.5.3.1.2.
const DOMAIN_BYTES_MAX: usize = 255;

/// An address with a local part and a domain. The domain is lower-case ASCII or UTF-8 in NFC (RFC 6531), the local part is unquoted and
/// keeps its case for the outside; [`Address::key`] is the form under which our own accounts are looked up.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Address {
    local: String,
    domain: String,
}

/// Why a text is not an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressError {
    /// No `@`, or nothing on one side of it.
    Incomplete,
    /// Longer than RFC 5321 allows.
    TooLong,
    /// A control character, space or bracket where none may stand.
    Character,
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Incomplete => "an address needs a local part and a domain",
            Self::TooLong => "the address is too long",
            Self::Character => "the address contains a character that is not allowed",
        })
    }
}

impl std::error::Error for AddressError {}

impl Address {
    /// From an already unquoted local part and a domain.
    pub fn new(local: &str, domain: &str) -> Result<Self, AddressError> {
        if local.is_empty() || domain.is_empty() {
            return Err(AddressError::Incomplete);
        }
        if local.len() > LOCAL_BYTES_MAX || domain.len() > DOMAIN_BYTES_MAX {
            return Err(AddressError::TooLong);
        }
        let domain = composed(&domain.to_lowercase()).into_owned();
        if local.chars().any(char::is_control) || !domain_is_clean(&domain) {
            return Err(AddressError::Character);
        }
        Ok(Self { local: local.to_owned(), domain })
    }

    /// The local part, unquoted.
    pub fn local(&self) -> &str {
        &self.local
    }

    /// The domain in lower case.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// What stands behind the `+` of the local part: `x` of `lea+x`. It chooses nothing by itself; scripts of the owner may look at it.
    pub fn detail(&self) -> Option<&str> {
        self.local.split_once('+').filter(|(base, _)| !base.is_empty()).map(|(_, detail)| detail)
    }

    /// The form under which an address of ours is looked up: local part in lower case and NFC (RFC 6532 section 3.1) without a `+detail`,
    /// domain as [`domain_key`] has it.
    pub fn key(&self) -> String {
        let local = self.local.to_lowercase();
        let base = match local.split_once('+') {
            Some((base, _)) if !base.is_empty() => base,
            _ => &local,
        };
        format!("{}@{}", composed(base), domain_key(&self.domain))
    }
}

/// One form for all ways to write a domain: lower case, internationalised labels in Unicode (U-labels of RFC 5890 section 2.3.2.1).
pub fn domain_key(domain: &str) -> Cow<'_, str> {
    if domain.is_ascii() && !domain.as_bytes().windows(4).any(|label| label.eq_ignore_ascii_case(b"xn--")) {
        return if domain.bytes().any(|octet| octet.is_ascii_uppercase()) {
            Cow::Owned(domain.to_ascii_lowercase())
        } else {
            Cow::Borrowed(domain)
        };
    }
    match idna::domain_to_unicode(domain) {
        (unicode, Ok(())) => Cow::Owned(unicode),
        // No name that DNS could have: it is compared as it is written.
        (_, Err(_)) => Cow::Owned(composed(&domain.to_lowercase()).into_owned()),
    }
}

fn composed(text: &str) -> Cow<'_, str> {
    if text.is_ascii() { Cow::Borrowed(text) } else { ComposingNormalizerBorrowed::new_nfc().normalize(text) }
}

fn domain_is_clean(domain: &str) -> bool {
    if let Some(literal) = domain.strip_prefix('[') {
        let inner = literal.strip_suffix(']').unwrap_or("");
        return !inner.is_empty() && inner.chars().all(|c| c.is_ascii_alphanumeric() || ":.-".contains(c));
    }
    domain.split('.').all(|label| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_')
    })
}

/// RFC 5321's Dot-string: what needs no quotes.
fn is_dot_string(local: &str) -> bool {
    local.split('.').all(|atom| {
        !atom.is_empty() && atom.chars().all(|c| !c.is_ascii() || c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c))
    })
}

impl FromStr for Address {
    type Err = AddressError;
    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (local, domain) = text.rsplit_once('@').ok_or(AddressError::Incomplete)?;
        if let Some(quoted) = local.strip_prefix('"').and_then(|l| l.strip_suffix('"')) {
            let mut plain = String::with_capacity(quoted.len());
            let mut chars = quoted.chars();
            while let Some(c) = chars.next() {
                match c {
                    '\\' => plain.push(chars.next().ok_or(AddressError::Character)?),
                    '"' => return Err(AddressError::Character),
                    _ => plain.push(c),
                }
            }
            return Self::new(&plain, domain);
        }
        if !local.is_empty() && !is_dot_string(local) {
            return Err(AddressError::Character);
        }
        Self::new(local, domain)
    }
}

/// The wire form: the local part quoted where RFC 5321 section 4.1.2 needs it.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_dot_string(&self.local) {
            return write!(f, "{}@{}", self.local, self.domain);
        }
        let escaped = self.local.replace('\\', "\\\\").replace('"', "\\\"");
        write!(f, "\"{escaped}\"@{}", self.domain)
    }
}

impl TryFrom<String> for Address {
    type Error = AddressError;
    fn try_from(text: String) -> Result<Self, AddressError> {
        text.parse()
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.to_string()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keys_fold_case_and_drop_details() {
        let address: Address = "Lea.Martin+Tarif@Douane.Example".parse().unwrap();
        assert_eq!(address.key(), "lea.martin@douane.example");
        assert_eq!(address.to_string(), "Lea.Martin+Tarif@douane.example");
    }

    #[test]
    fn one_address_has_one_key_however_it_is_written() {
        let key = |text: &str| text.parse::<Address>().unwrap().key();
        assert_eq!(key("Rene\u{301}+x@Bu\u{308}cher.example"), "ren\u{e9}@b\u{fc}cher.example");
        assert_eq!(key("REN\u{c9}@XN--BCHER-KVA.example"), "ren\u{e9}@b\u{fc}cher.example");
        assert_eq!(key("a@xn--bcher-kva.example"), key("A@B\u{dc}CHER.example"));
        // What is no A-label stays what it is.
        assert_eq!(key("a@xn--\u{e9}.example"), key("A@XN--\u{c9}.example"));
        assert_ne!(key("a@xn--zz.example"), key("a@zz.example"));
        assert_eq!("+x@a.example".parse::<Address>().unwrap().detail(), None);
        assert_eq!("lea+x+y@a.example".parse::<Address>().unwrap().detail(), Some("x+y"));
    }

    #[test]
    fn line_breaks_and_spaces_are_refused() {
        for bad in ["a b@c.example", "a\r\n@c.example", "a@c\r\nx", "@c", "a@", "a", "a@-c", "<a@c>"] {
            assert!(bad.parse::<Address>().is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_parses_to_the_same(local in "[ -~]{1,40}", domain in "[a-z]{1,8}\\.example") {
            let address = Address::new(&local, &domain).unwrap();
            prop_assert_eq!(address.to_string().parse::<Address>().unwrap(), address);
        }
    }
}
