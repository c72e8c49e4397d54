//! Lines, octets and output over plain TCP.

use crate::support::{PLENTY, SHORT, pair};
use octroi_net::{Connection, LineEnd, READ_BYTES_MAX, ReadError, SPILL_BYTES, WriteError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn line(connection: &mut Connection, max: usize) -> Result<(String, LineEnd), ReadError> {
    let line = connection.read_line(max, PLENTY).await?;
    Ok((String::from_utf8(line.bytes).unwrap(), line.end))
}

/// Octets one by one, each in a packet of its own as far as the kernel lets us.
async fn dribble(client: &mut TcpStream, bytes: &[u8], interval: Duration) {
    for byte in bytes {
        if client.write_all(&[*byte]).await.is_err() {
            return;
        }
        tokio::time::sleep(interval).await;
    }
}

#[tokio::test]
async fn lines_come_whole_however_they_are_cut() {
    let text = b"a NOOP\r\n\r\nb\rc\r\nbare\n\n";
    for one_by_one in [false, true] {
        let (mut server, mut client) = pair().await;
        let sending = tokio::spawn(async move {
            if one_by_one { dribble(&mut client, text, Duration::from_millis(1)).await } else { client.write_all(text).await.unwrap() }
        });
        for (expected, end) in
            [("a NOOP", LineEnd::CrLf), ("", LineEnd::CrLf), ("b\rc", LineEnd::CrLf), ("bare", LineEnd::Lf), ("", LineEnd::Lf)]
        {
            assert_eq!(line(&mut server, 10).await.unwrap(), (expected.to_owned(), end));
        }
        sending.await.unwrap();
        assert!(matches!(server.read_line(10, PLENTY).await, Err(ReadError::Closed)));
    }
}

#[tokio::test]
async fn a_line_that_is_too_long_is_gone_and_the_next_one_is_read() {
    for too_long in [11, 12, READ_BYTES_MAX - 1, READ_BYTES_MAX, READ_BYTES_MAX + 1, 1_000_000] {
        for end in ["\r\n", "\n"] {
            let (mut server, mut client) = pair().await;
            let text = format!("{}{end}{}{end}next{end}", "x".repeat(too_long), "y".repeat(10));
            let sending = tokio::spawn(async move {
                client.write_all(text.as_bytes()).await.unwrap();
                client
            });
            assert!(matches!(line(&mut server, 10).await, Err(ReadError::TooLong)), "{too_long} {end:?}");
            assert!(server.buffered().len() <= READ_BYTES_MAX + 12, "nothing is hoarded");
            assert_eq!(line(&mut server, 10).await.unwrap().0, "y".repeat(10), "just as long as allowed");
            assert_eq!(line(&mut server, 10).await.unwrap().0, "next");
            sending.await.unwrap();
        }
    }
}

#[tokio::test]
async fn one_byte_per_interval_defeats_no_deadline() {
    let (mut server, mut client) = pair().await;
    let sending = tokio::spawn(async move { dribble(&mut client, &[b'x'; 1000], Duration::from_millis(10)).await });
    let started = Instant::now();
    assert!(matches!(server.read_line(5000, SHORT).await, Err(ReadError::Timeout)));
    // The same for a line that is being skipped, and for a literal.
    assert!(matches!(server.read_line(3, SHORT).await, Err(ReadError::Timeout)));
    assert!(matches!(server.read_exact(&mut [0; 5000], SHORT).await, Err(ReadError::Timeout)));
    assert!(started.elapsed() >= 3 * SHORT && started.elapsed() < 20 * SHORT, "{:?}", started.elapsed());
    sending.abort();
}

/// As in IDLE: waiting for a line is broken off again and again by something else.
#[tokio::test]
async fn a_wait_that_is_broken_off_loses_nothing() {
    let (mut server, mut client) = pair().await;
    let sending = tokio::spawn(async move {
        dribble(&mut client, b"DONE, at last\r\nxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\nb\r\n", Duration::from_millis(2)).await;
        client
    });
    let mut broken_off = 0;
    let mut lines = Vec::new();
    while lines.len() < 3 {
        tokio::select! {
            biased;
            line = server.read_line(13, PLENTY) => lines.push(line.map(|line| line.bytes)),
            () = tokio::time::sleep(Duration::from_millis(1)) => broken_off += 1,
        }
    }
    assert!(broken_off > 5, "the test breaks off at all: {broken_off}");
    assert_eq!(lines[0].as_deref().unwrap(), b"DONE, at last");
    assert!(matches!(lines[1], Err(ReadError::TooLong)));
    assert_eq!(lines[2].as_deref().unwrap(), b"b");
    sending.await.unwrap();
}

#[tokio::test]
async fn literals_are_taken_in_pieces() {
    let (mut server, mut client) = pair().await;
    client.write_all(b"a APPEND {5}\r\nhello)\r\nrest").await.unwrap();
    drop(client);
    assert_eq!(line(&mut server, 100).await.unwrap().0, "a APPEND {5}");
    assert!(server.pending_input());
    let mut literal = Vec::new();
    while literal.len() < 5 {
        let some = server.read_some((5 - literal.len()).min(2), PLENTY).await.unwrap();
        assert!(!some.is_empty() && some.len() <= 2);
        let count = some.len();
        literal.extend_from_slice(some);
        server.consume(count);
    }
    assert_eq!(literal, b"hello");
    assert_eq!(line(&mut server, 100).await.unwrap().0, ")");
    let mut rest = [0; 4];
    server.read_exact(&mut rest, PLENTY).await.unwrap();
    assert_eq!(&rest, b"rest");
    assert!(!server.pending_input());
    assert!(matches!(server.read_some(10, PLENTY).await, Err(ReadError::Closed)));
    assert!(matches!(server.read_exact(&mut rest, PLENTY).await, Err(ReadError::Closed)));
    server.consume(usize::MAX);
}

#[tokio::test]
async fn what_is_cut_short_is_closed_not_complete() {
    let (mut server, mut client) = pair().await;
    client.write_all(b"half a line").await.unwrap();
    drop(client);
    assert!(matches!(server.read_line(100, PLENTY).await, Err(ReadError::Closed)));
    let (mut server, mut client) = pair().await;
    client.write_all(b"1234").await.unwrap();
    drop(client);
    assert!(matches!(server.read_exact(&mut [0; 5], PLENTY).await, Err(ReadError::Closed)));
}

#[tokio::test]
async fn output_waits_for_flush_and_spills_when_it_is_much() {
    let (mut server, mut client) = pair().await;
    server.write(b"* OK ").await.unwrap();
    server.write(b"ready\r\n").await.unwrap();
    let mut got = [0; 12];
    assert!(tokio::time::timeout(SHORT, client.read_exact(&mut got)).await.is_err(), "held back");
    server.flush(PLENTY).await.unwrap();
    client.read_exact(&mut got).await.unwrap();
    assert_eq!(&got, b"* OK ready\r\n");

    let large: Vec<u8> = (0..SPILL_BYTES * 20 + 17).map(|n| (n % 251) as u8).collect();
    let expected = large.clone();
    let reading = tokio::spawn(async move {
        let mut got = Vec::new();
        client.read_to_end(&mut got).await.unwrap();
        assert!(got == expected);
    });
    for piece in large.chunks(100_001) {
        server.write(piece).await.unwrap();
    }
    server.close().await;
    reading.await.unwrap();
}

#[tokio::test]
async fn a_peer_that_takes_nothing_is_given_up() {
    let (mut server, _client) = pair().await;
    let stuck = async {
        loop {
            server.write(&[0; 1000]).await?;
            server.flush(SHORT).await?;
        }
    };
    let outcome: Result<(), WriteError> = tokio::time::timeout(PLENTY, stuck).await.unwrap();
    assert!(matches!(outcome, Err(WriteError::Timeout)));
}

#[tokio::test]
async fn a_library_gets_what_was_read_already_and_what_was_not_sent_yet() {
    let (mut server, mut client) = pair().await;
    client.write_all(b"first\r\nsecond").await.unwrap();
    assert_eq!(line(&mut server, 100).await.unwrap().0, "first");
    server.write(b"before ").await.unwrap();
    let mut stream = server.into_stream();
    stream.write_all(b"after").await.unwrap();
    stream.flush().await.unwrap();
    client.write_all(b" third").await.unwrap();
    client.shutdown().await.unwrap();
    let mut got = String::new();
    stream.read_to_string(&mut got).await.unwrap();
    assert_eq!(got, "second third");
    stream.shutdown().await.unwrap();
    let mut got = String::new();
    client.read_to_string(&mut got).await.unwrap();
    assert_eq!(got, "before after");
}

/// A close with unread input makes the kernel send a reset, on which some systems throw away a reply that is not yet read. So a
/// client that is still sending must not meet one.
#[tokio::test]
async fn a_client_that_is_still_sending_reads_the_last_reply() {
    let (mut server, mut client) = pair().await;
    client.write_all(&b"x".repeat(100_000)).await.unwrap();
    assert!(!server.read_some(10, PLENTY).await.unwrap().is_empty());
    server.write(b"* BYE too much\r\n").await.unwrap();
    let closing = tokio::spawn(server.close());
    tokio::time::sleep(Duration::from_millis(50)).await;
    for _ in 0..10 {
        client.write_all(&b"x".repeat(10_000)).await.expect("no reset");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let mut got = String::new();
    client.read_to_string(&mut got).await.unwrap();
    assert_eq!(got, "* BYE too much\r\n");
    drop(client);
    closing.await.unwrap();
}

#[tokio::test]
async fn a_client_that_never_goes_does_not_keep_a_close_waiting() {
    let (server, _client) = pair().await;
    let started = Instant::now();
    server.close().await;
    assert!(started.elapsed() < Duration::from_secs(5));
}
