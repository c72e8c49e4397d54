//! `octroi dkim generate|show|rotate`.

use super::dns;
use crate::admin::client::ask;
use crate::admin::protocol::{DkimLine, Reply, Request};
use crate::cli::{At, Dkim};
use crate::commands::operate::unexpected;
use octroi_mailauth::Standing;
use std::process::ExitCode;

pub(crate) async fn run(command: Dkim) -> Result<ExitCode, String> {
    match command {
        Dkim::Show { at } => {
            let keys = keys(&at, Request::DkimShow).await?;
            if keys.is_empty() {
                println!("there are no keys: mail leaves unsigned; `octroi dkim generate` makes some");
            }
            show(&keys);
        }
        Dkim::Generate { now, at } => {
            let made = keys(&at, Request::DkimGenerate).await?;
            show(&made);
            after(&at, now).await?;
        }
        Dkim::Rotate { now, at } => {
            if keys(&at, Request::DkimShow).await?.iter().any(|line| line.standing == Standing::Next) {
                switch(&at, now).await?;
            } else {
                show(&keys(&at, Request::DkimGenerate).await?);
                after(&at, now).await?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// All pairs, after this was done.
pub(crate) async fn keys(at: &At, request: Request) -> Result<Vec<DkimLine>, String> {
    match ask(at, request).await? {
        Reply::Dkim(lines) => Ok(lines),
        Reply::Failed(why) => Err(why),
        _ => Err(unexpected()),
    }
}

async fn after(at: &At, now: bool) -> Result<(), String> {
    if now {
        return switch(at, true).await;
    }
    println!("Publish the records of the new keys (`octroi dns` has them for each domain), then run `octroi dkim rotate` again.");
    Ok(())
}

/// Sign with the new keys, if their records are there or nobody cares.
async fn switch(at: &At, now: bool) -> Result<(), String> {
    if !now {
        let config = at.config.as_deref().ok_or("say with --config which domains to look at, or --now to look at none")?;
        let missing = dns::new_keys_missing(config, &keys(at, Request::DkimShow).await?).await?;
        if !missing.is_empty() {
            for line in &missing {
                println!("{}", line.say());
            }
            return Err("the records of the new keys are not all there yet; --now signs with them all the same".to_owned());
        }
    }
    show(&keys(at, Request::DkimSwitch).await?);
    Ok(())
}

fn show(lines: &[DkimLine]) {
    for line in lines {
        let standing = match line.standing {
            Standing::Next => "new: to be published, does not sign yet".to_owned(),
            Standing::Active => "signs".to_owned(),
            Standing::Retired { since } => {
                let since = jiff::Timestamp::from_second(since).unwrap_or_default();
                format!("signed until {since}: leave its records for now, until it is no longer listed here")
            }
        };
        println!("{standing}");
        for record in &line.records {
            println!("  {}\t{}", record.name, record.value);
        }
    }
}
