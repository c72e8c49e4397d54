//! Phones that go on with an old password.

use crate::support::{ANA, World};
use crate::{WRONG, answer, listen};
use octroi_gate::Limits;
use octroi_imap::ImapConfig;
use std::time::{Duration, Instant};

/// gvfs, iOS and DAVx5 retry for hours. That must neither lock the owner out nor slow them down, from the same network.
#[tokio::test]
async fn a_phone_that_repeats_an_old_password_keeps_nobody_out() {
    let world = World::new(&Limits::default()).await;
    let at = listen(&world, ImapConfig::default()).await;
    let (old, new) = (world.mint(ANA).await, world.mint(ANA).await);
    let id = world.admin.app_passwords(&crate::support::address(ANA)).unwrap()[0].record.public_id.clone();
    world.admin.revoke_app_password(&id).await.unwrap();
    for _ in 0..200 {
        assert_eq!(answer(&world, at, None, &format!("LOGIN {ANA} \"{old}\"")).await, WRONG);
    }
    let begun = Instant::now();
    assert!(answer(&world, at, None, &format!("LOGIN {ANA} \"{new}\"")).await.starts_with("OK "));
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
}

/// Too many sessions of one account: later, not wrong.
#[tokio::test]
async fn a_crowded_account_is_put_off() {
    let world = World::new(&Limits { sessions_per_account_max: 1, ..Limits::default() }).await;
    let at = listen(&world, ImapConfig::default()).await;
    let secret = world.mint(ANA).await;
    let (mut first, _) = crate::greeted(&world, at, None).await;
    first.send(&format!("a LOGIN {ANA} \"{secret}\"\r\n")).await;
    assert!(first.until("a ").await.starts_with("a OK "));
    assert!(answer(&world, at, None, &format!("LOGIN {ANA} \"{secret}\"")).await.starts_with("NO [LIMIT] "));
    first.send("b LOGOUT\r\n").await;
    first.until("b ").await;
    first.hang_up().await;
    assert!(answer(&world, at, None, &format!("LOGIN {ANA} \"{secret}\"")).await.starts_with("OK "));
}
