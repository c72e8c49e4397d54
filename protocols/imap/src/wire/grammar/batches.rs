//! UIDBATCHES. RFC 10022 section 4.

use super::argument;
use super::scan::{Read, Scanner};
use std::num::NonZeroU32;

/// Which batches of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Batches {
    /// Messages in each.
    pub(crate) size: NonZeroU32,
    /// From one to another, as they were written; the newest messages are in the first. Nothing: all.
    pub(crate) range: Option<(NonZeroU32, NonZeroU32)>,
}

/// What follows the word of such a command; nothing of other commands.
pub(super) fn command(word: &str, rest: &mut Scanner<'_>) -> Option<Read<Batches>> {
    (word == "UIDBATCHES").then(|| argument(rest, batches))
}

fn batches(rest: &mut Scanner<'_>) -> Read<Batches> {
    let size = rest.nz_number()?;
    let mut range = None;
    if rest.accept(b' ') {
        let from = rest.nz_number()?;
        rest.expect(b':')?;
        range = Some((from, rest.nz_number()?));
    }
    Ok(Batches { size, range })
}

#[cfg(test)]
mod tests {
    use super::super::{Request, command};
    use super::*;

    fn read(line: &str) -> Option<(u32, Option<(u32, u32)>)> {
        let octets = format!("A302 {line}\r\n");
        match command(octets.as_bytes(), false) {
            Ok((_, Request::Batches(Batches { size, range }))) => Some((size.get(), range.map(|(from, to)| (from.get(), to.get())))),
            _ => None,
        }
    }

    #[test]
    fn the_commands_of_the_rfc() {
        assert_eq!(read("UIDBATCHES 2000"), Some((2000, None)));
        assert_eq!(read("uidbatches 2000 10:20"), Some((2000, Some((10, 20)))));
        // The wrong way round is answered with a code of its own.
        assert_eq!(read("UIDBATCHES 2000 4:1"), Some((2000, Some((4, 1)))));
        let bad = ["UIDBATCHES", "UIDBATCHES 0", "UIDBATCHES 2000 0:1", "UIDBATCHES 2000 1", "UIDBATCHES 2000 1:*", "UID UIDBATCHES 2000"];
        for line in bad {
            assert_eq!(read(line), None, "{line}");
        }
    }
}
