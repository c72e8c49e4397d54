//! App passwords: minted, listed.
//!
//! Called by `handle`.

use super::handle::{Handler, parse, say, time};
use super::protocol::{AppPasswordLine, Reply, Secret};
use octroi_gate::{AppPasswordFacts, Refusal, Scope};
use octroi_model::{Service, Services, UnixTime};

impl Handler {
    pub(super) async fn mint(&self, address: &str, label: &str, services: &[String], expires_days: Option<u32>) -> Result<Reply, String> {
        let mut set = Services::NONE;
        for name in services {
            set = set.with(Service::parse(name).ok_or_else(|| format!("there is no service `{name}`"))?);
        }
        if set == Services::NONE {
            return Err("name the services it opens: imap, submission, caldav, carddav, files".to_owned());
        }
        let expires = expires_days.map(|days| UnixTime(UnixTime::now().0 + i64::from(days) * 86_400));
        let scope = Scope { expires, ..Scope::of(set) };
        match self.admin.mint_app_password(&parse(address)?, scope, label).await {
            Ok(minted) => Ok(Reply::Secret(Secret(minted.secret.to_string()))),
            Err(Refusal::Unsupported) => Err(format!("the profile of {address} does not use all of {set}")),
            Err(refusal) => Err(say(refusal, address)),
        }
    }

    pub(super) fn app_password_list(&self, address: &str) -> Result<Reply, String> {
        let found = self.admin.app_passwords(&parse(address)?).map_err(|r| say(r, address))?;
        let line = |facts: &AppPasswordFacts| {
            let client = facts.narrowing.client.as_ref().map_or(String::new(), |client| format!(", {client}"));
            let record = &facts.record;
            AppPasswordLine {
                id: record.public_id.clone(),
                label: record.label.clone(),
                services: record.services.to_string(),
                created: time(record.created),
                expires: record.expires.map(time),
                last_used: record.last_used.as_ref().map(|l| format!("{} from {} ({}{client})", time(l.at), l.peer, l.service.name())),
            }
        };
        Ok(Reply::AppPasswords(found.iter().map(line).collect()))
    }
}
