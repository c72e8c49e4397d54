//! Enumeration by the clock: who measures how long a refusal takes must not learn whether the user exists, nor whether an app password does.
//!
//! Medians of interleaved tries, so that what else the machine does falls on all of them alike. The network is left out: it only blurs.

#![allow(clippy::unwrap_used)]

mod support;

use octroi_gate::{Channel, Limits, Login, SCRAM_HASH_BYTES, ScramProof, SignIn};
use octroi_model::{Service, Services};
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};
use support::{OFFICE, OWNER, SUBJECT, World};

/// Tries of each kind.
const TRIES: u32 = 2_000;
/// What the medians may differ by.
const DIFFERENCE_MAX: Duration = Duration::from_millis(1);

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// The largest difference between the medians of refusals of different kinds.
async fn spread(world: &World, kinds: &[(&str, String)]) -> (Duration, Vec<Duration>) {
    let mut times = vec![Vec::with_capacity(TRIES as usize); kinds.len()];
    for number in 0..TRIES {
        // From a network of its own, which has waited for nothing yet.
        let peer = IpAddr::V4(Ipv4Addr::from(0x0A10_0000 + number));
        for turn in 0..kinds.len() {
            let kind = (turn + number as usize) % kinds.len();
            let (user, secret) = &kinds[kind];
            let began = Instant::now();
            let login = world.login(user, secret, Service::Imap, peer).await;
            times[kind].push(began.elapsed());
            assert!(matches!(login, Login::Refused), "{user} was let in");
        }
    }
    let medians: Vec<Duration> = times.into_iter().map(median).collect();
    (medians.iter().max().unwrap().saturating_sub(*medians.iter().min().unwrap()), medians)
}

#[tokio::test]
async fn an_unknown_user_and_a_wrong_secret_take_the_same_time() {
    let world = World::new().await;
    let right = world.mint(OWNER, Services::ALL).await;
    let (id, _) = right.split_once('-').unwrap();
    let same_id = format!("{id}-{}", "a".repeat(right.len() - id.len() - 1));
    let kinds = [
        ("nobody@octroi.example", "wrongwrong-".to_owned() + &"a".repeat(32)),
        (OWNER, "wrongwrong-".to_owned() + &"a".repeat(32)),
        (OWNER, same_id.clone()),
        ("nobody@octroi.example", same_id),
        // Somebody else's, and right.
        (SUBJECT, right.clone()),
        ("nobody@octroi.example", right),
        ("no address", "no app password".to_owned()),
    ];
    let (mut difference, mut medians) = spread(&world, &kinds).await;
    if difference >= DIFFERENCE_MAX {
        // Once more: the machine may have had something else to do for one of them.
        (difference, medians) = spread(&world, &kinds).await;
    }
    assert!(difference < DIFFERENCE_MAX, "the medians are {medians:?}");
}

/// The same of proofs: a name without an account, one without app passwords, one with many of them.
#[tokio::test]
async fn a_wrong_proof_takes_the_same_time_whoever_is_named() {
    // So many that looking at none of them would be seen above all else that a refusal does.
    let world = World::with(&Limits { app_passwords_max: 1_000, ..Limits::default() }).await;
    for _ in 0..1_000 {
        world.mint(OWNER, Services::ALL).await;
    }
    let (mut difference, mut medians) = spread_of_proofs(&world).await;
    if difference >= DIFFERENCE_MAX {
        (difference, medians) = spread_of_proofs(&world).await;
    }
    assert!(difference < DIFFERENCE_MAX, "the medians are {medians:?}");
}

/// As [`spread`], of wrong proofs.
async fn spread_of_proofs(world: &World) -> (Duration, Vec<Duration>) {
    let users = ["nobody@octroi.example", OWNER, SUBJECT, "no address"];
    let mut times = vec![Vec::new(); users.len()];
    for number in 0..TRIES / 10 {
        let via = Channel::new(Service::Imap, IpAddr::V4(Ipv4Addr::from(0x0A11_0000 + number)));
        for turn in 0..users.len() {
            let who = (turn + number as usize) % users.len();
            let began = Instant::now();
            let salt = world.gate.scram_salt(users[who]);
            let proof = ScramProof { user: users[who], auth_message: &salt, proof: &[7; SCRAM_HASH_BYTES] };
            assert!(matches!(world.gate.login_scram(proof, via.clone()).await.login, Login::Refused));
            times[who].push(began.elapsed());
        }
    }
    let medians: Vec<Duration> = times.into_iter().map(median).collect();
    (medians.iter().max().unwrap().saturating_sub(*medians.iter().min().unwrap()), medians)
}

/// The main password is hashed for long, so leaving that out for unknown users would be seen from anywhere.
#[tokio::test]
async fn the_portal_hashes_for_an_unknown_user_too() {
    let world = World::new().await;
    let (mut unknown, mut wrong) = (Vec::new(), Vec::new());
    for number in 0..9 {
        for (user, times) in [("nobody@octroi.example", &mut unknown), (OWNER, &mut wrong)] {
            let began = Instant::now();
            let peer = [10, 32, 0, number].into();
            assert!(matches!(world.gate.sign_in(user, "Quay-Lantern-4822", peer).await, SignIn::Refused));
            times.push(began.elapsed());
        }
    }
    let (unknown, wrong) = (median(unknown), median(wrong));
    assert!(unknown * 2 > wrong && wrong * 2 > unknown, "unknown {unknown:?}, wrong {wrong:?}");
    assert!(matches!(world.gate.sign_in(OWNER, "Quay-Lantern-4821", OFFICE).await, SignIn::Open(_)));
}
