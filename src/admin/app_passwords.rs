//! App passwords: minted, listed.
//!
//! Called by `handle`. What is minted here is as narrow as what is minted in the portal, and checked by the same code of the gate.

use super::handle::{Handler, parse, say, time};
use super::protocol::{AppPasswordLine, MintOrder, Reply, Secret};
use octroi_gate::{AppPasswordFacts, Preset, Refusal, Scope};
use octroi_model::{Rights, Service, Services, UnixTime};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

impl Handler {
    pub(super) async fn mint(&self, order: &MintOrder) -> Result<Reply, String> {
        let (address, scope) = (parse(&order.address)?, scope(order)?);
        let outcome = match &order.certificate {
            None => self.admin.mint_app_password(&address, scope, &order.label).await.map(|minted| minted.secret.to_string()),
            Some(pem) => {
                let der = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|e| format!("the certificate cannot be read: {e}"))?;
                self.admin.register_certificate(&address, scope, &order.label, &der).await
            }
        };
        match outcome {
            Ok(text) => Ok(Reply::Secret(Secret(text))),
            Err(Refusal::Unsupported) => Err(format!(
                "refused: the profile of {address} must use all these services, a pattern must begin with mail, calendars, contacts, files \
                 or a `*`, --confirm is `device` or a time such as 12h, and what drafts does not submit"
            )),
            Err(Refusal::Missing) => Err("there is no such zone".to_owned()),
            Err(Refusal::Exists) => Err("this certificate is registered already".to_owned()),
            Err(refusal) => Err(say(refusal, &order.address)),
        }
    }

    pub(super) fn app_password_list(&self, address: &str) -> Result<Reply, String> {
        let found = self.admin.app_passwords(&parse(address)?).map_err(|r| say(r, address))?;
        Ok(Reply::AppPasswords(found.iter().map(line).collect()))
    }
}

fn scope(order: &MintOrder) -> Result<Scope, String> {
    let mut services = Services::NONE;
    for name in &order.services {
        services = services.with(Service::parse(name).ok_or_else(|| format!("there is no service `{name}`"))?);
    }
    if services == Services::NONE {
        return Err("name the services it opens: imap, submission, caldav, carddav, files, sieve".to_owned());
    }
    let preset = Preset::parse(&order.preset).ok_or_else(|| {
        let names: Vec<&str> = Preset::ALL.iter().map(|(_, name)| *name).collect();
        format!("there is no preset `{}`: {}", order.preset, names.join(", "))
    })?;
    let rights = match &order.rights {
        None => Rights::ALL,
        Some(letters) => Rights::parse(letters).ok_or_else(|| format!("`{letters}` are not RFC 4314's letters"))?,
    };
    let patterns: Vec<&str> = order.folders.iter().map(String::as_str).collect();
    let expires = order.expires_days.map(|days| UnixTime(UnixTime::now().0 + i64::from(days) * 86_400));
    let confirm = order.confirm.clone();
    Ok(Scope { rights, zones: order.zones.clone(), expires, confirm, ..preset.scope(services, &patterns) })
}

fn line(facts: &AppPasswordFacts) -> AppPasswordLine {
    let (record, narrowing) = (&facts.record, &facts.narrowing);
    let client = narrowing.client.as_ref().map_or(String::new(), |client| format!(", {client}"));
    AppPasswordLine {
        id: record.public_id.clone(),
        label: record.label.clone(),
        services: record.services.to_string(),
        preset: narrowing.preset.clone(),
        folders: narrowing.folders.iter().map(|(pattern, rights)| (pattern.clone(), rights.to_string())).collect(),
        rights: (record.rights != Rights::ALL).then(|| record.rights.to_string()),
        zones: narrowing.zones.clone(),
        confirm: narrowing.confirm.clone(),
        certificate: narrowing.certificate,
        created: time(record.created),
        expires: record.expires.map(time),
        last_used: record.last_used.as_ref().map(|l| format!("{} from {} ({}{client})", time(l.at), l.peer, l.service.name())),
    }
}
