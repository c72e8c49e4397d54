//! `octroi locks list|break`.

use crate::admin::client::ask;
use crate::admin::protocol::{Reply, Request};
use crate::cli::Locks;
use crate::commands::operate::{finish, unexpected};
use std::process::ExitCode;

pub(crate) async fn run(command: Locks) -> Result<ExitCode, String> {
    match command {
        Locks::Break { token, at } => finish(ask(&at, Request::LockBreak { token }).await?),
        Locks::List { at } => match ask(&at, Request::LockList).await? {
            Reply::Locks(locks) => {
                for lock in &locks {
                    let scope = if lock.exclusive { "exclusive" } else { "shared" };
                    let depth = if lock.deep { "with all in it" } else { "itself" };
                    let by = format!("{} ({})", lock.account, lock.credential);
                    println!("{}\t{}\t{by}\t{scope}, {depth}\tuntil {}", lock.token, lock.at, lock.expires);
                }
                Ok(ExitCode::SUCCESS)
            }
            Reply::Failed(why) => Err(why),
            _ => Err(unexpected()),
        },
    }
}
