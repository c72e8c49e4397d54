//! The commands, one file each, named as on the wire. Called by the dispatch in `connection`.
//!
//! A handler first decodes all its arguments, then checks, then acts; it gets what its state holds and returns the tagged reply. What
//! changed in the selected mailbox is told by the caller, except where a command must tell it in its own words.

pub(crate) mod append;
pub(crate) mod authenticate;
pub(crate) mod cancelupdate;
pub(crate) mod capability;
pub(crate) mod close;
pub(crate) mod compress;
pub(crate) mod copy;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod deleteacl;
pub(crate) mod enable;
pub(crate) mod esearch;
pub(crate) mod expunge;
pub(crate) mod fetch;
pub(crate) mod getacl;
pub(crate) mod getmetadata;
pub(crate) mod getquota;
pub(crate) mod getquotaroot;
pub(crate) mod id;
pub(crate) mod idle;
pub(crate) mod list;
pub(crate) mod listrights;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod lsub;
pub(crate) mod r#move;
pub(crate) mod myrights;
pub(crate) mod namespace;
pub(crate) mod notify;
pub(crate) mod rename;
pub(crate) mod replace;
pub(crate) mod search;
pub(crate) mod select;
pub(crate) mod setacl;
pub(crate) mod setmetadata;
pub(crate) mod setquota;
pub(crate) mod sort;
pub(crate) mod starttls;
pub(crate) mod status;
pub(crate) mod store;
pub(crate) mod subscribe;
pub(crate) mod thread;
pub(crate) mod uidbatches;
pub(crate) mod unauthenticate;
pub(crate) mod unselect;
pub(crate) mod unsubscribe;
