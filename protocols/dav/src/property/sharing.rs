//! With whom a collection is shared, and where invitations are found (Apple's caldav-sharing, draft-pot-webdav-resource-sharing).

use super::{Known, Subject, Viewer, told};
use crate::invitation::{access, status, write_access};
use crate::names::{CALENDARSERVER, DAV};
use crate::notifications::write_organizer;
use crate::path::{folder_href, notifications_href, principal_of};
use crate::xml::Xml;
use octroi_gate::{Area, FolderFacts, Identifier, InviteState, Sharee};
use octroi_model::{CollectionKind, Name, Path, Rights};

pub(super) const TABLE: &[Known] = &[
    told(CALENDARSERVER, "CS:invite", invite),
    told(CALENDARSERVER, "CS:allowed-sharing-modes", modes),
    told(CALENDARSERVER, "CS:shared-url", shared_url),
    told(CALENDARSERVER, "CS:notification-URL", notification_url),
    told(CALENDARSERVER, "CS:notificationtype", notification_type),
    told(DAV, "D:share-access", share_access),
    told(DAV, "D:invite", draft_invite),
];

/// How a collection is shared, as who asks sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shared {
    No,
    /// It is one's own, and others have rights on it.
    Owner,
    /// It is somebody else's.
    Sharee,
}

/// Of a collection in a tree.
pub(super) fn shared(facts: &FolderFacts, viewer: &Viewer) -> Shared {
    match facts {
        FolderFacts { real: false, .. } => Shared::No,
        FolderFacts { is_shared: true, .. } => Shared::Owner,
        // The organisation's directory is shared by nobody.
        FolderFacts { owner, kind, .. } if *owner != viewer.address && *kind == CollectionKind::Calendar => Shared::Sharee,
        _ => Shared::No,
    }
}

/// Who may change the ACL sees all; a sharee whose it is, and themselves: who else is invited is not told to them.
fn invite(subject: &Subject<'_>, viewer: &Viewer, xml: &mut Xml) -> bool {
    let Some((facts, acl)) = calendar(subject) else { return false };
    let shared = shared(facts, viewer);
    if shared == Shared::No {
        return false;
    }
    write_organizer(&facts.owner, if shared == Shared::Owner { &viewer.display_name } else { "" }, xml);
    match acl {
        Some(acl) => acl.sharees.iter().for_each(|sharee| user(sharee, xml)),
        None => user(&oneself(facts, viewer), xml),
    }
    true
}

fn oneself(facts: &FolderFacts, viewer: &Viewer) -> Sharee {
    Sharee {
        who: Identifier::Account(viewer.address.clone()),
        display_name: viewer.display_name.clone(),
        rights: facts.rights,
        state: InviteState::Accepted,
        summary: String::new(),
    }
}

fn user(sharee: &Sharee, xml: &mut Xml) {
    let Some(href) = href_of(&sharee.who) else { return };
    xml.open("CS:user").text("D:href", &href);
    if !sharee.display_name.is_empty() {
        xml.text("CS:common-name", &sharee.display_name);
    }
    xml.empty(status(sharee.state));
    write_access(sharee.rights, xml);
    if !sharee.summary.is_empty() {
        xml.text("CS:summary", &sharee.summary);
    }
    xml.close("CS:user");
}

/// Apple's clients know people by their addresses; everybody together has no name.
fn href_of(who: &Identifier) -> Option<String> {
    if let Identifier::Account(address) = who { Some(format!("mailto:{address}")) } else { principal_of(who) }
}

/// What who asks could do: who may not share at all is not asked to.
fn modes(subject: &Subject<'_>, viewer: &Viewer, xml: &mut Xml) -> bool {
    let may = calendar(subject).is_some_and(|(facts, _)| facts.rights.contains(Rights::ADMIN) && viewer.shares);
    may.then(|| xml.empty("CS:can-be-shared")).is_some()
}

/// Where its owner finds it.
fn shared_url(subject: &Subject<'_>, viewer: &Viewer, xml: &mut Xml) -> bool {
    let (Some((facts, _)), Subject::Folder { name: Some(name), .. }) = (calendar(subject), subject) else { return false };
    let inner = name.rsplit_once('~').and_then(|(inner, _)| Name::new(inner).ok());
    let Some(path) = inner.and_then(|inner| Path::from_names(vec![inner]).ok()) else { return false };
    (shared(facts, viewer) == Shared::Sharee).then(|| xml.text("D:href", &folder_href(Area::Calendars, &facts.owner, &path))).is_some()
}

fn calendar<'a>(subject: &Subject<'a>) -> Option<(&'a FolderFacts, Option<&'a crate::sharing::Told>)> {
    match subject {
        Subject::Folder { facts, acl, .. } if facts.kind == CollectionKind::Calendar => Some((facts, *acl)),
        _ => None,
    }
}

fn notification_url(subject: &Subject<'_>, viewer: &Viewer, xml: &mut Xml) -> bool {
    matches!(subject, Subject::Principal).then(|| xml.text("D:href", &notifications_href(&viewer.address))).is_some()
}

fn notification_type(subject: &Subject<'_>, _: &Viewer, xml: &mut Xml) -> bool {
    let Subject::Notice(notice) = subject else { return false };
    if notice.kind == "CS:invite-reply" {
        xml.empty(notice.kind)
    } else {
        xml.empty_with(notice.kind, &[("shared-type", "calendar")])
    };
    true
}

fn share_access(subject: &Subject<'_>, viewer: &Viewer, xml: &mut Xml) -> bool {
    let Subject::Folder { facts, .. } = subject else { return false };
    if !facts.real {
        return false;
    }
    xml.empty(match shared(facts, viewer) {
        Shared::Owner => "D:shared-owner",
        _ if facts.owner != viewer.address => draft_access(facts.rights),
        _ => "D:not-shared",
    });
    true
}

fn draft_access(rights: Rights) -> &'static str {
    if access(rights) == "read" { "D:read" } else { "D:read-write" }
}

fn draft_invite(subject: &Subject<'_>, _: &Viewer, xml: &mut Xml) -> bool {
    let Subject::Folder { acl: Some(acl), .. } = subject else { return false };
    for sharee in &acl.sharees {
        let Some(href) = href_of(&sharee.who) else { continue };
        xml.open("D:sharee").text("D:href", &href);
        xml.open("D:prop");
        if !sharee.display_name.is_empty() {
            xml.text("D:displayname", &sharee.display_name);
        }
        xml.close("D:prop").open("D:share-access").empty(draft_access(sharee.rights)).close("D:share-access");
        xml.empty(match sharee.state {
            InviteState::Open => "D:invite-noresponse",
            InviteState::Declined => "D:invite-declined",
            InviteState::Accepted | InviteState::Withdrawn => "D:invite-accepted",
        });
        if !sharee.summary.is_empty() {
            xml.text("D:comment", &sharee.summary);
        }
        xml.close("D:sharee");
    }
    true
}
