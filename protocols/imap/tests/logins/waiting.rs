//! A log-in that waits for its owner's confirmation: it holds nothing for who has gone, and ends with the server.

use crate::support::{Client, EVE, World, code};
use crate::{answer, greeted, listen};
use octroi_gate::Limits;
use octroi_imap::ImapConfig;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// As many as may be kept waiting of one account.
const HELD_MAX: usize = 8;

fn patient() -> Limits {
    Limits { confirm_wait: Duration::from_secs(50), ..Limits::default() }
}

/// A client whose log-in waits.
async fn waiting(world: &World, at: SocketAddr, secret: &str) -> Client {
    let (mut client, _) = greeted(world, at, None).await;
    client.send(&format!("a LOGIN {EVE} \"{secret}\"\r\n")).await;
    client
}

/// The deadline for logging in is shorter than the owner takes, and does not cut it.
#[tokio::test]
async fn a_confirmation_opens_the_log_in_that_waits_whatever_the_deadline() {
    let world = World::new(&patient()).await;
    let at = listen(&world, ImapConfig { login_timeout: Duration::from_millis(1500), ..ImapConfig::default() }).await;
    let (secret, factor) = (world.mint(EVE).await, world.enrol(EVE).await);
    let mut client = waiting(&world, at, &secret).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    // Confirms this network for that app password.
    assert!(answer(&world, at, None, &format!("LOGIN {EVE} \"{secret} {}\"", code(&factor))).await.starts_with("OK "));
    assert!(client.line().await.starts_with("a OK "));
    client.send("b STATUS INBOX (MESSAGES)\r\n").await;
    assert_eq!(client.line().await, "* STATUS INBOX (MESSAGES 0)");
}

#[tokio::test]
async fn who_hangs_up_does_not_go_on_waiting() {
    let world = World::new(&patient()).await;
    let at = listen(&world, ImapConfig::default()).await;
    let secret = world.mint(EVE).await;
    let mut clients = Vec::new();
    for _ in 0..HELD_MAX {
        clients.push(waiting(&world, at, &secret).await);
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    // No more than those are kept waiting.
    let begun = Instant::now();
    assert!(answer(&world, at, None, &format!("LOGIN {EVE} \"{secret}\"")).await.starts_with("NO [UNAVAILABLE] Confirm this device at "));
    assert!(begun.elapsed() < Duration::from_secs(5));
    for client in clients {
        client.hang_up().await;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    // Their places are free: this one waits.
    let mut next = waiting(&world, at, &secret).await;
    assert!(tokio::time::timeout(Duration::from_secs(1), next.line()).await.is_err());
}

#[tokio::test]
async fn a_shutdown_ends_the_wait() {
    let world = World::new(&patient()).await;
    let at = listen(&world, ImapConfig::default()).await;
    let secret = world.mint(EVE).await;
    let mut client = waiting(&world, at, &secret).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let begun = Instant::now();
    world.shutdown.trigger();
    assert_eq!(client.line().await, "* BYE [UNAVAILABLE] The server is going down");
    assert!(begun.elapsed() < Duration::from_secs(5));
}
