//! Octroi: mail, calendars and shared documents for an organisation that must know who may do what, from where.
//!
//! Composition only: this crate reads the configuration, opens the store behind the gate, hands the gate to every listener and ends them
//! in order. It names every other crate and is named by none.

mod acme;
mod admin;
mod cli;
mod commands;
mod config;
mod courier;
mod demo;
mod directory;
mod dkim;
mod dns;
mod files;
mod guard;
mod import;
mod limits;
mod made_up;
mod profiles;
mod push;
mod reach;
mod reports;
mod scheduling;
mod search;
mod server;
mod size;
mod store_options;
mod subscriptions;
mod tls;
mod unix_socket;

use clap::Parser;
use std::num::NonZero;
use std::process::ExitCode;

/// Sessions come and go on all threads; this one keeps less unused than the C library's, and takes less time (`.cargo/config.toml`).
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Threads for what blocks, at most: reading from disks, packing, sorting, searching, Argon2. Each keeps contexts for zstd and a part of
/// the allocator's memory, so a crowd must not get one each; but searches, which may take two for each processor, must leave some to whoever
/// only reads.
fn blocking_threads() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get).saturating_mul(8).max(16)
}

fn main() -> ExitCode {
    let arguments = cli::Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().max_blocking_threads(blocking_threads()).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("octroi: cannot start the runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(commands::run(arguments.command));
    // Blocking reads that are still under way must not hold up the end.
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    match outcome {
        Ok(code) => code,
        Err(why) => {
            eprintln!("octroi: {why}");
            ExitCode::FAILURE
        }
    }
}
