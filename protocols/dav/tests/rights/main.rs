//! WebDAV before a real gate and a real engine: sharing, keywords, locks, reserved actions, narrow credentials, exports. Requests go into the
//! router as the listener hands them on, so a test can come from any zone.
#![allow(clippy::unwrap_used)] // A test that cannot go on says so by panicking.

mod asking;
mod bodies;
mod calendars;
mod contacts;
mod export;
mod kept;
mod locks;
mod organise;
mod properties;
mod reserved;
mod sharing;
mod veiled;
mod world;
