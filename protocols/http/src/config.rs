//! The limits of an HTTP connection, each of which the configuration can lower or raise, and whom it believes.

use octroi_net::Networks;
use std::time::Duration;

/// Settings of HTTP connections.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// Octets of a request's head; more is answered 431. At least 8 KiB.
    pub header_bytes_max: usize,
    /// Header fields of a request.
    pub header_fields_max: usize,
    /// From the first octet of a request to the end of its head, and from one request to the next.
    pub header_timeout: Duration,
    /// Within which a request body must bring 4 KiB more, or end.
    pub body_timeout: Duration,
    /// How long a connection may move no octet in either direction, even while a request is being worked on.
    pub connection_idle: Duration,
    /// HTTP/2 requests at the same time on one connection.
    pub streams_max: u32,
    /// Octets of request bodies in flight on one HTTP/2 connection.
    pub window_bytes: u32,
    /// How long requests that are being worked on may take to end once the server shuts down.
    pub shutdown_grace: Duration,
    /// Serve in the clear: behind a proxy on the same machine, or in tests. Off, only TLS connections are served.
    pub plain_allowed: bool,
    /// Proxies whose `Forwarded` and `X-Forwarded-For` tell who the client is; from anybody else they are ignored.
    pub forwarded_by: Networks,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            // A Basic credential, a long Destination and a long If fit three times over.
            header_bytes_max: 32 * 1024,
            header_fields_max: 100,
            header_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_mins(1),
            connection_idle: Duration::from_mins(5),
            streams_max: 32,
            window_bytes: 1024 * 1024,
            shutdown_grace: Duration::from_secs(10),
            plain_allowed: false,
            forwarded_by: Networks::default(),
        }
    }
}
