//! TCP or TLS as one type, and either of them compressed, so that nothing above asks which it is.

use crate::TLS_EXPORTER_BYTES;
use crate::deflate::Deflate;
use crate::socket::Socket;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsStream;
use tokio_rustls::rustls::ProtocolVersion;

/// A connected socket, in the clear or protected.
#[derive(Debug)]
pub(crate) enum Stream {
    Plain(TcpStream),
    /// Boxed: the TLS state is large and would make every plain connection large too.
    Tls(Box<TlsStream<Socket>>),
}

impl Stream {
    /// The channel binding `tls-exporter`.
    // RFC 9266 section 4.2: with TLS before 1.3 only under the extended master secret, of which nothing is known here.
    pub(crate) fn exporter(&self) -> Option<[u8; TLS_EXPORTER_BYTES]> {
        const LABEL: &[u8] = b"EXPORTER-Channel-Binding";
        // Log-ins are bound where we are the server.
        let Self::Tls(tls) = self else { return None };
        let TlsStream::Server(tls) = tls.as_ref() else { return None };
        let (_, tls) = tls.get_ref();
        let unique = tls.protocol_version() == Some(ProtocolVersion::TLSv1_3);
        unique.then(|| tls.export_keying_material([0; TLS_EXPORTER_BYTES], LABEL, Some(b"")).ok()).flatten()
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_read(cx, buf),
            Self::Tls(tls) => Pin::new(tls.as_mut()).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_write(cx, buf),
            Self::Tls(tls) => Pin::new(tls.as_mut()).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_flush(cx),
            Self::Tls(tls) => Pin::new(tls.as_mut()).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Self::Tls(tls) => Pin::new(tls.as_mut()).poll_shutdown(cx),
        }
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, bufs: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_write_vectored(cx, bufs),
            Self::Tls(tls) => Pin::new(tls.as_mut()).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(tcp) => tcp.is_write_vectored(),
            Self::Tls(tls) => tls.is_write_vectored(),
        }
    }
}

/// A stream, through compression where that is on. Made for one call, so that compression can begin on a stream that is in use.
pub(crate) struct Through<'a> {
    pub(crate) stream: &'a mut Stream,
    pub(crate) deflate: Option<&'a mut Deflate>,
}

impl AsyncRead for Through<'_> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Self { stream, deflate } = self.get_mut();
        match deflate {
            Some(deflate) => deflate.poll_read(stream, cx, buf),
            None => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Through<'_> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let Self { stream, deflate } = self.get_mut();
        match deflate {
            Some(deflate) => deflate.poll_write(stream, cx, buf),
            None => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { stream, deflate } = self.get_mut();
        match deflate {
            Some(deflate) => deflate.poll_flush(stream, cx),
            None => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.as_mut().poll_flush(cx))?;
        Pin::new(&mut *self.get_mut().stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bufs: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        if self.deflate.is_none() {
            return Pin::new(&mut *self.get_mut().stream).poll_write_vectored(cx, bufs);
        }
        let first = bufs.iter().find(|buf| !buf.is_empty()).map_or(&[][..], |buf| buf);
        self.as_mut().poll_write(cx, first)
    }

    fn is_write_vectored(&self) -> bool {
        self.deflate.is_none() && self.stream.is_write_vectored()
    }
}
