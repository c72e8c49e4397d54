//! `octroi share|explain|reload|check`.

use crate::admin::client::ask;
use crate::admin::protocol::{ExplainOrder, Reply, Request};
use crate::cli::{At, Explain, Share};
use crate::config::Config;
use std::process::ExitCode;

pub(crate) async fn share(arguments: Share) -> Result<ExitCode, String> {
    let Share { owner, path, with, at } = arguments;
    finish(ask(&at, Request::Share { owner, path, with }).await?)
}

pub(crate) async fn explain(arguments: Explain) -> Result<ExitCode, String> {
    let Explain { who, service, path, zone, from, strength, credential, at } = arguments;
    let order = ExplainOrder { who, service, path, zone, from, strength, credential };
    finish(ask(&at, Request::Explain(order)).await?)
}

pub(crate) async fn reload(at: &At) -> Result<ExitCode, String> {
    finish(ask(at, Request::Reload).await?)
}

pub(crate) async fn check(at: &At) -> Result<ExitCode, String> {
    if let Some(file) = &at.config {
        let config = Config::load(file).map_err(|e| e.to_string())?;
        config.profiles().map_err(|e| e.to_string())?;
        println!("{}: the configuration and the profiles are valid", file.display());
    }
    finish(ask(at, Request::Check).await?)
}

/// Print what came back.
pub(crate) fn finish(reply: Reply) -> Result<ExitCode, String> {
    match reply {
        Reply::Done => Ok(ExitCode::SUCCESS),
        Reply::Text(text) => {
            print!("{text}");
            if !text.ends_with('\n') {
                println!();
            }
            Ok(ExitCode::SUCCESS)
        }
        Reply::Check { summary, faults } => {
            println!("{summary}");
            for fault in &faults {
                println!("fault: {fault}");
            }
            println!("{}", if faults.is_empty() { "the store is sound" } else { "the store is damaged" });
            Ok(if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Reply::Restored { summary, lost } => {
            println!("{summary}");
            for one in &lost {
                println!("lost: {one}");
            }
            Ok(if lost.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Reply::Failed(why) => Err(why),
        _ => Err(unexpected()),
    }
}

pub(crate) fn unexpected() -> String {
    "the server answered something else than was asked for; is it of another version?".to_owned()
}
