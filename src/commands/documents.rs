//! `octroi trash list|restore|empty` and `octroi versions show|set|inherit`.

use crate::admin::client::ask;
use crate::admin::protocol::{DocumentsOrder, Request};
use crate::cli::{Trash, Versions};
use crate::commands::operate::finish;
use std::process::ExitCode;

pub(crate) async fn trash(command: Trash) -> Result<ExitCode, String> {
    let (address, order, at) = match command {
        Trash::List { address, at } => (address, DocumentsOrder::Trash, at),
        Trash::Restore { address, path, to, at } => (address, DocumentsOrder::Restore { path, to }, at),
        Trash::Empty { address, older_than, at } => {
            let seconds = older_than.as_deref().map_or(Ok(0), |text| {
                let time = crate::store_options::time(text).ok_or_else(|| format!("`{text}` is not a time such as 12h or 7d"))?;
                Ok::<u64, String>(time.as_secs())
            })?;
            (address, DocumentsOrder::Empty { older_than_seconds: seconds }, at)
        }
    };
    finish(ask(&at, Request::Documents { address, order }).await?)
}

pub(crate) async fn versions(command: Versions) -> Result<ExitCode, String> {
    let (address, order, at) = match command {
        Versions::Show { address, folder, at } => (address, DocumentsOrder::VersionPolicy { folder }, at),
        Versions::Set { address, folder, versions, days, at } => {
            (address, DocumentsOrder::SetVersionPolicy { folder, policy: Some((versions, days)) }, at)
        }
        Versions::Inherit { address, folder, at } => (address, DocumentsOrder::SetVersionPolicy { folder, policy: None }, at),
    };
    finish(ask(&at, Request::Documents { address, order }).await?)
}
