//! `octroi app-password mint|list|revoke`.

use crate::admin::client::ask;
use crate::admin::protocol::{AppPasswordLine, MintOrder, Reply, Request};
use crate::cli::{AppPassword, Mint};
use crate::commands::operate::{finish, unexpected};
use std::process::ExitCode;

pub(crate) async fn run(command: AppPassword) -> Result<ExitCode, String> {
    match command {
        AppPassword::Mint(arguments) => mint(arguments).await,
        AppPassword::List { address, at } => match ask(&at, Request::AppPasswordList { address }).await? {
            Reply::AppPasswords(lines) => {
                lines.iter().for_each(print);
                Ok(ExitCode::SUCCESS)
            }
            Reply::Failed(why) => Err(why),
            _ => Err(unexpected()),
        },
        AppPassword::Revoke { id, at } => finish(ask(&at, Request::AppPasswordRevoke { id }).await?),
    }
}

async fn mint(arguments: Mint) -> Result<ExitCode, String> {
    let Mint { address, label, services, preset, folders, rights, zones, expires, confirm, certificate, at } = arguments;
    let read = |file: std::path::PathBuf| std::fs::read_to_string(&file).map_err(|e| format!("cannot read {}: {e}", file.display()));
    let certificate = certificate.map(read).transpose()?;
    let order = MintOrder { address, label, services, preset, folders, rights, zones, expires_days: expires, confirm, certificate };
    match ask(&at, Request::AppPasswordMint(order)).await? {
        Reply::Secret(secret) => {
            println!("{}", secret.0);
            Ok(ExitCode::SUCCESS)
        }
        other => finish(other),
    }
}

/// One line for one: what stands first stays first, and what was not narrowed is a dash.
fn print(line: &AppPasswordLine) {
    let or_dash = |text: String| if text.is_empty() { "-".to_owned() } else { text };
    let kind = if line.certificate { "certificate" } else { "password" };
    let folders: Vec<String> = line.folders.iter().map(|(pattern, rights)| format!("{pattern}={rights}")).collect();
    let at_most = line.rights.as_ref().map_or(String::new(), |rights| format!(" at most {rights}"));
    let preset = format!("{}{at_most}", line.preset.as_deref().unwrap_or("-"));
    let until = line.expires.as_ref().map_or_else(|| "-".to_owned(), |t| format!("until {t}"));
    let confirm = line.confirm.as_ref().map_or_else(|| "-".to_owned(), |confirm| format!("confirm {confirm}"));
    let last = line.last_used.as_deref().unwrap_or("never used");
    let (folders, zones) = (or_dash(folders.join(" ")), or_dash(line.zones.join(" ")));
    let (id, services, label, created) = (&line.id, &line.services, &line.label, &line.created);
    println!("{id}\t{services}\t{label}\t{created}\t{kind}\t{preset}\t{folders}\t{zones}\t{confirm}\t{until}\t{last}");
}
