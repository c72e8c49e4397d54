//! NOOP. RFC 5804 section 2.13.

use crate::wire::{Reply, quoted};

/// NOOP: the tag is given back.
pub(crate) fn noop(tag: Option<String>) -> Reply {
    let done = Reply::ok("Done");
    match tag {
        Some(tag) => done.code(format!("TAG {}", String::from_utf8_lossy(&quoted(&tag)))),
        None => done,
    }
}
