//! Response bodies that are made piece by piece while the client takes them: large documents, long listings.
//!
//! Called by `dav`. At most two pieces wait at a time, so memory stays flat however large the answer is; when the client goes away,
//! or stops reading for longer than the connection's idle limit, the producer is told by [`Gone`] and ends.

use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// Pieces that are ready before the client has taken them: one on its way, one being read meanwhile.
const PIECES_AHEAD: usize = 1;

/// Nobody wants the body any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone;

/// Where a producer puts its pieces.
#[derive(Debug)]
pub struct Sink(mpsc::Sender<io::Result<Bytes>>);

impl Sink {
    /// Send a piece, waiting until there is room.
    pub async fn send(&self, piece: Bytes) -> Result<(), Gone> {
        // HTTP/1.1 would take an empty chunk for the end.
        if piece.is_empty() {
            return Ok(());
        }
        self.0.send(Ok(piece)).await.map_err(|_| Gone)
    }

    /// Break the body off, so that the client sees that it is not whole.
    pub async fn fail(&self) {
        let _ = self.0.send(Err(io::Error::other("the rest could not be read"))).await;
    }
}

/// A body whose pieces `producer` makes, in a task of its own. `bytes` is the length, if known.
pub fn produce<F>(bytes: Option<u64>, producer: impl FnOnce(Sink) -> F) -> Body
where
    F: Future<Output = ()> + Send + 'static,
{
    let (sink, pieces) = mpsc::channel(PIECES_AHEAD);
    tokio::spawn(producer(Sink(sink)));
    Body::new(Pieces { pieces, left: bytes })
}

struct Pieces {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    left: Option<u64>,
}

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = self.get_mut();
        this.pieces.poll_recv(cx).map(|piece| {
            let piece = match piece? {
                Ok(piece) => piece,
                Err(error) => return Some(Err(error)),
            };
            this.left = this.left.map(|left| left.saturating_sub(piece.len() as u64));
            Some(Ok(Frame::data(piece)))
        })
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test]
    async fn pieces_come_in_order_and_a_failure_is_seen() {
        let body = produce(None, |sink| async move {
            sink.send(Bytes::from_static(b"ab")).await.unwrap();
            sink.send(Bytes::new()).await.unwrap();
            sink.send(Bytes::from_static(b"c")).await.unwrap();
        });
        assert_eq!(axum::body::to_bytes(body, 10).await.unwrap(), "abc");
        let broken = produce(None, |sink| async move { sink.fail().await });
        assert!(axum::body::to_bytes(broken, 10).await.is_err());
    }

    #[tokio::test]
    async fn a_producer_is_held_back_and_told_when_nobody_reads() {
        let made = Arc::new(AtomicUsize::new(0));
        let counter = made.clone();
        let body = produce(None, |sink| async move {
            while sink.send(Bytes::from_static(b"piece")).await.is_ok() {
                counter.fetch_add(1, Ordering::Relaxed);
            }
            counter.fetch_add(1000, Ordering::Relaxed);
        });
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        assert_eq!(made.load(Ordering::Relaxed), PIECES_AHEAD);
        drop(body);
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        assert!(made.load(Ordering::Relaxed) >= 1000);
    }
}
