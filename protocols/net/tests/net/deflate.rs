//! Compression over real sockets: the switch, and peers that mean no good.

use crate::support::{Certificate, PLENTY, SHORT, pair};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use octroi_net::{Connection, DeflateLimit, READ_BYTES_MAX, ReadError, SPILL_BYTES, StartTlsError};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What a client sends for `octets`; flushed so that all can be inflated, or with the end of the stream.
fn packed(octets: &[u8], flush: FlushCompress) -> Vec<u8> {
    let mut out = Vec::with_capacity(octets.len() + 1000);
    Compress::new(Compression::best(), false).compress_vec(octets, &mut out, flush).unwrap();
    out
}

async fn deflated() -> (Connection, TcpStream) {
    let (mut server, client) = pair().await;
    server.start_deflate(DeflateLimit::new(1).take().unwrap(), PLENTY).await.unwrap();
    assert!(server.is_deflated());
    (server, client)
}

#[tokio::test]
async fn what_was_read_ahead_is_compressed_and_what_was_written_is_not() {
    let (mut server, mut client) = pair().await;
    let sent = [b"a COMPRESS DEFLATE\r\n".to_vec(), packed(b"b NOOP\r\nc IDLE\r\n", FlushCompress::Sync)].concat();
    client.write_all(&sent).await.unwrap();
    assert_eq!(server.read_line(100, PLENTY).await.unwrap().bytes, b"a COMPRESS DEFLATE");
    assert_eq!(server.buffered().len(), sent.len() - 20, "it came in one packet: nothing is left to be read after the switch");
    server.write(b"a OK\r\n").await.unwrap();
    server.start_deflate(DeflateLimit::new(1).take().unwrap(), PLENTY).await.unwrap();
    assert!(!server.pending_input(), "what is packed is not yet input");
    assert_eq!(server.read_line(100, PLENTY).await.unwrap().bytes, b"b NOOP");
    assert!(server.pending_input());
    assert_eq!(server.buffered(), b"c IDLE\r\n");
    server.write(b"b OK\r\n").await.unwrap();
    server.close().await;
    let mut got = Vec::new();
    client.read_to_end(&mut got).await.unwrap();
    let rest = got.strip_prefix(b"a OK\r\n").unwrap();
    let mut text = Vec::with_capacity(1000);
    Decompress::new(false).decompress_vec(rest, &mut text, FlushDecompress::Sync).unwrap();
    assert_eq!(text, b"b OK\r\n");
}

#[tokio::test]
async fn a_wait_that_is_broken_off_loses_nothing() {
    let (mut server, mut client) = deflated().await;
    let sending = tokio::spawn(async move {
        for octet in packed(b"DONE\r\nnext\r\n", FlushCompress::Sync) {
            client.write_all(&[octet]).await.unwrap();
            tokio::time::sleep(std::time::Duration::from_millis(3)).await;
        }
        client
    });
    let mut lines = Vec::new();
    while lines.len() < 2 {
        tokio::select! {
            line = server.read_line(100, PLENTY) => lines.push(line.unwrap().bytes),
            () = tokio::time::sleep(std::time::Duration::from_millis(1)) => {}
        }
    }
    assert_eq!(lines, [b"DONE", b"next"]);
    drop(sending.await.unwrap());
    assert!(matches!(server.read_line(100, PLENTY).await, Err(ReadError::Closed)), "hanging up is seen");
}

/// 64 MiB in 64 KiB. Plain or packed, a peer makes us hold what the limits say, and others have their turn.
#[tokio::test]
async fn a_bomb_costs_nothing() {
    const BOMB_BYTES: usize = 64 << 20;
    let bomb = packed(&vec![b'x'; BOMB_BYTES], FlushCompress::Sync);
    assert!(bomb.len() < BOMB_BYTES / 200, "{}", bomb.len());
    let (mut server, mut client) = deflated().await;
    client.write_all(&bomb[..1000]).await.unwrap();
    assert!(matches!(server.read_line(100, SHORT).await, Err(ReadError::Timeout)), "a line of that kind is skipped");
    assert!(server.buffered().len() <= READ_BYTES_MAX);
    drop((server, client));

    let (mut server, mut client) = deflated().await;
    // The runtime has one thread: this counts only when the reader gives way.
    let turns = Arc::new(AtomicUsize::new(0));
    let counter = turns.clone();
    let counting = tokio::spawn(async move {
        loop {
            counter.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
        }
    });
    let sending = tokio::spawn(async move { client.write_all(&bomb).await.map(|()| client) });
    let mut got = 0;
    while got < BOMB_BYTES {
        let piece = server.read_some(usize::MAX, PLENTY).await.unwrap();
        assert!(piece.len() <= READ_BYTES_MAX && piece.iter().all(|octet| *octet == b'x'));
        got += piece.len();
        let count = piece.len();
        server.consume(count);
    }
    assert_eq!(got, BOMB_BYTES);
    // tokio's budget is 128 of these pieces.
    assert!(turns.load(Ordering::Relaxed) >= BOMB_BYTES / READ_BYTES_MAX / 256, "{turns:?}");
    counting.abort();
    drop(sending.await.unwrap());
}

#[tokio::test]
async fn what_is_no_deflate_stream_ends_the_connection() {
    // A reserved kind of block; a distance before the beginning; plain text, which begins with such a block too.
    for wrong in [&[0xff_u8, 0xff, 0xff, 0xff][..], &[0x4b, 0x04, 0xc2, 0x1f, 0xff, 0xff], b"b NOOP\r\nc LOGOUT\r\n"] {
        let (mut server, mut client) = deflated().await;
        client.write_all(wrong).await.unwrap();
        for _ in 0..2 {
            let read = server.read_line(100, PLENTY).await;
            assert!(matches!(&read, Err(ReadError::Io(error)) if error.kind() == std::io::ErrorKind::InvalidData), "{wrong:?}: {read:?}");
        }
        server.close().await;
    }
}

#[tokio::test]
async fn the_end_of_the_stream_is_the_end() {
    let (mut server, mut client) = deflated().await;
    client.write_all(&[packed(b"a NOOP\r\n", FlushCompress::Finish), b"b NOOP\r\n".to_vec()].concat()).await.unwrap();
    assert_eq!(server.read_line(100, PLENTY).await.unwrap().bytes, b"a NOOP");
    for _ in 0..2 {
        assert!(matches!(server.read_line(100, PLENTY).await, Err(ReadError::Closed)));
    }
}

/// Octets that no compression makes smaller, the same each time.
fn noise(count: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..count).map(|_| next()).collect()
}

#[tokio::test]
async fn a_reader_that_is_slow_holds_the_writer_back() {
    let (mut server, mut client) = deflated().await;
    let sent = noise(32 << 20);
    let mut taken = 0;
    for piece in sent.chunks(SPILL_BYTES) {
        if tokio::time::timeout(SHORT, server.write(piece)).await.is_err() {
            break;
        }
        taken += piece.len();
    }
    assert!(taken < sent.len(), "all of it went somewhere");
    // It can go on: what waits is still there, and comes in order.
    let reading = tokio::spawn(async move {
        let mut inflater = Decompress::new(false);
        let (mut got, mut piece, mut space) = (Vec::new(), vec![0; 64 << 10], vec![0; 256 << 10]);
        while got.len() < taken {
            let count = client.read(&mut piece).await.unwrap();
            let mut at = 0;
            while at < count {
                let (before_in, before_out) = (inflater.total_in(), inflater.total_out());
                inflater.decompress(&piece[at..count], &mut space, FlushDecompress::Sync).unwrap();
                at += (inflater.total_in() - before_in) as usize;
                got.extend_from_slice(&space[..(inflater.total_out() - before_out) as usize]);
            }
            assert_ne!(count, 0);
        }
        got
    });
    server.flush(PLENTY).await.unwrap();
    let got = reading.await.unwrap();
    assert!(got[..taken] == sent[..taken], "what came is what was sent");
}

#[tokio::test]
async fn there_are_so_many_slots_and_no_more() {
    let limit = DeflateLimit::new(1);
    let (mut first, _client) = pair().await;
    first.start_deflate(limit.take().unwrap(), PLENTY).await.unwrap();
    assert!(limit.clone().take().is_none());
    drop(first);
    assert!(limit.take().is_some(), "a slot comes back with its connection");
}

#[tokio::test]
async fn tls_does_not_begin_above_compression() {
    let (server, _client) = deflated().await;
    let refused = server.start_tls(&Certificate::new().acceptor(&[]), PLENTY).await;
    assert!(matches!(refused, Err(StartTlsError::Compressed)));
}
