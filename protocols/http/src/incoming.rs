//! Request bodies as handlers get them: with a deadline, and read on for a while when the handler refuses early.
//!
//! Made for each request by `connection`. A body ends with an error when it comes slower than [`WINDOW_BYTES`] per
//! `body_timeout` of waiting, so one octet per interval defeats nothing; the time in which the handler is busy does not count.
//!
//! Under HTTP/2 an answer waits for the rest of a small body, at the latest for a moment ([`Ended`]). It might come before (RFC 9113
//! section 8.1), but libsoup up to 3.2, and with it GNOME's file manager, breaks its stream off when it is answered before it has ended its
//! request: its first PROPFIND, sent before it knows that a credential is asked for.

use crate::rest::{Activity, Busy};
use bytes::Bytes;
use http::header::EXPECT;
use http::{Request, Version};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, Sleep, sleep};

/// Octets that each window of waiting must bring.
const WINDOW_BYTES: usize = 4 * 1024;
/// Octets of a refused body that are still read, so that the client comes to read our answer instead of a reset: enough for an event
/// or a small document, which clients send before they know that a credential is asked for.
const READ_ON_BYTES_MAX: u64 = 1024 * 1024;
/// How long that may take.
const READ_ON_DEADLINE: Duration = Duration::from_secs(10);

/// How long a body that is not read to its end is kept under HTTP/2: dropping it before our answer has gone out would cancel the stream,
/// and the answer with it (RFC 9113 section 8.1).
const KEPT_FOR: Duration = Duration::from_secs(2);

/// How long an answer waits for the rest of a small body under HTTP/2.
const ANSWER_WAITS: Duration = Duration::from_secs(2);

/// A request body under a deadline.
pub(crate) struct WatchedBody {
    inner: Option<Incoming>,
    window: Duration,
    /// Waited in this window so far.
    waited: Duration,
    /// Octets that came in this window.
    came: usize,
    waiting_since: Option<Instant>,
    alarm: Option<Pin<Box<Sleep>>>,
    /// Read on after an early refusal. Not when the client waits for our word before it sends (RFC 9110 section 10.1.1): reading
    /// would ask it to.
    read_on: bool,
    /// Keep it a while after an early refusal.
    keep: bool,
    /// As long as it is read, the connection does not rest.
    busy: Option<Busy>,
    /// Dropped once nothing more of it is read.
    ending: Option<oneshot::Sender<()>>,
}

/// The end of a request body, however it is reached.
pub(crate) struct Ended(Option<oneshot::Receiver<()>>);

impl Ended {
    /// Wait for it where the answer must not come before, for a moment.
    pub(crate) async fn wait(self) {
        if let Some(ended) = self.0 {
            let _ = tokio::time::timeout(ANSWER_WAITS, ended).await;
        }
    }
}

impl WatchedBody {
    /// Watch the body of a request on a connection with this `activity`.
    pub(crate) fn of(request: Request<Incoming>, window: Duration, activity: &Arc<Activity>) -> (Request<Self>, Ended) {
        let read_on = !request.headers().contains_key(EXPECT);
        let keep = request.version() == Version::HTTP_2;
        let body = request.body();
        let (ending, ended) = (keep && read_on && !body.is_end_stream() && !is_large(body)).then(oneshot::channel).unzip();
        let request = request.map(|inner| Self {
            inner: Some(inner),
            window,
            waited: Duration::ZERO,
            came: 0,
            waiting_since: None,
            alarm: None,
            read_on,
            keep,
            busy: Some(Busy::with(activity)),
            ending,
        });
        (request, Ended(ended))
    }

    /// Nothing to read now: has the window passed?
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.waiting_since.is_none() {
            self.waiting_since = Some(Instant::now());
            self.alarm = Some(Box::pin(sleep(self.window.saturating_sub(self.waited))));
        }
        let Some(alarm) = &mut self.alarm else { return Poll::Pending };
        if alarm.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        self.inner = None;
        Poll::Ready(Some(Err(io::Error::new(io::ErrorKind::TimedOut, "the request body comes too slowly"))))
    }

    /// Octets came: count them, and start a new window if they were enough.
    fn note(&mut self, bytes: usize) {
        if let Some(since) = self.waiting_since.take() {
            self.waited += since.elapsed();
            self.alarm = None;
        }
        self.came += bytes;
        if self.came >= WINDOW_BYTES {
            self.came = 0;
            self.waited = Duration::ZERO;
        }
    }
}

impl Body for WatchedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = self.get_mut();
        let Some(inner) = &mut this.inner else { return Poll::Ready(None) };
        match Pin::new(inner).poll_frame(cx) {
            Poll::Pending => this.wait(cx),
            Poll::Ready(None) => {
                this.inner = None;
                Poll::Ready(None)
            }
            Poll::Ready(Some(Err(error))) => {
                this.inner = None;
                Poll::Ready(Some(Err(io::Error::new(io::ErrorKind::ConnectionAborted, error))))
            }
            Poll::Ready(Some(Ok(frame))) => {
                this.note(frame.data_ref().map_or(0, Bytes::len));
                Poll::Ready(Some(Ok(frame)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for WatchedBody {
    fn drop(&mut self) {
        let Some(mut inner) = self.inner.take() else { return };
        let (reads, keeps) = (self.read_on && !is_large(&inner), self.keep);
        if inner.is_end_stream() || !(reads || keeps) {
            return;
        }
        // A body may be dropped while the runtime is being taken down.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let (busy, ending) = (self.busy.take(), self.ending.take());
        runtime.spawn(async move {
            let _busy = busy;
            if reads {
                let _ = tokio::time::timeout(READ_ON_DEADLINE, read_on(&mut inner)).await;
            }
            drop(ending);
            if keeps && !inner.is_end_stream() {
                sleep(KEPT_FOR).await;
            }
        });
    }
}

/// Is it said to be more than is read on?
fn is_large(body: &Incoming) -> bool {
    body.size_hint().exact().is_some_and(|bytes| bytes > READ_ON_BYTES_MAX)
}

async fn read_on(body: &mut Incoming) {
    let mut read = 0;
    while read <= READ_ON_BYTES_MAX {
        match std::future::poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await {
            Some(Ok(frame)) => read += frame.data_ref().map_or(0, |data| data.len() as u64),
            Some(Err(_)) | None => return,
        }
    }
}
