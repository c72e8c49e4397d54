//! `octroi store stat|compact|verify|rebuild|repair`.

use crate::admin::client::{ask, ask_watching};
use crate::admin::protocol::Request;
use crate::cli::{At, Rebuilt, Store as Command};
use crate::commands::operate::finish;
use crate::config::Config;
use crate::server::Store;
use std::process::ExitCode;

pub(crate) async fn run(command: Command) -> Result<ExitCode, String> {
    match command {
        Command::Stat { segments, at } => finish(ask(&at, Request::StoreStat { segments }).await?),
        Command::Compact { all, at } => finish(ask_watching(&at, Request::StoreCompact { all }, &say).await?),
        Command::Verify { at } => finish(ask_watching(&at, Request::Check, &say).await?),
        Command::Rebuild { what: Rebuilt::Index, at } => rebuild(&at).await,
        Command::Rebuild { what: Rebuilt::Search, at } => finish(ask_watching(&at, Request::RebuildSearch, &say).await?),
    }
}

/// Progress goes beside the answer.
fn say(line: &str) {
    eprintln!("{line}");
}

/// The index is made anew when the store is opened without one.
async fn rebuild(at: &At) -> Result<ExitCode, String> {
    let config = offline(at)?;
    octroi_engine::Embedded::remove_index(&config.data).map_err(|e| format!("cannot remove the index: {e}"))?;
    let store = Store::open(&config).await?;
    store.admin.close().await;
    println!("the index was made anew from the journal");
    Ok(ExitCode::SUCCESS)
}

/// The configuration of a store that is worked on while nobody has it open; its lock says whether anybody has.
fn offline(at: &At) -> Result<Config, String> {
    let file = at.config.as_ref().ok_or("this needs --config, and a server that does not run")?;
    Config::load(file).map_err(|e| e.to_string())
}
