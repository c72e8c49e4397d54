//! What the tests stand on: the real program started in a folder of its own, and small clients that speak to it.
//!
//! The clients are written without any code of the server, so that a misunderstanding does not agree with itself.

pub(crate) mod calendar_host;
pub(crate) mod http;
mod https_host;
pub(crate) mod imap;
pub(crate) mod internet;
pub(crate) mod marionette;
pub(crate) mod prepared;
pub(crate) mod process;
pub(crate) mod push_service;
pub(crate) mod server;
pub(crate) mod sink;
pub(crate) mod smtp;
pub(crate) mod wire;

pub(crate) use server::{Person, Server, shared};

use std::net::TcpListener;
use std::time::{Duration, Instant};

/// How long anything may take before it counts as failed. Generous: a busy machine must not fail a test.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// Ask again and again until `probe` gives something.
#[track_caller]
pub(crate) fn eventually<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "waited {PATIENCE:?} in vain for {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Ports of loopback that nobody listens on, for other people's programs, which take no socket that is open already.
pub(crate) fn free_ports<const N: usize>() -> [u16; N] {
    // All are taken before any is given back, so that they differ.
    let taken = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    taken.map(|socket| socket.local_addr().unwrap().port())
}

/// A small message with a subject that only it has.
pub(crate) fn message(from: &str, to: &str, subject: &str) -> String {
    format!(
        "From: <{from}>\r\nTo: <{to}>\r\nSubject: {subject}\r\nMessage-ID: <{subject}@test.invalid>\r\n\
         Date: Mon, 02 Nov 2026 08:00:00 +0100\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\
         Body of {subject}.\r\n"
    )
}

/// A word that no other call in this run gives.
pub(crate) fn unique(prefix: &str) -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("{prefix}-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}
