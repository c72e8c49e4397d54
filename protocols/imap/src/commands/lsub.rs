//! LSUB. RFC 3501 section 6.3.9.

use crate::reply::{Done, Reply};
use crate::wire::Wire;
use crate::wire::mailbox::{MailboxName, SEPARATOR, on_wire};
use crate::wire::pattern::Pattern;
use octroi_gate::Session;
use std::collections::BTreeMap;

/// LSUB.
pub(crate) async fn lsub(wire: &mut Wire, session: &Session, reference: &MailboxName, wildcard: &MailboxName) -> Done {
    let (Some(reference), Some(wildcard)) = (reference.text(), wildcard.text()) else {
        return Ok(Reply::ok("No such name"));
    };
    let pattern = Pattern::new(&format!("{reference}{wildcard}"));
    for (name, is_subscribed) in covered(&pattern, &session.subscriptions()) {
        let attributes = if is_subscribed { "" } else { "\\Noselect" };
        let line = format!("* LSUB ({attributes}) \"{SEPARATOR}\" {}\r\n", on_wire(&name, wire.enabled.utf8()));
        wire.raw(line.as_bytes()).await?;
    }
    Ok(Reply::ok("Done"))
}

/// The names to show, and whether each is subscribed itself.
// RFC 3501 section 6.3.9: `%` shows the parent of a subscribed name, marked \Noselect, when it does not show the name.
fn covered(pattern: &Pattern, subscriptions: &[String]) -> BTreeMap<String, bool> {
    let mut names = BTreeMap::new();
    for name in subscriptions {
        if pattern.matches(name) {
            names.insert(name.clone(), true);
            continue;
        }
        for (at, _) in name.match_indices(SEPARATOR) {
            if pattern.matches(&name[..at]) {
                names.entry(name[..at].to_owned()).or_insert(false);
            }
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_stand_in_for_what_is_deeper() {
        // The example of RFC 3501 section 6.3.9.
        let subscriptions = ["foo/bar".to_owned(), "other".to_owned()];
        let shown = |pattern| covered(&Pattern::new(pattern), &subscriptions).into_iter().collect::<Vec<_>>();
        assert_eq!(shown("%"), [("foo".to_owned(), false), ("other".to_owned(), true)]);
        assert_eq!(shown("*"), [("foo/bar".to_owned(), true), ("other".to_owned(), true)]);
        assert_eq!(shown("foo/%"), [("foo/bar".to_owned(), true)]);
    }
}
