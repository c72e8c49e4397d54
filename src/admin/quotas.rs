//! Quotas: set, removed, listed.
//!
//! Called by `handle`.

use super::handle::{Handler, area_path, done, parse, say};
use super::protocol::{QuotaLine, Reply};
use octroi_gate::Refusal;
use octroi_model::QuotaLimit;

impl Handler {
    pub(super) async fn quota(&self, address: &str, path: Option<String>, limit: Option<QuotaLimit>) -> Result<Reply, String> {
        let owner = parse(address)?;
        let at = path.as_deref().map(area_path).transpose()?;
        match self.admin.set_quota(&owner, at.as_ref().map(|(area, inner)| (*area, inner)), limit).await {
            Err(Refusal::Missing) if path.is_none() => Err(format!("{address} has no quota")),
            outcome => done(outcome, &path.unwrap_or_default()),
        }
    }

    pub(super) fn quota_list(&self, address: Option<&str>) -> Result<Reply, String> {
        let owner = address.map(parse).transpose()?;
        let lines = self.admin.quotas(owner.as_ref()).map_err(|r| say(r, "quota"))?;
        let line = |line: &octroi_gate::QuotaLine| QuotaLine {
            address: line.owner.to_string(),
            path: line.at.as_ref().map(|(area, path)| format!("{}/{}", area.name(), path.join("/")).trim_end_matches('/').to_owned()),
            bytes: line.quota.used.bytes,
            bytes_max: line.quota.limit.bytes,
            items: line.quota.used.items,
            items_max: line.quota.limit.items,
        };
        Ok(Reply::Quotas(lines.iter().map(line).collect()))
    }
}
