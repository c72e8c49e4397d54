//! Who may do what: shares, and why somebody may or may not.
//!
//! Called by `handle`.

use super::handle::{Handler, area_path, done, parse, say};
use super::protocol::{ExplainOrder, Reply};
use octroi_gate::{Identifier, Question, Refusal, Strength};
use octroi_model::{Path, Rights, Service};

impl Handler {
    pub(super) async fn share(&self, owner: &str, path: &str, with: &[String]) -> Result<Reply, String> {
        let (area, inner) = area_path(path)?;
        let mut acl = Vec::new();
        for entry in with {
            let (who, letters) = entry.split_once('=').ok_or_else(|| format!("`{entry}` is not WHO=RIGHTS"))?;
            let rights = Rights::parse(letters).ok_or_else(|| format!("`{letters}` are not RFC 4314's letters"))?;
            acl.push((
                Identifier::parse(who).ok_or_else(|| format!("`{who}` is neither an address nor group:NAME, profile:NAME or anyone"))?,
                rights,
            ));
        }
        done(self.admin.share(&parse(owner)?, area, &inner, &acl).await, path)
    }

    pub(super) fn explain(&self, order: ExplainOrder) -> Result<Reply, String> {
        let ExplainOrder { who, service, path, zone, from, strength, credential } = order;
        let who = parse(&who)?;
        let service = Service::parse(&service).ok_or_else(|| format!("there is no service `{service}`"))?;
        let inner = if path.is_empty() { Path::top() } else { Path::parse(&path, '/').map_err(|e| format!("`{path}`: {e}"))? };
        let zone = zone.or_else(|| from.map(|address| self.admin.zone_of(address))).unwrap_or_else(|| "anywhere".to_owned());
        let strength = strength.parse::<Strength>()?;
        let question = Question { who: &who, service, path: &inner, zone: &zone, strength, credential: credential.as_deref() };
        match self.admin.explain(&question) {
            Ok(text) => Ok(Reply::Text(text)),
            Err(Refusal::Precondition) => Err(format!("there is no zone `{zone}`")),
            Err(refusal) => Err(say(refusal, &path)),
        }
    }
}
