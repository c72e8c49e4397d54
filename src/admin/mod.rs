//! Administration over a local socket, so that it works while the server runs.
//!
//! One line of JSON each way, but that what takes long tells how far it is in lines of its own. The socket lies in the data folder with
//! mode 0600: who can reach it administers the server. `handle` is the dispatch; what a request does is in the file of its topic.

mod accounts;
mod aliases;
mod app_passwords;
mod audit;
mod backups;
pub(crate) mod client;
mod documents;
mod groups;
pub(crate) mod handle;
mod keys;
mod locks;
pub(crate) mod progress;
pub(crate) mod protocol;
mod queue;
mod quotas;
mod reports;
mod rules;
mod sieve;
pub(crate) mod socket;
mod store;
