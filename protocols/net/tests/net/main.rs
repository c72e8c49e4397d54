//! Tests over real sockets on the loopback, and of SMTP's end of data.
#![allow(clippy::unwrap_used)]

mod certificates;
mod deflate;
mod dot;
mod framing;
mod listening;
mod proxies;
mod support;
mod tls;
