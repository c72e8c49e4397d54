//! What a search is to tell: `RETURN (…)`. RFC 4731, RFC 5182, RFC 5267, RFC 9394. Read for SEARCH, SORT and ESEARCH.

use super::argument;
use super::messages::{Item, notified_items};
use super::scan::{NOT_UNDERSTOOD, Read, Scanner};
use std::num::NonZeroU32;
use std::ops::Range;

/// What to tell of what was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Returns {
    /// Each at most once.
    pub(crate) wanted: Vec<Wanted>,
    /// A part of what was found.
    pub(crate) page: Option<Page>,
    /// Remember it as `$`.
    pub(crate) save: bool,
    /// Tell as well how it changes, until the mailbox is left, and these items of messages that are new (RFC 5465 section 7).
    pub(crate) update: Option<Vec<Item>>,
}

/// One thing to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// The first.
    Min,
    /// The last.
    Max,
    /// All of them.
    All,
    /// How many there are.
    Count,
}

/// Some of what was found, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Page {
    from: NonZeroU32,
    to: NonZeroU32,
    /// Counted from the end.
    is_from_end: bool,
}

impl Returns {
    /// What a search tells that says nothing about it.
    pub(crate) fn all() -> Self {
        Self { wanted: vec![Wanted::All], ..Self::default() }
    }

    /// Is this told?
    pub(crate) fn tells(&self, wanted: Wanted) -> bool {
        self.wanted.contains(&wanted)
    }

    /// Nothing is told, only remembered.
    // RFC 5182 section 2.1.
    pub(crate) fn is_silent(&self) -> bool {
        self.save && self.wanted.is_empty() && self.page.is_none()
    }

    /// Those of what was found, in the order of the answer, that the answer is about: what MODSEQ is the highest of, and what is saved.
    // RFC 4731 section 3.2, RFC 5182 section 2.4, RFC 9394 section 3.1: all of them, unless only ends or a part are asked for.
    pub(crate) fn concerned<T: Copy + PartialEq>(&self, found: &[T]) -> Vec<T> {
        let is_whole = self.tells(Wanted::All) || self.tells(Wanted::Count) || (self.wanted.is_empty() && self.page.is_none());
        if is_whole {
            return found.to_vec();
        }
        let mut some = self.page.map_or(&[][..], |page| &found[page.range(found.len())]).to_vec();
        let ends = [(Wanted::Min, found.first()), (Wanted::Max, found.last())];
        for end in ends.into_iter().filter(|(wanted, _)| self.tells(*wanted)).filter_map(|(_, end)| end) {
            if !some.contains(end) {
                some.push(*end);
            }
        }
        some
    }
}

impl Page {
    /// The places, from 0, of those that are there.
    pub(crate) fn range(self, count: usize) -> Range<usize> {
        let (low, high) = (self.from.min(self.to).get() as usize, self.from.max(self.to).get() as usize);
        if self.is_from_end { count.saturating_sub(high)..count.saturating_sub(low - 1) } else { (low - 1).min(count)..high.min(count) }
    }

    /// How many it asks for.
    pub(crate) fn span(self) -> usize {
        (self.from.get().abs_diff(self.to.get()) as usize).saturating_add(1)
    }

    /// As the client wrote it.
    pub(crate) fn written(self) -> String {
        let sign = if self.is_from_end { "-" } else { "" };
        format!("{sign}{}:{sign}{}", self.from, self.to)
    }

    /// RFC 9394 section 4 (partial-range).
    pub(crate) fn read(rest: &mut Scanner<'_>) -> Read<Self> {
        let is_from_end = rest.accept(b'-');
        let from = rest.nz_number()?;
        rest.expect(b':')?;
        if is_from_end {
            rest.expect(b'-')?;
        }
        Ok(Self { from, to: rest.nz_number()?, is_from_end })
    }
}

/// `RETURN (…)` with the space behind it, if it is next.
pub(super) fn returns(rest: &mut Scanner<'_>) -> Read<Option<Returns>> {
    if !rest.accept_text("RETURN (") {
        return Ok(None);
    }
    let mut returns = Returns::default();
    // RFC 4731 section 3.1: nothing stands for ALL.
    if rest.accept(b')') {
        returns = Returns::all();
    } else {
        loop {
            option(rest, &mut returns)?;
            if rest.accept(b')') {
                break;
            }
            rest.space()?;
        }
    }
    // RFC 9394 section 3.1.
    if returns.page.is_some() && returns.tells(Wanted::All) {
        return Err("ALL and PARTIAL exclude each other");
    }
    rest.space()?;
    Ok(Some(returns))
}

fn option(rest: &mut Scanner<'_>, returns: &mut Returns) -> Read<()> {
    let wanted = match rest.word()?.as_str() {
        "MIN" => Wanted::Min,
        "MAX" => Wanted::Max,
        "ALL" => Wanted::All,
        "COUNT" => Wanted::Count,
        "SAVE" => {
            returns.save = true;
            return Ok(());
        }
        "UPDATE" => {
            returns.update = Some(if rest.accept_text(" (") { notified_items(rest)? } else { Vec::new() });
            return Ok(());
        }
        // RFC 5267 section 4.2: says that more of the same is to come; the columns are kept in any case.
        "CONTEXT" => return Ok(()),
        "PARTIAL" if returns.page.is_none() => {
            returns.page = Some(argument(rest, Page::read)?);
            return Ok(());
        }
        _ => return Err(NOT_UNDERSTOOD),
    };
    if !returns.tells(wanted) {
        returns.wanted.push(wanted);
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(text: &str) -> Read<Option<Returns>> {
        returns(&mut Scanner::new(format!("{text} ").as_bytes(), false))
    }

    #[test]
    fn options_in_any_order() {
        assert_eq!(read("ALL"), Ok(None));
        assert_eq!(read("return ()"), Ok(Some(Returns::all())));
        assert_eq!(read("RETURN (CONTEXT UPDATE COUNT)").unwrap().unwrap().update, Some(vec![]));
        // RFC 5465 section 7.
        let update = read("RETURN (COUNT UPDATE (UID BODY[HEADER.FIELDS (TO FROM SUBJECT)]))").unwrap().unwrap().update;
        assert_eq!(update.map(|items| items.len()), Some(2));
        let both = read("RETURN (max SAVE MIN MAX)").unwrap().unwrap();
        assert_eq!((both.wanted, both.save), (vec![Wanted::Max, Wanted::Min], true));
        assert!(read("RETURN (SAVE)").unwrap().unwrap().is_silent());
        for text in [
            "RETURN (X)",
            "RETURN (MIN",
            "RETURN ( MIN)",
            "RETURN (ALL PARTIAL 1:2)",
            "RETURN (PARTIAL 0:2)",
            "RETURN (PARTIAL -1:2)",
            "RETURN (PARTIAL 1:*)",
            "RETURN (PARTIAL 1:2 PARTIAL 3:4)",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn pages_count_from_either_end() {
        let page = |text: &str| read(&format!("RETURN (PARTIAL {text})")).unwrap().unwrap().page.unwrap();
        for (text, range) in [
            ("1:3", 0..3),
            ("3:1", 0..3),
            ("4:9", 3..5),
            ("6:9", 5..5),
            ("-1:-2", 3..5),
            ("-2:-1", 3..5),
            ("-4:-9", 0..2),
            ("-6:-9", 0..0),
            ("1:4294967295", 0..5),
        ] {
            assert_eq!(page(text).range(5), range, "{text}");
            assert_eq!(page(text).written(), text);
        }
    }

    #[test]
    fn what_an_answer_is_about() {
        let concerned = |text: &str| read(&format!("RETURN ({text})")).unwrap().unwrap().concerned(&[3, 5, 8, 9]);
        assert_eq!(concerned("SAVE"), [3, 5, 8, 9]);
        assert_eq!(concerned("SAVE MIN COUNT"), [3, 5, 8, 9]);
        assert_eq!(concerned("SAVE MIN"), [3]);
        assert_eq!(concerned("SAVE MAX MIN"), [3, 9]);
        assert_eq!(concerned("PARTIAL -1:-2 MIN MAX"), [8, 9, 3]);
        assert!(Returns::all().concerned::<u32>(&[]).is_empty());
    }
}
