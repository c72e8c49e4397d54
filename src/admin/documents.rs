//! What is kept of documents: the trash is listed, emptied and restored from; policies of versions are told and set.
//!
//! Called by `handle`.

use super::handle::{Handler, done, parse, say, time};
use super::protocol::{DocumentsOrder, Reply};
use octroi_gate::{Refusal, TrashLine, VersionPolicy};
use octroi_model::{Path, UnixTime};
use std::fmt::Write;

impl Handler {
    pub(super) async fn documents(&self, address: &str, order: DocumentsOrder) -> Result<Reply, String> {
        let owner = parse(address)?;
        match order {
            DocumentsOrder::Trash => {
                let lines = self.admin.trash(&owner).await.map_err(|refusal| say(refusal, address))?;
                Ok(Reply::Text(lines.iter().fold(String::new(), listed)))
            }
            DocumentsOrder::Restore { path, to } => {
                let (at, to) = (folder(&path)?, to.as_deref().map(folder).transpose()?);
                match self.admin.restore_from_trash(&owner, &at, to.as_ref()).await {
                    Ok(to) => Ok(Reply::Text(format!("restored as {}", to.join("/")))),
                    Err(Refusal::Exists) => Err("there is something of that name; --to says another".to_owned()),
                    Err(refusal) => Err(say(refusal, &format!("{path} in the trash"))),
                }
            }
            DocumentsOrder::Empty { older_than_seconds } => {
                // What was removed this very second is meant too.
                let before = UnixTime(UnixTime::now().0 + 1 - older_than_seconds as i64);
                let count = self.admin.empty_trash(&owner, before).await.map_err(|refusal| say(refusal, address))?;
                Ok(Reply::Text(format!("removed: {count}")))
            }
            DocumentsOrder::VersionPolicy { folder: at } => {
                let policy = self.admin.version_policy(&owner, &folder(&at)?).map_err(|refusal| say(refusal, &format!("folder {at}")))?;
                Ok(Reply::Text(format!("versions {}\ndays {}", policy.versions, policy.days)))
            }
            DocumentsOrder::SetVersionPolicy { folder: at, policy } => {
                let policy = policy.map(|(versions, days)| {
                    let policy = VersionPolicy { versions, days };
                    policy.to_string().parse::<VersionPolicy>().map_err(|()| "versions are 0 to 1000, days 1 to 36500".to_owned())
                });
                done(self.admin.set_version_policy(&owner, &folder(&at)?, policy.transpose()?).await, &format!("folder {at}"))
            }
        }
    }
}

fn folder(text: &str) -> Result<Path, String> {
    if text.is_empty() { Ok(Path::top()) } else { Path::parse(text.trim_end_matches('/'), '/').map_err(|e| format!("`{text}`: {e}")) }
}

fn listed(mut text: String, line: &TrashLine) -> String {
    let at = line.at.map_or_else(|| "-".to_owned(), time);
    let by = line.by.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
    let slash = if line.folder { "/" } else { "" };
    // Into a string: this does not fail.
    let _ = write!(text, "{at}\t{by}\t{}\t{}{slash}", line.bytes, line.path.join("/"));
    if line.path != line.from {
        let _ = write!(text, "\t{}{slash}", line.from.join("/"));
    }
    text.push('\n');
    text
}
