//! `Content-Language` of a document (RFC 9110 section 8.5) and `DAV:getcontentlanguage` (RFC 4918 section 15.3), which are one.
//!
//! PUT keeps what was sent as the property that PROPPATCH sets too, and GET gives it out.

use crate::names::DAV;
use crate::xml::{Element, parse};
use octroi_gate::properties_of;
use octroi_model::Item;

/// The property, as the gate keeps it.
pub(crate) const KEY: &str = "{DAV:}getcontentlanguage";
/// Octets of a list of languages.
const BYTES_MAX: usize = 255;

/// Is it a list of language tags (RFC 5646 section 2.1), so that it can be a header and stand in XML as it is?
fn is_list(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-, ".contains(&byte);
    !text.is_empty() && text.len() <= BYTES_MAX && text.bytes().all(fits)
}

/// A `Content-Language` as the property; what is none is passed over.
pub(crate) fn to_keep(sent: &str) -> Option<String> {
    let sent = sent.trim();
    is_list(sent).then(|| format!("<getcontentlanguage xmlns=\"{DAV}\">{sent}</getcontentlanguage>"))
}

/// The `Content-Language` of a document that has one.
pub(crate) fn kept(item: &Item) -> Option<String> {
    let (_, text) = properties_of(item).into_iter().find(|(name, _)| *name == KEY)?;
    let element: Element = parse(text.as_bytes()).ok()?;
    let list = element.trimmed().to_owned();
    is_list(&list).then_some(list)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_list_of_languages_is_passed_over() {
        assert_eq!(to_keep(" fr, en-GB ").unwrap(), "<getcontentlanguage xmlns=\"DAV:\">fr, en-GB</getcontentlanguage>");
        for bad in ["", " ", "<fr/>", "fr;q=1", "é", &"x".repeat(256)] {
            assert_eq!(to_keep(bad), None, "{bad}");
        }
    }
}
