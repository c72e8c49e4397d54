//! What a search answers: `* SEARCH`, `* SORT` or `* ESEARCH`. Written by SEARCH, SORT and ESEARCH.

use crate::state::By;
use crate::view::{Sight, Snapshot};
use crate::wire::fetch::{decimal, write_set};
use crate::wire::grammar::messages::Item;
use crate::wire::grammar::returns::{Returns, Wanted};
use crate::wire::numbers::runs;
use imap_codec::imap_types::core::Tag;
use octroi_gate::MailboxView;
use octroi_model::ModSeq;

/// How a client wants to be answered.
pub(crate) struct Answer<'a> {
    /// Of the command.
    pub(crate) tag: &'a Tag<'a>,
    pub(crate) by: By,
    /// Nothing: as before ESEARCH.
    pub(crate) returns: Option<Returns>,
    /// The highest modseq is told as well.
    pub(crate) modseq: bool,
}

/// How a response names the message at a position.
pub(crate) fn number<S: Snapshot>(shown: &S, position: usize, by: By) -> Option<u32> {
    match by {
        By::Number => Some(position as u32 + 1),
        By::Uid => shown.uid_at(position).map(|uid| uid.0),
    }
}

impl Answer<'_> {
    /// What to tell of new messages, if changes are to be told at all.
    pub(crate) fn updates(&self) -> Option<&[Item]> {
        self.returns.as_ref()?.update.as_deref()
    }

    /// The response for these positions, in the order of the answer; `word` is what it begins with where no options are given.
    pub(crate) fn write(&self, out: &mut Vec<u8>, word: &str, sight: &Sight<MailboxView>, found: &[usize]) {
        match &self.returns {
            None => write_numbers(out, word, &self.numbers(sight, found), self.modseq(sight, found)),
            Some(returns) if returns.is_silent() => {}
            Some(_) => self.write_extended(out, "", sight, found),
        }
    }

    /// The response of ESEARCH for these positions of one of its mailboxes; `about` says of which.
    pub(crate) fn write_extended(&self, out: &mut Vec<u8>, about: &str, sight: &Sight<MailboxView>, found: &[usize]) {
        let Some(returns) = &self.returns else { return };
        let by = if self.by == By::Uid { " UID" } else { "" };
        let about = format!("TAG \"{}\"{about}){by}", self.tag.as_ref());
        let concerned = returns.concerned(found);
        write_extended(out, &about, returns, &self.numbers(sight, found), self.modseq(sight, &concerned));
    }

    fn numbers(&self, sight: &Sight<MailboxView>, found: &[usize]) -> Vec<u32> {
        found.iter().filter_map(|position| number(sight.shown(), *position, self.by)).collect()
    }

    /// The highest of these messages, if it is to be told.
    fn modseq(&self, sight: &Sight<MailboxView>, positions: &[usize]) -> Option<ModSeq> {
        let of = || positions.iter().filter_map(|at| sight.item(*at)).map(|item| item.modseq).max();
        self.modseq.then(of).flatten()
    }
}

// RFC 7162 section 3.1.5: an empty answer has no modseq.
fn write_numbers(out: &mut Vec<u8>, word: &str, numbers: &[u32], modseq: Option<ModSeq>) {
    out.extend_from_slice(b"* ");
    out.extend_from_slice(word.as_bytes());
    for number in numbers {
        out.push(b' ');
        decimal(out, u64::from(*number));
    }
    if let Some(modseq) = modseq {
        out.extend_from_slice(format!(" (MODSEQ {})", modseq.0).as_bytes());
    }
    out.extend_from_slice(b"\r\n");
}

/// `* ESEARCH (` with `about` behind it, and what the client wants to be told of the numbers.
// RFC 4731 section 3.1: of nothing, only COUNT is told. RFC 5267 section 3.2: MIN and MAX are the first and the last in their order.
fn write_extended(out: &mut Vec<u8>, about: &str, returns: &Returns, numbers: &[u32], modseq: Option<ModSeq>) {
    out.extend_from_slice(b"* ESEARCH (");
    out.extend_from_slice(about.as_bytes());
    if let (Some(first), Some(last)) = (numbers.first(), numbers.last()) {
        if returns.tells(Wanted::Min) {
            out.extend_from_slice(format!(" MIN {first}").as_bytes());
        }
        if returns.tells(Wanted::Max) {
            out.extend_from_slice(format!(" MAX {last}").as_bytes());
        }
        if returns.tells(Wanted::All) {
            out.extend_from_slice(b" ALL ");
            write_set(out, runs(numbers.iter().copied()));
        }
    }
    if returns.tells(Wanted::Count) {
        out.extend_from_slice(format!(" COUNT {}", numbers.len()).as_bytes());
    }
    if let Some(page) = returns.page {
        out.extend_from_slice(format!(" PARTIAL ({} ", page.written()).as_bytes());
        match &numbers[page.range(numbers.len())] {
            [] => out.extend_from_slice(b"NIL"),
            some => write_set(out, runs(some.iter().copied())),
        }
        out.push(b')');
    }
    if let Some(modseq) = modseq {
        out.extend_from_slice(format!(" MODSEQ {}", modseq.0).as_bytes());
    }
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::wire::encode::data;
    use crate::wire::grammar::search::Seeking;
    use crate::wire::grammar::search::tests::read;
    use imap_codec::imap_types::response::Data;
    use proptest::prelude::*;
    use std::num::NonZeroU32;

    fn extended(options: &str, numbers: &[u32], modseq: Option<u64>) -> String {
        let Ok(Seeking::Search { returns: Some(returns), .. }) = read(&format!("SEARCH RETURN ({options}) ALL")) else { panic!() };
        let mut out = Vec::new();
        write_extended(&mut out, "TAG \"A282\")", &returns, numbers, modseq.map(ModSeq));
        String::from_utf8(out).unwrap().strip_prefix("* ESEARCH (TAG \"A282\")").unwrap().trim_end().to_owned()
    }

    #[test]
    fn the_answers_of_the_rfcs() {
        // RFC 4731 section 3.1.
        assert_eq!(extended("MIN COUNT", &[2, 3, 47], None), " MIN 2 COUNT 3");
        assert_eq!(extended("", &[2, 10, 11], None), " ALL 2,10:11");
        assert_eq!(extended("MIN", &[], None), "");
        assert_eq!(extended("COUNT ALL", &[], None), " COUNT 0");
        assert_eq!(extended("ALL MIN MAX", &[2, 3], Some(917_162_488)), " MIN 2 MAX 3 ALL 2:3 MODSEQ 917162488");
        // RFC 5267 section 3.3 and RFC 9394 section 3.1: a sorted answer keeps its order.
        assert_eq!(extended("ALL MIN", &[5, 3, 4, 1, 2], None), " MIN 5 ALL 5,3:4,1:2");
        assert_eq!(extended("PARTIAL 23500:24000", &[1], None), " PARTIAL (23500:24000 NIL)");
        assert_eq!(extended("PARTIAL -1:-2 COUNT", &[7, 8, 12], None), " COUNT 3 PARTIAL (-1:-2 8,12)");
    }

    #[test]
    fn the_old_answers() {
        let mut out = Vec::new();
        write_numbers(&mut out, "SEARCH", &[2, 5, 6, 7, 11, 12, 18, 19, 20, 23], Some(ModSeq(917_162_500)));
        write_numbers(&mut out, "SORT", &[], None);
        assert_eq!(out, b"* SEARCH 2 5 6 7 11 12 18 19 20 23 (MODSEQ 917162500)\r\n* SORT\r\n");
    }

    proptest! {
        #[test]
        fn the_old_answer_is_the_plain_encoders(numbers in proptest::collection::vec(1u32.., 0..20)) {
            let mut out = Vec::new();
            write_numbers(&mut out, "SEARCH", &numbers, None);
            let values = numbers.iter().map(|number| NonZeroU32::new(*number).unwrap()).collect();
            prop_assert_eq!(out, data(Data::Search(values)));
        }

        /// A client that reads the set has the numbers, in their order.
        #[test]
        fn a_set_says_the_same_as_its_numbers(numbers in proptest::collection::btree_set(1u32..60, 1..40), around in 0usize..40) {
            let mut numbers: Vec<u32> = numbers.into_iter().collect();
            let middle = around % numbers.len();
            numbers.rotate_left(middle);
            let mut out = Vec::new();
            write_set(&mut out, runs(numbers.iter().copied()));
            let text = String::from_utf8(out).unwrap();
            let ends = text.split(',').map(|range| range.split_once(':').unwrap_or((range, range)));
            let back: Vec<u32> = ends.flat_map(|(from, to)| from.parse::<u32>().unwrap()..=to.parse().unwrap()).collect();
            prop_assert_eq!(back, numbers);
        }
    }
}
