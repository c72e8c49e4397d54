//! Administration: accounts, app passwords, shares, profiles, audit, checks. Never a way into anybody's mail.
//!
//! Handed to the admin socket only. Every act leaves an audit line; the administrator is whoever can reach the socket.

use crate::acts::sharing::{Identifier, find_grantee};
use crate::audit::Line;
use crate::explain::Question;
use crate::gate::{Gate, new_collection};
use crate::key::KEY_FILE;
use crate::password;
use crate::portal::{AppPasswordFacts, MintedAppPassword, Scope};
use crate::refusal::Refusal;
use crate::second_factor::TotpEnrolment;
use crate::tree::{self, home_kind};
use octroi_engine::{
    BackupError, BackupReport, BackupRequest, Batch, Change, CheckReport, Compacted, Engine, Past, PastRequest, Progress, ReadError,
    SearchProgress, StoreStat, Trail, Watcher,
};
use octroi_model::{
    Account, AccountId, Acl, Address, AuditLine, AuditQuery, AuditVia, Collection, CollectionKind, Name, Outcome, Path, QuotaRoot, Rights,
    SpecialUse, UnixTime,
};
use octroi_policy::{Area, Policy};
use std::path::PathBuf;
use std::sync::Arc;

/// What no backup holds.
const REMINDER: &str = "The configuration, the profiles and the TLS key are not in this backup.";
/// What is also not in one that was made without the key.
const REMINDER_WITHOUT_KEY: &str = "The data folder's secret.key is not in this backup: keep a copy of it elsewhere, for without it every app \
    password and second factor has to be made anew. Nor are the configuration, the profiles and the TLS key.";

/// Who is to be let in.
#[derive(Debug, Clone)]
pub struct NewAccount<'a> {
    /// The address; its domain must be one of ours.
    pub address: &'a Address,
    /// For people.
    pub display_name: &'a str,
    /// Name of a profile.
    pub profile: &'a str,
    /// Main password for the portal; without one there is no signing in there.
    pub password: Option<&'a str>,
    /// From outside, too.
    pub remote_access: bool,
}

/// Administration. Cheap to clone.
#[derive(Clone)]
pub struct Admin {
    pub(crate) gate: Gate,
}

impl Admin {
    pub(crate) fn new(gate: Gate) -> Self {
        Self { gate }
    }

    /// Make an account with its INBOX and special-use mailboxes, a calendar, an address book and a document tree. The mailboxes are named in
    /// the organisation's language; from then on their names are the person's own.
    pub async fn add_account(&self, new: NewAccount<'_>) -> Result<AccountId, Refusal> {
        if !self.gate.is_local_domain(new.address.domain()) {
            return Err(Refusal::NotRelay);
        }
        if self.gate.policy().profile(new.profile).is_none() {
            return Err(Refusal::Missing);
        }
        let password_hash = match new.password {
            None => None,
            Some(text) => {
                let own = [new.address.to_string(), new.display_name.to_owned(), self.gate.organisation().name.clone()];
                password::check(text, &own).map_err(Refusal::Password)?;
                Some(password::hash(text).await.ok_or(Refusal::Unavailable)?)
            }
        };
        let _turn = self.gate.0.addresses.lock().await;
        if self.gate.engine().alias(&new.address.key()).is_some() {
            return Err(Refusal::Exists);
        }
        let id = AccountId(self.gate.engine().new_id());
        let language = self.gate.0.limits.language;
        let mut batch = Batch::new();
        batch.push(Change::CreateAccount(Account {
            id,
            address: new.address.clone(),
            display_name: new.display_name.to_owned(),
            profile: new.profile.to_owned(),
            password_hash,
            totp: None,
            remote_access: new.remote_access,
            created: UnixTime::now(),
            // Clients that list by subscription show no other: Thunderbird would make a Trash of its own.
            subscriptions: ["INBOX"].into_iter().chain(SpecialUse::ALL.map(|(one, _)| one.name_in(language))).map(str::to_owned).collect(),
        }));
        for collection in self.default_collections(id)? {
            batch.push(Change::CreateCollection { collection, parent_head: None });
        }
        if let Some(limit) = self.gate.0.limits.account_quota {
            batch.push(Change::SetQuota { root: QuotaRoot::Account(id), limit: Some(limit) });
        }
        self.gate.engine().commit(batch).await?;
        self.note("account add", &new.address.to_string(), new.profile).await;
        Ok(id)
    }

    fn default_collections(&self, owner: AccountId) -> Result<Vec<Collection>, Refusal> {
        let mut collections = Vec::new();
        let mut add = |parent: Option<&Collection>, name: &str, kind, special_use| -> Result<Collection, Refusal> {
            let name = Name::new(name).map_err(|_| Refusal::Unsupported)?;
            let mut collection = new_collection(self.gate.engine(), parent.map(|p| p.id), name, kind, owner);
            collection.special_use = special_use;
            collections.push(collection.clone());
            Ok(collection)
        };
        let mail = add(None, "mail", home_kind(Area::Mail), None)?;
        add(Some(&mail), "INBOX", CollectionKind::Mailbox, None)?;
        for (special_use, _) in SpecialUse::ALL {
            add(Some(&mail), special_use.name_in(self.gate.0.limits.language), CollectionKind::Mailbox, Some(special_use))?;
        }
        let calendars = add(None, "calendars", home_kind(Area::Calendars), None)?;
        add(Some(&calendars), "calendar", CollectionKind::Calendar, None)?;
        let contacts = add(None, "contacts", home_kind(Area::Contacts), None)?;
        add(Some(&contacts), "contacts", CollectionKind::Addressbook, None)?;
        add(None, "files", home_kind(Area::Files), None)?;
        Ok(collections)
    }

    /// Remove an account with all that is its own: one commit. Its live sessions end.
    pub async fn remove_account(&self, address: &Address) -> Result<(), Refusal> {
        let account = self.account(address)?;
        let mut batch = Batch::new();
        for home in self.gate.engine().homes(account.id) {
            for collection in tree::subtree(self.gate.engine(), &home).iter().rev() {
                batch.push(Change::RemoveCollection { collection: collection.id, parent_head: None });
            }
        }
        batch.push(Change::RemoveAccount(account.id));
        batch.over_locks();
        self.gate.engine().commit(batch).await?;
        self.note("account remove", &address.to_string(), "").await;
        Ok(())
    }

    /// All accounts by address.
    pub fn accounts(&self) -> Vec<Arc<Account>> {
        self.gate.engine().accounts()
    }

    /// Another profile, or remote access granted or withdrawn.
    pub async fn set_profile(&self, address: &Address, profile: &str, remote_access: bool) -> Result<(), Refusal> {
        let account = self.account(address)?;
        if self.gate.policy().profile(profile).is_none() {
            return Err(Refusal::Missing);
        }
        let mut batch = Batch::new();
        batch.push(Change::SetProfile { account: account.id, profile: profile.to_owned(), remote_access });
        self.gate.engine().commit(batch).await?;
        self.note("account profile", &address.to_string(), &format!("{profile}, remote access {remote_access}")).await;
        Ok(())
    }

    /// Another main password.
    pub async fn set_password(&self, address: &Address, password: &str) -> Result<(), Refusal> {
        let account = self.account(address)?;
        self.gate.set_password(&account, password).await?;
        self.note("account password", &address.to_string(), "").await;
        Ok(())
    }

    /// Enrol a second factor on a person's behalf; the secret is returned to be handed over.
    pub async fn enrol_totp(&self, address: &Address) -> Result<TotpEnrolment, Refusal> {
        let account = self.account(address)?;
        let enrolment = TotpEnrolment::generate(&self.gate.organisation().name, &address.to_string());
        let sealed = self.gate.0.key.seal(&enrolment.secret).map_err(|_| Refusal::Unavailable)?;
        let mut batch = Batch::new();
        batch.push(Change::SetTotp { account: account.id, sealed_secret: Some(sealed) });
        self.gate.engine().commit(batch).await?;
        self.note("second factor enrol", &address.to_string(), "totp").await;
        Ok(enrolment)
    }

    /// Mint an app password on a person's behalf.
    pub async fn mint_app_password(&self, address: &Address, scope: Scope, label: &str) -> Result<MintedAppPassword, Refusal> {
        let account = self.account(address)?;
        let minted = self.gate.mint(&account, scope, label, None).await?;
        self.note("app-password mint", &format!("{address} {}", minted.public_id), label).await;
        Ok(minted)
    }

    /// Register a client certificate (X.509, DER) as an app password; returns its visible id.
    pub async fn register_certificate(&self, address: &Address, scope: Scope, label: &str, der: &[u8]) -> Result<String, Refusal> {
        let account = self.account(address)?;
        let minted = self.gate.mint(&account, scope, label, Some(der)).await?;
        self.note("app-password mint", &format!("{address} {}", minted.public_id), label).await;
        Ok(minted.public_id)
    }

    /// An account's app passwords by age, with all that is known of each.
    pub fn app_passwords(&self, address: &Address) -> Result<Vec<AppPasswordFacts>, Refusal> {
        let records = self.gate.engine().app_passwords(self.account(address)?.id);
        Ok(records.into_iter().map(|record| self.gate.facts_of(record)).collect())
    }

    /// Has the account a second factor?
    pub fn has_second_factor(&self, account: &Account) -> bool {
        crate::factors::has_any(account, &self.gate.engine().factors(account.id))
    }

    /// Take all second factors of an account away, for who has lost them all; the person enrols anew at the next sign-in.
    pub async fn reset_second_factors(&self, address: &Address) -> Result<(), Refusal> {
        let account = self.account(address)?;
        self.gate
            .alter_factors(account.id, |factors| {
                *factors = octroi_model::Factors::default();
                Ok(())
            })
            .await?;
        let mut batch = Batch::new();
        batch.push(Change::SetTotp { account: account.id, sealed_secret: None });
        self.gate.engine().commit(batch).await?;
        self.note("second factor reset", &address.to_string(), "").await;
        Ok(())
    }

    /// End an app password, whosever it is.
    pub async fn revoke_app_password(&self, public_id: &str) -> Result<(), Refusal> {
        let found = self.gate.engine().app_password(public_id).ok_or(Refusal::Missing)?;
        let mut batch = Batch::new();
        batch.push(Change::Revoke(found.id));
        self.gate.engine().commit(batch).await?;
        self.note("app-password revoke", public_id, "").await;
        Ok(())
    }

    /// Say who else may do what with a collection and all below it; an empty list closes it.
    pub async fn share(&self, owner: &Address, area: Area, path: &Path, with: &[(Identifier, Rights)]) -> Result<(), Refusal> {
        let collection = self.find(owner, area, path)?;
        let entries: Acl =
            with.iter().map(|(who, rights)| Ok((find_grantee(&self.gate, who)?, *rights))).collect::<Result<_, Refusal>>()?;
        let acl = (!entries.is_empty()).then_some(entries);
        let mut batch = Batch::new();
        batch.push(Change::SetAcl { collection: collection.id, acl });
        self.gate.engine().commit(batch).await?;
        let said: Vec<String> = with.iter().map(|(who, rights)| format!("{who}={rights}")).collect();
        self.note("share", &format!("{owner} {}/{}", area.name(), path.join("/")), &said.join(" ")).await;
        Ok(())
    }

    /// Why somebody may or may not do something.
    pub fn explain(&self, question: &Question<'_>) -> Result<String, Refusal> {
        self.gate.explain(question)
    }

    /// The zone of an address.
    pub fn zone_of(&self, address: std::net::IpAddr) -> String {
        self.gate.zone_named(address)
    }

    /// Put other profiles and zones in force. Every session is decided anew.
    pub async fn replace_policy(&self, policy: Policy) {
        self.gate.replace_policy(policy);
        self.note("profiles reload", "", "").await;
    }

    /// Lines of the audit trail.
    pub async fn audit(&self, wanted: AuditQuery) -> Result<Vec<AuditLine>, Refusal> {
        Ok(self.gate.engine().audit(wanted).await?)
    }

    /// Walk the whole audit trail; its end, or the first fault.
    pub async fn verify_audit(&self) -> Result<Result<Trail, String>, Refusal> {
        self.gate.verify_audit().await
    }

    /// Read and compare everything in the store.
    pub async fn check(&self, watcher: Watcher) -> Result<CheckReport, Refusal> {
        Ok(self.gate.engine().check_watched(watcher).await?)
    }

    /// What the store consists of.
    pub async fn store_stat(&self) -> Result<StoreStat, ReadError> {
        self.gate.engine().stat().await
    }

    /// Give back the space of what was deleted, now; `all`: of everything that holds anything deleted.
    pub async fn compact(&self, all: bool, watcher: Watcher) -> Result<Compacted, ReadError> {
        let done = self.gate.engine().compact(all, watcher).await?;
        let what = format!("{} segments, {} large contents", done.segments, done.large);
        self.note("store compact", &what, &format!("{} bytes before, {} now", done.bytes_before, done.bytes_after)).await;
        Ok(done)
    }

    /// Make the search index anew; returns when that has begun. [`Admin::search_progress`] says how far it is.
    pub async fn rebuild_search(&self) -> Result<(), Refusal> {
        self.gate.engine().rebuild_search().await?;
        self.note("rebuild-search", "", "").await;
        Ok(())
    }

    /// How far the search index is; `None` if there is none.
    pub fn search_progress(&self) -> Option<SearchProgress> {
        self.gate.engine().search_progress()
    }

    /// Make a snapshot of the whole store in the folder of a backup, with these files of the data folder, which are sealed. The data folder's
    /// key goes into it only if that is asked for: with it, whoever reads the backup can use what is sealed in it.
    pub async fn backup(
        &self,
        folder: PathBuf,
        with_key: bool,
        sealed: Vec<String>,
        progress: Arc<Progress>,
    ) -> Result<BackupReport, BackupError> {
        let shown = folder.display().to_string();
        let mut beside = sealed;
        if with_key {
            beside.insert(0, KEY_FILE.to_owned());
        }
        let reminder = if with_key { REMINDER } else { REMINDER_WITHOUT_KEY };
        let report = self.gate.engine().backup(BackupRequest { folder, beside, reminder: reminder.to_owned() }, progress).await?;
        self.note("backup create", &shown, &report.snapshot).await;
        Ok(report)
    }

    /// Open a backup as the store was.
    pub async fn past(&self, from: PastRequest, progress: Arc<Progress>) -> Result<Past, BackupError> {
        self.gate.engine().past(from, progress).await
    }

    /// Let what is under way end and close the store.
    pub async fn close(&self) {
        self.gate.engine().close().await;
    }

    pub(crate) fn account(&self, address: &Address) -> Result<Arc<Account>, Refusal> {
        self.gate.engine().account_by_key(&address.key()).ok_or(Refusal::UnknownRecipient)
    }

    pub(crate) fn find(&self, owner: &Address, area: Area, path: &Path) -> Result<Arc<Collection>, Refusal> {
        tree::descend(self.gate.engine(), self.account(owner)?.id, area, path.names()).ok_or(Refusal::Missing)
    }

    pub(crate) fn gate(&self) -> &Gate {
        &self.gate
    }

    pub(crate) fn engine(&self) -> &dyn Engine {
        self.gate.engine()
    }

    pub(crate) fn collections_max(&self) -> usize {
        self.gate.0.limits.collections_max
    }

    pub(crate) async fn note(&self, act: &str, subject: &str, reason: &str) {
        self.gate
            .audit(Line { account: None, act, subject, peer: "admin", outcome: Outcome::Done, reason, via: AuditVia::default() })
            .await;
    }
}
