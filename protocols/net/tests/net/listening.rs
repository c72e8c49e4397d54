//! The accept loop: limits, refusals, shutdown.

use crate::support::{Certificate, PLENTY, SHORT, listener};
use octroi_net::{Connection, ListenerOptions, Networks, Shutdown, TlsMode, serve};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

const BUSY: &str = "* BYE [LIMIT] too many connections\r\n";

fn options(tls: TlsMode) -> ListenerOptions {
    ListenerOptions {
        name: "test",
        tls,
        connections_max: 3,
        connections_per_peer_max: 2,
        handshake_timeout: PLENTY,
        proxies: Networks::default(),
    }
}

/// Greets, then serves until the peer goes, or the shutdown comes, or the peer asks for a panic.
async fn greet(mut connection: Connection, shutdown: Shutdown) {
    connection.write(b"* OK\r\n").await.unwrap();
    connection.flush(PLENTY).await.unwrap();
    tokio::select! {
        line = connection.read_line(100, PLENTY) => assert!(!line.is_ok_and(|line| line.bytes == b"panic"), "as asked"),
        () = shutdown.triggered() => {
            connection.write(b"* BYE shutting down\r\n").await.unwrap();
            connection.close().await;
        }
    }
}

async fn start(tls: TlsMode) -> (SocketAddr, Shutdown, tokio::task::JoinHandle<()>) {
    let listener = listener().await;
    let address = listener.local_addr().unwrap();
    let shutdown = Shutdown::new();
    let for_handler = shutdown.clone();
    let handler = move |connection| greet(connection, for_handler.clone());
    let serving = serve(listener, options(tls), shutdown.clone(), |_| Some(BUSY.as_bytes().to_vec()), handler);
    (address, shutdown, tokio::spawn(serving))
}

async fn greeting(stream: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut got = vec![0; 100];
    let count = tokio::time::timeout(PLENTY, stream.read(&mut got)).await.unwrap().unwrap();
    String::from_utf8(got[..count].to_vec()).unwrap()
}

async fn open(address: SocketAddr) -> (TcpStream, String) {
    let mut tcp = TcpStream::connect(address).await.unwrap();
    let text = greeting(&mut tcp).await;
    (tcp, text)
}

async fn open_from(from: &str, address: SocketAddr) -> (TcpStream, String) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
    let mut tcp = socket.connect(address).await.unwrap();
    let text = greeting(&mut tcp).await;
    (tcp, text)
}

/// Opens until one is let in: a slot comes back a moment after its connection ended.
async fn open_patiently(address: SocketAddr) -> TcpStream {
    for _ in 0..200 {
        let (tcp, text) = open(address).await;
        if text == "* OK\r\n" {
            return tcp;
        }
        tokio::time::sleep(SHORT / 10).await;
    }
    panic!("no slot came back");
}

#[tokio::test]
async fn limits_hold_per_peer_and_in_all() {
    let (address, ..) = start(TlsMode::None).await;
    let (first, text) = open(address).await;
    assert_eq!(text, "* OK\r\n");
    let (_second, text) = open(address).await;
    assert_eq!(text, "* OK\r\n");
    let (mut third, text) = open(address).await;
    assert_eq!(text, BUSY, "per peer");
    assert_eq!(greeting(&mut third).await, "", "and closed");
    let (_other, text) = open_from("127.0.0.2", address).await;
    assert_eq!(text, "* OK\r\n", "another peer has its own limit");
    let (_another, text) = open_from("127.0.0.3", address).await;
    assert_eq!(text, BUSY, "in all");
    drop(first);
    open_patiently(address).await;
}

#[tokio::test]
async fn a_refusal_is_sent_within_tls() {
    let certificate = Certificate::new();
    let (address, ..) = start(TlsMode::Implicit(certificate.acceptor(&[]))).await;
    let mut open = Vec::new();
    for expected in ["* OK\r\n", "* OK\r\n", BUSY] {
        let tcp = TcpStream::connect(address).await.unwrap();
        let mut client = certificate.connect(tcp, &[]).await.unwrap();
        assert_eq!(greeting(&mut client).await, expected);
        open.push(client);
    }
}

#[tokio::test]
async fn a_handler_that_panics_gives_its_slot_back() {
    let (address, shutdown, _) = start(TlsMode::None).await;
    for _ in 0..4 {
        let mut tcp = open_patiently(address).await;
        tcp.write_all(b"panic\r\n").await.unwrap();
        assert_eq!(greeting(&mut tcp).await, "");
    }
    shutdown.trigger();
    assert!(shutdown.ended(PLENTY).await);
}

#[tokio::test]
async fn shutdown_stops_accepting_and_waits_for_the_rest() {
    let (address, shutdown, serving) = start(TlsMode::None).await;
    let (mut tcp, _) = open(address).await;
    shutdown.trigger();
    serving.await.unwrap();
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
    assert_eq!(greeting(&mut tcp).await, "* BYE shutting down\r\n");
    drop(tcp);
    assert!(shutdown.ended(PLENTY).await);
}

#[tokio::test]
async fn a_handler_that_does_not_end_is_reported() {
    let listener = listener().await;
    let address = listener.local_addr().unwrap();
    let shutdown = Shutdown::new();
    tokio::spawn(serve(
        listener,
        options(TlsMode::None),
        shutdown.clone(),
        |_| None,
        |mut connection: Connection| async move {
            connection.write(b"* OK\r\n").await.unwrap();
            connection.flush(PLENTY).await.unwrap();
            std::future::pending::<()>().await;
        },
    ));
    let (_tcp, _) = open(address).await;
    shutdown.trigger();
    assert!(!shutdown.ended(SHORT).await);
}
