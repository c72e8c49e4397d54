//! Why somebody may or may not do something: the same decisions as everywhere, with the rule behind each step.
//!
//! Asked by administration (the admin socket, the administrators' pages of the portal). Says what the rules are, opens nothing.

use crate::gate::Gate;
use crate::narrowed::{self, Folders};
use crate::refusal::Refusal;
use crate::session::{granted_by_acl, serves};
use crate::tree;
use octroi_model::{Account, Address, Path, Rights, Service, Services, UnixTime};
use octroi_policy::{Evidence, Facts, Strength};
use std::fmt::Write;
use std::sync::Arc;

/// What is to be explained.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// Who.
    pub who: &'a Address,
    /// Over which service.
    pub service: Service,
    /// To what, as that person's programs name it (`Shared/<owner>/…`); of a submission nothing.
    pub path: &'a Path,
    /// From which zone.
    pub zone: &'a str,
    /// With a log-in of which strength.
    pub strength: Strength,
    /// With which app password (its visible id); else one that was not narrowed.
    pub credential: Option<&'a str>,
}

impl Gate {
    /// The zone of an address.
    pub(crate) fn zone_named(&self, address: std::net::IpAddr) -> String {
        self.policy().zone_of(&octroi_policy::Origin { address, authorities: &[] }).to_owned()
    }

    /// Does a log-in open, and which rights are in force: a line for each, with what gives or takes it.
    pub(crate) fn explain(&self, question: &Question<'_>) -> Result<String, Refusal> {
        let policy = self.policy();
        if !policy.zones().any(|zone| zone == question.zone) {
            return Err(Refusal::Precondition);
        }
        let account = self.engine().account_by_key(&question.who.key()).ok_or(Refusal::UnknownRecipient)?;
        let credential = match question.credential {
            None => None,
            Some(id) => Some(self.engine().app_password(id).filter(|found| found.account == account.id).ok_or(Refusal::Missing)?),
        };
        let narrowing = credential.as_ref().map(|found| self.engine().narrowing(found.id)).unwrap_or_default();
        let now = UnixTime::now();
        let evidence = Evidence {
            service: question.service,
            zone: question.zone,
            app_password_services: credential.as_ref().map_or(Services::ALL, |found| found.services),
            app_password_zones: &narrowing.zones,
            app_password_confirm: narrowed::confirm(&narrowing),
            app_password_enrolled: true,
            expires: credential.as_ref().and_then(|found| found.expires),
            confirmed_at: (question.strength > Strength::AppPassword).then_some(now),
            code_given: question.strength == Strength::FreshSecondFactor,
            remote_access: account.remote_access,
            now,
        };
        let mut text = octroi_policy::explain_admission(&policy, &account.profile, &evidence).to_string();
        if let Some(area) = serves(question.service) {
            let (collection, inner_path) = tree::locate(self.engine(), account.id, area, question.path).ok_or(Refusal::Missing)?;
            let own = collection.owner == account.id;
            let named = format!("{}/{}", area.name(), question.path.join("/"));
            let rights = credential.as_ref().map_or(Rights::ALL, |found| found.rights);
            let scope = Folders::of(&narrowing).leave(rights, &named);
            let facts = Facts {
                profile: &account.profile,
                zone: question.zone,
                strength: question.strength,
                own,
                area,
                path: &inner_path,
                acl: if own { Rights::ALL } else { granted_by_acl(self, &collection, account.id, &account.profile) },
                scope,
            };
            // Into a string: this does not fail.
            let _ = write!(text, "\n{}", octroi_policy::explain_rights(&policy, &facts));
        }
        Ok(text)
    }

    /// Accounts by address.
    pub(crate) fn all_accounts(&self) -> Vec<Arc<Account>> {
        self.engine().accounts()
    }
}
