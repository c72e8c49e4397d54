//! Who tells a domain's MTA-STS policy, in the fake internet.

use crate::support::https_host::{Asker, answering, head};
use rustls::ServerConfig;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

/// Answer every request with that text.
pub(super) fn serve(address: SocketAddr, config: Arc<ServerConfig>, policy: String) {
    let listener = TcpListener::bind(address).unwrap_or_else(|e| panic!("{address}: {e}"));
    answering(listener, config, move |asker| answer(asker, &policy));
}

/// Who does not like our certificate breaks off.
fn answer(asker: &mut Asker, policy: &str) -> Option<()> {
    let found = head(asker)?.first()?.starts_with("GET /.well-known/mta-sts.txt ");
    let (status, body) = if found { ("200 OK", policy) } else { ("404 Not Found", "") };
    let head = format!("HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n", body.len());
    asker.get_mut().write_all(format!("{head}{body}").as_bytes()).ok()?;
    asker.get_mut().flush().ok()
}
