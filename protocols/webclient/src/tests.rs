//! The client against servers that are scripts.

#![allow(clippy::unwrap_used)]

use super::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

fn client(answer_bytes_max: usize) -> WebClient {
    WebClient::new(None, Duration::from_secs(20), answer_bytes_max).unwrap()
}

/// A server that answers one request with `answer`; the port, and what was asked.
async fn server(answer: &'static str) -> (u16, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut asked = vec![0; 4096];
        let read = stream.read(&mut asked).await.unwrap();
        stream.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8(asked[..read].to_vec()).unwrap()
    });
    (port, asked)
}

#[tokio::test]
async fn one_request_and_its_answer() {
    let (port, asked) = server("HTTP/1.1 302 Found\r\nLocation: https://elsewhere.example/\r\nContent-Length: 2\r\n\r\nno").await;
    let request = Request::get(format!("http://127.0.0.1:{port}/a?b=c")).header("x-y", "z").body(Bytes::new()).unwrap();
    let answer = client(2).ask(request).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.body().as_ref()), (302, &b"no"[..]), "a redirection is an answer");
    let asked = asked.await.unwrap();
    assert!(asked.starts_with("GET /a?b=c HTTP/1.1\r\n") && asked.contains(&format!("host: 127.0.0.1:{port}\r\n")), "{asked}");
}

#[tokio::test]
async fn an_answer_has_a_limit() {
    let (port, _asked) = server("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n").await;
    let request = Request::get(format!("http://127.0.0.1:{port}/")).body(Bytes::new()).unwrap();
    assert!(matches!(client(2).ask(request).await, Err(WebError::TooLarge(2))));
}

#[tokio::test]
async fn a_server_that_goes_is_an_error() {
    let (port, _asked) = server("").await;
    let request = Request::get(format!("http://127.0.0.1:{port}/")).body(Bytes::new()).unwrap();
    assert!(matches!(client(2).ask(request).await, Err(WebError::Answer(_))));
}

#[tokio::test]
async fn the_deadline_holds() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = WebClient::new(None, Duration::from_millis(50), 10).unwrap();
    let request = Request::get(format!("http://{}/", listener.local_addr().unwrap())).body(Bytes::new()).unwrap();
    assert!(matches!(client.ask(request).await, Err(WebError::Late(_))));
}

/// An HTTPS server with a certificate of its own; the port and the certificate.
async fn tls_server(answer: &'static str) -> (u16, String) {
    let made = rcgen::generate_simple_self_signed(["policy.example".to_owned()]).unwrap();
    let key = rustls_pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (port, made.cert.pem())
}

#[tokio::test]
async fn a_certificate_must_be_vouched_for_and_fit_the_name() {
    let (port, pem) = tls_server("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
    let at = [SocketAddr::from(([127, 0, 0, 1], port))];
    let request = |host: &str| Request::get(format!("https://{host}/")).body(Bytes::new()).unwrap();
    let trusting = WebClient::new(Some(pem.as_bytes()), Duration::from_secs(20), 10).unwrap();
    assert_eq!(trusting.ask_at(request("policy.example"), &at).await.unwrap().body().as_ref(), b"ok");
    assert!(matches!(trusting.ask_at(request("other.example"), &at).await, Err(WebError::Unreachable(_))));
    assert!(matches!(client(10).ask_at(request("policy.example"), &at).await, Err(WebError::Unreachable(_))));
}

#[test]
fn urls_that_are_not_asked() {
    for (url, why) in [
        ("http://sms.example/", "loopback"),
        ("https://me:secret@sms.example/", "user"),
        ("ftp://sms.example/", "neither"),
        ("/send", "URL"),
    ] {
        let error = Origin::of(&url.parse().unwrap()).unwrap_err().to_string();
        assert!(error.contains(why), "{url}: {error}");
    }
    assert!(Origin::of(&"http://[::1]:8080/".parse().unwrap()).is_ok());
    assert!(Origin::parse(&"http://rspamd.lan:11333/".parse().unwrap(), true).is_ok(), "in our own network");
}
