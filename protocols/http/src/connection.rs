//! One HTTP connection from its first octet to its last.

use crate::answer::{plain, secure};
use crate::config::HttpConfig;
use crate::idle::IdleStream;
use crate::incoming::WatchedBody;
use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::header::EXPECT;
use http::{Request, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use octroi_net::{Connection, Peer, Shutdown};
use std::convert::Infallible;
use std::net::IpAddr;
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

/// The address of the peer, an extension of every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddr(pub IpAddr);

/// Serve HTTP/1.1 or HTTP/2, as the peer begins, until it closes, breaks a limit or the server shuts down.
pub async fn serve_connection(connection: Connection, router: Router, config: Arc<HttpConfig>, shutdown: Shutdown) {
    let peer = *connection.peer();
    let service = {
        let config = config.clone();
        service_fn(move |request| answer(request, router.clone(), config.clone(), peer))
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

async fn answer(request: Request<Incoming>, router: Router, config: Arc<HttpConfig>, peer: Peer) -> Result<Response, Infallible> {
    let read_on = !request.headers().contains_key(EXPECT);
    let mut request = request.map(|body| Body::new(WatchedBody::new(body, config.body_timeout, read_on)));
    let mut response = if peer.tls || config.plain_allowed {
        request.extensions_mut().insert(ClientAddr(peer.addr.ip()));
        router.oneshot(request).await?
    } else {
        // RFC 9110 section 15.5.20: not for this scheme. Not a redirect: the password was sent in the clear already, and would be again.
        plain(StatusCode::MISDIRECTED_REQUEST, "This server is reached over TLS only.")
    };
    secure(response.headers_mut(), peer.tls);
    Ok(response)
}
