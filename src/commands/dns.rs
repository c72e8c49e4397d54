//! `octroi dns` and `octroi check --dns`.

use super::dkim;
use crate::admin::protocol::{DkimLine, Request};
use crate::cli::At;
use crate::config::Config;
use crate::dns::check::{Found, Line, look};
use crate::dns::records::{Need, Record, wanted};
use octroi_dns::Resolver;
use octroi_mailauth::Standing;
use std::path::Path;
use std::process::ExitCode;
use tokio::task::JoinSet;

/// Names that are asked for at the same time.
const ASKED_AT_ONCE: usize = 8;

/// Print all records.
pub(crate) async fn print(file: &Path) -> Result<ExitCode, String> {
    let config = Config::load(file).map_err(|e| e.to_string())?;
    let keys = dkim::keys(&at(file), Request::DkimShow).await?;
    for record in wanted(&config, &keys) {
        let note = match record.need {
            Need::Soon => "\t; of new keys",
            Need::Must | Need::May => "",
        };
        println!("{record}{note}");
    }
    if keys.is_empty() {
        println!("; there are no signing keys: `octroi dkim generate` makes some");
    }
    println!("; TLSA counts only where the zone is signed with DNSSEC, and must change with the certificate's key");
    Ok(ExitCode::SUCCESS)
}

/// Say which records are there; sign with new keys whose records are.
pub(crate) async fn check(at: &At) -> Result<ExitCode, String> {
    let file = at.config.as_deref().ok_or("name the server with --config")?;
    let config = Config::load(file).map_err(|e| e.to_string())?;
    let keys = dkim::keys(at, Request::DkimShow).await?;
    let lines = look_up(&config, wanted(&config, &keys)).await?;
    for line in &lines {
        println!("{}", line.say());
    }
    let mut sound = !lines.iter().any(Line::is_fault);
    if keys.is_empty() {
        println!("missing  signing keys\n         make some: octroi dkim generate --config {}", file.display());
        sound = false;
    }
    let mut new = lines.iter().filter(|line| line.record.need == Need::Soon).peekable();
    if new.peek().is_some() && new.all(|line| matches!(line.found, Found::There(_))) {
        dkim::keys(at, Request::DkimSwitch).await?;
        println!("the records of the new keys are there: they sign from now on");
    }
    println!("{}", if sound { "the DNS is sound" } else { "the DNS is not as it should be" });
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Records of new keys that are not there.
pub(crate) async fn new_keys_missing(file: &Path, keys: &[DkimLine]) -> Result<Vec<Line>, String> {
    let config = Config::load(file).map_err(|e| e.to_string())?;
    let new: Vec<DkimLine> = keys.iter().filter(|line| line.standing == Standing::Next).cloned().collect();
    let records = wanted(&config, &new).into_iter().filter(|record| record.need == Need::Soon).collect();
    let mut lines = look_up(&config, records).await?;
    lines.retain(|line| !matches!(line.found, Found::There(_)));
    Ok(lines)
}

/// Look all up, in their order.
async fn look_up(config: &Config, records: Vec<Record>) -> Result<Vec<Line>, String> {
    let resolver = Resolver::new(&config.dns.resolver()?);
    let resolver = resolver.hickory().map_err(|error| format!("no DNS: {error}"))?;
    let mut lines = Vec::new();
    for records in records.chunks(ASKED_AT_ONCE) {
        let mut asked = JoinSet::new();
        for (number, record) in records.iter().cloned().enumerate() {
            let resolver = resolver.clone();
            asked.spawn(async move { (number, look(&resolver, record).await) });
        }
        let mut answers = asked.join_all().await;
        answers.sort_by_key(|(number, _)| *number);
        lines.extend(answers.into_iter().map(|(_, line)| line));
    }
    Ok(lines)
}

fn at(file: &Path) -> At {
    At { config: Some(file.to_owned()), data: None }
}
