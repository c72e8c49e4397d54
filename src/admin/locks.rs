//! Locks: listed, and taken away.
//!
//! Called by `handle`.

use super::handle::{Handler, say, time};
use super::protocol::{LockLine, Reply};
use octroi_model::{LockToken, Name};

impl Handler {
    pub(super) fn lock_list(&self) -> Reply {
        let line = |lock: octroi_gate::LockLine| {
            let at = lock.at.map_or_else(String::new, |(owner, area, path, item)| {
                let names = path.names().iter().chain(&item).map(Name::as_str);
                format!("{owner} {}", std::iter::once(area.name()).chain(names).collect::<Vec<_>>().join("/"))
            });
            LockLine {
                token: lock.token.to_string(),
                at,
                account: lock.account.map_or_else(String::new, |address| address.to_string()),
                credential: lock.credential,
                exclusive: lock.exclusive,
                deep: lock.deep,
                expires: time(lock.expires),
            }
        };
        Reply::Locks(self.admin.locks().into_iter().map(line).collect())
    }

    pub(super) async fn lock_break(&self, token: &str) -> Result<Reply, String> {
        let parsed = LockToken::parse(token).ok_or_else(|| format!("`{token}` is no lock token; `octroi locks list` shows them"))?;
        match self.admin.break_lock(parsed).await {
            Ok(()) => Ok(Reply::Done),
            Err(refusal) => Err(say(refusal, "such lock")),
        }
    }
}
