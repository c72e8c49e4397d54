//! The organisation's directory: kept up with who there is, as cards that every address book program reads.
//!
//! Started by `server`. The gate says whom a card is of and who sees which; here is how it is written. People are vCard 3.0, which all
//! programs read; groups are vCard 4.0, because 3.0 has none.

use octroi_gate::{Admin, Listed, Refusal};
use octroi_ical::edit::fold;
use octroi_ical::escaped;
use octroi_net::Shutdown;
use std::time::Duration;

/// How often it is looked whether somebody has come: accounts that are added make no noise.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Changes within this time of one another are one.
const PAUSE: Duration = Duration::from_millis(200);

/// Until the server ends.
pub(crate) async fn keep(admin: Admin, organisation: String, shutdown: Shutdown) {
    let mut moves = admin.watch_people();
    let mut seen = None;
    loop {
        let now = admin.people();
        if seen != Some(now) {
            match admin.keep_directory(|listed| card(listed, &organisation)).await {
                Ok(changed) => {
                    seen = Some(now);
                    if changed > 0 {
                        tracing::info!(changed, "the directory is up to date");
                    }
                }
                Err(Refusal::Unavailable) => {}
                Err(refusal) => tracing::warn!(%refusal, "the directory could not be brought up to date"),
            }
        }
        tokio::select! {
            () = shutdown.triggered() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
            moved = moves.changed() => if moved.is_ok() {
                tokio::time::sleep(PAUSE).await;
            } else {
                return;
            },
        }
    }
}

/// RFC 2426 for people, RFC 6350 for groups.
fn card(listed: Listed<'_>, organisation: &str) -> Vec<u8> {
    let mut lines = vec!["BEGIN:VCARD".to_owned()];
    match listed {
        Listed::Person { uid, address, display_name } => {
            let text = address.to_string();
            let shown = display_name.replace(char::is_control, " ");
            let name = if shown.trim().is_empty() { &text } else { shown.trim() };
            // Which of a name's words are the family's cannot be known; all but the last are given names for most people here.
            let (given, family) = name.rsplit_once(' ').filter(|_| name != text).unwrap_or(("", name));
            lines.push("VERSION:3.0".to_owned());
            lines.push(format!("UID:urn:uuid:{uid}"));
            lines.push(format!("FN:{}", escaped(name)));
            lines.push(format!("N:{};{};;;", escaped(family), escaped(given)));
            lines.push(format!("EMAIL;TYPE=INTERNET,WORK:{}", escaped(&text)));
        }
        Listed::Group { uid, name, members } => {
            lines.push("VERSION:4.0".to_owned());
            lines.push("KIND:group".to_owned());
            lines.push(format!("UID:urn:uuid:{uid}"));
            lines.push(format!("FN:{}", escaped(name)));
            lines.extend(members.iter().map(|member| format!("MEMBER:urn:uuid:{member}")));
        }
    }
    if !organisation.trim().is_empty() {
        lines.push(format!("ORG:{}", escaped(organisation.trim())));
    }
    lines.push("END:VCARD".to_owned());
    lines.iter().flat_map(|line| fold(line)).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use octroi_ical::{CardVersion, validate_card};

    #[test]
    fn cards_are_those_that_our_own_address_books_take() {
        let address = "lea.martin@douane.example".parse().unwrap();
        let long = "Léa, de la \\ \"Quai\"; Martin-".to_owned() + &"é".repeat(100);
        for name in ["", "Léa Martin", "Léa", &long, "a\r\nNOTE:x"] {
            let octets = card(Listed::Person { uid: "1-2", address: &address, display_name: name }, "Direction, des douanes");
            assert_eq!(validate_card(&octets).unwrap().version, CardVersion::V3);
            let text = String::from_utf8(octets).unwrap();
            assert!(text.lines().all(|line| line.len() <= 75) && !text.contains("\r\nNOTE"), "{text}");
            assert!(
                text.contains("EMAIL;TYPE=INTERNET,WORK:lea.martin@douane.example\r\n")
                    && text.contains("ORG:Direction\\, des douanes\r\n")
            );
        }
        let text = String::from_utf8(card(Listed::Person { uid: "1-2", address: &address, display_name: "Léa Martin" }, "")).unwrap();
        assert!(text.contains("FN:Léa Martin\r\nN:Martin;Léa;;;\r\n") && !text.contains("ORG"), "{text}");
        let members = ["3-4".to_owned()];
        let octets = card(Listed::Group { uid: "1-2", name: "quai", members: &members }, "D");
        validate_card(&octets).unwrap();
        let text = String::from_utf8(octets).unwrap();
        assert!(text.contains("KIND:group\r\n") && text.contains("MEMBER:urn:uuid:3-4\r\n"), "{text}");
    }
}
