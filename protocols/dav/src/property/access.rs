//! Who may do what (RFC 3744 section 5).

use super::{Known, Subject, Viewer, told};
use crate::names::DAV;
use crate::path::{PRINCIPALS, principal_href};
use crate::privilege::{self, write_held};
use crate::sharing::{self, Told};
use crate::xml::Xml;
use octroi_model::Rights;

pub(super) const TABLE: &[Known] = &[
    told(DAV, "D:owner", owner),
    told(DAV, "D:group", group),
    told(DAV, "D:supported-privilege-set", supported_privileges),
    told(DAV, "D:current-user-privilege-set", privileges),
    told(DAV, "D:acl", acl),
    told(DAV, "D:acl-restrictions", restrictions),
    told(DAV, "D:inherited-acl-set", inherited),
    told(DAV, "D:principal-collection-set", principals),
];

fn owner(subject: &Subject<'_>, viewer: &Viewer, xml: &mut Xml) -> bool {
    let owner = match subject {
        Subject::Folder { facts, .. } => Some(&facts.owner),
        Subject::File { owner, .. } => *owner,
        Subject::Principal | Subject::Notices { .. } | Subject::Notice(_) => Some(&viewer.address),
        Subject::Proxies(proxies) => Some(&proxies.owner),
        Subject::Fixed(_) | Subject::Other(_) => None,
    };
    owner.map(|owner| xml.text("D:href", &principal_href(owner))).is_some()
}

/// There is none: groups are in the ACL.
fn group(subject: &Subject<'_>, _: &Viewer, _: &mut Xml) -> bool {
    has_acl(subject)
}

fn supported_privileges(subject: &Subject<'_>, _: &Viewer, xml: &mut Xml) -> bool {
    has_acl(subject) && {
        privilege::write_supported(xml);
        true
    }
}

fn restrictions(subject: &Subject<'_>, _: &Viewer, xml: &mut Xml) -> bool {
    has_acl(subject) && {
        xml.empty("D:grant-only").empty("D:no-invert");
        true
    }
}

fn privileges(subject: &Subject<'_>, _: &Viewer, xml: &mut Xml) -> bool {
    match subject {
        Subject::Folder { facts, .. } => {
            write_held(facts.rights, xml);
            privilege::write_scheduling(facts.kind, facts.rights, xml);
        }
        Subject::File { rights, .. } => write_held(*rights, xml),
        Subject::Notice(_) => write_held(Rights::READ | Rights::EXPUNGE, xml),
        _ => write_held(Rights::READ, xml),
    }
    true
}

/// Who may not change an ACL is not told it.
fn acl(subject: &Subject<'_>, _: &Viewer, xml: &mut Xml) -> bool {
    access(subject).map(|(told, folder)| sharing::write_acl(told, folder, xml)).is_some()
}

fn inherited(subject: &Subject<'_>, _: &Viewer, xml: &mut Xml) -> bool {
    let Some((told, folder)) = access(subject) else { return false };
    if let Some(source) = told.source.as_deref().or(folder) {
        xml.text("D:href", source);
    }
    true
}

fn principals(_: &Subject<'_>, _: &Viewer, xml: &mut Xml) -> bool {
    xml.text("D:href", PRINCIPALS);
    true
}

fn has_acl(subject: &Subject<'_>) -> bool {
    matches!(subject, Subject::Folder { .. } | Subject::File { .. })
}

/// The ACL, and the collection whose it is if the subject lies in it.
fn access<'a>(subject: &Subject<'a>) -> Option<(&'a Told, Option<&'a str>)> {
    match subject {
        Subject::Folder { acl, .. } => Some(((*acl)?, None)),
        Subject::File { acl, folder, .. } => Some(((*acl)?, Some(*folder))),
        _ => None,
    }
}
