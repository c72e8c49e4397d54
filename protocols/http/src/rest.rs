//! Whether a connection rests: everything was answered and sent, and nothing has come since.
//!
//! A client that keeps its connection for hours costs what the connection holds meanwhile. While it rests hyper's buffers are given back
//! (`connection`); what is needed to know that it does is counted here, by the stream, by each request's body and by each answer's.

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::task::{Context, Poll};

/// Octets came last: a head, or a body, is on its way.
const COMING: u8 = 0;
/// Something is being sent.
const GOING: u8 = 1;
/// All is sent.
const SENT: u8 = 2;
/// All was sent when it was last looked at.
const RESTING: u8 = 3;

/// What one connection is at.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    state: AtomicU8,
    /// Bodies of requests and of answers that are not done with.
    open: AtomicUsize,
}

impl Activity {
    /// Octets came.
    pub(crate) fn came(&self) {
        self.state.store(COMING, Ordering::Relaxed);
    }

    /// Octets were given to the socket, or it takes none at the moment.
    pub(crate) fn goes(&self) {
        self.state.store(GOING, Ordering::Relaxed);
    }

    /// The socket has taken everything.
    pub(crate) fn flushed(&self) {
        // What is flushed while something comes is no answer.
        let _ = self.state.compare_exchange(GOING, SENT, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Asked now and then: has nothing happened since it was asked last?
    pub(crate) fn rests(&self) -> bool {
        if self.open.load(Ordering::Acquire) > 0 {
            return false;
        }
        match self.state.compare_exchange(SENT, RESTING, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => false,
            Err(state) => state == RESTING,
        }
    }
}

/// Held by what must be done with before the connection rests.
#[derive(Debug)]
pub(crate) struct Busy(Arc<Activity>);

impl Busy {
    /// From now until it is dropped.
    pub(crate) fn with(activity: &Arc<Activity>) -> Self {
        activity.open.fetch_add(1, Ordering::AcqRel);
        Self(activity.clone())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::AcqRel);
    }
}

/// An answer's body, which keeps its connection from resting.
pub(crate) struct Going {
    pub(crate) inner: axum::body::Body,
    pub(crate) _busy: Busy,
}

impl Body for Going {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.inner).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_rests_when_all_is_sent_and_nothing_happens_between_two_looks() {
        let activity = Arc::new(Activity::default());
        // Nothing was asked yet.
        assert!(!activity.rests() && !activity.rests());
        activity.came();
        let busy = Busy::with(&activity);
        activity.goes();
        assert!(!activity.rests() && !activity.rests(), "not flushed, and a body is open");
        activity.flushed();
        assert!(!activity.rests() && !activity.rests(), "a body is open");
        drop(busy);
        assert!(!activity.rests());
        assert!(activity.rests());
        activity.came();
        activity.flushed();
        assert!(!activity.rests() && !activity.rests(), "half a head has come");
    }
}
