//! What the gate costs: an app-password log-in without TLS, a decision on rights that are known, a first decision, and the check for reserved
//! actions.
//!
//! `cargo bench -p octroi-gate --bench decisions`; `OCTROI_BENCH_DIR` says on which disk the store lies. Aims: 100 µs of processor time for a
//! log-in, 1 µs for a decision on the average.
#![allow(clippy::unwrap_used, missing_docs)]

use octroi_engine::{Embedded, Options};
use octroi_gate::{
    Admin, Area, Channel, Credentials, DataKey, Gate, Limits, Login, MailboxAt, NewAccount, Opened, Organisation, Policy, Scope, Select,
    Session,
};
use octroi_model::{Address, Path, Service, Services};
use octroi_policy::{Circumstances, Deed, Strength};
use std::hint::black_box;
use std::path::PathBuf;
use std::time::{Duration, Instant};

const PROFILES: &str = include_str!("../../../deploy/profiles.toml");
const LOG_INS: u32 = 50_000;
const DECISIONS: u32 = 2_000_000;
const FIRST: usize = 10_000;
/// Not the account under test alone: finding it must not depend on being the only one.
const ACCOUNTS: u32 = 1_000;

fn main() {
    // `cargo test --benches` runs this too: it must not take minutes there.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let place = std::env::var("OCTROI_BENCH_DIR").map_or_else(|_| std::env::temp_dir(), PathBuf::from);
    let folder = tempfile::tempdir_in(place).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(measure(folder.path()));
}

async fn measure(folder: &std::path::Path) {
    let engine = Embedded::open(folder, Options::default()).await.unwrap();
    let organisation = Organisation {
        name: "Bench".to_owned(),
        hostname: "mail.bench.test".to_owned(),
        domains: vec!["bench.test".to_owned()],
        postmaster: None,
        portal_url: "https://mail.bench.test/portal/".to_owned(),
    };
    let limits = Limits { log_ins_per_minute_max: u32::MAX, sessions_per_account_max: usize::MAX, ..Limits::default() };
    let policy = Policy::parse(PROFILES).unwrap();
    let Opened { gate, admin, .. } = Gate::open(engine, organisation, policy, limits, DataKey::from_bytes(&[3; 32])).await.unwrap();
    let (user, secret) = fill(&admin).await;
    log_ins(&gate, &admin, &user, &secret).await;
    decisions(&gate, &user, &secret).await;
    reserved();
    admin.close().await;
}

async fn fill(admin: &Admin) -> (String, String) {
    let mut minted = String::new();
    for number in 0..ACCOUNTS {
        let address: Address = format!("u{number}@bench.test").parse().unwrap();
        let new = NewAccount { address: &address, display_name: "", profile: "agent", password: None, remote_access: false };
        admin.add_account(new).await.unwrap();
        minted = admin.mint_app_password(&address, Scope::of(Services::ALL), "bench").await.unwrap().secret.to_string();
    }
    (format!("u{}@bench.test", ACCOUNTS - 1), minted)
}

async fn log_in(gate: &Gate, user: &str, secret: &str) -> Session {
    match gate.login(Credentials { user, secret }, Channel::new(Service::Imap, [10, 0, 0, 1].into())).await {
        Login::Open(session) => session,
        _ => panic!("not let in"),
    }
}

/// With their lines in the audit trail, until these are on disk.
async fn log_ins(gate: &Gate, admin: &Admin, user: &str, secret: &str) {
    for _ in 0..1_000 {
        log_in(gate, user, secret).await;
    }
    let (began, processor) = (Instant::now(), processor_seconds());
    for _ in 0..LOG_INS {
        log_in(gate, user, secret).await.check().await.unwrap();
    }
    let elapsed = began.elapsed().as_secs_f64();
    // Nobody waits for the lines, so they come a little later.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let processor = processor_seconds() - processor;
    let lines = admin.verify_audit().await.unwrap().unwrap().number;
    assert!(lines >= u64::from(LOG_INS), "there are only {lines} lines in the audit trail");
    let each = |seconds: f64| seconds * 1e6 / f64::from(LOG_INS);
    let (elapsed, processor) = (each(elapsed), each(processor));
    println!("log-in with an app password: {processor:.1} µs of processor time over all threads, {elapsed:.1} µs elapsed");
}

async fn decisions(gate: &Gate, user: &str, secret: &str) {
    let inbox = || MailboxAt(Path::parse("INBOX", '/').unwrap());
    let session = log_in(gate, user, secret).await;
    session.open(inbox(), Select).await.unwrap();
    let began = Instant::now();
    for _ in 0..DECISIONS {
        black_box(session.open(black_box(inbox()), Select).await.is_ok());
    }
    told("a decision on rights that are known (Session::open of INBOX)", began, f64::from(DECISIONS));

    let began = Instant::now();
    for _ in 0..DECISIONS {
        black_box(session.check().await.is_ok());
    }
    told("does the session still stand (Session::check)", began, f64::from(DECISIONS));

    let mut sessions = Vec::with_capacity(FIRST);
    for _ in 0..FIRST {
        sessions.push(log_in(gate, user, secret).await);
    }
    let began = Instant::now();
    for session in &sessions {
        black_box(session.open(inbox(), Select).await.is_ok());
    }
    told("a first decision of a session (admission and all rules)", began, FIRST as f64);
}

fn reserved() {
    let policy = Policy::parse(PROFILES).unwrap();
    let who = Circumstances { profile: "agent", zone: "secured", strength: Strength::FreshSecondFactor, second_factor_age: Some(60) };
    let deeds = [
        ("one that is none", Deed { area: Area::Mail, path: "INBOX", adds: true, keywords: &[] }),
        ("one that is, by its folder", Deed { area: Area::Files, path: "Directorate/Actes/2026/Validated", adds: true, keywords: &[] }),
        ("one that is, by a keyword", Deed { area: Area::Mail, path: "Actes/2026", adds: false, keywords: &["$Validated"] }),
    ];
    for (name, deed) in deeds {
        let began = Instant::now();
        for _ in 0..DECISIONS {
            black_box(octroi_policy::reserved(&policy, &who, black_box(&deed)).is_ok());
        }
        told(&format!("is a deed reserved: {name}"), began, f64::from(DECISIONS));
    }
}

fn told(what: &str, began: Instant, count: f64) {
    println!("{what}: {:.3} µs", began.elapsed().as_secs_f64() * 1e6 / count);
}

/// Processor time of this process so far, all threads: the sum of the two columns that Linux has for it, in hundredths of a second.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let (_, columns) = stat.rsplit_once(") ").unwrap();
    columns.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<f64>().unwrap()).sum::<f64>() / 100.0
}
