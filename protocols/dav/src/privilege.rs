//! Privileges (RFC 3744 section 3) and the gate's rights: one table for what an ACL may grant, what is told of it, and what one has oneself.
//!
//! Called by the ACL method and by whatever describes a resource. What always holds: what is granted under a name is never more than the
//! name says, but for the right to know of the collection, without which no other counts; rights that RFC 3744 has no word for have one in
//! our own namespace, so that an ACL that is read and written back is the same.

use crate::names::prefix;
use crate::xml::{Element, ElementName, Xml};
use octroi_model::{CollectionKind, Rights};

/// A privilege.
struct Privilege {
    tag: &'static str,
    /// What granting it gives; nothing for those that cannot be granted by themselves (abstract, RFC 3744 section 5.3).
    grants: Rights,
    /// Who has these has it.
    shown_with: Rights,
    /// The one that it is part of.
    within: &'static str,
    says: &'static str,
}

const fn privilege(tag: &'static str, within: &'static str, grants: Rights, shown_with: Rights, says: &'static str) -> Privilege {
    Privilege { tag, grants, shown_with, within, says }
}

const WRITE: Rights = Rights::WRITE.or(Rights::INSERT).or(Rights::EXPUNGE);
/// What `DAV:all` stands for. Sending is about mailboxes.
const ALL: Rights = Rights::ALL.without(Rights::POST.or(Rights::SEND_AS));
/// The root of the tree.
const ROOT: &str = "D:all";

const fn known(rights: Rights) -> Rights {
    rights.or(Rights::LOOKUP)
}

/// Every privilege, the aggregates before their parts. RFC 3744 section 3 and appendix B, RFC 4791 section 6.1.1.
const TABLE: &[Privilege] = &[
    privilege(ROOT, "", ALL, ALL, "everything"),
    privilege("D:read", ROOT, known(Rights::READ.or(Rights::FREE_BUSY)), Rights::READ, "read"),
    privilege("D:read-current-user-privilege-set", "D:read", Rights::NONE, Rights::READ, "see one's own privileges"),
    privilege("C:read-free-busy", "D:read", Rights::FREE_BUSY, Rights::FREE_BUSY, "see when the owner is busy"),
    privilege("D:write", ROOT, known(WRITE), WRITE, "change, add and remove"),
    privilege("D:write-properties", "D:write", Rights::NONE, Rights::WRITE, "set keywords"),
    privilege("D:write-content", "D:write", known(Rights::WRITE), Rights::WRITE, "change contents and set keywords"),
    privilege("D:bind", "D:write", known(Rights::INSERT), Rights::INSERT, "add"),
    privilege("D:unbind", "D:write", known(Rights::EXPUNGE), Rights::EXPUNGE, "remove"),
    privilege("D:unlock", ROOT, Rights::NONE, Rights::ADMIN, "take locks of others away"),
    privilege("D:read-acl", ROOT, Rights::NONE, Rights::ADMIN, "see who has access"),
    privilege("D:write-acl", ROOT, known(Rights::ADMIN), Rights::ADMIN, "share"),
    privilege("P:look-up", ROOT, Rights::LOOKUP, Rights::LOOKUP, "know that it is there"),
    privilege("P:make-collection", ROOT, Rights::CREATE, Rights::CREATE, "make collections in it"),
    privilege("P:remove-collection", ROOT, Rights::DELETE_COLLECTION, Rights::DELETE_COLLECTION, "remove or rename the collection"),
    privilege("P:move-away", ROOT, Rights::MOVE_AWAY, Rights::MOVE_AWAY, "move to another collection of the same owner"),
    privilege("P:mark-deleted", ROOT, Rights::DELETE_ITEMS, Rights::DELETE_ITEMS, "mark as deleted"),
    privilege("P:keep-seen", ROOT, Rights::SEEN, Rights::SEEN, "keep what was seen"),
    privilege("P:post", ROOT, Rights::POST, Rights::POST, "send to it"),
    privilege("P:send-as", ROOT, Rights::SEND_AS, Rights::SEND_AS, "send as its owner"),
];

impl Privilege {
    fn is(&self, name: &ElementName) -> bool {
        self.tag.split_once(':').is_some_and(|(space, local)| local == name.local && prefix(&name.namespace) == Some(space))
    }
}

/// The rights that `privilege` elements grant; the precondition of RFC 3744 section 8.1.1 that they break otherwise.
pub(crate) fn granted(grant: &Element) -> Result<Rights, &'static str> {
    let mut rights = Rights::NONE;
    for name in grant.children.iter().flat_map(|privilege| &privilege.children).map(|child| &child.name) {
        let privilege = TABLE.iter().find(|privilege| privilege.is(name)).ok_or("D:not-supported-privilege")?;
        if privilege.grants == Rights::NONE {
            return Err("D:no-abstract");
        }
        rights = rights | privilege.grants;
    }
    Ok(rights)
}

/// The fewest privileges that grant these rights and no others.
pub(crate) fn write_grant(rights: Rights, xml: &mut Xml) {
    let mut left = rights;
    for privilege in TABLE.iter().filter(|privilege| privilege.grants != Rights::NONE) {
        let alone = privilege.grants == Rights::LOOKUP;
        let news = if alone { privilege.grants } else { privilege.grants.without(Rights::LOOKUP) };
        if rights.contains(privilege.grants) && left.intersects(news) {
            one(privilege.tag, xml);
            left = left.without(privilege.grants);
        }
    }
}

/// The content of `current-user-privilege-set` (RFC 3744 section 5.5): all that one has, with their parts.
pub(crate) fn write_held(rights: Rights, xml: &mut Xml) {
    TABLE.iter().filter(|privilege| rights.contains(privilege.shown_with)).for_each(|privilege| one(privilege.tag, xml));
}

/// What one has beside that on an inbox or outbox of one's own (RFC 6638 section 6): nobody else sees these.
pub(crate) fn write_scheduling(kind: CollectionKind, rights: Rights, xml: &mut Xml) {
    let held: &[&'static str] = match kind {
        CollectionKind::Inbox if rights.contains(Rights::READ) => {
            &["C:schedule-deliver", "C:schedule-deliver-invite", "C:schedule-deliver-reply", "C:schedule-query-freebusy"]
        }
        CollectionKind::Outbox if rights.contains(Rights::READ) => {
            &["C:schedule-send", "C:schedule-send-invite", "C:schedule-send-reply", "C:schedule-send-freebusy"]
        }
        _ => &[],
    };
    for tag in held {
        one(tag, xml);
    }
}

/// Privileges that stand for rights: for `need-privileges` (RFC 3744 section 7.1.1).
pub(crate) fn needed(rights: Rights) -> impl Iterator<Item = &'static str> {
    let single = |privilege: &&Privilege| privilege.grants != Rights::NONE && privilege.shown_with != WRITE && privilege.shown_with != ALL;
    TABLE.iter().filter(single).filter(move |privilege| rights.contains(privilege.shown_with)).map(|privilege| privilege.tag)
}

/// The content of `supported-privilege-set` (RFC 3744 section 5.3).
pub(crate) fn write_supported(xml: &mut Xml) {
    write_parts("", xml);
}

fn write_parts(of: &str, xml: &mut Xml) {
    for privilege in TABLE.iter().filter(|privilege| privilege.within == of) {
        xml.open("D:supported-privilege");
        one(privilege.tag, xml);
        if privilege.grants == Rights::NONE {
            xml.empty("D:abstract");
        }
        xml.text_with("D:description", &[("xml:lang", "en")], privilege.says);
        write_parts(privilege.tag, xml);
        xml.close("D:supported-privilege");
    }
}

fn one(tag: &'static str, xml: &mut Xml) {
    xml.open("D:privilege").empty(tag).close("D:privilege");
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::xml::parse;

    fn element(write: impl FnOnce(&mut Xml)) -> Element {
        let mut xml = Xml::document("D:grant");
        write(&mut xml);
        xml.close("D:grant");
        parse(xml.into_string().as_bytes()).unwrap()
    }

    #[test]
    fn an_acl_that_is_read_and_written_back_is_the_same() {
        let known = Rights::LETTERS.len();
        for bits in 0..1_u32 << known {
            let picked = Rights::LETTERS.iter().enumerate().filter(|(at, _)| bits & 1 << at != 0);
            let rights = picked.fold(Rights::NONE, |sum, (_, (right, _))| sum | *right).implied();
            let back = granted(&element(|xml| write_grant(rights, xml))).unwrap();
            if rights.contains(Rights::LOOKUP) {
                assert_eq!(back, rights);
            } else {
                // Without the right to know of it the others count for nothing, and never come to count.
                assert!(rights.contains(back), "{rights} became {back}");
            }
        }
    }

    #[test]
    fn what_one_has_is_told_with_aggregates_and_parts() {
        let held = |rights: &str| {
            let told = element(|xml| write_held(Rights::parse(rights).unwrap(), xml));
            told.children.iter().map(|privilege| privilege.children[0].name.local.clone()).collect::<Vec<_>>()
        };
        assert_eq!(held("lr1"), ["read", "read-current-user-privilege-set", "read-free-busy", "look-up"]);
        assert_eq!(held("1"), ["read-free-busy"]);
        assert!(held("lrwie").contains(&"write".to_owned()) && !held("lrwi").contains(&"write".to_owned()));
        assert!(held("lrswikxtea01").contains(&"all".to_owned()));
        assert!(held("la").contains(&"write-acl".to_owned()) && held("la").contains(&"read-acl".to_owned()));
    }

    #[test]
    fn abstract_and_unknown_privileges_are_not_granted() {
        let grant = |names: &str| {
            let text = format!(r#"<D:grant xmlns:D="DAV:" xmlns:P="urn:octroi:privilege"><D:privilege>{names}</D:privilege></D:grant>"#);
            granted(&parse(text.as_bytes()).unwrap())
        };
        assert_eq!(grant("<D:read/>"), Ok(Rights::parse("lr1").unwrap()));
        assert_eq!(grant("<D:bind/>"), Ok(Rights::parse("li").unwrap()));
        assert_eq!(grant("<D:write-properties/>"), Err("D:no-abstract"));
        assert_eq!(grant("<D:unlock/>"), Err("D:no-abstract"));
        for unknown in ["<P:read/>", "<read/>", "<D:look-up/>"] {
            assert_eq!(grant(unknown), Err("D:not-supported-privilege"), "{unknown}");
        }
    }
}
