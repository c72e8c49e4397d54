//! HTTP/1.1 and HTTP/2 over TLS: connections, credentials, bodies and the answers that every path shares.
//!
//! The program hands connections to [`serve_connection`] with one router made of `dav`'s and `portal`'s; `dav` asks
//! [`Authenticator`] who is there. Knows no method and no path of its own. What always holds: every wait for the peer is bounded
//! (header, body, whole connection), what a peer can make us hold is bounded, no password is taken over a connection in the
//! clear unless the configuration says so, and every answer carries the headers of [`secure`].
//!
//! | file | what |
//! |---|---|
//! | `connection` | [`serve_connection`]: limits, graceful end |
//! | `idle` | the stream that gives up on a silent peer |
//! | `rest` | whether a connection rests, so that its buffers can go |
//! | `client` | [`Client`]: who asks, also behind listed proxies |
//! | `incoming` | request bodies: deadlines, and reading on after an early refusal |
//! | `credentials` | `Authorization` -> gate, 401 and 503 |
//! | `cache` | log-ins of the last minute |
//! | `wait` | one wait for confirmation for a burst of requests |
//! | `answer` | plain error pages, security headers |
//! | `segment`, `document`, `range` | names in URLs; documents on their way out, and parts of them: what `dav` and `portal` share |
//! | `stream` | [`produce`]: a response body made piece by piece |
//!
//! Known limits: of what proxies tell only the client's address is read, not the host nor whether it came by TLS; its certificate is
//! known only to the proxy, and limits of connections count the proxy.

mod answer;
mod cache;
mod client;
mod config;
mod connection;
mod credentials;
mod document;
mod idle;
mod incoming;
pub mod range;
mod rest;
mod segment;
mod stream;
mod wait;

pub use answer::{plain, prefers_html, retry_later, secure, wants_browser_page};
pub use client::Client;
pub use config::HttpConfig;
pub use connection::serve_connection;
pub use credentials::{Authenticator, challenge};
pub use document::{media_type_of, send_document};
pub use segment::{BadSegment, decode_segment, encode_segment};
pub use stream::{Gone, Sink, produce};
