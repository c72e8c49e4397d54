//! One connection as the protocols see it: lines, raw octets, buffered output, STARTTLS, compression.
//!
//! Made by [`crate::serve`], or by [`Connection::connect`] for outbound mail; owned by one handler. What always holds: while
//! the peer is silent no buffer is kept; a deadline covers a whole call, however the bytes trickle in; a line that was too
//! long is gone when its error is returned; [`Connection::read_line`] and [`Connection::read_some`] may be dropped at any time
//! (in `select!`) without losing a byte.

use crate::deflate::Deflate;
use crate::raw::Raw;
use crate::socket::Socket;
use crate::stream::{Stream, Through};
use crate::{ACME_TLS_ALPN, Acceptor, Bindings, DeflateSlot, PeerCertificate, ReadError, StartTlsError, WriteError};
use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::yield_now;
use tokio::time::timeout;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

/// Octets taken from the socket at once: one full TLS record (RFC 8446 section 5.1).
pub const READ_BYTES_MAX: usize = 16 * 1024;
/// Octets of output held back before they go out by themselves.
pub const SPILL_BYTES: usize = 64 * 1024;
/// How long a peer may take for [`SPILL_BYTES`]: slower than 1 KiB/s is not a reader but an attack.
const SPILL_DEADLINE: Duration = Duration::from_mins(1);
/// How long saying goodbye may take.
const CLOSE_DEADLINE: Duration = Duration::from_secs(2);
/// Octets of unread input thrown away at closing, so that the kernel does not answer them with a reset that overtakes our last reply.
const LINGER_BYTES_MAX: usize = 256 * 1024;
/// A buffer up to this capacity is kept for the next line; a larger one is freed as soon as it is empty.
const IDLE_BYTES_MAX: usize = 512;

/// Who is at the other end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Its address; an IPv4 address is never dressed as an IPv6 one. Behind a proxy that speaks the PROXY protocol: the client's.
    pub addr: SocketAddr,
    /// TLS is on.
    pub tls: bool,
    /// The certificate that it has shown, if one of the acceptor's authorities vouches for it. Never without TLS.
    pub certificate: Option<Arc<PeerCertificate>>,
}

/// How a line ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineEnd {
    /// CR LF, as the protocols want it.
    CrLf,
    /// A bare LF.
    Lf,
}

/// A line without its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The octets before the end; may hold anything but LF.
    pub bytes: Vec<u8>,
    /// What followed them.
    pub end: LineEnd,
}

/// A connection with buffered input and output.
#[derive(Debug)]
pub struct Connection {
    stream: Stream,
    /// Between the buffers here and the stream, once [`Connection::start_deflate`] was called. Boxed: few have it.
    deflate: Option<Box<Deflate>>,
    peer: Peer,
    /// `tls-server-end-point` of the certificate that this end has shown.
    server_end_point: Option<Arc<[u8]>>,
    /// What STARTTLS would use, if the listener offers it.
    offered: Option<Acceptor>,
    /// Octets read from the socket; those before `input_at` have been consumed.
    input: Vec<u8>,
    input_at: usize,
    /// Octets after `input_at` known to hold no LF, so that a line that comes in small pieces is searched once.
    searched: usize,
    /// The rest of a line that was too long is being thrown away.
    skipping: bool,
    /// Octets to send; those before `output_at` have been sent.
    output: Vec<u8>,
    output_at: usize,
}

impl Connection {
    /// Take over a connected TCP socket, in the clear.
    pub fn plain(tcp: TcpStream, addr: SocketAddr) -> Self {
        // Replies are written whole, so waiting for more would only add delay. It can fail only on a dead socket, which reading will tell.
        let _ = tcp.set_nodelay(true);
        let addr = SocketAddr::new(addr.ip().to_canonical(), addr.port());
        Self::over(Stream::Plain(tcp), Peer { addr, tls: false, certificate: None })
    }

    /// Take over a socket of this machine's file system. To all that is done with it here it is the stream socket that a TCP one is: only
    /// addresses and options differ, and those are not asked of it again.
    pub(crate) fn local(stream: UnixStream) -> io::Result<Self> {
        let tcp = std::net::TcpStream::from(OwnedFd::from(stream.into_std()?));
        Ok(Self::plain(TcpStream::from_std(tcp)?, SocketAddr::from((Ipv4Addr::LOCALHOST, 0))))
    }

    /// Connect to `addr`, as outbound mail does.
    pub async fn connect(addr: SocketAddr, deadline: Duration) -> io::Result<Self> {
        let tcp = timeout(deadline, TcpStream::connect(addr)).await.map_err(|_| io::ErrorKind::TimedOut)??;
        Ok(Self::plain(tcp, addr))
    }

    fn over(stream: Stream, peer: Peer) -> Self {
        Self {
            stream,
            deflate: None,
            peer,
            server_end_point: None,
            offered: None,
            input: Vec::new(),
            input_at: 0,
            searched: 0,
            skipping: false,
            output: Vec::new(),
            output_at: 0,
        }
    }

    pub(crate) fn offering(mut self, acceptor: Acceptor) -> Self {
        self.offered = Some(acceptor);
        self
    }

    /// Our end's address, as long as the socket knows it.
    pub fn local_ip(&self) -> Option<IpAddr> {
        let tcp = match &self.stream {
            Stream::Plain(tcp) => tcp,
            Stream::Tls(tls) => tls.get_ref().0.tcp(),
        };
        tcp.local_addr().ok().map(|address| address.ip().to_canonical())
    }

    /// Who is at the other end.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Is TLS on?
    pub fn is_tls(&self) -> bool {
        self.peer.tls
    }

    /// The protocol that was agreed on with TLS (RFC 7301).
    pub fn alpn(&self) -> Option<&[u8]> {
        match &self.stream {
            Stream::Plain(_) => None,
            Stream::Tls(tls) => tls.get_ref().1.alpn_protocol(),
        }
    }

    /// Is the connection compressed?
    pub fn is_deflated(&self) -> bool {
        self.deflate.is_some()
    }

    /// What a log-in on this connection can be bound to; nothing without TLS.
    pub fn bindings(&self) -> Bindings {
        Bindings { exporter: self.stream.exporter(), server_end_point: self.server_end_point.clone() }
    }

    /// What to call [`Connection::start_tls`] with; `None` when it is not offered here or TLS is on already.
    pub fn starttls_acceptor(&self) -> Option<Acceptor> {
        self.offered.clone()
    }
}

/// Reading.
impl Connection {
    /// The next line, without its end, of at most `max` octets. Everything of a longer line is skipped before
    /// [`ReadError::TooLong`] is returned. May be dropped and called again: what has come stays.
    pub async fn read_line(&mut self, max: usize, deadline: Duration) -> Result<Line, ReadError> {
        if let Some(done) = self.buffered_line(max) {
            return done;
        }
        let more = async {
            loop {
                self.fill().await?;
                if let Some(done) = self.buffered_line(max) {
                    return done;
                }
            }
        };
        timeout(deadline, more).await.map_err(|_| ReadError::Timeout)?
    }

    /// A line that is in the buffer already, or the news that it was too long.
    fn buffered_line(&mut self, max: usize) -> Option<Result<Line, ReadError>> {
        let buffered = &self.input[self.input_at..];
        let Some(found) = memchr::memchr(b'\n', &buffered[self.searched..]) else {
            self.searched = buffered.len();
            // One more for the CR of a line of just `max`.
            if self.skipping || self.searched > max + 1 {
                self.skipping = true;
                self.consume(self.searched);
            }
            return None;
        };
        let line_bytes = self.searched + found;
        let (content, end) = match buffered[..line_bytes].split_last() {
            Some((b'\r', content)) => (content, LineEnd::CrLf),
            _ => (&buffered[..line_bytes], LineEnd::Lf),
        };
        let line = if self.skipping || content.len() > max { Err(ReadError::TooLong) } else { Ok(Line { bytes: content.to_vec(), end }) };
        self.skipping = false;
        self.consume(line_bytes + 1);
        Some(line)
    }

    /// At least one and at most `max` of the next octets, which stay until [`Connection::consume`] takes them. For literals and mail data.
    pub async fn read_some(&mut self, max: usize, deadline: Duration) -> Result<&[u8], ReadError> {
        if !self.pending_input() {
            timeout(deadline, self.fill()).await.map_err(|_| ReadError::Timeout)??;
        }
        let buffered = self.buffered();
        Ok(&buffered[..buffered.len().min(max)])
    }

    /// Octets that have been read from the socket and not yet been consumed.
    pub fn buffered(&self) -> &[u8] {
        &self.input[self.input_at..]
    }

    /// Something is buffered: behind STARTTLS, that is an attack.
    pub fn pending_input(&self) -> bool {
        self.input_at < self.input.len()
    }

    /// Take `count` octets off the front of [`Connection::buffered`]; more than there are takes all.
    pub fn consume(&mut self, count: usize) {
        self.input_at = self.input.len().min(self.input_at.saturating_add(count));
        self.searched = 0;
        if !self.pending_input() {
            self.input_at = 0;
            empty(&mut self.input);
        }
    }

    /// Fill `into` whole. If dropped or failed half-way, what came is lost: use [`Connection::read_some`] in a `select!`.
    pub async fn read_exact(&mut self, into: &mut [u8], deadline: Duration) -> Result<(), ReadError> {
        let ready = self.buffered().len().min(into.len());
        into[..ready].copy_from_slice(&self.buffered()[..ready]);
        self.consume(ready);
        if ready < into.len() {
            timeout(deadline, self.through().read_exact(&mut into[ready..])).await.map_err(|_| ReadError::Timeout)??;
        }
        Ok(())
    }

    /// Read more into the buffer. The octets come to lie in a stack frame first: while nothing comes, nothing is held.
    async fn fill(&mut self) -> Result<(), ReadError> {
        poll_fn(|cx| {
            let mut space = [const { MaybeUninit::uninit() }; READ_BYTES_MAX];
            let mut read = ReadBuf::uninit(&mut space);
            ready!(Pin::new(&mut self.through()).poll_read(cx, &mut read))?;
            if read.filled().is_empty() {
                return Poll::Ready(Err(ReadError::Closed));
            }
            self.input.drain(..self.input_at);
            self.input_at = 0;
            self.input.extend_from_slice(read.filled());
            Poll::Ready(Ok(()))
        })
        .await
    }
}

/// Writing.
impl Connection {
    /// Send `bytes` with the next [`Connection::flush`], or when [`SPILL_BYTES`] have gathered. If dropped half-way, part of
    /// `bytes` may have been taken, so the connection must not be used any more.
    pub async fn write(&mut self, mut bytes: &[u8]) -> Result<(), WriteError> {
        while self.output.len() + bytes.len() >= SPILL_BYTES {
            let (now, later) = bytes.split_at(SPILL_BYTES.saturating_sub(self.output.len()));
            self.output.extend_from_slice(now);
            bytes = later;
            timeout(SPILL_DEADLINE, poll_fn(|cx| self.poll_send(cx))).await.map_err(|_| WriteError::Timeout)??;
            if self.is_deflated() {
                // Compressing that much takes up to a millisecond: let others have their turn, even if the peer takes all at once.
                yield_now().await;
            }
        }
        self.output.extend_from_slice(bytes);
        Ok(())
    }

    /// Send all that was written. May be dropped and called again.
    pub async fn flush(&mut self, deadline: Duration) -> Result<(), WriteError> {
        let all = poll_fn(|cx| {
            ready!(self.poll_send(cx))?;
            Pin::new(&mut self.through()).poll_flush(cx)
        });
        timeout(deadline, all).await.map_err(|_| WriteError::Timeout)??;
        Ok(())
    }

    /// All that was written goes to the stream; compression may still hold some of it back.
    pub(crate) fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.output_at < self.output.len() {
            let mut through = Through { stream: &mut self.stream, deflate: self.deflate.as_deref_mut() };
            let sent = ready!(Pin::new(&mut through).poll_write(cx, &self.output[self.output_at..]))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.output_at += sent;
        }
        self.output_at = 0;
        empty(&mut self.output);
        Poll::Ready(Ok(()))
    }
}

/// Changing and ending.
impl Connection {
    /// Bring TLS up as the server, after the reply to STARTTLS was written (it is sent first). Refused when anything stands behind
    /// the STARTTLS line: it came in the clear and would be run as if it had come under TLS (RFC 3207 section 4.2; CVE-2011-0411).
    /// What the peer sends in the clear later than that meets the handshake, which fails on it.
    pub async fn start_tls(self, acceptor: &Acceptor, deadline: Duration) -> Result<Self, StartTlsError> {
        let settings = acceptor.current();
        let handshake = async {
            let (tcp, peer) = self.into_plain().await?;
            let tls = TlsAcceptor::from(settings.config.clone()).accept(Socket::new(tcp)).await.map_err(StartTlsError::Io)?;
            if tls.get_ref().1.alpn_protocol() == Some(ACME_TLS_ALPN) {
                return Err(StartTlsError::Challenge);
            }
            // Judged here too: a resumed session brings the certificate of the first one, which may have expired since.
            let certificate = settings.certificate(tls.get_ref().1.peer_certificates()).map_err(|_| StartTlsError::Certificate)?;
            Ok((TlsStream::from(tls), Peer { certificate, ..peer }))
        };
        let secured = Self::protected(handshake, deadline).await?;
        Ok(Self { server_end_point: settings.server_end_point.clone(), ..secured })
    }

    /// Bring TLS up as the client, after the server's reply to STARTTLS was read; refused when more than that reply was sent (CVE-2021-38371).
    pub async fn start_tls_as_client(
        self,
        config: Arc<rustls::ClientConfig>,
        server: ServerName<'static>,
        deadline: Duration,
    ) -> Result<Self, StartTlsError> {
        let handshake = async {
            let (tcp, peer) = self.into_plain().await?;
            let tls = TlsConnector::from(config).connect(server, Socket::new(tcp)).await.map_err(StartTlsError::Io)?;
            Ok((TlsStream::from(tls), peer))
        };
        Self::protected(handshake, deadline).await
    }

    async fn protected(
        handshake: impl Future<Output = Result<(TlsStream<Socket>, Peer), StartTlsError>>,
        deadline: Duration,
    ) -> Result<Self, StartTlsError> {
        // Boxed: the handshake's state is large and would stay in the handler's future for the life of the connection.
        let (tls, peer) = timeout(deadline, Box::pin(handshake)).await.map_err(|_| StartTlsError::Timeout)??;
        // Nothing is carried over: buffers and state are new.
        Ok(Self::over(Stream::Tls(Box::new(tls)), Peer { tls: true, ..peer }))
    }

    /// The bare socket, once all output is out; an error if there is input.
    async fn into_plain(mut self) -> Result<(TcpStream, Peer), StartTlsError> {
        if self.pending_input() || self.skipping {
            return Err(StartTlsError::PendingInput);
        }
        if self.is_deflated() {
            return Err(StartTlsError::Compressed);
        }
        self.flush(SPILL_DEADLINE).await?;
        match self.stream {
            Stream::Plain(tcp) => Ok((tcp, self.peer)),
            Stream::Tls(_) => Err(StartTlsError::AlreadyTls),
        }
    }

    /// Compress both ways from here on, after the reply to COMPRESS was written (it is sent first, and plain). What has been read already
    /// and was not consumed is taken for compressed, since a peer may compress all that follows its command. From then on each
    /// [`Connection::flush`] ends in a sync flush, and what is no deflate stream ends the connection as [`ReadError::Io`]. Costs
    /// [`crate::DEFLATE_STATE_BYTES`]. Does nothing where it is on already. May be dropped and called again with another slot.
    // RFC 4978 section 3.
    pub async fn start_deflate(&mut self, slot: DeflateSlot, deadline: Duration) -> Result<(), WriteError> {
        self.flush(deadline).await?;
        if self.deflate.is_none() {
            self.deflate = Some(Box::new(Deflate::new(slot, self.buffered())));
            self.consume(usize::MAX);
        }
        Ok(())
    }

    /// The stream as the peer uses it.
    pub(crate) fn through(&mut self) -> Through<'_> {
        Through { stream: &mut self.stream, deflate: self.deflate.as_deref_mut() }
    }

    /// Can the stream send several pieces at once?
    pub(crate) fn is_write_vectored(&self) -> bool {
        self.deflate.is_none() && self.stream.is_write_vectored()
    }

    /// The connection as a stream of octets for a library that does its own framing and deadlines; first come those already buffered.
    pub fn into_stream(self) -> impl AsyncRead + AsyncWrite + Send + Unpin + 'static {
        Raw(self)
    }

    /// Send what was written, say goodbye (TLS close_notify) and close. Errors mean that the peer has gone already.
    pub async fn close(mut self) {
        let goodbye = async {
            self.flush(CLOSE_DEADLINE).await.ok()?;
            self.through().shutdown().await.ok()?;
            // What is thrown away need not be inflated.
            self.deflate = None;
            let mut thrown_away = 0;
            while thrown_away < LINGER_BYTES_MAX {
                self.consume(usize::MAX);
                self.fill().await.ok()?;
                thrown_away += self.buffered().len();
            }
            Some(())
        };
        let _ = timeout(CLOSE_DEADLINE, goodbye).await;
    }
}

/// Clear a buffer, and free it unless it is small.
fn empty(buffer: &mut Vec<u8>) {
    if buffer.capacity() > IDLE_BYTES_MAX {
        *buffer = Vec::new();
    } else {
        buffer.clear();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    /// Thousands of idle connections are the normal state of an IMAP server.
    #[tokio::test]
    async fn an_idle_connection_holds_no_buffers() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (tcp, address) = listener.accept().await.unwrap();
        let mut server = Connection::plain(tcp, address);
        client.write_all(&[b"x".repeat(50_000), b"\r\n".to_vec()].concat()).await.unwrap();
        server.read_line(100_000, CLOSE_DEADLINE).await.unwrap();
        server.write(&b"y".repeat(50_000)).await.unwrap();
        server.flush(CLOSE_DEADLINE).await.unwrap();
        assert!(matches!(server.read_line(100, Duration::from_millis(20)).await, Err(ReadError::Timeout)));
        assert!(server.input.capacity() <= IDLE_BYTES_MAX && server.output.capacity() <= IDLE_BYTES_MAX);
        assert!(size_of::<Connection>() <= 256, "{}", size_of::<Connection>());
    }
}
