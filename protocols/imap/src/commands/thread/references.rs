//! REFERENCES: messages are threaded by the ids that they name, then by their subjects.
//!
//! A container stands for an id or for a message without one; the number of an id is its container. Everything is an array over them.

use super::forest::{Forest, NONE};
use crate::columns::NO_ID;
use crate::commands::sort::Messages;

/// Steps up the ancestors, per container, that are taken to find loops; above it no more links are made that could close one. Threads
/// that people write need next to none.
const STEPS_PER_CONTAINER_MAX: usize = 64;

/// The threads of these messages.
// RFC 5256 section 3, REFERENCES; the steps are numbered as there.
pub(super) fn plant(messages: &Messages) -> Forest {
    let count = messages.positions.len();
    let sent: Vec<i64> = (0..count).map(|at| messages.sent(at)).collect();
    let mut parents = Containers::new(messages).pruned(count);
    Subjects { messages, sent: &sent, parents: &mut parents }.gather();
    Forest::new(count, &parents, &sent)
}

/// Steps 1 and 2.
struct Containers {
    /// The message of each container, or [`NONE`].
    messages: Vec<u32>,
    parents: Vec<u32>,
    /// How many children each has.
    children: Vec<u32>,
    steps_left: usize,
}

impl Containers {
    fn new(messages: &Messages) -> Self {
        let columns = messages.columns();
        let ids = columns.id_count();
        let count = messages.positions.len();
        let mut all = Self {
            messages: vec![NONE; ids],
            parents: vec![NONE; ids],
            children: vec![0; ids],
            steps_left: (ids + count) * STEPS_PER_CONTAINER_MAX,
        };
        for at in 0..count {
            let row = messages.row(at);
            let container = all.container(row.map_or(NO_ID, |row| columns.id(row)), at as u32);
            let references = row.map_or(&[][..], |row| columns.references(row));
            // (1) (A)
            for pair in references.windows(2) {
                if all.parents[pair[1] as usize] == NONE {
                    all.link(pair[0], pair[1]);
                }
            }
            // (1) (B)
            let parent = references.last().copied().unwrap_or(NONE);
            all.adopt(parent, container);
        }
        all
    }

    /// A message's container. Of several messages with one id the first has it, the others are as if they had one of their own.
    fn container(&mut self, id: u32, message: u32) -> u32 {
        if let Some(slot) = self.messages.get_mut(id as usize)
            && *slot == NONE
        {
            *slot = message;
            return id;
        }
        self.messages.push(message);
        self.parents.push(NONE);
        self.children.push(0);
        self.messages.len() as u32 - 1
    }

    /// Make one the parent of another that has none, unless that would close a loop.
    fn link(&mut self, parent: u32, child: u32) {
        if parent != child && !self.is_below(parent, child) {
            self.parents[child as usize] = parent;
            self.children[parent as usize] += 1;
        }
    }

    /// The same for a message, whose own word counts more than that of others.
    fn adopt(&mut self, parent: u32, child: u32) {
        let old = self.parents[child as usize];
        if old == parent {
            return;
        }
        if old != NONE {
            self.children[old as usize] -= 1;
            self.parents[child as usize] = NONE;
        }
        if parent != NONE {
            self.link(parent, child);
        }
    }

    /// Is it among the descendants of that one? Also yes when finding out would take too long.
    fn is_below(&mut self, node: u32, ancestor: u32) -> bool {
        // Most are new and have nothing below them.
        if self.children[ancestor as usize] == 0 {
            return false;
        }
        let mut at = node;
        while self.parents[at as usize] != NONE {
            at = self.parents[at as usize];
            if at == ancestor || self.steps_left == 0 {
                return true;
            }
            self.steps_left -= 1;
        }
        false
    }

    /// Step 3: the parents of messages, and behind them those of the empty containers that stay, which are roots.
    fn pruned(&self, count: usize) -> Vec<u32> {
        // What stands for an empty container among the ancestors: the next message above it, or the topmost empty one.
        let mut stands: Vec<u32> = vec![NONE; self.parents.len()];
        let mut way = Vec::new();
        let mut anchor = |from: u32| {
            let mut at = from;
            let found = loop {
                if self.messages[at as usize] != NONE {
                    break at;
                }
                if stands[at as usize] != NONE {
                    break stands[at as usize];
                }
                way.push(at);
                match self.parents[at as usize] {
                    NONE => break at,
                    parent => at = parent,
                }
            };
            for at in way.drain(..) {
                stands[at as usize] = found;
            }
            found
        };
        let mut anchors = vec![NONE; count];
        let mut children = vec![0_u32; self.parents.len()];
        for (container, message) in self.messages.iter().enumerate().filter(|(_, message)| **message != NONE) {
            if self.parents[container] != NONE {
                let found = anchor(self.parents[container]);
                anchors[*message as usize] = found;
                children[found as usize] += 1;
            }
        }
        let mut parents = vec![NONE; count];
        let mut nodes: Vec<u32> = self.messages.clone();
        for at in 0..count {
            let found = anchors[at];
            if found == NONE {
                continue;
            }
            if nodes[found as usize] == NONE {
                // An only child takes the place of the empty container.
                if children[found as usize] == 1 {
                    continue;
                }
                nodes[found as usize] = parents.len() as u32;
                parents.push(NONE);
            }
            parents[at] = nodes[found as usize];
        }
        parents
    }
}

/// Steps 4 and 5: roots with the same base subject become one thread.
struct Subjects<'a> {
    messages: &'a Messages,
    sent: &'a [i64],
    /// As [`Containers::pruned`] makes them. Empty ones are roots, and remain so.
    parents: &'a mut Vec<u32>,
}

impl Subjects<'_> {
    fn gather(&mut self) {
        let count = self.sent.len();
        let ranks = self.messages.columns().subject_ranks();
        // The first message of each root: itself, or its first child. Of those further down nothing is asked.
        let mut first: Vec<u32> = (0..count as u32).collect();
        first.resize(self.parents.len(), NONE);
        for at in 0..count {
            let parent = self.parents[at];
            if parent != NONE && parent as usize >= count {
                let best = &mut first[parent as usize];
                if *best == NONE || (self.sent[at], at as u32) < (self.sent[*best as usize], *best) {
                    *best = at as u32;
                }
            }
        }
        // (4)
        let mut roots: Vec<u32> = (0..self.parents.len() as u32).filter(|node| self.parents[*node as usize] == NONE).collect();
        roots.sort_unstable_by_key(|root| {
            let message = first[*root as usize];
            (self.sent[message as usize], message)
        });
        let row = |root: u32| self.messages.row(first[root as usize] as usize).filter(|row| !self.messages.columns().has_no_subject(*row));
        let is_empty = |root: u32| root as usize >= count;
        let is_reply = |root: u32| row(root).is_some_and(|row| self.messages.columns().is_reply(row));
        // (5) (B)
        let mut table: Vec<u32> = vec![NONE; ranks.count()];
        for root in &roots {
            let Some(row) = row(*root) else { continue };
            let slot = &mut table[ranks[row] as usize];
            let gives_way = *slot == NONE || (!is_empty(*slot) && (is_empty(*root) || (is_reply(*slot) && !is_reply(*root))));
            if gives_way {
                *slot = *root;
            }
        }
        // (5) (C)
        let mut moved: Vec<(u32, u32)> = Vec::new();
        let mut merged: Vec<(u32, u32)> = Vec::new();
        let mut made = self.parents.len() as u32;
        for root in &roots {
            let Some(row) = row(*root) else { continue };
            let slot = &mut table[ranks[row] as usize];
            let held = *slot;
            if held == *root {
                continue;
            }
            if is_empty(held) {
                if is_empty(*root) { merged.push((*root, held)) } else { moved.push((*root, held)) }
            } else if is_reply(*root) && !is_reply(held) {
                moved.push((*root, held));
            } else {
                moved.extend([(held, made), (*root, made)]);
                *slot = made;
                made += 1;
            }
        }
        self.parents.resize(made as usize, NONE);
        for (child, parent) in moved {
            self.parents[child as usize] = parent;
        }
        self.merge(&merged);
    }

    /// The children of empty roots go to other empty roots.
    fn merge(&mut self, merged: &[(u32, u32)]) {
        if merged.is_empty() {
            return;
        }
        let mut heirs = vec![NONE; self.parents.len()];
        for (from, to) in merged {
            heirs[*from as usize] = *to;
        }
        for parent in self.parents.iter_mut().filter(|parent| **parent != NONE) {
            if heirs[*parent as usize] != NONE {
                *parent = heirs[*parent as usize];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::forest::testing::written;
    use super::*;
    use crate::commands::sort::testing::messages;
    use proptest::prelude::*;

    /// Each message as its id, the ids that it refers to, and its subject; each sent a minute after the one before.
    fn threads(list: &[(&str, &str, &str)]) -> String {
        let headers: Vec<String> = list
            .iter()
            .enumerate()
            .map(|(at, (id, references, subject))| {
                let ids: String = references.split_whitespace().map(|id| format!("<{id}@x> ")).collect();
                let own = if id.is_empty() { String::new() } else { format!("Message-ID: <{id}@x>\r\n") };
                format!("{own}References: {ids}\r\nSubject: {subject}\r\nDate: 5 Feb 2024 {:02}:{:02}:00 +0000\r\n", at / 60, at % 60)
            })
            .collect();
        let headers: Vec<&[u8]> = headers.iter().map(String::as_bytes).collect();
        written(&plant(&messages(&headers)))
    }

    #[test]
    fn replies_stand_below_what_they_answer() {
        assert_eq!(threads(&[("a", "", "x"), ("b", "a", "Re: x"), ("c", "a b", "Re: x"), ("d", "a", "Re: x")]), "(1 (2 3)(4))");
        // The answer came first.
        assert_eq!(threads(&[("b", "a", "Re: x"), ("a", "", "x")]), "(2 1)");
        // What is missing in between is passed over; what is missing at the top is kept for several.
        assert_eq!(threads(&[("a", "", "x"), ("c", "a b", "y")]), "(1 2)");
        assert_eq!(threads(&[("b", "a", "x"), ("c", "a", "y")]), "((1)(2))");
        assert_eq!(threads(&[("b", "r s t", "x")]), "(1)");
        assert_eq!(threads(&[("b", "r s", "x"), ("c", "r t", "y")]), "((1)(2))");
        assert_eq!(threads(&[("", "", ""), ("", "", "")]), "(1)(2)");
    }

    #[test]
    fn loops_and_doubles_do_no_harm() {
        // The first link stands.
        assert_eq!(threads(&[("a", "b", "x"), ("b", "a", "y")]), "(2 1)");
        assert_eq!(threads(&[("a", "a", "x")]), "(1)");
        assert_eq!(threads(&[("a", "", "x"), ("a", "", "y"), ("c", "a", "z")]), "(1 3)(2)");
        assert_eq!(threads(&[("a", "b c d", "x"), ("b", "d", "y"), ("d", "a", "z")]), "(2)(3 1)");
    }

    #[test]
    fn its_own_references_count_more_than_those_of_others() {
        // 3 was said to be below 1 by 2, but says itself that it is below 4.
        assert_eq!(threads(&[("a", "", "w"), ("b", "a c", "x"), ("c", "d", "y"), ("d", "", "z")]), "(1)(4 3 2)");
        // And one that names none is a root, whoever named it.
        assert_eq!(threads(&[("a", "", "w"), ("b", "a c", "x"), ("c", "", "y")]), "(1)(3 2)");
    }

    #[test]
    fn subjects_join_what_ids_do_not() {
        assert_eq!(threads(&[("a", "", "x"), ("b", "", "Re: x")]), "(1 2)");
        assert_eq!(threads(&[("a", "", "Re: x"), ("b", "", "x")]), "(2 1)");
        assert_eq!(threads(&[("a", "", "x"), ("b", "", "x")]), "((1)(2))");
        assert_eq!(threads(&[("a", "", "x"), ("b", "", "x"), ("c", "", "Re: x")]), "((1)(2)(3))");
        assert_eq!(threads(&[("a", "", "Re: x"), ("b", "", "Re: x")]), "((1)(2))");
        // Both have an empty container at the top.
        assert_eq!(threads(&[("a", "r", "x"), ("b", "r", "x"), ("c", "s", "Re: x"), ("d", "s", "y")]), "((1)(2)(3)(4))");
        assert_eq!(threads(&[("a", "r", "x"), ("b", "r", "z"), ("c", "", "x")]), "((1)(2)(3))");
        assert_eq!(threads(&[("a", "", ""), ("b", "", "Re:")]), "(1)(2)");
    }

    /// A chain of many, in both directions, and ids that are made to close loops: no recursion, and no quadratic time.
    #[test]
    fn hostile_references_take_no_time() {
        let count = 30_000;
        let chain = |reverse: bool| {
            let headers: Vec<String> = (0..count)
                .map(|at| if reverse { count - at } else { at })
                .map(|at| format!("Message-ID: <{at}@x>\r\nReferences: <{}@x>\r\nDate: 5 Feb 2024 10:00:00 +0000\r\n", at - 1))
                .collect();
            let headers: Vec<&[u8]> = headers.iter().map(String::as_bytes).collect();
            written(&plant(&messages(&headers)))
        };
        assert_eq!(chain(false).matches('(').count(), 1);
        assert_eq!(chain(true).matches('(').count(), 1);
        // Everybody is made the parent of the root of a deep chain.
        let mut headers: Vec<String> = (1..count / 2).map(|at| format!("Message-ID: <{at}@x>\r\nReferences: <{}@x>\r\n", at - 1)).collect();
        headers.extend((1..count / 2).map(|at| format!("Message-ID: <l{at}@x>\r\nReferences: <{}@x> <0@x>\r\n", count / 2 - 1)));
        headers.extend((1..count / 2).map(|at| format!("References: <q{at}@x> <p{at}@x>\r\n")));
        headers.extend((1..count / 2).map(|at| format!("References: <{}@x> <q{at}@x>\r\n", count / 2 - 1)));
        let headers: Vec<&[u8]> = headers.iter().map(String::as_bytes).collect();
        let text = written(&plant(&messages(&headers)));
        let numbers = text.split(|c: char| !c.is_ascii_digit()).filter(|word| !word.is_empty()).count();
        assert_eq!(numbers, headers.len());
    }

    proptest! {
        /// Whatever messages refer to, each is in the answer once, and below each other as in a tree.
        #[test]
        fn every_message_is_there_once(
            list in proptest::collection::vec((0_u8..8, proptest::collection::vec(0_u8..8, 0..4), "(Re: )?[ab]?"), 0..24),
        ) {
            let texts: Vec<(String, String, String)> = list
                .iter()
                .map(|(id, references, subject)| {
                    let id = if *id == 0 { String::new() } else { id.to_string() };
                    (id, references.iter().map(|id| format!("{id} ")).collect(), subject.clone())
                })
                .collect();
            let list: Vec<(&str, &str, &str)> = texts.iter().map(|(id, refs, subject)| (&id[..], &refs[..], &subject[..])).collect();
            let text = threads(&list);
            let mut numbers: Vec<usize> =
                text.split(|c: char| !c.is_ascii_digit()).filter(|word| !word.is_empty()).map(|word| word.parse().unwrap_or(0)).collect();
            numbers.sort_unstable();
            prop_assert_eq!(numbers, (1..=list.len()).collect::<Vec<_>>());
            prop_assert!(!text.contains("()"));
        }
    }
}
