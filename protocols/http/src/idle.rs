//! A stream that fails when nothing has moved on it for too long, and that ends so that its last answer arrives.
//!
//! Wraps every HTTP connection: hyper has deadlines for heads only, so that without this a peer that stops reading our answer, or
//! sends half an HTTP/2 preface, would stay for ever. And it closes when it has answered a request whose body it does not want: what of that is
//! still under way would be met with a reset, which takes the answer away from a peer that has not read it yet (RFC 9112 section 9.6). So
//! after our end is closed, what comes is thrown away until the peer closes too, or for a moment.

use crate::rest::Activity;
use bytes::Bytes;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// How long a peer may take to close after us.
const LINGER: Duration = Duration::from_secs(1);
/// Octets that are thrown away meanwhile.
const LINGER_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Octets of one piece of them.
const PIECE_BYTES: usize = 16 * 1024;

/// A stream with an idle limit over both directions together.
pub(crate) struct IdleStream<S> {
    inner: S,
    limit: Duration,
    moved: Instant,
    alarm: Pin<Box<Sleep>>,
    /// Octets that were thrown away since our end was closed.
    closed: Option<usize>,
    /// Octets that were read already and are read again first.
    again: Bytes,
    activity: Arc<Activity>,
}

impl<S> IdleStream<S> {
    /// Wrap `inner`; what happens on it is told to `activity`.
    pub(crate) fn new(inner: S, limit: Duration, activity: Arc<Activity>) -> Self {
        Self { inner, limit, moved: Instant::now(), alarm: Box::pin(sleep(limit)), closed: None, again: Bytes::new(), activity }
    }

    /// Read these again, before anything else. Nothing that was put back before may be waiting. They are copied: what they were read into is
    /// mostly empty, and would be held by them.
    pub(crate) fn put_back(&mut self, octets: &[u8]) {
        self.again = Bytes::copy_from_slice(octets);
    }

    /// Read this octet again, before what was put back already.
    pub(crate) fn put_back_before(&mut self, octet: u8) {
        self.again = [&[octet], &*self.again].concat().into();
    }

    /// Note that octets were to be sent.
    fn sending(&mut self, polled: Poll<io::Result<usize>>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.activity.goes();
        self.watch(polled, cx)
    }

    /// Note what a poll of the inner stream gave: progress moves the deadline, waiting is checked against it.
    fn watch<T>(&mut self, polled: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.moved = Instant::now();
            return polled;
        }
        // The timer is not moved at each octet but once it rings: much cheaper.
        while self.alarm.as_mut().poll(cx).is_ready() {
            let deadline = self.moved + self.limit;
            if deadline <= Instant::now() {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            self.alarm.as_mut().reset(deadline);
        }
        Poll::Pending
    }
}

impl<S: AsyncRead + Unpin> IdleStream<S> {
    /// Throw away what comes until the peer closes, or for a moment. However that ends, we have closed.
    fn linger(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut piece = [0; PIECE_BYTES];
        while self.closed.is_some_and(|thrown_away| thrown_away < LINGER_BYTES_MAX) {
            let mut buf = ReadBuf::new(&mut piece);
            match Pin::new(&mut self.inner).poll_read(cx, &mut buf) {
                Poll::Ready(Ok(())) if !buf.filled().is_empty() => {
                    self.closed = self.closed.map(|thrown_away| thrown_away + buf.filled().len());
                }
                Poll::Ready(_) => break,
                Poll::Pending if self.alarm.as_mut().poll(cx).is_ready() => break,
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for IdleStream<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.again.is_empty() {
            let piece = this.again.split_to(this.again.len().min(buf.remaining()));
            buf.put_slice(&piece);
            this.activity.came();
            return Poll::Ready(Ok(()));
        }
        let polled = Pin::new(&mut this.inner).poll_read(cx, buf);
        if polled.is_ready() {
            this.activity.came();
        }
        this.watch(polled, cx)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for IdleStream<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.inner).poll_write(cx, buf);
        this.sending(polled, cx)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match Pin::new(&mut this.inner).poll_flush(cx) {
            // Flushing what is flushed already is no sign of life.
            Poll::Pending => this.watch(Poll::Pending, cx),
            Poll::Ready(Ok(())) => {
                this.activity.flushed();
                Poll::Ready(Ok(()))
            }
            failed @ Poll::Ready(Err(_)) => failed,
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.closed.is_none() {
            match Pin::new(&mut this.inner).poll_shutdown(cx) {
                Poll::Pending => return this.watch(Poll::Pending, cx),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Ready(Ok(())) => {
                    this.closed = Some(0);
                    this.alarm.as_mut().reset(Instant::now() + LINGER);
                }
            }
        }
        this.linger(cx)
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, bufs: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.inner).poll_write_vectored(cx, bufs);
        this.sending(polled, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn a_silent_peer_is_given_up_and_a_slow_one_is_not() {
        let (mut peer, ours) = tokio::io::duplex(64);
        let mut ours = IdleStream::new(ours, Duration::from_millis(80), Arc::default());
        tokio::spawn(async move {
            for _ in 0..4 {
                tokio::time::sleep(Duration::from_millis(40)).await;
                peer.write_all(b"x").await.unwrap();
            }
            tokio::time::sleep(Duration::from_secs(5)).await;
        });
        let mut four = [0; 4];
        ours.read_exact(&mut four).await.unwrap();
        assert_eq!(ours.read_u8().await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    /// On a real socket: octets that nobody reads would reset the connection, and with it the answer.
    #[tokio::test]
    async fn the_last_answer_arrives_although_the_peer_is_still_sending() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut peer = tokio::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (ours, _) = listener.accept().await.unwrap();
        let mut ours = IdleStream::new(ours, Duration::from_mins(1), Arc::default());
        let ending = tokio::spawn(async move {
            ours.write_all(b"no").await.unwrap();
            ours.shutdown().await.unwrap();
        });
        let piece = vec![7; 100_000];
        for _ in 0..10 {
            peer.write_all(&piece).await.unwrap();
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let mut answer = Vec::new();
        peer.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer, b"no");
        drop(peer);
        ending.await.unwrap();
    }

    #[tokio::test]
    async fn a_peer_that_does_not_close_is_waited_for_a_moment_only() {
        let (_peer, ours) = tokio::io::duplex(64);
        let mut ours = IdleStream::new(ours, Duration::from_mins(1), Arc::default());
        tokio::time::timeout(LINGER * 20, ours.shutdown()).await.unwrap().unwrap();
    }
}
