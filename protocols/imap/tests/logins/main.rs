//! Logging in over IMAP: by certificate, with a confirmation that takes its time, and with what must not get in.

#![allow(clippy::unwrap_used)]

/// The client's side of SCRAM.
#[path = "../../../sasl/src/tests/client.rs"]
mod client;
mod external;
mod identity;
mod scram;
mod storms;
mod support;
mod waiting;

use octroi_imap::ImapConfig;
use std::net::SocketAddr;
use std::sync::Arc;
use support::{Client, Identity, World};

/// The one answer to whatever is wrong.
const WRONG: &str = "NO [AUTHENTICATIONFAILED] The user name or the password is wrong";

async fn listen(world: &World, config: ImapConfig) -> SocketAddr {
    let config = Arc::new(config);
    world.listen(move |connection, gate, shutdown| octroi_imap::serve(connection, gate, config.clone(), shutdown)).await
}

/// Connected, with the greeting read.
async fn greeted(world: &World, at: SocketAddr, shown: Option<&Identity>) -> (Client, String) {
    let mut client = world.connect(at, shown).await;
    let greeting = client.line().await;
    (client, greeting)
}

/// The tagged answer to one command on a connection of its own, without the tag.
async fn answer(world: &World, at: SocketAddr, shown: Option<&Identity>, command: &str) -> String {
    let (mut client, _) = greeted(world, at, shown).await;
    client.send(&format!("a {command}\r\n")).await;
    client.until("a ").await.trim_start_matches("a ").to_owned()
}
