//! Compression of a connection: raw deflate (RFC 1951) both ways, between [`crate::Connection`]'s buffers and the stream below.
//!
//! Started by [`crate::Connection::start_deflate`], for IMAP's COMPRESS. What always holds: octets are inflated only when somebody
//! reads, and only into the space that the reader has, so what a peer sends costs memory as if it had sent it plain, however small it
//! was packed; not more than [`PIECE_BYTES`] lie here on either side; a stream that is no deflate stream is an error like a broken
//! connection; a compressed connection cannot be had without a [`DeflateSlot`], of which there is a limited number.
//!
//! Cost: [`STATE_BYTES`] for each connection on which it is started, nothing on others. Processor time, on a core of a small server:
//! 9 ms for a mebibyte of prose (to 31 %), 5 ms of generated mail (to 12 %), 4 ms of FETCH lines without texts (to 14 %), 16 ms of
//! base64 that holds nothing to be found (to 76 %); inflating takes 0.4 to 2 ms.

use crate::connection::READ_BYTES_MAX;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::coop;

/// What a compressed connection holds beside its buffers, in octets, as measured: 371 KiB to deflate, 46 KiB to inflate, and two pieces.
pub const STATE_BYTES: usize = 450 * 1024;
/// Compressed octets that are held on their way in, and on their way out: one full TLS record.
const PIECE_BYTES: usize = READ_BYTES_MAX;
/// Of 1 to 9. From here on a mailbox shrinks no more by much: 6 takes half as long again over prose for a 3 % smaller result, and
/// three times as long over mails that are like one another; 1 saves two thirds of the time and leaves prose half as large again.
const LEVEL: u32 = 4;

/// How many connections may be compressed at the same time. Clones count together.
#[derive(Debug, Clone)]
pub struct DeflateLimit {
    free: Arc<Semaphore>,
}

/// The right to compress one connection; given back when the connection is dropped.
#[derive(Debug)]
pub struct DeflateSlot {
    _permit: OwnedSemaphorePermit,
}

impl DeflateLimit {
    /// So many connections, each of which costs [`STATE_BYTES`].
    pub fn new(connections_max: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(connections_max.min(Semaphore::MAX_PERMITS))) }
    }

    /// A slot, if one is free.
    pub fn take(&self) -> Option<DeflateSlot> {
        let permit = self.free.clone().try_acquire_owned().ok()?;
        Some(DeflateSlot { _permit: permit })
    }
}

/// Both directions of one connection.
#[derive(Debug)]
pub(crate) struct Deflate {
    inflater: Decompress,
    deflater: Compress,
    /// Octets from the peer; those before `input_at` have been inflated.
    input: Vec<u8>,
    input_at: usize,
    /// The reader had no space for all that the inflater could have given.
    more: bool,
    /// The peer has ended its stream.
    ended: bool,
    /// Octets for the peer; those before `output_at` have been sent.
    output: Vec<u8>,
    output_at: usize,
    /// The deflater holds back octets that a sync flush brings out.
    held_back: bool,
    _slot: DeflateSlot,
}

impl Deflate {
    /// `input` has been read already, and is compressed.
    pub(crate) fn new(slot: DeflateSlot, input: &[u8]) -> Self {
        Self {
            // RFC 4978 section 3: raw deflate, RFC 1951, without the header of zlib. The window is the largest, 32 KiB, both ways.
            inflater: Decompress::new(false),
            deflater: Compress::new(Compression::new(LEVEL), false),
            input: input.to_vec(),
            input_at: 0,
            more: false,
            ended: false,
            output: Vec::with_capacity(PIECE_BYTES),
            output_at: 0,
            held_back: false,
            _slot: slot,
        }
    }
}

/// Reading.
impl Deflate {
    /// As [`AsyncRead::poll_read`], from `below`. The end of the deflate stream is the end, like that of the stream below.
    pub(crate) fn poll_read<S: AsyncRead + Unpin>(
        &mut self,
        below: &mut S,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while into.remaining() > 0 && !self.ended {
            if self.input_at == self.input.len() && !self.more {
                ready!(self.poll_fill(below, cx))?;
                if self.input.is_empty() {
                    break;
                }
            }
            // Without it a bomb that has come whole would be inflated in one go, and other connections would wait.
            let turn = ready!(coop::poll_proceed(cx));
            let made = self.inflate(into)?;
            turn.made_progress();
            if made > 0 {
                break;
            }
        }
        Poll::Ready(Ok(()))
    }

    /// The next octets from below; none at its end.
    fn poll_fill<S: AsyncRead + Unpin>(&mut self, below: &mut S, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.input.resize(PIECE_BYTES, 0);
        let mut read = ReadBuf::new(&mut self.input);
        let polled = Pin::new(below).poll_read(cx, &mut read);
        let count = read.filled().len();
        self.input.truncate(count);
        self.input_at = 0;
        polled
    }

    /// As much as there is space for; how much that was.
    fn inflate(&mut self, into: &mut ReadBuf<'_>) -> io::Result<usize> {
        let packed = &self.input[self.input_at..];
        let space = into.initialize_unfilled();
        let (taken_before, made_before) = (self.inflater.total_in(), self.inflater.total_out());
        let status = self
            .inflater
            .decompress(packed, space, FlushDecompress::None)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        let taken = (self.inflater.total_in() - taken_before) as usize;
        let made = (self.inflater.total_out() - made_before) as usize;
        // What it does not take although there is space it would never take.
        if taken == 0 && made == 0 && !packed.is_empty() && status != Status::StreamEnd {
            return Err(io::ErrorKind::InvalidData.into());
        }
        self.more = made == space.len();
        self.ended = status == Status::StreamEnd;
        self.input_at += taken;
        into.advance(made);
        Ok(made)
    }
}

/// Writing.
impl Deflate {
    /// As [`AsyncWrite::poll_write`], to `below`: what was compressed before is sent first, so a peer that takes nothing gets no more.
    pub(crate) fn poll_write<S: AsyncWrite + Unpin>(
        &mut self,
        below: &mut S,
        cx: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.poll_drain(below, cx))?;
            let taken = self.compress(octets, FlushCompress::None)?;
            // It may take none as long as it brings out what it took before.
            if taken > 0 || octets.is_empty() {
                self.held_back |= taken > 0;
                return Poll::Ready(Ok(taken));
            }
        }
    }

    /// As [`AsyncWrite::poll_flush`]: the peer can inflate all that was written.
    pub(crate) fn poll_flush<S: AsyncWrite + Unpin>(&mut self, below: &mut S, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.poll_drain(below, cx))?;
            if !self.held_back {
                return Pin::new(below).poll_flush(cx);
            }
            self.compress(&[], FlushCompress::Sync)?;
            // A piece that is full was perhaps not all.
            self.held_back = self.output.len() == self.output.capacity();
        }
    }

    /// Send what is compressed.
    fn poll_drain<S: AsyncWrite + Unpin>(&mut self, below: &mut S, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.output_at < self.output.len() {
            let sent = ready!(Pin::new(&mut *below).poll_write(cx, &self.output[self.output_at..]))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.output_at += sent;
        }
        self.output_at = 0;
        self.output.clear();
        Poll::Ready(Ok(()))
    }

    /// Compress into the output, which is empty and does not grow; how many octets were taken.
    fn compress(&mut self, octets: &[u8], flush: FlushCompress) -> io::Result<usize> {
        let before = self.deflater.total_in();
        self.deflater.compress_vec(octets, &mut self.output, flush).map_err(io::Error::other)?;
        Ok((self.deflater.total_in() - before) as usize)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::time::timeout;

    /// One end of a compressed pipe.
    struct Pipe {
        deflate: Deflate,
        below: DuplexStream,
    }

    impl Pipe {
        fn over(below: DuplexStream) -> Self {
            Self { deflate: Deflate::new(DeflateLimit::new(1).take().unwrap(), &[]), below }
        }
    }

    impl AsyncRead for Pipe {
        fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            let Self { deflate, below } = self.get_mut();
            deflate.poll_read(below, cx, into)
        }
    }

    impl AsyncWrite for Pipe {
        fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
            let Self { deflate, below } = self.get_mut();
            deflate.poll_write(below, cx, octets)
        }

        fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            let Self { deflate, below } = self.get_mut();
            deflate.poll_flush(below, cx)
        }

        fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.get_mut().below).poll_shutdown(cx)
        }
    }

    /// Octets as they are on the wire: of few kinds, of all kinds, or long runs.
    fn octets() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            proptest::collection::vec(b'a'..b'e', 0..3000),
            proptest::collection::vec(any::<u8>(), 0..40_000),
            (any::<u8>(), 0_usize..200_000).prop_map(|(octet, count)| vec![octet; count]),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// Through a pipe of any width, read in pieces of any size, each flush brings all that was written before it.
        #[test]
        fn what_is_written_arrives(
            writes in proptest::collection::vec(octets(), 1..8),
            width in 1_usize..20_000,
            piece in 1_usize..50_000,
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            runtime.block_on(async {
                let (near, far) = duplex(width);
                let (mut near, mut far) = (Pipe::over(near), Pipe::over(far));
                let mut space = vec![0; piece];
                for write in &writes {
                    let sending = async {
                        near.write_all(write).await.unwrap();
                        near.flush().await.unwrap();
                    };
                    let reading = async {
                        let mut got = Vec::new();
                        while got.len() < write.len() {
                            let count = far.read(&mut space).await.unwrap();
                            assert_ne!(count, 0, "an end that nobody has sent");
                            got.extend_from_slice(&space[..count]);
                        }
                        assert!(got == *write, "{} octets came for {}", got.len(), write.len());
                    };
                    timeout(Duration::from_secs(20), async { tokio::join!(sending, reading) }).await.unwrap();
                }
                drop(near);
                assert_eq!(far.read(&mut space).await.unwrap(), 0, "the end of the stream below is the end");
            });
        }

        /// Whatever a peer sends is inflated, or is an error; nothing panics, and nothing is asked for ever.
        #[test]
        fn any_octets_end(sent in proptest::collection::vec(any::<u8>(), 0..5000)) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            runtime.block_on(async {
                let (mut near, far) = duplex(8000);
                near.write_all(&sent).await.unwrap();
                drop(near);
                let mut far = Pipe::over(far);
                let mut space = vec![0; 8000];
                let all = async { while far.read(&mut space).await.is_ok_and(|count| count > 0) {} };
                timeout(Duration::from_secs(20), all).await.unwrap();
            });
        }
    }

    /// The last octet may stand for more than the reader has space for; the rest is there without another octet.
    #[tokio::test]
    async fn the_rest_of_a_run_needs_no_more_input() {
        for count in 1000..1100 {
            let mut sent = Vec::with_capacity(1000);
            Compress::new(Compression::fast(), false).compress_vec(&vec![b'x'; count], &mut sent, FlushCompress::Sync).unwrap();
            // No more than it takes: the marker behind it would be more input.
            let enough = |end: &usize| {
                let mut made = Vec::with_capacity(2000);
                Decompress::new(false).decompress_vec(&sent[..*end], &mut made, FlushDecompress::Sync).unwrap();
                made.len() == count
            };
            let end = (0..sent.len()).find(enough).unwrap();
            let (mut near, far) = duplex(1000);
            near.write_all(&sent[..end]).await.unwrap();
            let mut far = Pipe::over(far);
            for at in 0..count {
                assert_eq!(timeout(Duration::from_secs(20), far.read_u8()).await.unwrap().unwrap(), b'x', "{at} of {count}");
            }
        }
    }

    /// A flush without a write costs no octet, or IDLE would send some each time it wakes.
    #[tokio::test]
    async fn a_flush_of_nothing_sends_nothing() {
        let (near, mut far) = duplex(1000);
        let mut near = Pipe::over(near);
        near.flush().await.unwrap();
        near.write_all(b"x").await.unwrap();
        near.flush().await.unwrap();
        near.flush().await.unwrap();
        drop(near);
        let mut sent = Vec::new();
        far.read_to_end(&mut sent).await.unwrap();
        let marker = [0, 0, 0xff, 0xff];
        assert_eq!(sent.windows(4).filter(|at| **at == marker).count(), 1, "{sent:?}");
    }
}
