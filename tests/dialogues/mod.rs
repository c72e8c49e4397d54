//! Conversations kept as text files in `fixtures/dialogues`: what a client sends, and what it must see.
//!
//! Each file is a test of its own name; the attacks of this kind of server are among them. `script.rs` explains the format.

mod dovecot;
mod refusals;
mod script;
mod smuggling;

use std::collections::BTreeSet;
use std::path::Path;

/// Name the files; each becomes a test, and `every_file_is_run` finds one that was forgotten.
macro_rules! dialogues {
    ($($protocol:ident { $($name:ident),* $(,)? })*) => {
        $(mod $protocol {
            $(#[test]
            fn $name() {
                super::script::play(concat!(stringify!($protocol), "/", stringify!($name), ".txt"));
            })*
        })*
        const LISTED: &[&str] = &[$($(concat!(stringify!($protocol), "/", stringify!($name), ".txt")),*),*];
    };
}

dialogues! {
    imap {
        acl, append, authzid, before_login, copy_move, external, flags, idle, limits, list, literal_before_login, plaintext_login, search, sort, starttls,
        starttls_injection, starttls_injection_slow, syntax, thread,
    }
    smtp {
        auth_before_tls, authzid, external, inbound, limits, lmtp, pipelining, relay, sender, starttls, starttls_injection,
        starttls_injection_slow, syntax,
    }
    dav {
        doctype, traversal, unauthenticated,
    }
}

#[test]
fn every_file_is_run() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/dialogues");
    let mut there = BTreeSet::new();
    for folder in std::fs::read_dir(&top).unwrap() {
        let folder = folder.unwrap().path();
        for file in std::fs::read_dir(&folder).unwrap() {
            let file = file.unwrap().path();
            there.insert(file.strip_prefix(&top).unwrap().to_string_lossy().into_owned());
        }
    }
    assert_eq!(there, LISTED.iter().map(ToString::to_string).collect::<BTreeSet<_>>());
}
