//! What ownCloud's clients and rclone ask for.

use super::{Known, Subject, Viewer, told};
use crate::names::OWNCLOUD;
use crate::xml::Xml;
use octroi_gate::Area;
use octroi_model::Rights;

pub(super) const TABLE: &[Known] = &[
    told(OWNCLOUD, "OC:size", size),
    told(OWNCLOUD, "OC:permissions", permissions),
    told(OWNCLOUD, "OC:checksums", checksums),
    told(OWNCLOUD, "OC:id", id),
];

fn size(subject: &Subject<'_>, _: &Viewer, xml: &mut Xml) -> bool {
    let Subject::File { item, .. } = subject else { return false };
    xml.characters(&item.bytes().to_string());
    true
}

/// The same while it stays in its folder, whatever is written into it and whatever the folders above are called.
fn id(subject: &Subject<'_>, _: &Viewer, xml: &mut Xml) -> bool {
    let text = match subject {
        Subject::File { item, collection, .. } => format!("{collection}-{}", item.uid.0),
        Subject::Folder { facts, .. } if facts.real => facts.sync_id.to_string(),
        _ => return false,
    };
    xml.characters(&text);
    true
}

/// What they compare with what they have.
fn checksums(subject: &Subject<'_>, _: &Viewer, xml: &mut Xml) -> bool {
    let Subject::File { item, .. } = subject else { return false };
    octroi_gate::checksums(item).map(|sums| xml.text("OC:checksum", sums)).is_some()
}

/// Letters: what may be done, and whether somebody shares it.
fn permissions(subject: &Subject<'_>, viewer: &Viewer, xml: &mut Xml) -> bool {
    let (rights, owner, letters): (_, _, &[(Rights, &str)]) = match subject {
        Subject::Folder { facts, area: Area::Files, name: Some(_), .. } if facts.real => (
            facts.rights,
            Some(&facts.owner),
            &[(Rights::ADMIN, "R"), (Rights::READ, "G"), (Rights::DELETE_COLLECTION, "DNV"), (Rights::INSERT, "C"), (Rights::CREATE, "K")],
        ),
        Subject::File { rights, owner, area: Area::Files, .. } => {
            (*rights, *owner, &[(Rights::READ, "G"), (Rights::EXPUNGE, "D"), (Rights::MOVE_AWAY, "NV"), (Rights::WRITE, "W")])
        }
        _ => return false,
    };
    if owner.is_some_and(|owner| *owner != viewer.address) {
        xml.characters("S");
    }
    for (_, letters) in letters.iter().filter(|(right, _)| rights.contains(*right)) {
        xml.characters(letters);
    }
    true
}
