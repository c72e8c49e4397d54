//! IMAP4rev1 and IMAP4rev2 with LITERAL+, SASL-IR, ID, ENABLE, NAMESPACE, UIDPLUS, UNSELECT, IDLE, MOVE, SPECIAL-USE, CHILDREN, SORT,
//! THREAD, QUOTA, ACL, CONDSTORE, QRESYNC, UIDONLY, LIST-EXTENDED, METADATA, NOTIFY, ESEARCH and what builds on it, BINARY, PREVIEW,
//! MULTIAPPEND, CATENATE and REPLACE. `docs/rfc.md` says what of each.
//!
//! Called by the program for each accepted connection ([`serve`]); calls the gate for all that it does. What always holds: a command is
//! decoded whole before anything is done; nothing is done but through a handle of the gate; what a peer can make us hold is limited by
//! [`ImapConfig`]; message numbers change only when the client is told.
//!
//! | file | what |
//! |---|---|
//! | `connection` | [`serve`]: greeting, the loop, the one dispatch |
//! | `state` | what a client is allowed to ask for next, as variants |
//! | `view` | message numbers over the store's snapshots |
//! | `reply`, `refusal` | what a command ends in; refusals of the gate as replies |
//! | `resync` | what has changed since a client was last here |
//! | `commands/` | one file per command |
//! | `message_limit` | how many messages one command may be about |
//! | `notification` | what NOTIFY asked for, and what has changed since |
//! | `object_id` | identifiers of mailboxes, messages and threads |
//! | `progress` | notes to who waits long |
//! | `query` | SEARCH keys, and which messages they match |
//! | `columns/` | what headers say, in memory, for SEARCH, SORT and THREAD |
//! | `wire/` | the words of the protocol |
//!
//! Known limits: INTERNALDATE is kept and shown in UTC.

mod columns;
mod commands;
mod config;
mod connection;
mod message_limit;
mod notification;
mod object_id;
mod progress;
mod query;
mod refusal;
mod reply;
mod resync;
mod state;
mod view;
mod wire;

pub use config::ImapConfig;
pub use connection::serve;
#[cfg(feature = "fuzzing")]
pub use wire::fuzz_command;
pub use wire::utf7::decode as decode_utf7;
