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
    every: Duration,
    next: Instant,
}

impl<'a> Progress<'a> {
    /// For the command of this tag, which begins now.
    pub(crate) fn new(wire: &'a mut Wire, tag: &'a Tag<'a>) -> Self {
        Self::every(EVERY, wire, tag)
    }

    fn every(every: Duration, wire: &'a mut Wire, tag: &'a Tag<'a>) -> Self {
        Self { wire, tag, every, next: Instant::now() + every }
    }

    // RFC 9585 section 4: at most now and then, and never with as much done as there is to do.
    pub(crate) async fn tell(&mut self, done: usize, goal: usize) -> Result<(), End> {
        if done == 0 || done >= goal || Instant::now() < self.next {
            return Ok(());
        }
        self.next = Instant::now() + self.every;
        note(self.wire, self.tag, Some((done, goal))).await
    }
}

/// Do something that takes one step, however long.
pub(crate) async fn attended<T>(wire: &mut Wire, tag: &Tag<'_>, work: impl Future<Output = T>) -> Result<T, End> {
    attended_every(EVERY, wire, tag, work).await
}

async fn attended_every<T>(every: Duration, wire: &mut Wire, tag: &Tag<'_>, work: impl Future<Output = T>) -> Result<T, End> {
    let mut work = pin!(work);
    loop {
        match timeout(every, &mut work).await {
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
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::config::ImapConfig;
    use octroi_net::Connection;
    use std::sync::Arc;
    use tokio::io::AsyncReadExt;
    use tokio::net::{TcpListener, TcpStream};
    use tokio::time::sleep;

    /// What a client hears of this.
    async fn heard(work: impl AsyncFnOnce(&mut Wire, &Tag<'static>)) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (tcp, address) = listener.accept().await.unwrap();
        let mut wire = Wire::new(Connection::plain(tcp, address), Arc::new(ImapConfig::default()));
        work(&mut wire, &Tag::try_from("a1").unwrap()).await;
        drop(wire);
        let mut octets = String::new();
        client.read_to_string(&mut octets).await.unwrap();
        octets
    }

    const OFTEN: Duration = Duration::from_millis(5);

    /// It goes out at once, though the command is not over.
    #[tokio::test]
    async fn who_waits_for_one_long_step_is_told() {
        let text = heard(async |wire, tag| assert_eq!(attended_every(OFTEN, wire, tag, sleep(OFTEN * 10)).await.ok(), Some(()))).await;
        assert!(text.starts_with("* OK [INPROGRESS (\"a1\" NIL NIL)] Still at it\r\n"), "{text:?}");
        let text = heard(async |wire, tag| assert_eq!(attended(wire, tag, async { 7 }).await.ok(), Some(7))).await;
        assert_eq!(text, "");
    }

    #[tokio::test]
    async fn who_waits_for_many_steps_is_told_how_far_they_are() {
        let steps = async |progress: &mut Progress<'_>| {
            for (done, goal) in [(0, 9), (3, 9), (9, 9), (10, 9)] {
                sleep(OFTEN * 2).await;
                progress.tell(done, goal).await.ok().unwrap();
            }
        };
        let text = heard(async |wire, tag| steps(&mut Progress::every(OFTEN, wire, tag)).await).await;
        assert_eq!(text, "* OK [INPROGRESS (\"a1\" 3 9)] Still at it\r\n", "neither nothing nor all is told");
        let text = heard(async |wire, tag| steps(&mut Progress::new(wire, tag)).await).await;
        assert_eq!(text, "", "it did not take long");
    }

    // RFC 9585 section 4.
    #[test]
    fn the_codes_of_the_rfc() {
        assert_eq!(code("A001", Some((454, 1000))), "INPROGRESS (\"A001\" 454 1000)");
        assert_eq!(code("tag", None), "INPROGRESS (\"tag\" NIL NIL)");
        assert_eq!(code("a]b", Some((1, 2))), "INPROGRESS (NIL 1 2)");
    }
}
