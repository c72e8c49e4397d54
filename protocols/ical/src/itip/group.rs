//! Groups that are asked to a meeting: each of their people is asked by themselves, with a line that says by which group (RFC 5545
//! sections 3.2.3 and 3.2.11). Who is in a group is not known here.

use super::address::{Addresses, address_key, user_of};
use super::object::{Agent, Object, Part, agent, is_forced};
use crate::edit::{Edits, line_of, with_param};
use crate::tree::{Entry, Tree};
use std::collections::BTreeSet;

/// Somebody in a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Their mail address.
    pub address: String,
    /// For people; may be empty.
    pub name: String,
}

/// Whom an organizer asks with this step that were not asked before, or are to be asked in any case, as [`address_key`] makes them.
pub fn newly_asked(old: Option<&[u8]>, new: &[u8], me: &Addresses) -> BTreeSet<String> {
    let (Ok(new), old) = (Tree::read(new), old.and_then(|old| Tree::read(old).ok())) else { return BTreeSet::new() };
    let is_mine = |object: &Object<'_>| object.organizer().is_some_and(|entry| me.are(entry));
    let Some(new) = Object::of(&new).filter(is_mine) else { return BTreeSet::new() };
    let known = old.as_ref().and_then(Object::of).map(|old| old.users()).unwrap_or_default();
    let entries = new.parts.iter().flat_map(|part| part.node.all("ATTENDEE")).filter(|entry| agent(entry) == Agent::Server);
    let entries = entries.map(|entry| (user_of(entry), is_forced(entry, "REQUEST")));
    entries.filter(|(user, forced)| !me.contains(user) && (*forced || !known.contains(user))).map(|(user, _)| user).collect()
}

/// The organizer's object with a line for each member of these groups beside the group's, each person once; and without the members of groups
/// that are no longer asked, if nothing else brings them.
pub fn with_members(old: Option<&[u8]>, new: &[u8], groups: &[(String, Vec<Member>)], me: &Addresses) -> Vec<u8> {
    let (Ok(tree), old) = (Tree::read(new), old.and_then(|old| Tree::read(old).ok())) else { return new.to_vec() };
    let Some(object) = Object::of(&tree).filter(|object| object.organizer().is_some_and(|entry| me.are(entry))) else {
        return new.to_vec();
    };
    let old = old.as_ref().and_then(Object::of);
    let mut edits = Edits::of(new);
    for part in &object.parts {
        let asked: Vec<&Entry<'_>> = part.node.all("ATTENDEE").collect();
        let mut known: BTreeSet<String> = asked.iter().map(|entry| user_of(entry)).collect();
        for entry in &asked {
            let user = user_of(entry);
            if let Some((_, members)) = groups.iter().find(|(group, _)| *group == user) {
                edits.replace(entry.range.clone(), &with_param(entry.text(), "CUTYPE", Some("GROUP")));
                for member in members {
                    let key = address_key(&member.address);
                    if !me.contains(&key) && known.insert(key) {
                        edits.insert(entry.range.end, &line(entry, &user, member));
                    }
                }
            }
            if old.as_ref().and_then(|old| old.part_for(part.id.as_deref())).is_some_and(|before| is_left_over(entry, before, part)) {
                edits.remove(entry.range.clone());
            }
        }
    }
    edits.apply()
}

/// Are all groups by which somebody was asked asked no more?
fn is_left_over(entry: &Entry<'_>, before: &Part<'_>, now: &Part<'_>) -> bool {
    let line = entry.line();
    let mut groups =
        line.params.iter().filter(|param| param.name.eq_ignore_ascii_case("MEMBER")).flat_map(|param| &param.values).peekable();
    groups.peek().is_some()
        && groups.all(|group| {
            let group = address_key(group);
            before.attendee(&group).is_some() && now.attendee(&group).is_none()
        })
}

fn line(group: &Entry<'_>, user: &str, member: &Member) -> String {
    let by = format!("mailto:{user}");
    let mut params = vec![("CUTYPE", "INDIVIDUAL"), ("MEMBER", by.as_str())];
    params.extend(group.param("ROLE").map(|role| ("ROLE", role)));
    params.extend([("PARTSTAT", "NEEDS-ACTION"), ("RSVP", group.param("RSVP").unwrap_or("TRUE"))]);
    params.extend((!member.name.is_empty()).then_some(("CN", member.name.as_str())));
    line_of("ATTENDEE", &params, &format!("mailto:{}", member.address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(people: &str) -> String {
        format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:a\r\nORGANIZER:mailto:lea@a.example\r\nX-NOTE:1\r\n{people}SUMMARY:b\r\n\
             END:VEVENT\r\nEND:VCALENDAR\r\n"
        )
    }

    fn member(address: &str, name: &str) -> Member {
        Member { address: address.to_owned(), name: name.to_owned() }
    }

    #[test]
    fn a_group_becomes_its_people_each_once() {
        let me = Addresses::of(["lea@a.example"]);
        let asked = object("ATTENDEE;ROLE=CHAIR;X-A=1:mailto:Quai@a.example\r\nATTENDEE:mailto:paul@a.example\r\n");
        assert_eq!(newly_asked(None, asked.as_bytes(), &me).into_iter().collect::<Vec<_>>(), ["paul@a.example", "quai@a.example"]);
        assert!(newly_asked(Some(asked.as_bytes()), asked.as_bytes(), &me).is_empty());
        assert!(newly_asked(None, asked.as_bytes(), &Addresses::of(["paul@a.example"])).is_empty());
        let people = vec![member("lea@a.example", ""), member("paul@a.example", ""), member("Marie@a.example", "Marie; \"M\"")];
        let groups = [("quai@a.example".to_owned(), people)];
        let stored = String::from_utf8(with_members(None, asked.as_bytes(), &groups, &me)).unwrap();
        let marie = "ATTENDEE;CUTYPE=INDIVIDUAL;MEMBER=\"mailto:quai@a.example\";ROLE=CHAIR;PARTSTAT=NEEDS-ACTION;RSVP=TRUE;CN=\"Marie; \
            ^'M^'\":mailto:Marie@a.example\r\n";
        let expected =
            object(&format!("ATTENDEE;ROLE=CHAIR;X-A=1;CUTYPE=GROUP:mailto:Quai@a.example\r\n{marie}ATTENDEE:mailto:paul@a.example\r\n"));
        assert_eq!(stored.replace("\r\n ", ""), expected);
        // The group goes, and with it who came by it alone.
        let without = stored.replace("\r\n ", "").replace("ATTENDEE;ROLE=CHAIR;X-A=1;CUTYPE=GROUP:mailto:Quai@a.example\r\n", "");
        let left = with_members(Some(stored.as_bytes()), without.as_bytes(), &[], &me);
        assert_eq!(String::from_utf8(left).unwrap(), object("ATTENDEE:mailto:paul@a.example\r\n"));
        // As long as it stays, who was taken out of it stays out.
        let one_less = stored.replace("\r\n ", "").replace(marie, "");
        assert_eq!(with_members(Some(stored.as_bytes()), one_less.as_bytes(), &[], &me), one_less.as_bytes());
    }
}
