//! What a month of a calendar with fifty thousand events costs: its names and tags, its instances, a hundred named objects, what has changed.
//!
//! `cargo bench -p octroi-dav --bench calendar`. The request goes into the router as the listener hands it on; engine, journal and gate are
//! real, in a temporary folder. Without TLS and the socket, which others measure.

#![allow(clippy::unwrap_used, missing_docs)] // A bench that cannot go on says so by panicking.

#[path = "../tests/rights/world.rs"]
#[allow(dead_code)]
mod world;

use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use world::{OFFICE, Person, World};

const EVENTS: usize = 50_000;
/// Of so many one recurs, for ever.
const RECURS: usize = 500;
/// At the same time, so that they share commits.
const WRITERS: usize = 64;
const ROUNDS: usize = 25;

fn main() {
    // `cargo test --benches` runs this too: it must not take minutes there.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let world = Arc::new(World::new().await);
        let owner = world.person("hugo", "lead", "").await;
        let calendar = format!("/dav/calendars/{}/plan/", owner.address);
        assert_eq!(world.at_office(&owner, "MKCALENDAR", &calendar, "").await.status, 201);
        let began = Instant::now();
        fill(&world, &owner, &calendar).await;
        println!("{:.0} events put in a second", EVENTS as f64 / began.elapsed().as_secs_f64());
        let query = |data: &str| {
            format!(
                r#"<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/>{data}</D:prop><C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:time-range start="20260601T000000Z" end="20260701T000000Z"/></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>"#
            )
        };
        let hrefs: String = (0..100).map(|number| format!("<D:href>{calendar}{}.ics</D:href>", number * 97)).collect();
        let multiget = format!(
            r#"<C:calendar-multiget xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/><C:calendar-data/></D:prop>{hrefs}</C:calendar-multiget>"#
        );
        time(&world, &owner, &calendar, "month", &query("")).await;
        time(&world, &owner, &calendar, "month with data", &query("<C:calendar-data/>")).await;
        let expand = r#"<C:calendar-data><C:expand start="20260601T000000Z" end="20260701T000000Z"/></C:calendar-data>"#;
        time(&world, &owner, &calendar, "month expanded", &query(expand)).await;
        time(&world, &owner, &calendar, "multiget of 100", &multiget).await;
        delta(&world, &owner, &calendar).await;
    });
}

fn event(number: usize) -> String {
    // Spread over ten years, on working hours.
    let day = number * 3650 / EVENTS;
    let date = jiff::civil::date(2021, 1, 1).checked_add(jiff::Span::new().days(day as i64)).unwrap();
    let rule = if number.is_multiple_of(RECURS) { "RRULE:FREQ=WEEKLY\r\n" } else { "" };
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//bench\r\nBEGIN:VEVENT\r\nUID:{number}@bench.example\r\nDTSTAMP:20260101T000000Z\r\n\
         DTSTART;TZID=Europe/Paris:{}T{:02}0000\r\nDURATION:PT45M\r\nSUMMARY:Réunion {number}\r\nLOCATION:Bureau {}\r\n{rule}\
         DESCRIPTION:Ordre du jour\\, points divers\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
        date.strftime("%Y%m%d"),
        8 + number % 10,
        number % 40
    )
}

async fn fill(world: &Arc<World>, owner: &Person, calendar: &str) {
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let (world, owner, calendar) = (world.clone(), owner.clone(), calendar.to_owned());
        writers.spawn(async move {
            for number in (writer..EVENTS).step_by(WRITERS) {
                let put = world.at_office(&owner, "PUT", &format!("{calendar}{number}.ics"), &event(number)).await;
                assert_eq!(put.status, 201, "{}", put.text());
            }
        });
    }
    writers.join_all().await;
}

async fn time(world: &World, owner: &Person, path: &str, name: &str, body: &str) {
    let (mut times, mut octets, mut told) = (Vec::new(), 0, 0);
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let answer = world.ask(owner, OFFICE, "REPORT", path, &[("depth", "1")], body).await;
        times.push(began.elapsed());
        assert_eq!(answer.status, 207, "{}", answer.text());
        (octets, told) = (answer.body.len(), answer.text().matches("<D:response>").count());
    }
    say(name, times, &format!("{told} objects, {octets} octets"));
}

/// What a program asks that synchronises after somebody has changed ten objects.
async fn delta(world: &World, owner: &Person, calendar: &str) {
    let sync = |token: &str| {
        format!(
            r#"<D:sync-collection xmlns:D="DAV:"><D:sync-token>{token}</D:sync-token><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>"#
        )
    };
    let asked = crate::world::propfind("<D:sync-token/>");
    let told = world.at_office(owner, "PROPFIND", calendar, &asked).await.text();
    let mut token = told.split("<D:sync-token>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let mut times = Vec::new();
    for round in 0..ROUNDS {
        for number in 0..10 {
            let text = event(number * 4_999 + 1).replace("Ordre", &format!("Ordre {round}"));
            assert_eq!(world.at_office(owner, "PUT", &format!("{calendar}{}.ics", number * 4_999 + 1), &text).await.status, 204);
        }
        let began = Instant::now();
        let answer = world.ask(owner, OFFICE, "REPORT", calendar, &[], &sync(&token)).await;
        times.push(began.elapsed());
        assert_eq!(answer.text().matches("<D:response>").count(), 10);
        answer.text().split("<D:sync-token>").nth(1).unwrap().split('<').next().unwrap().clone_into(&mut token);
    }
    say("sync of 10 changes", times, "");
}

/// The quickest says what it costs, the median what it took on this machine at this moment.
fn say(name: &str, mut times: Vec<Duration>, more: &str) {
    times.sort();
    let ms = |at: usize| times[at].as_secs_f64() * 1000.0;
    println!("{name}: {:.2} ms (median {:.2}) {more}", ms(0), ms(times.len() / 2));
}
