//! A connection as a stream of octets, for libraries that frame for themselves. Called by [`crate::Connection::into_stream`]; what was
//! buffered before comes first.

use crate::Connection;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// [`Connection::into_stream`].
#[derive(Debug)]
pub(crate) struct Raw(pub(crate) Connection);

impl AsyncRead for Raw {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let connection = &mut self.get_mut().0;
        if !connection.pending_input() {
            return Pin::new(&mut connection.through()).poll_read(cx, buf);
        }
        let count = connection.buffered().len().min(buf.remaining());
        buf.put_slice(&connection.buffered()[..count]);
        connection.consume(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Raw {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let connection = &mut self.get_mut().0;
        ready!(connection.poll_send(cx))?;
        Pin::new(&mut connection.through()).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let connection = &mut self.get_mut().0;
        ready!(connection.poll_send(cx))?;
        Pin::new(&mut connection.through()).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let connection = &mut self.get_mut().0;
        ready!(connection.poll_send(cx))?;
        Pin::new(&mut connection.through()).poll_shutdown(cx)
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, bufs: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let connection = &mut self.get_mut().0;
        ready!(connection.poll_send(cx))?;
        Pin::new(&mut connection.through()).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }
}
