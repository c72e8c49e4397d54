//! `octroi alias add|remove|list`.

use crate::admin::client::ask;
use crate::admin::protocol::{AliasLine, Reply, Request};
use crate::cli::Alias;
use crate::commands::operate::{finish, unexpected};
use std::process::ExitCode;

pub(crate) async fn run(command: Alias) -> Result<ExitCode, String> {
    match command {
        Alias::Add { name, to, outside, at } => finish(ask(&at, Request::AliasAdd { name, to, outside }).await?),
        Alias::Remove { name, to, at } => finish(ask(&at, Request::AliasRemove { name, to }).await?),
        Alias::List { at } => match ask(&at, Request::AliasList).await? {
            Reply::Aliases(aliases) => {
                for alias in &aliases {
                    println!("{}\t{}", alias.name, leads_to(alias));
                }
                Ok(ExitCode::SUCCESS)
            }
            Reply::Failed(why) => Err(why),
            _ => Err(unexpected()),
        },
    }
}

fn leads_to(alias: &AliasLine) -> String {
    match &alias.group {
        None => alias.to.join(" "),
        Some(group) if alias.members_only => format!("group:{group} (members only)"),
        Some(group) => format!("group:{group}"),
    }
}
