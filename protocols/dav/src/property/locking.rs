//! Locks (RFC 4918 sections 15.8 and 15.10).

use super::{Known, Subject, Viewer, told};
use crate::locks::{write_discovery, write_supported};
use crate::names::DAV;
use crate::xml::Xml;
use octroi_model::Rights;

pub(super) const TABLE: &[Known] =
    &[told(DAV, "D:lockdiscovery", discovery).in_allprop(), told(DAV, "D:supportedlock", supported).in_allprop()];

fn discovery(subject: &Subject<'_>, viewer: &Viewer, xml: &mut Xml) -> bool {
    let (Subject::Folder { locks, .. } | Subject::File { locks, .. }) = subject else { return false };
    write_discovery(locks, &viewer.address, xml);
    true
}

/// Who could not lock it is told of no lock that it supports.
fn supported(subject: &Subject<'_>, _: &Viewer, xml: &mut Xml) -> bool {
    let lockable = match subject {
        Subject::Folder { facts, .. } => facts.real && facts.rights.contains(Rights::WRITE),
        Subject::File { rights, .. } => rights.contains(Rights::WRITE),
        _ => return false,
    };
    if lockable {
        write_supported(xml);
    }
    true
}
