//! The WebDAV `If` header (RFC 4918 section 10.4): parsed here, judged in `precondition`.

/// Lists in one header, and conditions in one list: the header itself is bounded, each tagged list costs a look-up.
const LISTS_MAX: usize = 32;
const CONDITIONS_MAX: usize = 32;

/// The lists of the header; one of them must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IfHeader(pub Vec<IfList>);

impl IfHeader {
    /// Every state token in it. RFC 4918 section 10.4.1: by standing here it is submitted, whatever comes of its condition.
    pub(crate) fn tokens(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flat_map(|list| &list.conditions).filter_map(|condition| match &condition.state {
            IfState::Token(token) => Some(token.as_str()),
            IfState::Etag(_) => None,
        })
    }
}

/// Conditions that must all hold for one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IfList {
    /// The resource's URL as it stands in the tag; `None` for the request's own.
    pub resource: Option<String>,
    /// What must hold.
    pub conditions: Vec<IfCondition>,
}

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IfCondition {
    /// It must not hold.
    pub not: bool,
    /// What.
    pub state: IfState,
}

/// What a condition compares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum IfState {
    /// A lock token or another state token.
    Token(String),
    /// A strong entity tag, without its quotes. A weak one never matches and is kept as `None`.
    Etag(Option<String>),
}

/// Parse the header; `None` if it is not one.
pub(crate) fn parse(header: &str) -> Option<IfHeader> {
    let mut rest = header.trim();
    let mut lists = Vec::new();
    let mut resource: Option<String> = None;
    let mut tag_used = true;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('<') {
            // Tagged and untagged lists do not mix, and a tag needs a list.
            if !tag_used || (resource.is_none() && !lists.is_empty()) {
                return None;
            }
            let (tag, after) = after.split_once('>')?;
            resource = Some(tag.to_owned());
            tag_used = false;
            rest = after.trim_start();
            continue;
        }
        let (conditions, after) = list(rest)?;
        lists.push(IfList { resource: resource.clone(), conditions });
        if lists.len() > LISTS_MAX {
            return None;
        }
        tag_used = true;
        rest = after.trim_start();
    }
    if lists.is_empty() || !tag_used { None } else { Some(IfHeader(lists)) }
}

fn list(text: &str) -> Option<(Vec<IfCondition>, &str)> {
    let mut rest = text.strip_prefix('(')?.trim_start();
    let mut conditions = Vec::new();
    loop {
        if let Some(after) = rest.strip_prefix(')') {
            return if conditions.is_empty() { None } else { Some((conditions, after)) };
        }
        let mut not = false;
        if let Some(after) = strip_word(rest, "Not") {
            not = true;
            rest = after.trim_start();
        }
        let (state, after) = state(rest)?;
        conditions.push(IfCondition { not, state });
        if conditions.len() > CONDITIONS_MAX {
            return None;
        }
        rest = after.trim_start();
    }
}

fn strip_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let head = text.get(..word.len())?;
    head.eq_ignore_ascii_case(word).then(|| &text[word.len()..])
}

fn state(text: &str) -> Option<(IfState, &str)> {
    if let Some(after) = text.strip_prefix('<') {
        let (token, after) = after.split_once('>')?;
        return (!token.is_empty()).then(|| (IfState::Token(token.to_owned()), after));
    }
    let after = text.strip_prefix('[')?.trim_start();
    let (weak, after) = after.strip_prefix("W/").map_or((false, after), |after| (true, after));
    // No quote can stand in an opaque tag (RFC 9110 section 8.8.3), but a bracket can.
    let (tag, after) = after.strip_prefix('"')?.split_once('"')?;
    let after = after.trim_start().strip_prefix(']')?;
    Some((IfState::Etag((!weak).then(|| tag.to_owned())), after))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn examples_of_the_rfc() {
        // RFC 4918 section 10.4.6
        let no_tag = parse("(<urn:uuid:181d4fae-7d8c-11d0-a765-00a0c91e6bf2> [\"I am an ETag\"])\n (Not [\"I am ]another\"])").unwrap();
        assert_eq!(no_tag.0.len(), 2);
        assert_eq!(no_tag.0[0].conditions[1].state, IfState::Etag(Some("I am an ETag".into())));
        assert!(no_tag.0[1].conditions[0].not);
        // RFC 4918 section 10.4.8
        let negative = parse("(<urn:uuid:181d4fae> )( Not <DAV:no-lock>)").unwrap();
        assert_eq!(negative.0[1].conditions, [IfCondition { not: true, state: IfState::Token("DAV:no-lock".into()) }]);
        // RFC 4918 section 10.4.9
        let tagged = parse("</resource1> (<urn:uuid:1> [W/\"A weak ETag\"]) ([\"strong ETag\"]) <http://h/2> ([\"x\"])").unwrap();
        assert_eq!(
            tagged.0.iter().map(|list| list.resource.as_deref().unwrap()).collect::<Vec<_>>(),
            ["/resource1", "/resource1", "http://h/2"]
        );
        assert_eq!(tagged.0[0].conditions[1].state, IfState::Etag(None));
    }

    #[test]
    fn what_is_not_an_if_header() {
        for bad in ["", "()", "(", ")", "(<>)", "<a>", "<a> <b> ([\"x\"])", "([\"x\"]) <a> ([\"x\"])", "([x])", "([\"x\"]", "(Not)", "x"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
        assert_eq!(parse(&"([\"x\"])".repeat(LISTS_MAX + 1)), None);
        assert_eq!(parse(&format!("({})", "[\"x\"]".repeat(CONDITIONS_MAX + 1))), None);
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "(\\(|\\)|<|>|\\[|\\]|\"|Not|W/|a|é| ){0,40}") {
            let _ = parse(&text);
        }
    }
}
