//! `octroi queue list|show|retry|hold|release|drop`.

use crate::admin::client::ask;
use crate::admin::protocol::{QueueAct, QueueLine, QueueOrder, Reply, Request};
use crate::cli::{Queue as Command, QueueWhich};
use crate::commands::operate::{finish, unexpected};
use std::process::ExitCode;

pub(crate) async fn run(command: Command) -> Result<ExitCode, String> {
    match command {
        Command::List { domain, json, at } => {
            let mut after = Some(0);
            while let Some(id) = after {
                match ask(&at, Request::QueueList { after: id, domain: domain.clone() }).await? {
                    Reply::Queue { lines, next } => {
                        lines.iter().try_for_each(|line| print(line, json))?;
                        after = next;
                    }
                    other => return finish(other),
                }
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Show { id, json, at } => match ask(&at, Request::QueueShow { id }).await? {
            Reply::Queue { lines, .. } => {
                let line = lines.first().ok_or_else(unexpected)?;
                if json {
                    print(line, true)?;
                } else {
                    show(line);
                }
                Ok(ExitCode::SUCCESS)
            }
            other => finish(other),
        },
        Command::Retry(which) => steer(QueueAct::Retry, which).await,
        Command::Hold(which) => steer(QueueAct::Hold, which).await,
        Command::Release(which) => steer(QueueAct::Release, which).await,
        Command::Drop(which) => steer(QueueAct::Drop, which).await,
    }
}

async fn steer(act: QueueAct, which: QueueWhich) -> Result<ExitCode, String> {
    let QueueWhich { ids, domain, all, at } = which;
    finish(ask(&at, Request::QueueSteer(QueueOrder { act, ids, domain, all })).await?)
}

fn print(line: &QueueLine, json: bool) -> Result<(), String> {
    if json {
        println!("{}", serde_json::to_string(line).map_err(|e| e.to_string())?);
        return Ok(());
    }
    let waiting: Vec<&str> = line.recipients.iter().filter(|one| one.state == "waiting").map(|one| one.address.as_str()).collect();
    let first = waiting.first().copied().unwrap_or("-");
    let more = if waiting.len() > 1 { format!(" and {} more", waiting.len() - 1) } else { String::new() };
    let next = if line.held { "held" } else { line.next_try.as_deref().unwrap_or("-") };
    let error = line.recipients.iter().rev().map(|one| one.last_error.as_str()).find(|error| !error.is_empty()).unwrap_or("-");
    println!("{}\t{}\t{}\t<{}>\t{first}{more}\t{next}\t{error}", line.id, line.queued, line.bytes, line.from);
    Ok(())
}

fn show(line: &QueueLine) {
    println!("message   {}{}", line.id, if line.held { " (held)" } else { "" });
    println!("from      <{}>", line.from);
    println!("queued    {}", line.queued);
    println!("bytes     {}", line.bytes);
    println!("priority  {}", line.priority);
    if line.require_tls {
        println!("over authenticated TLS only");
    }
    for one in &line.recipients {
        println!("\nto        {}\nstate     {}, {} attempts", one.address, one.state, one.attempts);
        if let Some(next) = &one.next_try {
            println!("next      {next}");
        }
        if !one.last_error.is_empty() {
            println!("said      {}", one.last_error);
        }
    }
}
