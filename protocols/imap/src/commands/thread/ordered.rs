//! ORDEREDSUBJECT: messages with the same base subject are a thread, whose first is the parent of all others.

use super::forest::{Forest, NONE};
use crate::commands::sort::Messages;

/// The threads of these messages.
// RFC 5256 section 3, ORDEREDSUBJECT.
pub(super) fn plant(messages: &Messages) -> Forest {
    let count = messages.positions.len();
    let sent: Vec<i64> = (0..count).map(|at| messages.sent(at)).collect();
    let ranks = messages.columns().subject_ranks();
    let subject = |at: u32| messages.row(at as usize).map(|row| ranks[row]);
    let mut order: Vec<u32> = (0..count as u32).collect();
    order.sort_unstable_by_key(|at| (subject(*at), sent[*at as usize], *at));
    let mut parents = vec![NONE; count];
    for thread in order.chunk_by(|one, other| subject(*one) == subject(*other)) {
        for child in &thread[1..] {
            parents[*child as usize] = thread[0];
        }
    }
    Forest::new(count, &parents, &sent)
}

#[cfg(test)]
mod tests {
    use super::super::forest::testing::written;
    use super::*;
    use crate::commands::sort::testing::messages;

    #[test]
    fn subjects_make_threads() {
        let headers: Vec<String> = [("a", 3), ("b", 1), ("Re: A", 2), ("fwd: a", 5), ("", 4), ("Re:", 4), ("b", 9)]
            .iter()
            .map(|(subject, day)| format!("Subject: {subject}\r\nDate: {day} Feb 2024 10:00:00 +0000\r\n"))
            .collect();
        let headers: Vec<&[u8]> = headers.iter().map(String::as_bytes).collect();
        assert_eq!(written(&plant(&messages(&headers))), "(2 7)(3 (1)(4))(5 6)");
        assert_eq!(written(&plant(&messages(&[]))), "");
    }
}
