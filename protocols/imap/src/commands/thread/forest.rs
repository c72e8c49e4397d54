//! Threads as trees, and how they are written. Made by the algorithms of THREAD.
//!
//! Trees are arrays: a node knows its parent, and children are ordered by when they were sent.

use crate::wire::fetch::decimal;

/// Instead of a node.
pub(super) const NONE: u32 = u32::MAX;

/// Brackets inside one another that are written: clients read them by recursion. What is deeper is written as one line of descendants.
const DEPTH_MAX: usize = 200;

/// Nodes below `messages` are the messages, those from there on have none (RFC 5256's dummies).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Forest {
    messages: usize,
    /// In their order.
    roots: Vec<u32>,
    /// All children, of one node after the other.
    children: Vec<u32>,
    /// Where the children of each node begin, and after the last where they end.
    starts: Vec<u32>,
}

impl Forest {
    /// From the parent of each node. `sent` is of the messages only; a node without a message has the time of its first child.
    // RFC 5256 section 3, step 6 of REFERENCES; ties go by the message number.
    pub(super) fn new(messages: usize, parents: &[u32], sent: &[i64]) -> Self {
        let mut keys: Vec<(i64, u32)> = sent.iter().copied().zip(0..).collect();
        keys.resize(parents.len(), (i64::MAX, NONE));
        for at in 0..messages {
            let parent = parents[at] as usize;
            if parents[at] != NONE && parent >= messages {
                keys[parent] = keys[parent].min(keys[at]);
            }
        }
        let mut order: Vec<u32> = (0..parents.len() as u32).collect();
        order.sort_unstable_by_key(|node| (keys[*node as usize], *node));
        let mut starts = vec![0; parents.len() + 1];
        for parent in parents.iter().filter(|parent| **parent != NONE) {
            starts[*parent as usize + 1] += 1;
        }
        for node in 0..parents.len() {
            starts[node + 1] += starts[node];
        }
        let mut next: Vec<u32> = starts.clone();
        let mut children = vec![0; starts[parents.len()] as usize];
        let mut roots = Vec::new();
        for node in order {
            match parents[node as usize] {
                NONE => roots.push(node),
                parent => {
                    children[next[parent as usize] as usize] = node;
                    next[parent as usize] += 1;
                }
            }
        }
        // A node without a message that lost its children to another is no thread.
        roots.retain(|root| (*root as usize) < messages || starts[*root as usize] < starts[*root as usize + 1]);
        Self { messages, roots, children, starts }
    }

    fn children(&self, node: u32) -> &[u32] {
        &self.children[self.starts[node as usize] as usize..self.starts[node as usize + 1] as usize]
    }

    /// `* THREAD` with its threads; `numbers` are what the messages are called.
    // RFC 5256 section 4.
    pub(super) fn write(&self, out: &mut Vec<u8>, numbers: &[u32]) {
        out.reserve(16 + numbers.len() * 9);
        out.extend_from_slice(b"* THREAD");
        if !self.roots.is_empty() {
            out.push(b' ');
        }
        let mut steps: Vec<Step> = Vec::new();
        for root in &self.roots {
            steps.push(Step::Thread(*root));
            let mut depth = 0;
            while let Some(step) = steps.pop() {
                match step {
                    Step::Close => {
                        out.push(b')');
                        depth -= 1;
                    }
                    Step::Thread(node) => {
                        out.push(b'(');
                        let end = self.write_line(out, numbers, node);
                        let branches = self.children(end);
                        depth += 1;
                        steps.push(Step::Close);
                        if depth >= DEPTH_MAX {
                            self.write_flat(out, numbers, branches);
                            continue;
                        }
                        if !branches.is_empty() && (end as usize) < self.messages {
                            out.push(b' ');
                        }
                        steps.extend(branches.iter().rev().map(|branch| Step::Thread(*branch)));
                    }
                }
            }
        }
        out.extend_from_slice(b"\r\n");
    }

    /// A node and its only descendants; returns the last, which has none or several children.
    fn write_line(&self, out: &mut Vec<u8>, numbers: &[u32], node: u32) -> u32 {
        let mut node = node;
        if let Some(number) = numbers.get(node as usize) {
            decimal(out, u64::from(*number));
        }
        while let [only] = self.children(node) {
            node = *only;
            out.push(b' ');
            decimal(out, u64::from(numbers[node as usize]));
        }
        node
    }

    /// Everything below, as if each were the child of the one before.
    fn write_flat(&self, out: &mut Vec<u8>, numbers: &[u32], branches: &[u32]) {
        let mut left: Vec<u32> = branches.iter().rev().copied().collect();
        while let Some(node) = left.pop() {
            out.push(b' ');
            decimal(out, u64::from(numbers[node as usize]));
            left.extend(self.children(node).iter().rev());
        }
    }
}

enum Step {
    Thread(u32),
    Close,
}

#[cfg(test)]
pub(super) mod testing {
    use super::Forest;

    /// As on the wire without its beginning, with message numbers from 1.
    pub(crate) fn written(forest: &Forest) -> String {
        let mut out = Vec::new();
        forest.write(&mut out, &(1..=forest.messages as u32).collect::<Vec<_>>());
        let text = String::from_utf8_lossy(&out).into_owned();
        text.strip_prefix("* THREAD").unwrap_or_default().trim_start().trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::testing::written;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn threads_are_written_as_in_the_rfc() {
        // RFC 5256 section 4 has (2)(3 6 (4 23)(44 7 96)), which are these names.
        let forest = Forest::new(8, &[NONE, NONE, 1, 2, 2, 3, 4, 6], &[0, 1, 2, 3, 4, 5, 6, 7]);
        let mut out = Vec::new();
        forest.write(&mut out, &[2, 3, 6, 4, 44, 23, 7, 96]);
        assert_eq!(String::from_utf8_lossy(&out), "* THREAD (2)(3 6 (4 23)(44 7 96))\r\n");
        let dummy = Forest::new(3, &[3, 3, NONE, NONE], &[5, 4, 4]);
        assert_eq!(written(&dummy), "((2)(1))(3)");
        assert_eq!(written(&Forest::new(0, &[], &[])), "");
    }

    /// A chain and a comb of many messages must neither overflow the stack nor take quadratic time, nor be nested without bound.
    #[test]
    fn depth_is_bounded() {
        let count = 200_000_u32;
        let sent = vec![0; count as usize];
        let chain: Vec<u32> = (0..count).map(|at| at.checked_sub(1).unwrap_or(NONE)).collect();
        let line = written(&Forest::new(count as usize, &chain, &sent));
        assert_eq!(line.matches('(').count(), 1);
        assert!(line.ends_with(" 199999 200000)"));
        let comb: Vec<u32> = (0..count).map(|at| if at < 2 { NONE } else { (at - 2) / 2 * 2 }).collect();
        let nested = written(&Forest::new(count as usize, &comb, &sent));
        let depths = nested.bytes().scan(0_usize, |depth, b| {
            match b {
                b'(' => *depth += 1,
                b')' => *depth -= 1,
                _ => {}
            }
            Some(*depth)
        });
        assert_eq!(depths.max(), Some(DEPTH_MAX));
        assert_eq!(nested.split(|c: char| !c.is_ascii_digit()).filter(|word| !word.is_empty()).count(), count as usize);
    }

    proptest! {
        #[test]
        fn every_message_is_written_once(parents in proptest::collection::vec(any::<u32>(), 0..40)) {
            let parents: Vec<u32> = parents.iter().zip(0..).map(|(p, at)| if at == 0 || p % 4 == 0 { NONE } else { p % at }).collect();
            let sent: Vec<i64> = parents.iter().map(|parent| i64::from(parent % 3)).collect();
            let text = written(&Forest::new(parents.len(), &parents, &sent));
            let mut numbers: Vec<usize> =
                text.split(|c: char| !c.is_ascii_digit()).filter(|word| !word.is_empty()).map(|word| word.parse().unwrap_or(0)).collect();
            numbers.sort_unstable();
            prop_assert_eq!(numbers, (1..=parents.len()).collect::<Vec<_>>());
            prop_assert_eq!(text.matches('(').count(), text.matches(')').count());
            prop_assert!(!text.contains("( ") && !text.contains(" )") && !text.contains("()"));
        }
    }
}
