//! `octroi store stat|compact|verify|rebuild|repair`.

use crate::admin::client::ask;
use crate::admin::protocol::Request;
use crate::cli::{At, Rebuilt, Store as Command};
use crate::commands::operate::finish;
use crate::config::Config;
use crate::server::Store;
use octroi_engine::Repair;
use std::process::ExitCode;

pub(crate) async fn run(command: Command) -> Result<ExitCode, String> {
    match command {
        Command::Stat { segments, at } => finish(ask(&at, Request::StoreStat { segments }).await?),
        Command::Compact { all, at } => finish(ask(&at, Request::StoreCompact { all }).await?),
        Command::Verify { at } => finish(ask(&at, Request::Check).await?),
        Command::Repair { yes, at } => repair(&at, if yes { Repair::Do } else { Repair::DryRun }).await,
        Command::Rebuild { what: Rebuilt::Index, at } => rebuild(&at).await,
        Command::Rebuild { what: Rebuilt::Search, at } => finish(ask(&at, Request::RebuildSearch).await?),
    }
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

async fn repair(at: &At, how: Repair) -> Result<ExitCode, String> {
    let config = offline(at)?;
    let options = config.engine_options().map_err(|e| e.to_string())?;
    let report = octroi_engine::repair(&config.data, &options, how).await.map_err(|e| format!("cannot repair the store: {e}"))?;
    for (what, sentences) in [("damaged", &report.damaged), ("lost", &report.lost), ("remedy", &report.remedies)] {
        for sentence in sentences {
            println!("{what}: {}", dated(sentence));
        }
    }
    match how {
        _ if report.is_sound() => println!("nothing is damaged"),
        Repair::Do => println!("done; what was damaged is in {}", config.data.join("damaged").display()),
        Repair::DryRun => {
            println!("nothing was changed; with --yes it is done. Copy {} elsewhere before", config.data.display());
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The engine names times as `@seconds`; people want to read them.
fn dated(sentence: &str) -> String {
    let word = |word: &str| {
        let (number, rest) = word.strip_prefix('@').map(|w| w.split_at(w.find(|c: char| !c.is_ascii_digit()).unwrap_or(w.len())))?;
        let time = jiff::Timestamp::from_second(number.parse().ok()?).ok()?;
        Some(format!("{time}{rest}"))
    };
    sentence.split(' ').map(|text| word(text).unwrap_or_else(|| text.to_owned())).collect::<Vec<_>>().join(" ")
}

/// The configuration of a store that is worked on while nobody has it open; its lock says whether anybody has.
fn offline(at: &At) -> Result<Config, String> {
    let file = at.config.as_ref().ok_or("this needs --config, and a server that does not run")?;
    Config::load(file).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_for_people() {
        assert_eq!(dated("mail, of @1767225600, 3 bytes"), "mail, of 2026-01-01T00:00:00Z, 3 bytes");
        assert_eq!(dated("a @b of @"), "a @b of @");
    }
}
