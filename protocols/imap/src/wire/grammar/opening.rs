//! The parameters of SELECT and EXAMINE: RFC 4466 section 2.1, RFC 7162 section 7 (select-param).

use super::scan::{NOT_UNDERSTOOD, Read, Scanner};
use imap_codec::imap_types::sequence::{SeqOrUid, Sequence};
use octroi_model::{ModSeq, Uid, UidSet};

/// How a mailbox is to be opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Opening {
    /// Modseqs are wanted.
    pub(crate) condstore: bool,
    /// What the client has kept, to be told what has changed since.
    pub(crate) resync: Option<Remembered>,
}

/// What a client knows of a mailbox from before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Remembered {
    pub(crate) uid_validity: u32,
    pub(crate) modseq: ModSeq,
    /// The messages that it has; any, when it does not say.
    pub(crate) uids: Option<UidSet>,
    /// It also says which numbers some of them had. That is of no use here: expunges are remembered by their uids.
    pub(crate) has_numbers: bool,
}

/// What stands behind the mailbox's name.
pub(super) fn opening(rest: &mut Scanner<'_>) -> Read<Opening> {
    let mut opening = Opening::default();
    if !rest.accept(b' ') {
        return Ok(opening);
    }
    let parameters = rest.list(|rest| {
        match rest.word()?.as_str() {
            "CONDSTORE" => opening.condstore = true,
            "QRESYNC" if opening.resync.is_none() => {
                rest.space()?;
                opening.resync = Some(remembered(rest)?);
            }
            // RFC 4466 section 2.1.
            _ => return Err("The parameter is not known"),
        }
        Ok(())
    })?;
    if parameters.is_empty() { Err(NOT_UNDERSTOOD) } else { Ok(opening) }
}

fn remembered(rest: &mut Scanner<'_>) -> Read<Remembered> {
    rest.expect(b'(')?;
    let uid_validity = rest.nz_number()?.get();
    rest.space()?;
    let modseq = ModSeq(rest.number64()?);
    let mut remembered = Remembered { uid_validity, modseq, uids: None, has_numbers: false };
    if modseq == ModSeq(0) {
        return Err(NOT_UNDERSTOOD);
    }
    let mut has_more = rest.accept(b' ');
    if has_more && !rest.peek(b'(') {
        remembered.uids = Some(known(rest)?);
        has_more = rest.accept(b' ');
    }
    if has_more {
        rest.expect(b'(')?;
        known(rest)?;
        rest.space()?;
        known(rest)?;
        rest.expect(b')')?;
        remembered.has_numbers = true;
    }
    rest.expect(b')').map(|()| remembered)
}

/// RFC 7162 section 7 (known-uids): `*` does not stand in it.
fn known(rest: &mut Scanner<'_>) -> Read<UidSet> {
    let end = |end: &SeqOrUid| match end {
        SeqOrUid::Value(value) => Ok(Uid(value.get())),
        SeqOrUid::Asterisk => Err("A star stands for nothing that is known"),
    };
    let listed = rest.listed()?;
    let ranges = listed.0.as_ref().iter().map(|sequence| match sequence {
        Sequence::Single(one) => Ok((end(one)?, end(one)?)),
        Sequence::Range(from, to) => Ok((end(from)?, end(to)?)),
    });
    Ok(UidSet::from_ranges(ranges.collect::<Read<Vec<_>>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Read<Opening> {
        let mut scanner = Scanner::new(text.as_bytes(), false);
        let opening = opening(&mut scanner)?;
        scanner.end().map(|()| opening)
    }

    #[test]
    fn the_parameters_of_the_rfc() {
        let resync = |uid_validity, modseq, uids: Option<&[(u32, u32)]>, has_numbers| {
            let uids = uids.map(|ranges| UidSet::from_ranges(ranges.iter().map(|(from, to)| (Uid(*from), Uid(*to)))));
            Ok(Opening { condstore: false, resync: Some(Remembered { uid_validity, modseq: ModSeq(modseq), uids, has_numbers }) })
        };
        assert_eq!(read(""), Ok(Opening::default()));
        assert_eq!(read(" (CONDSTORE)"), Ok(Opening { condstore: true, resync: None }));
        assert_eq!(read(" (qresync (67890007 20050715194045000))"), resync(67_890_007, 20_050_715_194_045_000, None, false));
        assert_eq!(
            read(" (QRESYNC (67890007 20050715194045000 41,43:211,214:541))"),
            resync(67_890_007, 20_050_715_194_045_000, Some(&[(41, 41), (43, 211), (214, 541)]), false)
        );
        assert_eq!(
            read(" (QRESYNC (67890007 90060115194045000 41:211,214:541 (1,3,6 41,43,211)))"),
            resync(67_890_007, 90_060_115_194_045_000, Some(&[(41, 211), (214, 541)]), true)
        );
        assert_eq!(read(" (QRESYNC (1 2 (1:3 4:6)))"), resync(1, 2, None, true));
    }

    #[test]
    fn what_is_no_parameter_is_refused() {
        for text in [
            " ()",
            " (X)",
            " CONDSTORE",
            " (CONDSTORE",
            "  (CONDSTORE)",
            " (QRESYNC)",
            " (QRESYNC ())",
            " (QRESYNC (1))",
            " (QRESYNC (0 1))",
            " (QRESYNC (1 0))",
            " (QRESYNC (1 2 1:*))",
            " (QRESYNC (1 2 3 (4)))",
            " (QRESYNC (1 2 3 (4 5) 6))",
            " (QRESYNC (1 9223372036854775808))",
            " (QRESYNC (1 2) QRESYNC (1 2))",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
