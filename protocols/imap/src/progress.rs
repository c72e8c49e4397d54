//! INPROGRESS: a client that waits long for an answer is told that the command is still under way. RFC 9585.
//!
//! Called by what looks at messages one after the other, which says how far it is, and by COPY and MOVE, whose one step cannot be divided.

use crate::reply::End;
use crate::wire::{Wire, encode};
use imap_codec::imap_types::core::Tag;
use std::pin::pin;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// Between two notes.
// RFC 9585 section 4: 10 to 15 seconds.
const EVERY: Duration = Duration::from_secs(10);

/// Tells the client of a long search how far it is.
pub(crate) struct Progress<'a> {
    wire: &'a mut Wire,
    tag: &'a Tag<'a>,
    next: Instant,
}

impl<'a> Progress<'a> {
    /// For the command of this tag, which begins now.
    pub(crate) fn new(wire: &'a mut Wire, tag: &'a Tag<'a>) -> Self {
        Self { wire, tag, next: Instant::now() + EVERY }
    }

    // RFC 9585 section 4: at most now and then, and never with as much done as there is to do.
    pub(crate) async fn tell(&mut self, done: usize, goal: usize) -> Result<(), End> {
        if done == 0 || done >= goal || Instant::now() < self.next {
            return Ok(());
        }
        self.next = Instant::now() + EVERY;
        note(self.wire, self.tag, Some((done, goal))).await
    }
}

/// Do something that takes one step, however long.
pub(crate) async fn attended<T>(wire: &mut Wire, tag: &Tag<'_>, work: impl Future<Output = T>) -> Result<T, End> {
    let mut work = pin!(work);
    loop {
        match timeout(EVERY, &mut work).await {
            Ok(done) => return Ok(done),
            Err(_) => note(wire, tag, None).await?,
        }
    }
}

async fn note(wire: &mut Wire, tag: &Tag<'_>, progress: Option<(usize, usize)>) -> Result<(), End> {
    wire.untagged(encode::code(code(tag.as_ref(), progress)), "Still at it").await?;
    wire.flush().await
}

// RFC 9585 section 4: a tag with a bracket in it is not told.
fn code(tag: &str, progress: Option<(usize, usize)>) -> String {
    let tag = if tag.contains(']') { "NIL".to_owned() } else { format!("\"{tag}\"") };
    let progress = progress.map_or("NIL NIL".to_owned(), |(done, goal)| format!("{done} {goal}"));
    format!("INPROGRESS ({tag} {progress})")
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 9585 section 4.
    #[test]
    fn the_codes_of_the_rfc() {
        assert_eq!(code("A001", Some((454, 1000))), "INPROGRESS (\"A001\" 454 1000)");
        assert_eq!(code("tag", None), "INPROGRESS (\"tag\" NIL NIL)");
        assert_eq!(code("a]b", Some((1, 2))), "INPROGRESS (NIL 1 2)");
    }
}
