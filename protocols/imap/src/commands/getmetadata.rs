//! GETMETADATA. RFC 5464 section 4.2.

use crate::reply::{Done, Fault, Reply, bad_name};
use crate::wire::grammar::metadata::{Depth, Get, is_entry};
use crate::wire::grammar::scan::{astring, write_octets};
use crate::wire::mailbox::on_wire;
use crate::wire::{Wire, encode};
use octroi_gate::{Annotation, MailboxAt, ReadMetadata, Refusal, Session};
use octroi_model::Path;
use std::collections::HashSet;

/// GETMETADATA.
pub(crate) async fn getmetadata(wire: &mut Wire, session: &Session, get: &Get) -> Done {
    let (name, all) = if get.mailbox.text() == Some("") {
        ("\"\"".to_owned(), session.server_annotations().await?)
    } else {
        let path = get.mailbox.path().ok_or_else(bad_name)?;
        (on_wire(&path.join("/"), wire.enabled.utf8()), of_mailbox(session, path).await?)
    };
    let wanted = wanted(get, &all)?;
    // RFC 5464 section 4.2.1: how long the longest is that was left out.
    let is_long = |value: &[u8]| get.bytes_max.is_some_and(|max| value.len() as u64 > max);
    let longest = all.iter().filter(|(name, value)| wanted.contains(name) && is_long(value)).map(|(_, value)| value.len()).max();
    let told: Vec<String> = wanted.into_iter().filter(|name| !all.iter().any(|(one, value)| one == name && is_long(value))).collect();
    if !told.is_empty() {
        wire.raw(&response(&name, &told, &all)).await?;
    }
    let reply = Reply::ok("Done");
    Ok(match longest {
        Some(bytes) => reply.with(encode::code(format!("METADATA LONGENTRIES {bytes}"))),
        None => reply,
    })
}

/// The annotations of a mailbox. LIST's and NOTIFY's too.
pub(crate) async fn of_mailbox(session: &Session, path: Path) -> Result<Vec<Annotation>, Refusal> {
    session.open(MailboxAt(path), ReadMetadata).await?.annotations()
}

/// The names to tell, each once: those that were asked for, and what is below them as far as was asked.
fn wanted(get: &Get, all: &[Annotation]) -> Result<Vec<String>, Fault> {
    let mut names = Vec::new();
    for entry in &get.entries {
        let entry = entry.to_ascii_lowercase();
        if !is_entry(&entry) {
            return Err(Reply::bad("The names of entries begin with /private or /shared").into());
        }
        let below = all.iter().filter(|(name, _)| {
            let rest = name.strip_prefix(&entry).and_then(|rest| rest.strip_prefix('/'));
            rest.is_some_and(|rest| match get.depth {
                Depth::Zero => false,
                Depth::One => !rest.contains('/'),
                Depth::Infinity => true,
            })
        });
        let below: Vec<String> = below.map(|(name, _)| name.clone()).collect();
        // The entry itself is told as NIL when it has no value, but not when it only stands for what is below it.
        if get.depth == Depth::Zero || all.iter().any(|(name, _)| *name == entry) {
            names.push(entry);
        }
        names.extend(below);
    }
    let mut known = HashSet::new();
    names.retain(|name| known.insert(name.clone()));
    Ok(names)
}

/// The response with these entries; NIL for one that has no value.
pub(super) fn response(mailbox: &str, names: &[String], all: &[Annotation]) -> Vec<u8> {
    let mut out = format!("* METADATA {mailbox} (").into_bytes();
    for (at, name) in names.iter().enumerate() {
        if at > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(astring(name).as_bytes());
        out.push(b' ');
        match all.iter().find(|(one, _)| one.eq_ignore_ascii_case(name)) {
            Some((_, value)) => write_octets(&mut out, value),
            None => out.extend_from_slice(b"NIL"),
        }
    }
    out.extend_from_slice(b")\r\n");
    out
}
