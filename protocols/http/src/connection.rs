//! One HTTP connection from its first octet to its last.

use crate::answer::{plain, secure};
use crate::client::Client;
use crate::config::HttpConfig;
use crate::idle::IdleStream;
use crate::incoming::WatchedBody;
use crate::rest::{Activity, Busy, Going};
use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::{Request, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use octroi_net::{Connection, Peer, Shutdown};
use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::sleep;
use tower::ServiceExt;
use tracing::debug;

/// The smallest buffer hyper takes.
const HEADER_BYTES_MIN: usize = 8 * 1024;
/// How often an HTTP/2 peer is asked whether it is still there, and how long it may take to say so.
const PING_INTERVAL: Duration = Duration::from_mins(1);
const PING_DEADLINE: Duration = Duration::from_secs(20);

/// How often it is looked whether a connection rests: it does when nothing happened between two looks.
const REST_INTERVAL: Duration = Duration::from_secs(1);

/// Serve HTTP/2 if that was agreed on with TLS, else HTTP/1.1, until it closes, breaks a limit or the server shuts down.
pub async fn serve_connection(connection: Connection, router: Router, config: Arc<HttpConfig>, shutdown: Shutdown) {
    let peer = Arc::new(connection.peer().clone());
    let activity = Arc::new(Activity::default());
    let service = {
        let (config, peer, activity) = (config.clone(), peer.clone(), activity.clone());
        service_fn(move |request| answer(request, router.clone(), config.clone(), peer.clone(), activity.clone()))
    };
    // RFC 9113 section 3.2. In the clear it is HTTP/1.1: only a proxy comes so.
    let is_http2 = connection.alpn() == Some(b"h2");
    let stream = IdleStream::new(connection.into_stream(), config.connection_idle, activity.clone());
    let ended = if is_http2 {
        serve_http2(stream, service, &config, &shutdown).await
    } else {
        serve_http1(stream, service, &config, &activity, &shutdown).await
    };
    if let Err(error) = ended {
        debug!(peer = %peer.addr, error = &*error, "HTTP connection ended");
    }
}

type Ended = Result<(), Box<dyn Error + Send + Sync>>;

async fn serve_http2<S, H>(stream: IdleStream<S>, service: H, config: &HttpConfig, shutdown: &Shutdown) -> Ended
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    H: Service<Request<Incoming>, Response = Response, Error = Infallible> + Send + 'static,
    H::Future: Send + 'static,
{
    // Not held by what waits beside it: it is larger than all the rest.
    let mut serving = Box::pin(http2(config).serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        ended = serving.as_mut() => Ok(ended?),
        () = shutdown.triggered() => {
            serving.as_mut().graceful_shutdown();
            Ok(tokio::time::timeout(config.shutdown_grace, serving).await.unwrap_or(Ok(()))?)
        }
    }
}

/// HTTP/1.1. What a connection needs to be served is given back while it rests: about half of what it takes.
async fn serve_http1<S, H>(
    mut stream: IdleStream<S>,
    mut service: H,
    config: &HttpConfig,
    activity: &Activity,
    shutdown: &Shutdown,
) -> Ended
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    H: Service<Request<Incoming>, Response = Response, Error = Infallible> + Send + 'static,
    H::Future: Send + 'static,
{
    loop {
        let mut serving = Box::new(http1(config).serve_connection(TokioIo::new(stream), service));
        while !activity.rests() {
            tokio::select! {
                ended = serving.as_mut() => return Ok(ended?),
                () = shutdown.triggered() => {
                    Pin::new(&mut *serving).graceful_shutdown();
                    return Ok(tokio::time::timeout(config.shutdown_grace, serving).await.unwrap_or(Ok(()))?);
                }
                () = sleep(REST_INTERVAL) => {}
            }
        }
        let parts = serving.into_parts();
        (stream, service) = (parts.io.into_inner(), parts.service);
        stream.put_back(&parts.read_buf);
        drop(parts.read_buf);
        // The first octet of what comes next; no buffer waits for it.
        let mut first = [0];
        let read = tokio::select! {
            read = stream.read(&mut first) => read?,
            () = shutdown.triggered() => 0,
        };
        if read == 0 {
            return Ok(stream.shutdown().await?);
        }
        stream.put_back_before(first[0]);
    }
}

fn http1(config: &HttpConfig) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(config.header_timeout)
        .max_buf_size(config.header_bytes_max.max(HEADER_BYTES_MIN))
        .max_headers(config.header_fields_max);
    builder
}

fn http2(config: &HttpConfig) -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(config.header_bytes_max).unwrap_or(u32::MAX))
        .max_concurrent_streams(config.streams_max)
        .initial_stream_window_size(config.window_bytes)
        .initial_connection_window_size(config.window_bytes)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_DEADLINE);
    builder
}

async fn answer(
    request: Request<Incoming>,
    router: Router,
    config: Arc<HttpConfig>,
    peer: Arc<Peer>,
    activity: Arc<Activity>,
) -> Result<Response, Infallible> {
    let (request, ended) = WatchedBody::of(request, config.body_timeout, &activity);
    let mut response = respond(request.map(Body::new), router, &config, &peer).await?;
    ended.wait().await;
    secure(response.headers_mut(), peer.tls);
    Ok(response.map(|inner| Body::new(Going { inner, _busy: Busy::with(&activity) })))
}

/// What is answered. However that comes about, the request is let go of with it.
async fn respond(mut request: Request<Body>, router: Router, config: &HttpConfig, peer: &Peer) -> Result<Response, Infallible> {
    if !peer.tls && !config.plain_allowed {
        // RFC 9110 section 15.5.20: not for this scheme. Not a redirect: the password was sent in the clear already, and would be again.
        return Ok(plain(StatusCode::MISDIRECTED_REQUEST, "This server is reached over TLS only."));
    }
    let Ok(client) = Client::behind(peer, request.headers(), &config.forwarded_by) else {
        debug!(peer = %peer.addr, "Forwarded and X-Forwarded-For contradict each other");
        return Ok(plain(StatusCode::BAD_REQUEST, "This request says in two ways where it comes from, and they do not agree."));
    };
    request.extensions_mut().insert(client);
    router.oneshot(request).await
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

    /// The status of an answer to a request for `/refuse` over HTTP/2 that names its size, sends `sent` of it after `delay`, and the time it took.
    async fn refused_by_http2(size: usize, delay: Duration, sent: usize) -> (StatusCode, Duration) {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let activity = Arc::new(Activity::default());
        let service = {
            let (peer, activity) =
                (Arc::new(Peer { addr: "127.0.0.1:9".parse().unwrap(), tls: false, certificate: None }), activity.clone());
            service_fn(move |request| answer(request, router(), Arc::new(config()), peer.clone(), activity.clone()))
        };
        let stream = IdleStream::new(theirs, Duration::from_mins(1), activity);
        tokio::spawn(async move { serve_http2(stream, service, &config(), &Shutdown::new()).await });
        let (mut client, connection) = h2::client::handshake(ours).await.unwrap();
        tokio::spawn(connection);
        let request = Request::put("http://h/refuse").header("content-length", size).body(()).unwrap();
        let start = Instant::now();
        let (answer, mut body) = client.send_request(request, false).unwrap();
        tokio::spawn(async move {
            sleep(delay).await;
            let _ = body.send_data(vec![b'x'; sent].into(), sent == size);
            sleep(Duration::from_mins(1)).await;
        });
        (answer.await.unwrap().status(), start.elapsed())
    }

    /// libsoup 3.2 breaks off what is answered before its request has ended.
    #[tokio::test]
    async fn a_small_body_ends_before_its_answer_by_http2() {
        let delay = Duration::from_millis(300);
        let (status, took) = refused_by_http2(5, delay, 5).await;
        assert!(status == StatusCode::UNAUTHORIZED && took >= delay, "{status} {took:?}");
        // What never ends is answered nevertheless, and what is large at once.
        assert_eq!(refused_by_http2(5, delay, 1).await.0, StatusCode::UNAUTHORIZED);
        let (status, took) = refused_by_http2(1 << 30, delay * 100, 1).await;
        assert!(status == StatusCode::UNAUTHORIZED && took < delay * 50, "{status} {took:?}");
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

    /// Asks on one connection, once it has rested, what it is given; and what comes in pieces, or with the beginning of the next, is understood.
    #[tokio::test]
    async fn a_connection_that_rested_is_served_as_before() {
        let quiet = HttpConfig { connection_idle: Duration::from_secs(20), header_timeout: Duration::from_secs(20), ..config() };
        let mut client = client(quiet, &Shutdown::new()).await;
        let request = b"PUT /take HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n12345";
        let read = async |client: &mut TcpStream| {
            let mut answer = vec![0; 4096];
            let bytes = client.read(&mut answer).await.unwrap();
            String::from_utf8_lossy(&answer[..bytes]).into_owned()
        };
        // Whole, with the first octets of the next behind it, and its rest.
        for piece in [&request[..], &[request, &request[..7]].concat(), &request[7..]] {
            client.write_all(piece).await.unwrap();
            let answer = read(&mut client).await;
            assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\n5"), "{answer}");
            tokio::time::sleep(REST_INTERVAL * 3).await;
        }
        drop(client);
    }

    #[tokio::test]
    async fn a_connection_that_rests_ends_with_the_server_and_after_its_time() {
        let long = HttpConfig { connection_idle: Duration::from_mins(1), header_timeout: Duration::from_mins(1), ..config() };
        let short = HttpConfig { connection_idle: REST_INTERVAL * 4, ..long.clone() };
        for (config, stops) in [(long, true), (short, false)] {
            let shutdown = Shutdown::new();
            let mut client = client(config, &shutdown).await;
            client.write_all(b"GET /slow HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
            tokio::time::sleep(REST_INTERVAL * 3).await;
            if stops {
                shutdown.trigger();
            }
            let mut answer = String::new();
            tokio::time::timeout(Duration::from_secs(20), client.read_to_string(&mut answer)).await.unwrap().unwrap();
            assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        }
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
