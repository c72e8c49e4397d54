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
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
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

/// Ports of loopback that nobody listens on, for programs that take no socket that is open already; each is given once. They lie below those
/// that Linux gives to whoever connects (from 32,768): nobody gets one by chance before it is listened on, or while its server starts again.
pub(crate) fn free_ports<const N: usize>() -> [u16; N] {
    const FIRST: u32 = 10_240;
    const COUNT: u32 = 32_768 - FIRST;
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    // Several processes of tests begin at different places.
    let begin = std::process::id().wrapping_mul(509);
    [(); N].map(|()| {
        loop {
            let place = begin.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed)) % COUNT;
            let port = u16::try_from(FIRST + place).unwrap();
            if TcpListener::bind(("127.0.0.1", port)).is_ok() {
                return port;
            }
        }
    })
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
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("{prefix}-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}
