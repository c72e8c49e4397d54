//! Everything that is tested from outside: the program is started as its users start it and spoken to over its sockets.
//!
//! `./test` runs this with the third-party programs in place; `cargo test --test octroi tidy` needs none of them. Slow tests carry
//! `#[ignore]` and run under `./test --full`.
#![allow(clippy::unwrap_used)] // A test that cannot go on says so by panicking.

mod acme;
mod addresses;
mod admin;
mod attachments;
mod audit;
mod authorities;
mod availability;
mod backup;
mod bench;
mod bodies;
mod browser;
mod clients;
mod concert;
mod contexts;
mod courier;
mod crash;
mod delegates;
mod demo;
mod dialogues;
mod directory;
mod discovery;
mod documents;
mod expunged;
mod full_disk;
mod home_sync;
mod import;
mod internet;
mod invitations;
mod lmtp_socket;
mod locks;
mod mail_auth;
mod matrix;
mod meetings;
mod message_limit;
mod notify;
mod own_alarms;
mod planning;
mod plateau;
mod policy;
mod portal;
mod published;
mod pump;
mod push;
mod quota;
mod reports;
#[path = "fuzz/src/responses.rs"]
mod responses;
mod scheduling;
mod search;
mod sending;
mod several_documents;
mod sharing;
mod sieve;
mod store;
mod subscriptions;
mod support;
mod threats;
mod thunderbird;
mod tidy;
