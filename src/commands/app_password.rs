//! `octroi app-password mint|list|revoke`.

use crate::admin::client::ask;
use crate::admin::protocol::{Reply, Request};
use crate::cli::AppPassword;
use crate::commands::operate::{finish, unexpected};
use std::process::ExitCode;

pub(crate) async fn run(command: AppPassword) -> Result<ExitCode, String> {
    match command {
        AppPassword::Mint { address, label, services, expires, at } => {
            let request = Request::AppPasswordMint { address, label, services, expires_days: expires };
            match ask(&at, request).await? {
                Reply::Secret(secret) => {
                    println!("{}", secret.0);
                    Ok(ExitCode::SUCCESS)
                }
                other => finish(other),
            }
        }
        AppPassword::List { address, at } => match ask(&at, Request::AppPasswordList { address }).await? {
            Reply::AppPasswords(lines) => {
                for line in lines {
                    let until = line.expires.map_or_else(|| "-".to_owned(), |t| format!("until {t}"));
                    let last = line.last_used.unwrap_or_else(|| "never used".to_owned());
                    println!("{}\t{}\t{}\t{}\t{until}\t{last}", line.id, line.services, line.label, line.created);
                }
                Ok(ExitCode::SUCCESS)
            }
            Reply::Failed(why) => Err(why),
            _ => Err(unexpected()),
        },
        AppPassword::Revoke { id, at } => finish(ask(&at, Request::AppPasswordRevoke { id }).await?),
    }
}
