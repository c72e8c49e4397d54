//! Drop folders: whoever may add to somebody else's folder, and nothing else, sees what they have put there themselves, and that only.
//!
//! Called wherever a grant is decided. A document knows who put it there if that is not whose folder it is (`kept::beside`). To who drops,
//! what others have put is not there: it is not listed, and every act on it is answered as if it did not exist, but for a name that is taken.
//! What they have put they can read again, and neither change nor take back.

use crate::granted::{FoundItem, FoundNode};
use crate::kept::{Shelf, beside};
use crate::session::Session;
use crate::tree::Node;
use octroi_model::{Item, Rights};
use octroi_policy::Area;

/// Is this somebody else's folder of documents, to which nothing can be done but to add?
pub(crate) fn is_drop(node: &Node, session: &Session, rights: Rights) -> bool {
    const DROP: Rights = Rights::LOOKUP.or(Rights::INSERT);
    let only = rights.without(Rights::POST | Rights::SEND_AS) == DROP;
    only && node.area == Area::Files && node.shelf == Shelf::Live && node.owner != session.account()
}

/// Did whoever has this session put the item there?
pub(crate) fn is_own(item: &Item, session: &Session) -> bool {
    beside::account(item, beside::AUTHOR) == Some(session.account())
}

/// A drop folder can be listed: [`crate::Granted::members`] tells what is one's own.
pub(crate) fn on_folder(at: &FoundNode, session: &Session, rights: Rights) -> Rights {
    if is_drop(&at.0, session, rights) { rights | Rights::READ } else { rights }
}

/// What one has put there can be read; the rest is not there.
pub(crate) fn on_file(at: &FoundItem, session: &Session, rights: Rights) -> Rights {
    match is_drop(&at.folder, session, rights) {
        true if is_own(&at.item, session) => rights | Rights::READ,
        true => Rights::NONE,
        false => rights,
    }
}
