//! Conversations kept as text files in `fixtures/dialogues`: what a client sends, and what it must see.
//!
//! Each file is a test of its own name; the attacks of this kind of server are among them. `script.rs` explains the format.
//! What mail programs send was recorded with `record.py`, and is in `imap/clients`; what file programs send is in `dav`, under their names.

mod appending;
mod dovecot;
mod refusals;
mod script;
mod smuggling;

use std::collections::BTreeSet;
use std::path::Path;

/// Name the files of each folder; each becomes a test, and `every_file_is_run` finds one that was forgotten.
macro_rules! dialogues {
    ($($module:ident of $folder:literal { $($name:ident),* $(,)? })*) => {
        $(mod $module {
            $(#[test]
            fn $name() {
                super::script::play(concat!($folder, "/", stringify!($name), ".txt"));
            })*
        })*
        const LISTED: &[&str] = &[$($(concat!($folder, "/", stringify!($name), ".txt")),*),*];
    };
}

dialogues! {
    imap of "imap" {
        acl,
        annotations,
        append,
        authzid,
        before_login,
        catenate,
        condstore,
        context,
        copy_move,
        create_use,
        esearch,
        external,
        fetch_items,
        flags,
        idle,
        injection,
        limits,
        list,
        list_extended,
        list_options,
        literal_before_login,
        literals,
        metadata,
        multiappend,
        multisearch,
        names,
        plaintext_login,
        qresync,
        recursion,
        replace,
        rev2,
        scram,
        search,
        search_results,
        sort,
        starttls,
        starttls_injection,
        starttls_injection_slow,
        status,
        syntax,
        thread,
        uidbatches,
        uidonly,
        unauthenticate,
    }
    clients of "imap/clients" {
        mbsync, neomutt, offlineimap, thunderbird, thunderbird_shared,
    }
    smtp of "smtp" {
        auth_before_tls, authzid, binarymime, extensions, external, inbound, limits, lmtp, null_sender, pipelining, relay, scram, sender, starttls, starttls_injection,
        starttls_injection_slow, syntax,
    }
    managesieve of "managesieve" {
        authzid, before_tls, limits, scripts, starttls, starttls_injection, starttls_injection_slow, syntax,
    }
    dav of "dav" {
        apple_calendar, davfs2, davx5, doctype, finder_copy, finder_lock, gvfs, ios_calendar, libreoffice, office_lock, properties, rclone_times, reports,
        thunderbird_calendar, traversal, unauthenticated, windows_explorer, windows_times,
    }
}

#[test]
fn every_file_is_run() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/dialogues");
    let (mut there, mut folders) = (BTreeSet::new(), vec![top.clone()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                there.insert(path.strip_prefix(&top).unwrap().to_string_lossy().into_owned());
            }
        }
    }
    assert_eq!(there, LISTED.iter().map(ToString::to_string).collect::<BTreeSet<_>>());
}
