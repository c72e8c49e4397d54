//! A TCP socket under TLS that reads ahead as long as much comes.
//!
//! The TLS library asks for 4 KiB at a time, which makes five calls of the kernel of each full record. Once a read has brought all that was
//! asked for, the next takes as much as there is, and is handed out from memory. What always holds: while the peer is silent no buffer is
//! kept.

use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Octets that are read ahead at most: four full records, which a processor's cache holds beside what becomes of them.
const AHEAD_BYTES: usize = 64 * 1024;

/// A connected socket.
#[derive(Debug)]
pub(crate) struct Socket {
    tcp: TcpStream,
    /// Octets that were read ahead; those before `at` are handed out.
    ahead: Vec<u8>,
    at: usize,
    /// The last read brought all that it was to bring: there is more.
    is_flooded: bool,
}

impl Socket {
    /// Nothing was read yet.
    pub(crate) fn new(tcp: TcpStream) -> Self {
        Self { tcp, ahead: Vec::new(), at: 0, is_flooded: false }
    }

    /// What is under it.
    pub(crate) fn tcp(&self) -> &TcpStream {
        &self.tcp
    }

    /// Read as much as there is, up to [`AHEAD_BYTES`].
    fn poll_ahead(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.ahead.clear();
        self.at = 0;
        self.ahead.reserve_exact(AHEAD_BYTES);
        let polled = pin!(self.tcp.read_buf(&mut self.ahead)).poll(cx);
        if self.ahead.is_empty() {
            self.forget();
        }
        polled.map_ok(|_| ())
    }

    fn forget(&mut self) {
        (self.ahead, self.at, self.is_flooded) = (Vec::new(), 0, false);
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.at == this.ahead.len() {
            if !this.is_flooded {
                let asked = buf.remaining();
                ready!(Pin::new(&mut this.tcp).poll_read(cx, buf))?;
                this.is_flooded = buf.remaining() == 0 && asked > 0;
                return Poll::Ready(Ok(()));
            }
            ready!(this.poll_ahead(cx))?;
        }
        let handed = buf.remaining().min(this.ahead.len() - this.at);
        buf.put_slice(&this.ahead[this.at..this.at + handed]);
        this.at += handed;
        if this.at == this.ahead.len() && this.at < AHEAD_BYTES {
            // That was all there was.
            this.forget();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().tcp).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_shutdown(cx)
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, bufs: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().tcp).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;
    use tokio::time::timeout;

    async fn pair() -> (TcpStream, Socket) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        (client, Socket::new(server))
    }

    #[tokio::test]
    async fn a_flood_comes_whole_in_order_and_ends() {
        let (mut client, mut socket) = pair().await;
        let sent: Vec<u8> = (0..3_000_000u32).map(|number| (number % 251) as u8).collect();
        let wanted = sent.clone();
        tokio::spawn(async move { client.write_all(&sent).await.unwrap() });
        let (mut got, mut piece, mut went_ahead) = (Vec::new(), [0; 4096], false);
        loop {
            let read = socket.read(&mut piece).await.unwrap();
            if read == 0 {
                break;
            }
            got.extend_from_slice(&piece[..read]);
            went_ahead |= !socket.ahead.is_empty();
        }
        assert!(got == wanted && went_ahead);
        assert_eq!(socket.ahead.capacity(), 0);
    }

    #[tokio::test]
    async fn nothing_is_kept_when_the_flood_is_over() {
        let (mut client, mut socket) = pair().await;
        client.write_all(&[7; 5_000]).await.unwrap();
        let mut all = [0; 5_000];
        for piece in all.chunks_mut(4096) {
            socket.read_exact(piece).await.unwrap();
        }
        assert_eq!(all, [7; 5_000]);
        assert_eq!(socket.ahead.capacity(), 0);
        client.write_all(&[7; 4096]).await.unwrap();
        socket.read_exact(&mut all[..4096]).await.unwrap();
        assert!(socket.is_flooded);
        assert!(timeout(Duration::from_millis(20), socket.read_u8()).await.is_err());
        assert_eq!(socket.ahead.capacity(), 0);
        client.write_all(b"x").await.unwrap();
        assert_eq!(socket.read_u8().await.unwrap(), b'x');
    }
}
