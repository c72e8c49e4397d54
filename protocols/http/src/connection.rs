//! One HTTP connection from its first octet to its last.

use crate::answer::{plain, secure};
use crate::client::Client;
use crate::config::HttpConfig;
use crate::idle::IdleStream;
use crate::incoming::WatchedBody;
use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::{Request, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use octroi_net::{Connection, Peer, Shutdown};
use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tower::ServiceExt;
use tracing::debug;

/// The smallest buffer hyper takes.
const HEADER_BYTES_MIN: usize = 8 * 1024;
/// How often an HTTP/2 peer is asked whether it is still there, and how long it may take to say so.
const PING_INTERVAL: Duration = Duration::from_mins(1);
const PING_DEADLINE: Duration = Duration::from_secs(20);

/// Serve HTTP/1.1 or HTTP/2, as the peer begins, until it closes, breaks a limit or the server shuts down.
pub async fn serve_connection(connection: Connection, router: Router, config: Arc<HttpConfig>, shutdown: Shutdown) {
    let peer = Arc::new(connection.peer().clone());
    let service = {
        let (config, peer) = (config.clone(), peer.clone());
        service_fn(move |request| answer(request, router.clone(), config.clone(), peer.clone()))
    };
    let stream = TokioIo::new(IdleStream::new(connection.into_stream(), config.connection_idle));
    let builder = builder(&config);
    let mut serving = pin!(builder.serve_connection(stream, service));
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = shutdown.triggered() => {
            serving.as_mut().graceful_shutdown();
            match tokio::time::timeout(config.shutdown_grace, serving).await {
                Ok(ended) => ended,
                Err(_) => return,
            }
        }
    };
    if let Err(error) = ended {
        debug!(peer = %peer.addr, error = &*error, "HTTP connection ended");
    }
}

fn builder(config: &HttpConfig) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(config.header_timeout)
        .max_buf_size(config.header_bytes_max.max(HEADER_BYTES_MIN))
        .max_headers(config.header_fields_max);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(config.header_bytes_max).unwrap_or(u32::MAX))
        .max_concurrent_streams(config.streams_max)
        .initial_stream_window_size(config.window_bytes)
        .initial_connection_window_size(config.window_bytes)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_DEADLINE);
    builder
}

async fn answer(request: Request<Incoming>, router: Router, config: Arc<HttpConfig>, peer: Arc<Peer>) -> Result<Response, Infallible> {
    let mut request = WatchedBody::of(request, config.body_timeout).map(Body::new);
    let mut response = if !peer.tls && !config.plain_allowed {
        // RFC 9110 section 15.5.20: not for this scheme. Not a redirect: the password was sent in the clear already, and would be again.
        plain(StatusCode::MISDIRECTED_REQUEST, "This server is reached over TLS only.")
    } else if let Ok(client) = Client::behind(&peer, request.headers(), &config.forwarded_by) {
        request.extensions_mut().insert(client);
        router.oneshot(request).await?
    } else {
        debug!(peer = %peer.addr, "Forwarded and X-Forwarded-For contradict each other");
        plain(StatusCode::BAD_REQUEST, "This request says in two ways where it comes from, and they do not agree.")
    };
    secure(response.headers_mut(), peer.tls);
    Ok(response)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use axum::extract::Request as AxumRequest;
    use axum::routing::{get, put};
    use octroi_net::Networks;
    use std::time::Instant;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    fn config() -> HttpConfig {
        let quick = Duration::from_millis(200);
        HttpConfig { header_timeout: quick, body_timeout: quick, connection_idle: quick * 2, plain_allowed: true, ..HttpConfig::default() }
    }

    fn router() -> Router {
        Router::new()
            .route("/peer", get(|request: AxumRequest| async move { format!("{:?}", request.extensions().get::<Client>()) }))
            .route("/refuse", put(|| async { StatusCode::UNAUTHORIZED }))
            .route("/slow", get(|| async { tokio::time::sleep(Duration::from_millis(100)).await }))
            .route(
                "/take",
                put(|request: AxumRequest| async move {
                    match axum::body::to_bytes(request.into_body(), usize::MAX).await {
                        Ok(body) => body.len().to_string(),
                        Err(_) => "broken off".to_owned(),
                    }
                }),
            )
    }

    async fn client(config: HttpConfig, shutdown: &Shutdown) -> TcpStream {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (server, address) = listener.accept().await.unwrap();
        tokio::spawn(serve_connection(Connection::plain(server, address), router(), Arc::new(config), shutdown.clone()));
        client
    }

    async fn ask(config: HttpConfig, request: &[u8]) -> String {
        let mut client = client(config, &Shutdown::new()).await;
        client.write_all(request).await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn a_request_carries_its_peer_and_an_answer_its_headers() {
        let answer = ask(config(), b"GET /peer HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await;
        assert!(answer.contains("Client { addr: 127.0.0.1, certificate: None }"), "{answer}");
        assert!(answer.contains("content-security-policy: default-src 'none'"), "{answer}");
    }

    #[tokio::test]
    async fn forwarded_headers_count_from_listed_proxies_only() {
        let request = b"GET /peer HTTP/1.1\r\nHost: h\r\nForwarded: for=203.0.113.9\r\nConnection: close\r\n\r\n";
        assert!(ask(config(), request).await.contains("addr: 127.0.0.1,"));
        let behind = HttpConfig { forwarded_by: Networks::parse(&["127.0.0.1"]).unwrap(), ..config() };
        assert!(ask(behind.clone(), request).await.contains("addr: 203.0.113.9,"));
        let both = b"GET /peer HTTP/1.1\r\nHost: h\r\nForwarded: for=10.0.0.1\r\nX-Forwarded-For: 203.0.113.9\r\nConnection: close\r\n\r\n";
        assert!(ask(behind, both).await.starts_with("HTTP/1.1 400 "));
    }

    #[tokio::test]
    async fn no_request_is_served_in_the_clear_unless_allowed() {
        let answer =
            ask(HttpConfig { plain_allowed: false, ..config() }, b"GET /peer HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 421 "), "{answer}");
    }

    #[tokio::test]
    async fn silence_half_a_head_and_half_a_preface_end() {
        for beginning in [&b""[..], b"GET /peer HT", b"PRI * HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
            let start = Instant::now();
            let mut client = client(config(), &Shutdown::new()).await;
            client.write_all(beginning).await.unwrap();
            let mut rest = Vec::new();
            let _ = client.read_to_end(&mut rest).await;
            assert!(start.elapsed() < Duration::from_secs(3), "{beginning:?}");
        }
    }

    #[tokio::test]
    async fn a_head_beyond_its_limit_is_refused() {
        let long = format!("GET /peer HTTP/1.1\r\nHost: h\r\nX: {}\r\n\r\n", "x".repeat(200_000));
        let mut client = client(config(), &Shutdown::new()).await;
        let _ = client.write_all(long.as_bytes()).await;
        let mut answer = vec![0; 12];
        client.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer, b"HTTP/1.1 431");
    }

    #[tokio::test]
    async fn a_body_that_trickles_is_broken_off() {
        let mut client = client(config(), &Shutdown::new()).await;
        client.write_all(b"PUT /take HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n").await.unwrap();
        let (mut read, mut write) = client.into_split();
        // One octet per interval keeps no window open.
        let trickle = tokio::spawn(async move {
            for _ in 0..100 {
                if write.write_all(b"x").await.is_err() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
        });
        let start = Instant::now();
        let mut answer = vec![0; 2048];
        let bytes = read.read(&mut answer).await.unwrap();
        assert!(String::from_utf8_lossy(&answer[..bytes]).contains("broken off"));
        assert!(start.elapsed() < Duration::from_millis(1500), "{:?}", start.elapsed());
        trickle.abort();
    }

    #[tokio::test]
    async fn a_refused_upload_still_hears_its_answer() {
        let mut request = b"PUT /refuse HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 600000\r\n\r\n".to_vec();
        request.resize(request.len() + 600_000, b'x');
        let answer = ask(config(), &request).await;
        assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    }

    #[tokio::test]
    async fn who_waits_for_a_hundred_is_refused_without_it() {
        let answer = ask(config(), b"PUT /refuse HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 600000\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
        let mut client = client(config(), &Shutdown::new()).await;
        client.write_all(b"PUT /take HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n").await.unwrap();
        let mut answer = vec![0; 21];
        client.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer, b"HTTP/1.1 100 Continue");
    }

    #[tokio::test]
    async fn a_shutdown_lets_a_request_end_and_then_closes() {
        let shutdown = Shutdown::new();
        let mut client = client(config(), &shutdown).await;
        client.write_all(b"GET /slow HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
        tokio::time::sleep(Duration::from_millis(30)).await;
        shutdown.trigger();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
}
