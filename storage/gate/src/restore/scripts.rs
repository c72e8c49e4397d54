//! An account's filters, brought back beside those that it has now.
//!
//! What holds: a script keeps those who had a hand in it, so it may no more than it might; the active one is active again only in its place
//! and if none is now; one whose name another has is left out, as everything with a name is.

use super::{LOST_MAX, PAGE_ITEMS, Restored, TRIES_MAX, described, failed};
use crate::admin::Admin;
use crate::filters::{Returned, is_home};
use octroi_engine::{BackupError, Part, Past, ReadError};
use octroi_model::{Account, AccountId, Item, Name, Uid};
use std::sync::Arc;

impl Admin {
    /// Bring back the scripts that the account of that number had then.
    pub(super) async fn scripts_back(
        &self,
        past: &Past,
        then: AccountId,
        account: &Arc<Account>,
        into: Option<&Name>,
        restored: &mut Restored,
    ) -> Result<(), BackupError> {
        let Some(home) = past.homes(then).into_iter().find(|collection| is_home(collection)) else { return Ok(()) };
        let mut after = Uid(0);
        loop {
            let page = past.items(home.id, after, PAGE_ITEMS).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.uid;
            for item in page {
                let lost = match past.read(item.content, Part::Whole).await {
                    Ok(script) => self.script_back(account, &item, &script, into, restored).await.err(),
                    Err(ReadError::Storage(why)) => return Err(failed(why)),
                    Err(ReadError::Gone) => Some("its content had been given back when the backup was made".to_owned()),
                    Err(ReadError::Damaged(why)) => Some(why),
                };
                if let Some(why) = lost.filter(|_| restored.lost.len() < LOST_MAX) {
                    restored.lost.push(format!("filter {}: {why}", described(&item)));
                }
            }
        }
    }

    async fn script_back(
        &self,
        account: &Arc<Account>,
        item: &Item,
        script: &[u8],
        into: Option<&Name>,
        restored: &mut Restored,
    ) -> Result<(), String> {
        let Some(name) = &item.name else { return Ok(()) };
        let name = match into {
            None => name.clone(),
            Some(into) => Name::new(&format!("{into} {name}")).map_err(|error| error.to_string())?,
        };
        for _ in 0..TRIES_MAX {
            match self.return_script(account, &name, item, script, into.is_none()).await.map_err(|refused| refused.to_string())? {
                Returned::Added => restored.items += 1,
                Returned::Present => restored.present += 1,
                Returned::Taken => restored.taken += 1,
                Returned::Moved => continue,
            }
            return Ok(());
        }
        Err("the account's filters change too quickly".to_owned())
    }
}
