//! Backups: made, and restored from into the store that is open.
//!
//! Called by `handle`.

use super::handle::{Handler, time};
use super::protocol::Reply;
use crate::size;
use octroi_gate::{PastRequest, Progress, RestoreOrder};
use octroi_model::Name;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

impl Handler {
    pub(super) async fn backup(&self, folder: PathBuf, with_key: bool, progress: &Arc<Progress>) -> Result<Reply, String> {
        let report =
            self.admin.backup(folder, with_key, crate::files::sealed(&self.folder), progress.clone()).await.map_err(|e| e.to_string())?;
        let (copied, all) = (size::tell(report.copied_bytes), size::tell(report.bytes));
        Ok(Reply::Text(format!(
            "snapshot {}: {} files of {copied} copied, {all} in all\n{}",
            report.snapshot, report.copied_files, report.reminder
        )))
    }

    pub(super) async fn restore(
        &self,
        from: PastRequest,
        mut order: RestoreOrder,
        in_place: bool,
        progress: &Arc<Progress>,
    ) -> Result<Reply, String> {
        let past = self.admin.past(from, progress.clone()).await.map_err(|e| e.to_string())?;
        let moment = time(past.time());
        if !in_place && order.into.is_none() {
            // The same moment has the same name: asked for again, a restore that was interrupted goes on. Not every client takes a colon.
            let name = format!("Restored {}", moment.replace('T', " ").replace(':', "."));
            order.into = Some(Name::new(&name).map_err(|e| e.to_string())?);
        }
        let outcome = self.admin.restore(&past, &order, progress).await;
        let snapshot = past.snapshot().to_owned();
        past.close().await;
        let done = outcome.map_err(|e| e.to_string())?;
        let place = order.into.map_or_else(|| "in place".to_owned(), |into| format!("in `{into}`"));
        let mut summary = format!(
            "{} as of {moment} (snapshot {snapshot}), {place}: {} items and {} collections added, {} were there already",
            order.account, done.items, done.collections, done.present
        );
        if done.taken > 0 {
            let _ = write!(summary, "; {} left alone whose name something else has now", done.taken);
        }
        if done.account_made {
            summary.push_str("; the account was made anew, without a password");
        }
        Ok(Reply::Restored { summary, lost: done.lost })
    }
}
