//! Work on filled buffers in their order, on a thread of its own for as long as there are any.
//!
//! Used by staging, which has one lane that writes and one that sums up. A lane that waits for more costs no thread; one that always finds more
//! keeps its own, which the system then moves to a processor that is free. What always holds: who waits for the end is told, also when the
//! work has failed or panicked.

use crate::pages::Lent;
use std::collections::VecDeque;
use std::fmt::Debug;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// What is done with the octets of each buffer.
type Work<S> = fn(&mut S, &[u8]) -> io::Result<()>;

/// A lane whose work goes on from `S`.
#[derive(Debug)]
pub(crate) struct Lane<S>(Arc<Shared<S>>);

#[derive(Debug)]
struct Shared<S> {
    work: Work<S>,
    queue: Mutex<Queue<S>>,
    rests: Notify,
}

#[derive(Debug)]
struct Queue<S> {
    waiting: VecDeque<Arc<Lent>>,
    /// `None` while a thread works on it.
    at: Option<io::Result<S>>,
}

impl<S: Send + Debug + 'static> Lane<S> {
    /// A lane that begins from `at`.
    pub(crate) fn new(at: S, work: Work<S>) -> Self {
        let queue = Mutex::new(Queue { waiting: VecDeque::new(), at: Some(Ok(at)) });
        Self(Arc::new(Shared { work, queue, rests: Notify::new() }))
    }

    /// Work on this one after all that were given before; nothing if one of them has failed.
    pub(crate) fn push(&self, filled: Arc<Lent>) {
        let mut queue = self.0.lock();
        match queue.at.take() {
            None => queue.waiting.push_back(filled),
            Some(Ok(at)) => {
                let turn = Turn { lane: self.0.clone(), at: Some(at) };
                tokio::task::spawn_blocking(move || turn.work(filled));
            }
            failed @ Some(Err(_)) => queue.at = failed,
        }
    }

    /// Has the work failed?
    pub(crate) fn has_failed(&self) -> bool {
        matches!(self.0.lock().at, Some(Err(_)))
    }

    /// Where it has come to, once all is done.
    pub(crate) async fn end(self) -> io::Result<S> {
        loop {
            if let Some(at) = self.0.lock().at.take() {
                return at;
            }
            self.0.rests.notified().await;
        }
    }
}

impl<S> Shared<S> {
    fn lock(&self) -> MutexGuard<'_, Queue<S>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A thread's turn on a lane. However it ends, the lane is told.
struct Turn<S> {
    lane: Arc<Shared<S>>,
    at: Option<S>,
}

impl<S> Turn<S> {
    fn work(mut self, mut filled: Arc<Lent>) {
        while let Some(at) = &mut self.at {
            let worked = (self.lane.work)(at, filled.octets());
            let mut queue = self.lane.lock();
            match (worked, queue.waiting.pop_front()) {
                (Ok(()), Some(next)) => filled = next,
                (Ok(()), None) => queue.at = self.at.take().map(Ok),
                (Err(error), _) => {
                    queue.waiting.clear();
                    (queue.at, self.at) = (Some(Err(error)), None);
                }
            }
        }
        self.lane.rests.notify_one();
    }
}

impl<S> Drop for Turn<S> {
    fn drop(&mut self) {
        // Still here: the work has panicked.
        if self.at.take().is_some() {
            let mut queue = self.lane.lock();
            queue.waiting.clear();
            queue.at = Some(Err(io::Error::other("the work on a content broke off")));
            self.lane.rests.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::pages::Buffers;
    use std::time::Duration;
    use tokio::time::timeout;

    // As a lane has it.
    #[allow(clippy::unnecessary_wraps)]
    fn collect(seen: &mut Vec<u8>, octets: &[u8]) -> io::Result<()> {
        std::thread::sleep(Duration::from_millis(1));
        seen.extend_from_slice(octets);
        Ok(())
    }

    async fn push(buffers: &mut Buffers, octet: u8, lanes: &[&Lane<Vec<u8>>]) {
        let mut pages = timeout(Duration::from_secs(20), buffers.empty()).await.unwrap();
        assert!(pages.fill(&[octet]).is_empty());
        let filled = Arc::new(pages);
        for lane in lanes {
            lane.push(filled.clone());
        }
    }

    #[tokio::test]
    async fn two_lanes_see_every_buffer_in_its_order() {
        let (one, two) = (Lane::new(vec![7], collect), Lane::new(Vec::new(), collect));
        let mut buffers = Buffers::new(3, 10);
        for octet in 0..100 {
            push(&mut buffers, octet, &[&one, &two]).await;
            if octet == 50 {
                // Through with all: the next begins a thread again.
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        let expected: Vec<u8> = (0..100).collect();
        assert_eq!(one.end().await.unwrap()[1..], expected);
        assert_eq!(two.end().await.unwrap(), expected);
    }

    #[tokio::test]
    async fn a_failure_ends_a_lane_and_gives_its_buffers_back() {
        fn third(seen: &mut Vec<u8>, octets: &[u8]) -> io::Result<()> {
            collect(seen, octets)?;
            if seen.len() < 3 { Ok(()) } else { Err(io::ErrorKind::StorageFull.into()) }
        }
        let (one, two) = (Lane::new(Vec::new(), third), Lane::new(Vec::new(), collect));
        let mut buffers = Buffers::new(2, 10);
        for octet in 0..20 {
            push(&mut buffers, octet, &[&one, &two]).await;
        }
        assert!(one.has_failed() && !two.has_failed());
        assert_eq!(one.end().await.unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(two.end().await.unwrap().len(), 20);
    }

    #[tokio::test]
    async fn a_panic_is_a_failure() {
        fn panics(_: &mut Vec<u8>, _: &[u8]) -> io::Result<()> {
            panic!("as told")
        }
        let lane = Lane::new(Vec::new(), panics);
        let mut buffers = Buffers::new(1, 10);
        for octet in 0..3 {
            push(&mut buffers, octet, &[&lane]).await;
        }
        assert!(timeout(Duration::from_secs(20), lane.end()).await.unwrap().is_err());
    }
}
