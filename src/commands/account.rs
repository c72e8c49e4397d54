//! `octroi account add|list|set|password|second-factor-reset|remove`.

use crate::admin::client::ask;
use crate::admin::protocol::{AccountLine, Reply, Request, Secret};
use crate::cli::{Account, YesNo};
use crate::commands::operate::{finish, unexpected};
use std::io::Read;
use std::process::ExitCode;
use zeroize::Zeroizing;

pub(crate) async fn run(command: Account) -> Result<ExitCode, String> {
    match command {
        Account::Add { address, profile, name, remote, password_stdin, at } => {
            let (password, shown) = password(password_stdin)?;
            let request = Request::AccountAdd { address: address.clone(), name, profile, remote, password };
            told(ask(&at, request).await?, &format!("{address} was added."), shown)
        }
        Account::Set { address, profile, remote, at } => {
            finish(ask(&at, Request::AccountSet { address, profile, remote: remote.map(|remote| remote == YesNo::Yes) }).await?)
        }
        Account::Password { address, password_stdin, at } => {
            let (password, shown) = password(password_stdin)?;
            let request = Request::AccountPassword { address: address.clone(), password };
            told(ask(&at, request).await?, &format!("{address} has another main password."), shown)
        }
        Account::SecondFactorReset { address, at } => finish(ask(&at, Request::SecondFactorReset { address }).await?),
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

/// The password that is to be set, and again if it was made up and has to be told.
fn password(from_stdin: bool) -> Result<(Secret, Option<Zeroizing<String>>), String> {
    if from_stdin {
        let mut text = Zeroizing::new(String::new());
        std::io::stdin().take(4096).read_to_string(&mut text).map_err(|e| format!("cannot read the password: {e}"))?;
        return Ok((Secret(text.lines().next().unwrap_or("").to_owned()), None));
    }
    let made_up = Zeroizing::new(crate::made_up::password()?);
    Ok((Secret(made_up.to_string()), Some(made_up)))
}

fn told(reply: Reply, what: &str, made_up: Option<Zeroizing<String>>) -> Result<ExitCode, String> {
    let Reply::Done = reply else { return finish(reply) };
    match made_up {
        Some(password) => println!("{what} The main password opens the portal only, and is shown this once:\n{}", *password),
        None => println!("{what}"),
    }
    Ok(ExitCode::SUCCESS)
}
