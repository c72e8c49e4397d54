//! What hangs on a meeting, for mail about it to people elsewhere, who cannot read it where it is (RFC 8607).
//!
//! Called by the plan of a change. What always holds: nothing goes along that the session may not read now; what one change sends is limited for each mail
//! and for all of them together, and what is too large for that is named in the mail instead.

use super::codec::{MailedAttachment, Telling};
use super::plan::{Desk, Way};
use crate::attachments::attachment_name;
use crate::refusal::Refusal;
use octroi_model::Name;
use std::sync::Arc;

/// What somebody attaches without a name or a type.
const NAMELESS: &str = "attachment";
const ANYTHING: &str = "application/octet-stream";

impl Desk<'_> {
    /// Decide how much each mail about these may carry.
    pub(super) async fn share_out(&mut self, messages: &[Telling]) -> Result<(), Refusal> {
        let limits = &self.session().gate().0.limits;
        let (one, all) = (limits.mailed_attachments_bytes_max, limits.mailed_attachments_total_bytes_max);
        let mut mails = 0;
        for telling in messages.iter().filter(|telling| telling.matters) {
            mails += u64::from(matches!(self.way(telling).await?, Way::Mail(_)));
        }
        self.mailed_bytes_max = one.min(all / mails.max(1));
        Ok(())
    }

    /// What goes along with mail about this.
    pub(super) async fn mailed(&mut self, telling: &Telling) -> Result<Vec<Arc<MailedAttachment>>, Refusal> {
        let mut mailed: Vec<Arc<MailedAttachment>> = Vec::new();
        let mut left = self.mailed_bytes_max;
        for id in self.codec().attachments(&telling.octets) {
            let Some(one) = self.attachment(&id, left).await? else { continue };
            if one.octets.len() as u64 <= left {
                left -= one.octets.len() as u64;
                mailed.push(one);
            }
        }
        Ok(mailed)
    }

    /// One of so many octets at most; read once for all tries and mails. What comes with this very change is at hand.
    async fn attachment(&mut self, id: &str, bytes_max: u64) -> Result<Option<Arc<MailedAttachment>>, Refusal> {
        if let Some(known) = self.attachments.iter().find(|known| known.id == id) {
            return Ok(Some(known.clone()));
        }
        let Ok(name) = Name::new(id) else { return Ok(None) };
        let file = match self.session().attachment(&name).await {
            Ok(file) if file.item().bytes() <= bytes_max => file,
            Ok(_) | Err(Refusal::Missing | Refusal::Forbidden(_)) => return Ok(None),
            Err(refusal) => return Err(refusal),
        };
        let octets = file.read_whole().await?;
        let media_type = file.item().media_type.as_deref().unwrap_or(ANYTHING).to_owned();
        let file_name = attachment_name(file.item()).unwrap_or(NAMELESS).to_owned();
        let one = Arc::new(MailedAttachment { id: id.to_owned(), file_name, media_type, octets });
        self.attachments.push(one.clone());
        Ok(Some(one))
    }
}
