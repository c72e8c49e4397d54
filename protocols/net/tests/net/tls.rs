//! TLS from the start, STARTTLS, and the attacks on both.

use crate::support::{Certificate, PLENTY, SHORT, listener, localhost, pair};
use octroi_net::{Acceptor, CertificateError, Connection, ListenerOptions, Networks, ReadError, Shutdown, StartTlsError, TlsMode, serve};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A server that answers each line with the same line; after `STARTTLS` it goes over to TLS, as a protocol does.
async fn echo(mut connection: Connection) {
    while let Ok(line) = connection.read_line(1000, PLENTY).await {
        let mut reply = if connection.is_tls() { b"tls ".to_vec() } else { b"clear ".to_vec() };
        reply.extend_from_slice(&line.bytes);
        reply.extend_from_slice(b"\r\n");
        if connection.write(&reply).await.is_err() {
            return;
        }
        if line.bytes == b"STARTTLS" {
            let Some(acceptor) = connection.starttls_acceptor() else { return connection.close().await };
            let Ok(secure) = connection.start_tls(&acceptor, PLENTY).await else { return };
            assert!(secure.starttls_acceptor().is_none(), "once is enough");
            connection = secure;
        } else if connection.flush(PLENTY).await.is_err() {
            return;
        }
    }
}

async fn served(tls: TlsMode, handshake_timeout: Duration) -> (TcpStream, Arc<AtomicUsize>) {
    let listener = listener().await;
    let address = listener.local_addr().unwrap();
    let options = ListenerOptions {
        name: "test",
        tls,
        connections_max: 10,
        connections_per_peer_max: 10,
        handshake_timeout,
        proxies: Networks::default(),
    };
    let handled = Arc::new(AtomicUsize::new(0));
    let count = handled.clone();
    tokio::spawn(serve(
        listener,
        options,
        Shutdown::new(),
        |_| None,
        move |connection| {
            count.fetch_add(1, Ordering::SeqCst);
            echo(connection)
        },
    ));
    (TcpStream::connect(address).await.unwrap(), handled)
}

async fn say(stream: &mut (impl AsyncReadExt + AsyncWriteExt + Unpin), text: &str) -> String {
    stream.write_all(text.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    let mut got = vec![0; 1000];
    let count = tokio::time::timeout(PLENTY, stream.read(&mut got)).await.unwrap().unwrap();
    String::from_utf8(got[..count].to_vec()).unwrap()
}

/// All that still comes; a reset counts as the end.
async fn rest(tcp: &mut TcpStream) -> Vec<u8> {
    let mut got = Vec::new();
    let _ = tokio::time::timeout(PLENTY, tcp.read_to_end(&mut got)).await.expect("the server must close");
    got
}

#[tokio::test]
async fn tls_from_the_first_byte() {
    let certificate = Certificate::new();
    let (tcp, _) = served(TlsMode::Implicit(certificate.acceptor(&[b"imap"])), PLENTY).await;
    let mut client = certificate.connect(tcp, &[b"imap"]).await.unwrap();
    assert_eq!(say(&mut client, "NOOP\r\n").await, "tls NOOP\r\n");
    // STARTTLS is not offered within TLS: the handler closes, and says so to TLS too.
    assert_eq!(say(&mut client, "STARTTLS\r\n").await, "tls STARTTLS\r\n");
    assert_eq!(client.read(&mut [0; 10]).await.unwrap(), 0);
}

/// ALPACA: a browser led to the mail server must not get as far as saying something.
#[tokio::test]
async fn a_client_of_another_protocol_is_refused() {
    let certificate = Certificate::new();
    let (tcp, handled) = served(TlsMode::Implicit(certificate.acceptor(&[b"imap"])), PLENTY).await;
    assert!(certificate.connect(tcp, &[b"http/1.1"]).await.is_err());
    assert_eq!(handled.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn large_octets_go_both_ways_over_tls() {
    let certificate = Certificate::new();
    let (server, client) = pair().await;
    let acceptor = certificate.acceptor(&[]);
    let octets: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
    let expected = octets.clone();
    let serving = tokio::spawn(async move {
        let mut server = server.start_tls(&acceptor, PLENTY).await.unwrap();
        let mut got = vec![0; 3_000_000];
        server.read_exact(&mut got, PLENTY).await.unwrap();
        server.write(&got).await.unwrap();
        server.close().await;
    });
    let client = certificate.connect(client, &[]).await.unwrap();
    let (mut reader, mut writer) = tokio::io::split(client);
    let writing = tokio::spawn(async move {
        writer.write_all(&octets).await.unwrap();
        writer.flush().await.unwrap();
        writer
    });
    let mut got = Vec::new();
    reader.read_to_end(&mut got).await.expect("a proper end, with close_notify");
    assert!(got == expected);
    drop(writing.await.unwrap());
    serving.await.unwrap();
}

#[tokio::test]
async fn a_handshake_must_end_in_time() {
    let certificate = Certificate::new();
    let (mut tcp, handled) = served(TlsMode::Implicit(certificate.acceptor(&[])), SHORT).await;
    let started = Instant::now();
    // The beginning of a record that claims 512 octets, one octet per interval.
    for byte in [0x16, 3, 1, 2, 0].into_iter().chain(std::iter::repeat_n(1, 400)) {
        if tcp.write_all(&[byte]).await.is_err() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(started.elapsed() < 10 * SHORT, "{:?}", started.elapsed());
    assert_eq!(handled.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn starttls_works() {
    let certificate = Certificate::new();
    let (mut tcp, _) = served(TlsMode::Offered(certificate.acceptor(&[])), PLENTY).await;
    assert_eq!(say(&mut tcp, "NOOP\r\n").await, "clear NOOP\r\n");
    assert_eq!(say(&mut tcp, "STARTTLS\r\n").await, "clear STARTTLS\r\n");
    let mut client = certificate.connect(tcp, &[]).await.unwrap();
    assert_eq!(say(&mut client, "NOOP\r\n").await, "tls NOOP\r\n");
}

/// CVE-2011-0411: what stands behind STARTTLS in the same segment was run as if it had come under TLS.
#[tokio::test]
async fn starttls_injection_in_one_write_is_never_answered() {
    for injected in ["NOOP\r\n", "N", "\r\n", "a APPEND {3+}\r\nabc"] {
        let certificate = Certificate::new();
        let (mut tcp, _) = served(TlsMode::Offered(certificate.acceptor(&[])), PLENTY).await;
        tcp.write_all(format!("NOOP\r\nSTARTTLS\r\n{injected}").as_bytes()).await.unwrap();
        let got = rest(&mut tcp).await;
        // The reply to STARTTLS itself need not have been sent; nothing may follow it.
        assert!(b"clear NOOP\r\nclear STARTTLS\r\n".starts_with(&got), "{injected:?}: {}", String::from_utf8_lossy(&got));
    }
}

/// The same octets one by one: they reach the server while it waits for the handshake, which fails on them.
#[tokio::test]
async fn starttls_injection_byte_by_byte_is_never_answered() {
    let certificate = Certificate::new();
    let (mut tcp, _) = served(TlsMode::Offered(certificate.acceptor(&[])), PLENTY).await;
    tcp.set_nodelay(true).unwrap();
    for byte in b"STARTTLS\r\nNOOP\r\nNOOP\r\n" {
        if tcp.write_all(&[*byte]).await.is_err() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let got = rest(&mut tcp).await;
    let text = String::from_utf8_lossy(&got);
    assert!(!text.contains("NOOP"), "{text}");
}

#[tokio::test]
async fn buffered_plaintext_stops_start_tls() {
    let certificate = Certificate::new();
    let (mut server, mut client) = pair().await;
    client.write_all(b"STARTTLS\r\nx").await.unwrap();
    server.read_line(100, PLENTY).await.unwrap();
    assert!(server.pending_input());
    let refused = server.start_tls(&certificate.acceptor(&[]), PLENTY).await;
    assert!(matches!(refused, Err(StartTlsError::PendingInput)));
}

#[tokio::test]
async fn tls_within_tls_is_refused() {
    let certificate = Certificate::new();
    let (server, client) = pair().await;
    let acceptor = certificate.acceptor(&[]);
    let serving = tokio::spawn(async move { server.start_tls(&acceptor, PLENTY).await.unwrap().start_tls(&acceptor, PLENTY).await });
    let _client = certificate.connect(client, &[]).await.unwrap();
    assert!(matches!(serving.await.unwrap(), Err(StartTlsError::AlreadyTls)));
}

/// CVE-2021-38371: our outbound side must not believe replies that came before TLS.
#[tokio::test]
async fn the_client_side_refuses_replies_sent_ahead() {
    let certificate = Certificate::new();
    for ahead in ["", "250 forged\r\n"] {
        let listener = listener().await;
        let mut connection = Connection::connect(listener.local_addr().unwrap(), PLENTY).await.unwrap();
        let (mut tcp, _) = listener.accept().await.unwrap();
        tcp.write_all(format!("220 go ahead\r\n{ahead}").as_bytes()).await.unwrap();
        connection.read_line(100, PLENTY).await.unwrap();
        let acceptor = certificate.acceptor(&[]);
        let serving =
            tokio::spawn(async move { Connection::plain(tcp, "127.0.0.1:1".parse().unwrap()).start_tls(&acceptor, PLENTY).await });
        let outcome = connection.start_tls_as_client(certificate.client(&[]), localhost(), PLENTY).await;
        if ahead.is_empty() {
            assert!(outcome.unwrap().is_tls());
            serving.await.unwrap().unwrap();
        } else {
            assert!(matches!(outcome, Err(StartTlsError::PendingInput)));
        }
    }
}

#[tokio::test]
async fn a_connection_torn_off_within_tls_is_closed() {
    let certificate = Certificate::new();
    let (server, client) = pair().await;
    let acceptor = certificate.acceptor(&[]);
    let serving = tokio::spawn(async move {
        let mut server = server.start_tls(&acceptor, PLENTY).await.unwrap();
        server.read_line(100, PLENTY).await
    });
    let mut client = certificate.connect(client, &[]).await.unwrap();
    client.write_all(b"half").await.unwrap();
    client.flush().await.unwrap();
    drop(client);
    assert!(matches!(serving.await.unwrap(), Err(ReadError::Closed)));
}

#[tokio::test]
async fn a_new_certificate_serves_the_next_handshake() {
    let (old, new) = (Certificate::new(), Certificate::new());
    let acceptor = old.acceptor(&[b"imap"]);
    let clone = acceptor.clone();
    let handshake = async |trusting: &Certificate| {
        let (server, client) = pair().await;
        let clone = clone.clone();
        let serving = tokio::spawn(async move { server.start_tls(&clone, PLENTY).await.map(drop) });
        let connected = trusting.connect(client, &[b"imap"]).await.is_ok();
        let _ = serving.await.unwrap();
        connected
    };
    assert!(handshake(&old).await);
    assert!(!handshake(&new).await);
    // What cannot be used changes nothing.
    assert!(matches!(acceptor.reload(b"", new.key_pem.as_bytes(), &[]), Err(CertificateError::Certificate(_))));
    assert!(matches!(acceptor.reload(new.pem.as_bytes(), b"", &[]), Err(CertificateError::Key(_))));
    assert!(matches!(acceptor.reload(new.pem.as_bytes(), old.key_pem.as_bytes(), &[]), Err(CertificateError::Unusable(_))));
    assert!(handshake(&old).await);
    acceptor.reload(new.pem.as_bytes(), new.key_pem.as_bytes(), &[]).unwrap();
    assert!(handshake(&new).await);
    assert!(!handshake(&old).await);
    assert!(matches!(Acceptor::from_pem(b"x", b"y", &[], &[]), Err(CertificateError::Certificate(_))));
}

/// Both ends know the same value of a connection, and no two connections have the same.
#[tokio::test]
async fn a_log_in_can_be_bound_to_the_connection() {
    use rustls::version::{TLS12, TLS13};
    let (mut exporters, mut end_points) = (Vec::new(), Vec::new());
    let certificate = Certificate::new();
    for version in [&TLS13, &TLS13, &TLS12] {
        let (server, client) = pair().await;
        assert!(server.bindings().is_empty());
        let acceptor = certificate.acceptor(&[]);
        let secured = tokio::spawn(async move {
            let secured = server.start_tls(&acceptor, PLENTY).await.unwrap();
            // What is shown from now on changes nothing for who is connected.
            let other = Certificate::new();
            acceptor.reload(other.pem.as_bytes(), other.key_pem.as_bytes(), &[]).unwrap();
            secured
        });
        let config = certificate.client_of(version, &[]);
        let client = tokio_rustls::TlsConnector::from(config).connect(localhost(), client).await.unwrap();
        let bindings = secured.await.unwrap().bindings();
        let end_point = ring::digest::digest(&ring::digest::SHA256, certificate.der());
        assert_eq!(bindings.server_end_point.as_deref(), Some(end_point.as_ref()));
        let (_, tls) = client.get_ref();
        let known = tls.export_keying_material([0; 32], b"EXPORTER-Channel-Binding", Some(b"")).unwrap();
        assert_eq!(bindings.exporter, (version.version == TLS13.version).then_some(known));
        exporters.extend(bindings.exporter);
        end_points.extend(bindings.server_end_point);
    }
    assert!(exporters.len() == 2 && exporters[0] != exporters[1]);
    assert!(end_points.windows(2).all(|two| two[0] == two[1]));
}
