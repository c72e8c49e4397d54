//! What can be done with a grant: one file per kind of object.

pub(crate) mod describing;
pub(crate) mod file;
pub(crate) mod flagging;
pub(crate) mod folder;
pub(crate) mod in_the_way;
pub(crate) mod locking;
pub(crate) mod mailbox;
pub(crate) mod mailbox_tree;
pub(crate) mod metadata;
pub(crate) mod objects;
pub(crate) mod own;
pub(crate) mod proxies;
pub(crate) mod sharing;
