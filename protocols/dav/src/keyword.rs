//! Keywords of documents as properties: `$Validated` of the gate is `Validated` in the namespace `urn:octroi:keyword`, with the value 1.
//!
//! Called by PROPPATCH, which sets and clears them, and by whatever describes a document. IMAP knows the same keywords as flags.

use crate::names::KEYWORD;
use crate::xml::ElementName;
use octroi_gate::KEYWORD_BYTES_MAX;

/// The value of each that is set.
pub(crate) const SET: &str = "1";

/// The gate's keyword of a property; `None` if it is no property of ours, or its name cannot be a keyword.
pub(crate) fn keyword_of(name: &ElementName) -> Option<String> {
    let clean = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let fits = name.namespace == KEYWORD && name.local.len() < KEYWORD_BYTES_MAX && name.local.chars().all(clean);
    fits.then(|| format!("${}", name.local))
}

/// The property of a keyword; `None` for what was never set as one.
pub(crate) fn property_of(keyword: &str) -> Option<ElementName> {
    let local = keyword.strip_prefix('$')?;
    let name = ElementName { namespace: KEYWORD.to_owned(), local: local.to_owned() };
    keyword_of(&name).map(|_| name)
}

/// Is the property set, by the keywords of a document? They are the same in any case of letters (RFC 9051 section 2.3.2).
pub(crate) fn is_set(name: &ElementName, marks: &[String]) -> bool {
    keyword_of(name).is_some_and(|keyword| marks.iter().any(|mark| mark.eq_ignore_ascii_case(&keyword)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn keywords_and_properties_go_both_ways() {
        let name = property_of("$Validated").unwrap();
        assert_eq!((name.namespace.as_str(), name.local.as_str()), (KEYWORD, "Validated"));
        assert_eq!(keyword_of(&name).as_deref(), Some("$Validated"));
        assert!(is_set(&name, &["$VALIDATED".to_owned()]) && !is_set(&name, &["$Valid".to_owned()]));
        for (namespace, local) in [("DAV:", "Validated".to_owned()), (KEYWORD, "é".to_owned()), (KEYWORD, "x".repeat(KEYWORD_BYTES_MAX))] {
            assert!(keyword_of(&ElementName { namespace: namespace.to_owned(), local }).is_none());
        }
        assert!(property_of("NonJunk").is_none() && property_of("$a b").is_none());
    }
}
