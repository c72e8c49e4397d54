//! The PROXY protocol over real sockets: who is whom, what is left for TLS, and who waits for whom.

use crate::support::{Certificate, PLENTY, SHORT, listener};
use octroi_net::{Connection, ListenerOptions, Networks, Shutdown, TlsMode, serve};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// The only listed proxy; 127.0.0.1 is nobody.
const PROXY: &str = "127.0.0.7";
const V1: &[u8] = b"PROXY TCP4 203.0.113.9 192.0.2.1 56324 993\r\n";

/// Version 2 for [2001:db8::9]:258, with a field behind the addresses.
fn v2() -> Vec<u8> {
    let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x21\x00\x29".to_vec();
    header.extend_from_slice(&"2001:db8::9".parse::<std::net::Ipv6Addr>().unwrap().octets());
    header.extend_from_slice(&[0; 16]);
    header.extend_from_slice(&[1, 2, 3, 4, 1, 0, 2, b'h', b'2']);
    header
}

/// Tells each line's sender where it is seen to come from; `STARTTLS` as the protocols do it.
async fn whoami(mut connection: Connection) {
    while let Ok(line) = connection.read_line(200, PLENTY).await {
        let reply = format!("{} {} {}\r\n", connection.peer().addr, connection.is_tls(), String::from_utf8_lossy(&line.bytes));
        if connection.write(reply.as_bytes()).await.is_err() {
            return;
        }
        if line.bytes == b"STARTTLS" {
            let Some(acceptor) = connection.starttls_acceptor() else { return };
            let Ok(secure) = connection.start_tls(&acceptor, PLENTY).await else { return };
            connection = secure;
        } else if connection.flush(PLENTY).await.is_err() {
            return;
        }
    }
}

async fn start(tls: TlsMode, per_peer: usize, handshake_timeout: Duration) -> (SocketAddr, Shutdown) {
    let listener = listener().await;
    let address = listener.local_addr().unwrap();
    let options = ListenerOptions {
        name: "test",
        tls,
        connections_max: 20,
        connections_per_peer_max: per_peer,
        handshake_timeout,
        proxies: Networks::parse(&[PROXY]).unwrap(),
    };
    let shutdown = Shutdown::new();
    tokio::spawn(serve(listener, options, shutdown.clone(), |_| Some(b"busy\r\n".to_vec()), whoami));
    (address, shutdown)
}

async fn from(source: &str, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{source}:0").parse().unwrap()).unwrap();
    let tcp = socket.connect(to).await.unwrap();
    tcp.set_nodelay(true).unwrap();
    tcp
}

/// What comes next; nothing if it was closed.
async fn heard(stream: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut got = vec![0; 200];
    let count = tokio::time::timeout(PLENTY, stream.read(&mut got)).await.expect("the server must answer or close").unwrap_or(0);
    String::from_utf8(got[..count].to_vec()).unwrap()
}

#[tokio::test]
async fn a_listed_proxy_says_for_whom_it_connects() {
    let (address, _) = start(TlsMode::None, 10, PLENTY).await;
    for (header, seen) in [(V1.to_vec(), "203.0.113.9:56324"), (v2(), "[2001:db8::9]:258")] {
        // In one write with what follows, and one by one.
        let mut tcp = from(PROXY, address).await;
        tcp.write_all(&[&header[..], b"NOOP\r\n"].concat()).await.unwrap();
        assert_eq!(heard(&mut tcp).await, format!("{seen} false NOOP\r\n"));
        let mut tcp = from(PROXY, address).await;
        for byte in header {
            tcp.write_all(&[byte]).await.unwrap();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tcp.write_all(b"NOOP\r\n").await.unwrap();
        assert_eq!(heard(&mut tcp).await, format!("{seen} false NOOP\r\n"));
    }
    // An IPv4 address dressed as IPv6 is undressed, or no zone would know it.
    let mut tcp = from(PROXY, address).await;
    tcp.write_all(b"PROXY TCP6 ::ffff:203.0.113.9 ::1 1 2\r\nNOOP\r\n").await.unwrap();
    assert_eq!(heard(&mut tcp).await, "203.0.113.9:1 false NOOP\r\n");
}

#[tokio::test]
async fn a_proxy_that_speaks_for_itself_is_itself() {
    let (address, _) = start(TlsMode::None, 10, PLENTY).await;
    for header in [&b"PROXY UNKNOWN\r\n"[..], b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00", b"\r\n\r\n\0\r\nQUIT\n\x21\x00\x00\x00"] {
        let mut tcp = from(PROXY, address).await;
        tcp.write_all(&[header, b"NOOP\r\n"].concat()).await.unwrap();
        let own = tcp.local_addr().unwrap();
        assert_eq!(heard(&mut tcp).await, format!("{own} false NOOP\r\n"));
    }
}

/// The attack on zones: anybody can send the line.
#[tokio::test]
async fn from_anybody_else_a_header_is_garbage_and_moves_nobody() {
    let (address, _) = start(TlsMode::None, 10, PLENTY).await;
    let mut tcp = from("127.0.0.1", address).await;
    tcp.write_all(V1).await.unwrap();
    let own = tcp.local_addr().unwrap();
    let line = std::str::from_utf8(V1).unwrap();
    assert_eq!(heard(&mut tcp).await, format!("{own} false {line}"), "the protocol's own to refuse");
    let certificate = Certificate::new();
    let (address, _) = start(TlsMode::Implicit(certificate.acceptor(&[])), 10, PLENTY).await;
    let mut tcp = from("127.0.0.1", address).await;
    tcp.write_all(V1).await.unwrap();
    assert!(certificate.connect(tcp, &[]).await.is_err(), "no TLS");
    // A second header behind the proxy's own is the client's.
    let (address, _) = start(TlsMode::None, 10, PLENTY).await;
    let mut tcp = from(PROXY, address).await;
    tcp.write_all(&[V1, b"PROXY TCP4 10.0.0.1 10.0.0.1 1 1\r\n"].concat()).await.unwrap();
    assert!(heard(&mut tcp).await.starts_with("203.0.113.9:56324 false PROXY"));
}

#[tokio::test]
async fn a_proxy_without_a_good_header_is_closed() {
    let (address, _) = start(TlsMode::None, 10, PLENTY).await;
    let endless = [b"PROXY UNKNOWN ".to_vec(), vec![b'x'; 200]].concat();
    for bad in [&b"NOOP\r\n"[..], b"\x16\x03\x01\x02", b"PROXY TCP4 a b c d\r\n", &endless] {
        let mut tcp = from(PROXY, address).await;
        tcp.write_all(bad).await.unwrap();
        assert_eq!(heard(&mut tcp).await, "", "{bad:?}");
    }
    let mut tcp = from(PROXY, address).await;
    tcp.write_all(&V1[..20]).await.unwrap();
    tcp.shutdown().await.unwrap();
    assert_eq!(heard(&mut tcp).await, "", "cut off");
}

#[tokio::test]
async fn a_header_must_come_in_time_however_it_trickles() {
    let (address, shutdown) = start(TlsMode::None, 10, SHORT).await;
    let mut tcp = from(PROXY, address).await;
    let started = Instant::now();
    for byte in b"PROXY UNKNOWN ".iter().chain(std::iter::repeat_n(&b'x', 90)) {
        if tcp.write_all(&[*byte]).await.is_err() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(started.elapsed() < 10 * SHORT, "{:?}", started.elapsed());
    let _silent = from(PROXY, address).await;
    shutdown.trigger();
    assert!(shutdown.ended(PLENTY).await, "nobody waits for ever");
}

/// One proxy that hangs must not keep others out, nor grow what is held for it without end.
#[tokio::test]
async fn headers_that_are_awaited_stop_nobody_else_and_are_counted() {
    let (address, _) = start(TlsMode::None, 2, PLENTY).await;
    let mut awaited = [from(PROXY, address).await, from(PROXY, address).await];
    let mut other = from("127.0.0.1", address).await;
    other.write_all(b"NOOP\r\n").await.unwrap();
    assert!(heard(&mut other).await.ends_with("false NOOP\r\n"));
    let mut third = from(PROXY, address).await;
    let _ = third.write_all(V1).await;
    assert_eq!(heard(&mut third).await, "", "two headers are awaited already");
    for tcp in &mut awaited {
        tcp.write_all(&[V1, b"NOOP\r\n"].concat()).await.unwrap();
        assert_eq!(heard(tcp).await, "203.0.113.9:56324 false NOOP\r\n");
    }
    // Those two have become the client's, who may have two; the proxy has its own back.
    let mut same = from(PROXY, address).await;
    same.write_all(V1).await.unwrap();
    assert_eq!(heard(&mut same).await, "busy\r\n");
    let mut another = from(PROXY, address).await;
    another.write_all(&[&v2()[..], b"NOOP\r\n"].concat()).await.unwrap();
    assert_eq!(heard(&mut another).await, "[2001:db8::9]:258 false NOOP\r\n");
}

#[tokio::test]
async fn tls_and_starttls_come_after_the_header() {
    let certificate = Certificate::new();
    for header in [V1.to_vec(), v2()] {
        let seen = if header == V1 { "203.0.113.9:56324" } else { "[2001:db8::9]:258" };
        let (address, _) = start(TlsMode::Implicit(certificate.acceptor(&[])), 10, PLENTY).await;
        let mut tcp = from(PROXY, address).await;
        tcp.write_all(&header).await.unwrap();
        let mut client = certificate.connect(tcp, &[]).await.unwrap();
        client.write_all(b"NOOP\r\n").await.unwrap();
        assert_eq!(heard(&mut client).await, format!("{seen} true NOOP\r\n"));

        let (address, _) = start(TlsMode::Offered(certificate.acceptor(&[])), 10, PLENTY).await;
        let mut tcp = from(PROXY, address).await;
        tcp.write_all(&[&header[..], b"STARTTLS\r\n"].concat()).await.unwrap();
        assert_eq!(heard(&mut tcp).await, format!("{seen} false STARTTLS\r\n"));
        let mut client = certificate.connect(tcp, &[]).await.unwrap();
        client.write_all(b"NOOP\r\n").await.unwrap();
        assert_eq!(heard(&mut client).await, format!("{seen} true NOOP\r\n"), "kept through STARTTLS");
    }
}
