//! Reports: those of others shown, ours sent before their time.

use super::handle::Handler;
use super::protocol::Reply;
use crate::reports::{Reporter, Sent};
use octroi_model::UnixTime;
use octroi_reports::day_of;

impl Handler {
    fn reporter(&self) -> Result<&Reporter, String> {
        self.reporter.as_ref().ok_or_else(|| "the server must run for this".to_owned())
    }

    /// What others have reported.
    pub(super) fn reports(&self, domain: Option<&str>, since: i64) -> Result<Reply, String> {
        Ok(Reply::Reports(self.reporter()?.reports().received(since, domain)))
    }

    /// Send what was counted on days that are over, or up to now.
    pub(super) async fn reports_send(&self, today: bool) -> Result<Reply, String> {
        let day = day_of(UnixTime::now().0);
        let Sent { on_their_way, unwanted, put_off } = self.reporter()?.send(if today { day } else { day - 1 }).await;
        Ok(Reply::Text(format!("{on_their_way} sent, {unwanted} that nobody wants, {put_off} put off")))
    }
}
