//! `octroi quota set|remove|list`.

use crate::admin::client::ask;
use crate::admin::protocol::{QuotaLine, Reply, Request};
use crate::cli::Quota;
use crate::commands::operate::{finish, unexpected};
use crate::size;
use std::process::ExitCode;

pub(crate) async fn run(command: Quota) -> Result<ExitCode, String> {
    match command {
        Quota::Set { address, path, size, items, at } => {
            let bytes = size::parse(&size)?;
            finish(ask(&at, Request::QuotaSet { address, path, bytes, items }).await?)
        }
        Quota::Remove { address, path, at } => finish(ask(&at, Request::QuotaRemove { address, path }).await?),
        Quota::List { address, at } => match ask(&at, Request::QuotaList { address }).await? {
            Reply::Quotas(lines) => {
                lines.iter().for_each(print);
                Ok(ExitCode::SUCCESS)
            }
            Reply::Failed(why) => Err(why),
            _ => Err(unexpected()),
        },
    }
}

fn print(line: &QuotaLine) {
    let path = line.path.as_deref().unwrap_or("-");
    let bytes = format!("{} of {} ({})", size::show(line.bytes), size::show(line.bytes_max), percent(line.bytes, line.bytes_max));
    let items = match line.items_max {
        Some(max) => format!("{} of {max} items ({})", line.items, percent(line.items, max)),
        None => format!("{} items", line.items),
    };
    println!("{}\t{path}\t{bytes}\t{items}", line.address);
}

fn percent(used: u64, max: u64) -> String {
    // Of nothing, all is used.
    if max == 0 { "100 %".to_owned() } else { format!("{:.0} %", 100.0 * used as f64 / max as f64) }
}
