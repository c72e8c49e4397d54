//! App passwords: made with a fresh second factor, shown once, narrow, ended at once.

use super::{PortalSession, Stepped};
use crate::app_password;
use crate::errand::Notice;
use crate::gate::Gate;
use crate::refusal::Refusal;
use octroi_engine::{Batch, Change};
use octroi_model::{
    Account, AppPassword, AppPasswordId, Confirmation, Language, Narrowing, Outcome, Rights, Service, Services, SpecialUse, UnixTime,
};
use octroi_policy::{Area, Pattern, SecondFactor};
use std::sync::Arc;
use zeroize::Zeroizing;

/// Longest label, in bytes.
const LABEL_BYTES_MAX: usize = 100;
/// Patterns of one app password.
const FOLDERS_MAX: usize = 32;
/// Octets of a certificate that is registered.
const CERTIFICATE_BYTES_MAX: usize = 16 * 1024;

/// What an app password is to open.
#[derive(Debug, Clone)]
pub struct Scope {
    /// Services.
    pub services: Services,
    /// Rights, beyond which it never goes.
    pub rights: Rights,
    /// Collections by pattern, with what may be done there; none: everywhere. `area/path` as one's programs name it.
    pub folders: Vec<(String, Rights)>,
    /// Zones from which it opens; none: all.
    pub zones: Vec<String>,
    /// When it ends by itself.
    pub expires: Option<UnixTime>,
    /// What a new device or network needs, beyond what the profile asks for: `device` or a time such as `12h`.
    pub confirm: Option<String>,
    /// Name of the preset it was made with, for people.
    pub preset: Option<String>,
}

/// What people choose from instead of letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// As far as oneself.
    Full,
    /// See, read, and remember what was read.
    Read,
    /// File and flag, and never destroy: nothing is removed or overwritten.
    Organise,
    /// Add, and see nothing of what is there.
    Drop,
    /// Read, and write drafts; nothing can be sent.
    Draft,
}

/// An app password as its owner sees it.
#[derive(Debug, Clone)]
pub struct AppPasswordFacts {
    /// The record.
    pub record: Arc<AppPassword>,
    /// What it was narrowed to.
    pub narrowing: Arc<Narrowing>,
    /// The networks from which it was confirmed, the newest first.
    pub confirmations: Vec<Confirmation>,
}

/// A new app password: the only moment at which its text exists.
pub struct MintedAppPassword {
    /// The visible id in front of the secret.
    pub public_id: String,
    /// The whole text, to be shown once; empty for a certificate.
    pub secret: Zeroizing<String>,
}

impl Preset {
    /// All, with their names.
    pub const ALL: [(Self, &'static str); 5] =
        [(Self::Full, "full"), (Self::Read, "read"), (Self::Organise, "organise"), (Self::Drop, "drop"), (Self::Draft, "draft")];

    /// The one of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, n)| *n == name).map(|(preset, _)| preset)
    }

    /// The scope of this preset for some services, in collections by pattern (none: everywhere). What is not said is as wide as can be.
    pub fn scope(self, services: Services, patterns: &[&str]) -> Scope {
        const READING: Rights = Rights::LOOKUP.or(Rights::READ).or(Rights::SEEN);
        const FILING: Rights = READING.or(Rights::INSERT).or(Rights::CREATE).or(Rights::MOVE_AWAY);
        const WRITING: Rights = FILING.or(Rights::WRITE).or(Rights::DELETE_ITEMS).or(Rights::EXPUNGE);
        const DROPPING: Rights = Rights::LOOKUP.or(Rights::INSERT);
        let everywhere = if patterns.is_empty() { &["**"][..] } else { patterns };
        let each = |rights: Rights| everywhere.iter().map(|pattern| ((*pattern).to_owned(), rights)).collect::<Vec<_>>();
        let folders = match self {
            Self::Full if patterns.is_empty() => Vec::new(),
            Self::Full => each(Rights::ALL),
            Self::Read => each(READING),
            // In mail `w` is for flags; on a document it would be the right to write over it.
            Self::Organise => everywhere
                .iter()
                .flat_map(|pattern| match *pattern {
                    "**" => vec![("**".to_owned(), FILING), ("mail/**".to_owned(), FILING.or(Rights::WRITE))],
                    mail if mail.starts_with("mail/") => vec![(mail.to_owned(), FILING.or(Rights::WRITE))],
                    other => vec![(other.to_owned(), FILING)],
                })
                .collect(),
            Self::Drop => each(DROPPING),
            // Whichever language the account's mailboxes were named in.
            Self::Draft => {
                let drafts = Language::ALL.map(|(language, _)| format!("mail/{}/**", SpecialUse::Drafts.name_in(language)));
                [each(READING), drafts.map(|pattern| (pattern, WRITING)).to_vec()].concat()
            }
        };
        let name = Self::ALL.into_iter().find(|(preset, _)| *preset == self).map_or("", |(_, name)| name);
        Scope { folders, preset: Some(name.to_owned()), ..Scope::of(services) }
    }
}

impl Scope {
    /// As wide as the account itself, for some services.
    pub fn of(services: Services) -> Self {
        Self { services, rights: Rights::ALL, folders: Vec::new(), zones: Vec::new(), expires: None, confirm: None, preset: None }
    }
}

impl PortalSession {
    /// Mint an app password.
    pub async fn mint_app_password(&self, proof: Stepped, scope: Scope, label: &str) -> Result<MintedAppPassword, Refusal> {
        let account = self.proven(&proof)?;
        let minted = self.gate.mint(&account, scope, label, None).await?;
        self.minted(label, &minted.public_id).await;
        Ok(minted)
    }

    /// Register a client certificate (X.509, DER) as an app password: SASL EXTERNAL opens with it what the scope says.
    pub async fn register_certificate(&self, proof: Stepped, scope: Scope, label: &str, der: &[u8]) -> Result<String, Refusal> {
        let account = self.proven(&proof)?;
        let minted = self.gate.mint(&account, scope, label, Some(der)).await?;
        self.minted(label, &minted.public_id).await;
        Ok(minted.public_id)
    }

    async fn minted(&self, label: &str, public_id: &str) {
        self.gate.0.outbox.notice(&self.address, Notice::AppPasswordMade { label: label.to_owned(), peer: self.peer });
        self.note("app-password mint", public_id, Outcome::Done, label).await;
    }

    /// The account's app passwords by age.
    pub fn app_passwords(&self) -> Vec<Arc<AppPassword>> {
        self.account().map_or(Vec::new(), |a| self.gate.engine().app_passwords(a.id))
    }

    /// The same, with all that is known of each.
    pub fn app_password_facts(&self) -> Vec<AppPasswordFacts> {
        self.app_passwords().into_iter().map(|record| self.gate.facts_of(record)).collect()
    }

    /// The zones that an app password can be narrowed to.
    pub fn zones(&self) -> Vec<String> {
        self.gate.policy().zones().map(str::to_owned).collect()
    }

    /// The services that the account's profile has.
    pub fn services(&self) -> Services {
        let policy = self.gate.policy();
        policy.profile(&self.profile()).map_or(Services::NONE, octroi_policy::Profile::services)
    }

    /// End one of the account's app passwords. Its live connections end too.
    pub async fn revoke_app_password(&self, public_id: &str) -> Result<(), Refusal> {
        let account = self.account()?;
        let found = self.gate.engine().app_password(public_id).filter(|a| a.account == account.id).ok_or(Refusal::Missing)?;
        let mut batch = Batch::new();
        batch.push(Change::Revoke(found.id));
        self.gate.engine().commit(batch).await?;
        self.note("app-password revoke", public_id, Outcome::Done, "").await;
        Ok(())
    }
}

impl Gate {
    pub(crate) fn facts_of(&self, record: Arc<AppPassword>) -> AppPasswordFacts {
        AppPasswordFacts { narrowing: self.engine().narrowing(record.id), confirmations: self.engine().confirmations(record.id), record }
    }

    /// Make an app password, or register a certificate as one. Callers have the proof that it may be made.
    pub(crate) async fn mint(
        &self,
        account: &Account,
        scope: Scope,
        label: &str,
        certificate: Option<&[u8]>,
    ) -> Result<MintedAppPassword, Refusal> {
        let label: String = label.chars().filter(|c| !c.is_control()).collect();
        if label.trim().is_empty() || label.len() > LABEL_BYTES_MAX {
            return Err(Refusal::Limit("length of the label"));
        }
        if self.engine().app_passwords(account.id).len() >= self.0.limits.app_passwords_max {
            return Err(Refusal::Limit("app passwords of one account"));
        }
        self.check_scope(account, &scope)?;
        let no_random = |error| {
            tracing::error!(%error, "no random bits for an app password");
            Refusal::Unavailable
        };
        let (public_id, text, keyed_hash) = match certificate {
            None => {
                let fresh = app_password::generate(&self.0.key).map_err(no_random)?;
                (fresh.public_id, fresh.text, fresh.keyed_hash)
            }
            Some(der) if der.is_empty() || der.len() > CERTIFICATE_BYTES_MAX => return Err(Refusal::Unsupported),
            Some(der) => (self.certificate_id(der), Zeroizing::default(), *self.0.key.hash_secret(der).as_bytes()),
        };
        let record = AppPassword {
            id: AppPasswordId(self.engine().new_id()),
            account: account.id,
            public_id: public_id.clone(),
            keyed_hash,
            label,
            services: scope.services,
            created: UnixTime::now(),
            expires: scope.expires,
            enrolled: true,
            rights: scope.rights,
            last_used: None,
        };
        let id = record.id;
        let to = Narrowing {
            folders: scope.folders,
            zones: scope.zones,
            confirm: scope.confirm,
            preset: scope.preset,
            certificate: certificate.is_some(),
            client: None,
        };
        let mut batch = Batch::new();
        batch.push(Change::Mint(record));
        batch.push(Change::Narrow { id, to });
        // A certificate is no password that could be proven.
        if certificate.is_none() {
            batch.push(Change::KeepScram { id, keys: self.new_scram_keys(account, &text).map_err(no_random)? });
        }
        self.engine().commit(batch).await?;
        Ok(MintedAppPassword { public_id, secret: text })
    }

    /// Within the profile, and understood in full: what is not understood is not taken for less.
    fn check_scope(&self, account: &Account, scope: &Scope) -> Result<(), Refusal> {
        let policy = self.policy();
        let allowed = policy.profile(&account.profile).map_or(Services::NONE, octroi_policy::Profile::services);
        if scope.services == Services::NONE || !scope.services.is_within(allowed) {
            return Err(Refusal::Unsupported);
        }
        // A credential that drafts must not send.
        if scope.preset.as_deref() == Some("draft") && scope.services.contains(Service::Submission) {
            return Err(Refusal::Unsupported);
        }
        if scope.folders.len() > FOLDERS_MAX {
            return Err(Refusal::Limit("folders of one app password"));
        }
        let understood = |pattern: &str| {
            let first = pattern.split('/').next().unwrap_or("");
            let area = first.contains('*') || Area::ALL.iter().any(|(_, name)| *name == first);
            area && Pattern::parse(pattern).is_ok()
        };
        if !scope.folders.iter().all(|(pattern, _)| understood(pattern)) {
            return Err(Refusal::Unsupported);
        }
        if !scope.zones.iter().all(|zone| policy.zones().any(|known| known == zone)) {
            return Err(Refusal::Missing);
        }
        match &scope.confirm {
            Some(confirm) if confirm.parse::<SecondFactor>().is_err() => Err(Refusal::Unsupported),
            _ => Ok(()),
        }
    }
}
