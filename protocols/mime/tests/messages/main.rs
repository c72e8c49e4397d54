//! What the crate makes of whole messages: the RFCs' examples, broken messages, hostile ones, and properties of all.
//!
//! What goes on the wire is read back by `reader`, which accepts nothing but the grammar of RFC 9051.

#![allow(clippy::unwrap_used)]

mod examples;
mod holds;
mod hostile;
mod malformed;
mod properties;
mod reader;

use std::path::PathBuf;

/// A message of `fixtures/mail`.
fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).unwrap()
}

/// All messages of `fixtures/mail` with their names.
fn fixtures() -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    files.retain(|name| std::path::Path::new(name).extension().is_some_and(|ending| ending == "eml"));
    files.sort();
    assert!(files.len() > 10);
    files.into_iter().map(|name| (name.clone(), fixture(&name))).collect()
}

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/mail"))
}
