//! Calendar user addresses: who an ORGANIZER or ATTENDEE is. `mailto:` is compared as an address, in any case.

use crate::tree::Entry;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// The addresses of one person, as keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Addresses(BTreeSet<String>);

impl Addresses {
    /// Of mail addresses or URIs.
    pub fn of<'s>(addresses: impl IntoIterator<Item = &'s str>) -> Self {
        Self(addresses.into_iter().map(address_key).collect())
    }

    /// Is the property's calendar user this person?
    pub fn are(&self, entry: &Entry<'_>) -> bool {
        self.0.contains(&user_of(entry))
    }

    /// Is this one of them, as [`address_key`] makes it?
    pub fn contains(&self, key: &str) -> bool {
        self.0.contains(key)
    }
}

/// Who an ORGANIZER or ATTENDEE is: what is equal is the same person. A mail address in lower case if there is one.
pub(super) fn user_of(entry: &Entry<'_>) -> String {
    let value = entry.value().trim();
    if !is_mailto(value) {
        // Apple's clients write URIs of principals, and the address beside them (also RFC 7986 section 6.2).
        if let Some(email) = entry.param("EMAIL").filter(|email| email.contains('@')) {
            return address_key(email);
        }
    }
    address_key(value)
}

/// An address as it is compared.
pub fn address_key(address: &str) -> String {
    let address = address.trim();
    let bare = if is_mailto(address) { &address[7..] } else { address };
    // RFC 6068: what follows a question mark is no part of the address.
    let bare = if is_mailto(address) { bare.split('?').next().unwrap_or(bare) } else { bare };
    decoded(bare).to_lowercase()
}

fn is_mailto(value: &str) -> bool {
    value.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("mailto:"))
}

/// Without `%40` and the like; as it stands if that makes no text.
fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let octets = text.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(octets.len()), 0);
    while at < octets.len() {
        let code = (octets[at] == b'%').then(|| text.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok())).flatten();
        out.push(code.unwrap_or(octets[at]));
        at += if code.is_some() { 3 } else { 1 };
    }
    String::from_utf8(out).map_or(Cow::Borrowed(text), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_person_in_several_writings() {
        for same in
            ["mailto:lea@douane.example", "MAILTO:Lea@Douane.example", "lea@douane.example", "mailto:lea%40douane.example?subject=x"]
        {
            assert_eq!(address_key(same), "lea@douane.example", "{same}");
        }
        assert_eq!(address_key("/principals/lea/"), "/principals/lea/");
        assert_eq!(address_key("a%zz%é"), "a%zz%é");
        let octets = b"BEGIN:X\r\nATTENDEE;EMAIL=Lea@douane.example:/aBc/principal/\r\nEND:X\r\n";
        let tree = crate::Tree::read(octets).unwrap();
        assert!(Addresses::of(["mailto:lea@douane.example"]).are(&tree.components[0].properties[0]));
    }
}
