//! `octroi sieve put|list|get|activate|delete|check`.

use crate::admin::client::ask;
use crate::admin::protocol::{Reply, Request, SieveOrder};
use crate::cli::Sieve;
use crate::commands::operate::{finish, unexpected};
use std::fs;
use std::path::Path;
use std::process::ExitCode;

pub(crate) async fn run(command: Sieve) -> Result<ExitCode, String> {
    match command {
        Sieve::Put { address, name, file, at } => {
            let script = read(&file)?;
            finish(ask(&at, Request::Sieve { address, order: SieveOrder::Put { name, script } }).await?)
        }
        Sieve::List { address, at } => match ask(&at, Request::Sieve { address, order: SieveOrder::List }).await? {
            Reply::Scripts(scripts) => {
                for (name, bytes, active) in scripts {
                    println!("{}\t{bytes}\t{name}", if active { "active" } else { "-" });
                }
                Ok(ExitCode::SUCCESS)
            }
            Reply::Failed(why) => Err(why),
            _ => Err(unexpected()),
        },
        Sieve::Get { address, name, at } => match ask(&at, Request::Sieve { address, order: SieveOrder::Get { name } }).await? {
            Reply::Text(script) => {
                print!("{script}");
                Ok(ExitCode::SUCCESS)
            }
            Reply::Failed(why) => Err(why),
            _ => Err(unexpected()),
        },
        Sieve::Activate { address, name, at } => finish(ask(&at, Request::Sieve { address, order: SieveOrder::Activate { name } }).await?),
        Sieve::Delete { address, name, at } => finish(ask(&at, Request::Sieve { address, order: SieveOrder::Delete { name } }).await?),
        Sieve::Check { file } => {
            let script = read(&file)?;
            octroi_sieve::compile(&script, &octroi_sieve::Limits::default()).map_err(|fault| format!("{}: {fault}", file.display()))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn read(file: &Path) -> Result<String, String> {
    fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()))
}
