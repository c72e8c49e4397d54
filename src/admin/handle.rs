//! What each request does, through the gate's administration.

use super::protocol::{Reply, Request};
use crate::config::Config;
use crate::dkim::Keys;
use crate::import::receive::Order;
use crate::profiles::Profiles;
use crate::reports::Reporter;
use crate::tls::{Acceptors, Certificate};
use octroi_gate::{Admin, Area, PastRequest, Present, Progress, Queue, Refusal, RestoreOrder, SearchProgress, Step};
use octroi_model::{Address, Name, Path, QuotaLimit, UnixTime};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How often it is looked how far something is, and whether anybody still waits for it.
const LOOK: Duration = Duration::from_millis(200);

/// Answers requests.
#[derive(Clone)]
pub(crate) struct Handler {
    pub(super) admin: Admin,
    /// The data folder.
    pub(super) folder: PathBuf,
    /// Where `reload` finds the configuration; a demo has none.
    config: Option<PathBuf>,
    /// Octets that a message may have which is imported.
    message_bytes_max: u64,
    /// What a filter may be.
    pub(super) filters: octroi_sieve::Limits,
    /// What `reload` gives another certificate to; none where nobody is served.
    acceptors: Acceptors,
    pub(super) keys: Keys,
    /// Mail that waits to leave.
    pub(super) queue: Option<Queue>,
    /// Reports to others and of others.
    pub(super) reporter: Option<Reporter>,
}

impl Handler {
    /// `file` is where the configuration stands, if it is to be read again.
    pub(crate) fn new(admin: Admin, file: Option<PathBuf>, keys: Keys, config: &Config) -> Self {
        let (message_bytes_max, filters) = (config.message_bytes_max(), config.filters());
        Self {
            admin,
            folder: config.data.clone(),
            config: file,
            message_bytes_max,
            filters,
            acceptors: Acceptors::default(),
            keys,
            queue: None,
            reporter: None,
        }
    }

    /// Of a store with this queue.
    pub(crate) fn queueing(self, queue: Queue) -> Self {
        Self { queue: Some(queue), ..self }
    }

    /// Of a server that reports.
    pub(crate) fn reporting(self, reporter: Reporter) -> Self {
        Self { reporter: Some(reporter), ..self }
    }

    /// Of a server that has these.
    pub(crate) fn serving(self, acceptors: Acceptors) -> Self {
        Self { acceptors, ..self }
    }

    pub(crate) fn admin(&self) -> &Admin {
        &self.admin
    }

    /// An import's order, if that is what is asked for and there is such an account.
    pub(crate) fn import_order(&self, request: Request) -> Result<Order, String> {
        let Request::Import { address, resume } = request else { return Err("that is no import".to_owned()) };
        let owner = parse(&address)?;
        if !self.admin.accounts().iter().any(|account| account.address.key() == owner.key()) {
            return Err(format!("there is no account {address}"));
        }
        let present = if resume { Present::LeaveOut } else { Present::AddAgain };
        Ok(Order { owner, present, message_bytes_max: self.message_bytes_max })
    }

    /// Act on a request; what takes long tells through `progress` how far it is.
    pub(crate) async fn handle(&self, request: Request, progress: &Arc<Progress>) -> Reply {
        let may_be_dropped = request.may_be_dropped();
        let act = self.act(request, progress);
        let outcome = if may_be_dropped {
            tokio::select! {
                outcome = act => outcome,
                () = stopped(progress) => Err("stopped; what was done stays done".to_owned()),
            }
        } else {
            act.await
        };
        outcome.unwrap_or_else(Reply::Failed)
    }

    async fn act(&self, request: Request, progress: &Arc<Progress>) -> Result<Reply, String> {
        match request {
            Request::AccountAdd { address, name, profile, remote, password } => {
                self.account_add(&address, &name, &profile, remote, &password).await
            }
            Request::AccountList => Ok(self.account_list()),
            Request::AccountRemove { address } => done(self.admin.remove_account(&parse(&address)?).await, &address),
            Request::AccountSet { address, profile, remote } => self.account_set(&address, profile, remote).await,
            Request::AccountPassword { address, password } => self.account_password(&address, &password).await,
            Request::SecondFactorReset { address } => done(self.admin.reset_second_factors(&parse(&address)?).await, &address),
            Request::AppPasswordMint(order) => self.mint(&order).await,
            Request::AppPasswordList { address } => self.app_password_list(&address),
            Request::AppPasswordRevoke { id } => done(self.admin.revoke_app_password(&id).await, &id),
            Request::DkimShow => self.dkim_show(),
            Request::DkimGenerate => self.dkim_generate().await,
            Request::DkimSwitch => self.dkim_switch().await,
            Request::QuotaSet { address, path, bytes, items } => self.quota(&address, path, Some(QuotaLimit { bytes, items })).await,
            Request::QuotaRemove { address, path } => self.quota(&address, path, None).await,
            Request::QuotaList { address } => self.quota_list(address.as_deref()),
            Request::Documents { address, order } => self.documents(&address, order).await,
            Request::Sieve { address, order } => self.sieve(&parse(&address)?, order).await,
            Request::QueueList { after, domain } => self.queue_list(after, domain.as_deref()).await,
            Request::QueueShow { id } => self.queue_show(id).await,
            Request::QueueSteer(order) => self.queue_steer(order).await,
            Request::Reports { domain, since } => self.reports(domain.as_deref(), since),
            Request::ReportsSend { today } => self.reports_send(today).await,
            Request::Share { owner, path, with } => self.share(&owner, &path, &with).await,
            Request::GroupAdd { name } => self.group_add(&name).await,
            Request::GroupRemove { name } => done(self.admin.remove_group(&name).await, &format!("group `{name}`")),
            Request::GroupList => Ok(self.group_list()),
            Request::GroupMember { name, address, is_member } => {
                done(self.admin.set_member(&name, &parse(&address)?, is_member).await, &format!("group `{name}`"))
            }
            Request::GroupAddress { name, address, members_only } => self.group_address(&name, address.as_deref(), members_only).await,
            Request::AliasAdd { name, to, outside } => self.alias_add(&name, &to, outside).await,
            Request::AliasRemove { name, to } => self.alias_remove(&name, &to).await,
            Request::AliasList => Ok(self.alias_list()),
            Request::LockList => Ok(self.lock_list()),
            Request::LockBreak { token } => self.lock_break(&token).await,
            Request::Explain(order) => self.explain(order),
            // It takes more than one answer: the socket serves it.
            Request::Import { .. } => Err("an import goes on over its own connection".to_owned()),
            Request::Audit { lines, account, before } => self.audit(lines, account.as_deref(), before).await,
            Request::AuditVerify { expect } => self.audit_verify(expect).await,
            Request::AuditLines { after } => self.audit_lines(after).await,
            Request::Reload => self.reload().await,
            Request::Check => self.check(progress).await,
            Request::StoreStat { segments } => super::store::stat(&self.admin, segments).await,
            Request::StoreCompact { all } => super::store::compact(&self.admin, all, progress).await,
            Request::RebuildSearch => self.rebuild_search(progress).await,
            Request::BackupCreate { folder, with_key } => self.backup(folder, with_key, progress).await,
            Request::BackupRestore { folder, snapshot, account, place, at, into, in_place, create } => {
                let (account, at) = (parse(&account)?, at.map(UnixTime));
                let place = place.map(|place| area_path(&place)).transpose()?;
                let into = into.map(|into| Name::new(&into).map_err(|e| format!("`{into}`: {e}"))).transpose()?;
                let order = RestoreOrder { account, place, into, create };
                self.restore(PastRequest { folder, snapshot, at }, order, in_place, progress).await
            }
        }
    }

    async fn reload(&self) -> Result<Reply, String> {
        let file = self.config.as_ref().ok_or("this server has no configuration file to read again")?;
        let config = Config::load(file).map_err(|e| e.to_string())?;
        // All is read before any of it is put in force.
        let Profiles { policy, authorities } = config.profiles().map_err(|e| e.to_string())?;
        let certificate = Certificate::of(&config)?;
        // Certificates first, for these can still be refused: a zone that needs one is never in force without its authority.
        self.acceptors.reload(&certificate, &authorities)?;
        self.admin.replace_policy(policy).await;
        Ok(Reply::Done)
    }

    /// Make the search index anew, and wait until it is whole; who no longer waits does not stop it.
    async fn rebuild_search(&self, progress: &Arc<Progress>) -> Result<Reply, String> {
        self.admin.rebuild_search().await.map_err(|r| say(r, "the search index"))?;
        let watcher = progress.watcher();
        loop {
            let search = self.search_progress()?;
            watcher(Step { what: "messages", done: search.indexed, all: search.messages });
            if search.is_complete {
                return Ok(Reply::Text(format!("the search index has all {} messages", search.messages)));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn search_progress(&self) -> Result<SearchProgress, String> {
        self.admin.search_progress().ok_or_else(|| "this store has no search index".to_owned())
    }

    async fn check(&self, progress: &Arc<Progress>) -> Result<Reply, String> {
        let report = self.admin.check(progress.watcher()).await.map_err(|r| say(r, "the store"))?;
        let mut summary = format!("{} segments, {} journal frames and {} items read", report.segments, report.frames, report.items);
        if let Ok(search) = self.search_progress() {
            let _ = write!(summary, "; {} of {} messages in the search index", search.indexed, search.messages);
        }
        Ok(Reply::Check { summary, faults: report.faults })
    }
}

/// Until nobody waits for it any more.
async fn stopped(progress: &Progress) {
    while !progress.is_stopped() {
        tokio::time::sleep(LOOK).await;
    }
}

pub(super) fn parse(address: &str) -> Result<Address, String> {
    address.parse().map_err(|e| format!("`{address}`: {e}"))
}

/// `files/Actes/2026` as area and path.
pub(super) fn area_path(text: &str) -> Result<(Area, Path), String> {
    let (name, rest) = text.split_once('/').unwrap_or((text, ""));
    let area = Area::ALL.into_iter().find(|(_, n)| *n == name).map(|(a, _)| a);
    let area = area.ok_or_else(|| format!("`{name}` is not one of mail, calendars, contacts, files"))?;
    let path = if rest.is_empty() { Path::top() } else { Path::parse(rest, '/').map_err(|e| format!("`{rest}`: {e}"))? };
    Ok((area, path))
}

pub(super) fn done(outcome: Result<(), Refusal>, subject: &str) -> Result<Reply, String> {
    outcome.map(|()| Reply::Done).map_err(|refusal| say(refusal, subject))
}

pub(super) fn say(refusal: Refusal, subject: &str) -> String {
    match refusal {
        Refusal::UnknownRecipient => "there is no such account".to_owned(),
        Refusal::Missing => format!("there is no {subject}"),
        other => format!("{subject}: {other}"),
    }
}

pub(super) fn time(at: UnixTime) -> String {
    jiff::Timestamp::from_second(at.0).map_or_else(|_| at.0.to_string(), |t| t.to_string())
}
