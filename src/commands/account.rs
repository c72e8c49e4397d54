//! `octroi account add|list|remove`.

use crate::admin::client::ask;
use crate::admin::protocol::{AccountLine, Reply, Request, Secret};
use crate::cli::Account;
use crate::commands::operate::{finish, unexpected};
use std::io::Read;
use std::process::ExitCode;

pub(crate) async fn run(command: Account) -> Result<ExitCode, String> {
    match command {
        Account::Add { address, profile, name, remote, password_stdin, at } => {
            let made_up = if password_stdin { None } else { Some(crate::demo::secrets::password()?) };
            let password = match &made_up {
                Some(text) => text.clone(),
                None => read_line()?,
            };
            let request = Request::AccountAdd { address: address.clone(), name, profile, remote, password: Secret(password) };
            match ask(&at, request).await? {
                Reply::Done => {
                    if let Some(password) = made_up {
                        println!("{address} was added. The main password opens the portal only, and is shown this once:\n{password}");
                    } else {
                        println!("{address} was added.");
                    }
                    Ok(ExitCode::SUCCESS)
                }
                other => finish(other),
            }
        }
        Account::List { remote, at } => match ask(&at, Request::AccountList).await? {
            Reply::Accounts(accounts) => {
                list(&accounts, remote);
                Ok(ExitCode::SUCCESS)
            }
            Reply::Failed(why) => Err(why),
            _ => Err(unexpected()),
        },
        Account::Remove { address, at } => finish(ask(&at, Request::AccountRemove { address }).await?),
    }
}

fn list(accounts: &[AccountLine], remote_only: bool) {
    for account in accounts.iter().filter(|a| a.remote || !remote_only) {
        let remote = if account.remote { "remote" } else { "-" };
        let factor = if account.second_factor { "second factor" } else { "-" };
        println!("{}\t{}\t{remote}\t{factor}\t{}", account.address, account.profile, account.name);
    }
    if remote_only {
        let with = accounts.iter().filter(|a| a.remote).count();
        let share = 100.0 * with as f64 / accounts.len().max(1) as f64;
        println!("{with} of {} accounts have remote access ({share:.1} %)", accounts.len());
    }
}

fn read_line() -> Result<String, String> {
    let mut text = String::new();
    std::io::stdin().take(4096).read_to_string(&mut text).map_err(|e| format!("cannot read the password: {e}"))?;
    Ok(text.lines().next().unwrap_or("").to_owned())
}
