//! The commands, one file each, named as on the wire. Called by the dispatch in `connection`. LOGOUT is the dispatch's own.

pub(crate) mod authenticate;
pub(crate) mod capability;
pub(crate) mod checkscript;
pub(crate) mod deletescript;
pub(crate) mod getscript;
pub(crate) mod havespace;
pub(crate) mod listscripts;
pub(crate) mod noop;
pub(crate) mod putscript;
pub(crate) mod renamescript;
pub(crate) mod setactive;
pub(crate) mod starttls;
pub(crate) mod unauthenticate;
