//! What a PROPFIND of a folder with ten thousand documents costs: until its first octet, until its last, and per member.
//!
//! `cargo bench -p octroi-dav`. The request goes into the router as the listener hands it on; engine, journal and gate are real, in a
//! temporary folder. Without TLS and the socket, which others measure.

#![allow(clippy::unwrap_used, missing_docs)] // A bench that cannot go on says so by panicking.

#[path = "../tests/rights/world.rs"]
#[allow(dead_code)]
mod world;

use http_body_util::BodyExt;
use std::time::{Duration, Instant};
use world::{OFFICE, World, files};

const MEMBERS: usize = 10_000;
const ROUNDS: usize = 15;

/// What rclone asks, what davfs2 and gvfs ask, and everything.
const BODIES: [(&str, &str); 3] = [
    (
        "rclone",
        r#"<d:propfind xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns"><d:prop><d:displayname/><d:getlastmodified/><d:getcontentlength/><d:resourcetype/><d:getcontenttype/><oc:checksums/><oc:permissions/></d:prop></d:propfind>"#,
    ),
    ("etags", r#"<d:propfind xmlns:d="DAV:"><d:prop><d:getetag/></d:prop></d:propfind>"#),
    ("allprop", ""),
];

fn main() {
    // `cargo test --benches` runs this too: it must not take minutes there.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let world = World::new().await;
        let owner = world.person("hugo", "lead", "").await;
        assert_eq!(world.at_office(&owner, "MKCOL", &files(&owner, "F/"), "").await.status, 201);
        for number in 0..MEMBERS {
            let path = files(&owner, &format!("F/d%C3%A9claration%20{number}.txt"));
            assert_eq!(world.at_office(&owner, "PUT", &path, "x").await.status, 201);
            if number % 10 == 0 {
                let set =
                    r#"<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><p xmlns="urn:x">kept</p></D:prop></D:set></D:propertyupdate>"#;
                assert_eq!(world.at_office(&owner, "PROPPATCH", &path, set).await.status, 207);
            }
        }
        for (name, body) in BODIES {
            let (mut first, mut whole, mut octets) = (Vec::new(), Vec::new(), 0);
            for _ in 0..ROUNDS {
                let began = Instant::now();
                let mut answer = world.send(&owner, OFFICE, "PROPFIND", &files(&owner, "F/"), &[("depth", "1")], body).await.into_body();
                let mut until_first = None;
                octets = 0;
                while let Some(frame) = answer.frame().await {
                    until_first.get_or_insert_with(|| began.elapsed());
                    octets += frame.unwrap().into_data().map_or(0, |data| data.len());
                }
                first.push(until_first.unwrap());
                whole.push(began.elapsed());
            }
            // The quickest says what it costs, the median what it took on this machine at this moment.
            let both = |times: &mut Vec<Duration>| {
                times.sort();
                let ms = |at: usize| times[at].as_secs_f64() * 1000.0;
                (ms(0), ms(times.len() / 2))
            };
            let (first, whole) = (both(&mut first), both(&mut whole));
            println!(
                "{name}: first octet {:.2} ms (median {:.2}), all {:.1} ms (median {:.1}), {octets} octets",
                first.0, first.1, whole.0, whole.1
            );
        }
    });
}
