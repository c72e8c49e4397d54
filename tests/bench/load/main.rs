//! Load for an IMAP server: many sessions at once, each doing what mail programs do, in an order that a seed fixes.
//!
//! Called by `tests/bench/sessions`, which starts the servers, fills their mailboxes and compares; and by hand. The accounts come on standard
//! input as a JSON list of `[address, password]`, session by session over and over; each has mailboxes INBOX, Archive and Trash. The report
//! goes to standard output as one line of JSON.
//!
//! What always holds: the same seed makes the same choices whatever server answers (they follow from what is in the mailbox, so they drift
//! apart where one server does more in the same time); each session sends its next command when the last one is answered; an answer that is
//! not what the command asks for is an error, and with errors the exit code is 1.

mod connection;
mod figures;
mod mix;
mod picture;
mod processes;
mod session;

use clap::Parser;
use connection::Connector;
use figures::Figures;
use processes::Watched;
use session::Session;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Text of an error, with what was being done.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Mixed IMAP load. The accounts come on standard input: `[["address", "password"], …]`.
#[derive(Debug, Parser)]
struct Options {
    /// Where the server listens for TLS.
    #[arg(long)]
    address: SocketAddr,
    /// Its main process: memory and processor time are those of it and of all that descend from it.
    #[arg(long)]
    pid: u32,
    #[arg(long, default_value_t = 200)]
    sessions: usize,
    #[arg(long, default_value_t = 20.0)]
    seconds: f64,
    /// Things that each session does even if that takes longer.
    #[arg(long, default_value_t = 0)]
    at_least: usize,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Threads of this program.
    #[arg(long, default_value_t = 2)]
    threads: usize,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let report = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(options.threads.max(1))
        .enable_all()
        .build()
        .map_err(Failure::from)
        .and_then(|runtime| runtime.block_on(measure(&options)));
    match report {
        Ok((report, errors)) => {
            println!("{report}");
            ExitCode::from(u8::from(errors > 0))
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// The whole run: the report, and how many errors there were.
async fn measure(options: &Options) -> Result<(serde_json::Value, usize), Failure> {
    let accounts: Vec<(String, String)> = serde_json::from_reader(std::io::stdin())?;
    let watched = Watched::start(options.pid)?;
    let began = Instant::now();
    let ready = log_in(options, &accounts).await?;
    let (opened, opening) = (ready.len(), began.elapsed());
    let memory_opened = watched.memory()?;

    let cpu_before = watched.cpu_seconds()?;
    let began = Instant::now();
    let figures = work(ready, began + Duration::from_secs_f64(options.seconds), options.at_least).await?;
    let elapsed = began.elapsed();
    let cpu = watched.cpu_seconds()?.since(cpu_before);
    let memory = watched.stop()?;

    let mut report = figures.report(elapsed);
    report["sessions"] = opened.into();
    report["accounts"] = accounts.len().min(opened).into();
    report["login_seconds"] = opening.as_secs_f64().into();
    report["server_cpu_seconds"] = cpu.server.into();
    report["client_cpu_seconds"] = cpu.client.into();
    report["memory"] = memory.report();
    report["memory"]["opened"] = memory_opened.report();
    Ok((report, figures.error_count()))
}

/// All sessions, each logged in and with its INBOX open.
async fn log_in(options: &Options, accounts: &[(String, String)]) -> Result<Vec<Session>, Failure> {
    let connector = Connector::new(options.address)?;
    let mut opening = JoinSet::new();
    for (number, account) in (0..options.sessions).zip(accounts.iter().cycle()) {
        let (connector, account) = (connector.clone(), account.clone());
        let seed = options.seed.wrapping_mul(1_000_003).wrapping_add(number as u64);
        opening.spawn(async move { Session::open(&connector, &account, seed).await });
    }
    let mut ready = Vec::new();
    while let Some(session) = opening.join_next().await {
        ready.push(session??);
    }
    if ready.is_empty() {
        return Err("no account to log in with".into());
    }
    Ok(ready)
}

/// Let all of them work until `end`, and do `at_least` so many things each; what they measured, together.
async fn work(ready: Vec<Session>, end: Instant, at_least: usize) -> Result<Figures, Failure> {
    let mut working = JoinSet::new();
    for session in ready {
        working.spawn(session.work(end, at_least));
    }
    let mut all = Figures::default();
    while let Some(figures) = working.join_next().await {
        all.add(figures?);
    }
    Ok(all)
}
