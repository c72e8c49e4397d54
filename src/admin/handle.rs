//! What each request does, through the gate's administration.

use super::protocol::{AccountLine, AppPasswordLine, QuotaLine, Reply, Request, Secret};
use crate::config::Config;
use crate::import::receive::Order;
use crate::size;
use octroi_gate::{
    Admin, AppPasswordFacts, Area, Identifier, NewAccount, PastRequest, Present, Progress, Question, Refusal, RestoreOrder, Scope,
    SearchProgress, Step, Strength,
};
use octroi_model::{Address, AuditFrom, AuditQuery, Name, Path, QuotaLimit, Rights, Service, Services, UnixTime};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Most audit lines in one answer.
const AUDIT_LINES_MAX: usize = 10_000;

/// How often it is looked how far something is, and whether anybody still waits for it.
const LOOK: Duration = Duration::from_millis(200);

/// Answers requests.
#[derive(Clone)]
pub(crate) struct Handler {
    admin: Admin,
    /// Where `reload` finds the configuration; a demo has none.
    config: Option<PathBuf>,
    /// Octets that a message may have which is imported.
    message_bytes_max: u64,
}

impl Handler {
    pub(crate) fn new(admin: Admin, config: Option<PathBuf>, message_bytes_max: u64) -> Self {
        Self { admin, config, message_bytes_max }
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
            Request::AppPasswordMint { address, label, services, expires_days } => {
                self.mint(&address, &label, &services, expires_days).await
            }
            Request::AppPasswordList { address } => self.app_password_list(&address),
            Request::AppPasswordRevoke { id } => done(self.admin.revoke_app_password(&id).await, &id),
            Request::QuotaSet { address, path, bytes, items } => self.quota(&address, path, Some(QuotaLimit { bytes, items })).await,
            Request::QuotaRemove { address, path } => self.quota(&address, path, None).await,
            Request::QuotaList { address } => self.quota_list(address.as_deref()),
            Request::Share { owner, path, with } => self.share(&owner, &path, &with).await,
            Request::Explain { who, service, path, zone, from, strength, credential } => {
                self.explain(&who, &service, &path, zone, from, &strength, credential.as_deref())
            }
            // It takes more than one answer: the socket serves it.
            Request::Import { .. } => Err("an import goes on over its own connection".to_owned()),
            Request::Audit { lines } => self.audit(lines).await,
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

    async fn account_add(&self, address: &str, name: &str, profile: &str, remote: bool, password: &Secret) -> Result<Reply, String> {
        let parsed = parse(address)?;
        let new = NewAccount { address: &parsed, display_name: name, profile, password: Some(&password.0), remote_access: remote };
        match self.admin.add_account(new).await {
            Ok(_) => Ok(Reply::Done),
            Err(Refusal::NotRelay) => Err(format!("the domain of {address} is not one of ours")),
            Err(Refusal::Missing) => Err(format!("there is no profile `{profile}`")),
            Err(Refusal::Exists) => Err(format!("{address} exists already")),
            Err(refusal) => Err(say(refusal, address)),
        }
    }

    fn account_list(&self) -> Reply {
        let line = |account: &std::sync::Arc<octroi_model::Account>| AccountLine {
            address: account.address.to_string(),
            name: account.display_name.clone(),
            profile: account.profile.clone(),
            remote: account.remote_access,
            second_factor: self.admin.has_second_factor(account),
        };
        Reply::Accounts(self.admin.accounts().iter().map(line).collect())
    }

    async fn mint(&self, address: &str, label: &str, services: &[String], expires_days: Option<u32>) -> Result<Reply, String> {
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

    fn app_password_list(&self, address: &str) -> Result<Reply, String> {
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

    async fn quota(&self, address: &str, path: Option<String>, limit: Option<QuotaLimit>) -> Result<Reply, String> {
        let owner = parse(address)?;
        let at = path.as_deref().map(area_path).transpose()?;
        match self.admin.set_quota(&owner, at.as_ref().map(|(area, inner)| (*area, inner)), limit).await {
            Err(Refusal::Missing) if path.is_none() => Err(format!("{address} has no quota")),
            outcome => done(outcome, &path.unwrap_or_default()),
        }
    }

    fn quota_list(&self, address: Option<&str>) -> Result<Reply, String> {
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

    async fn share(&self, owner: &str, path: &str, with: &[String]) -> Result<Reply, String> {
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

    fn explain(
        &self,
        who: &str,
        service: &str,
        path: &str,
        zone: Option<String>,
        from: Option<std::net::IpAddr>,
        strength: &str,
        credential: Option<&str>,
    ) -> Result<Reply, String> {
        let who = parse(who)?;
        let service = Service::parse(service).ok_or_else(|| format!("there is no service `{service}`"))?;
        let inner = if path.is_empty() { Path::top() } else { Path::parse(path, '/').map_err(|e| format!("`{path}`: {e}"))? };
        let zone = zone.or_else(|| from.map(|address| self.admin.zone_of(address))).unwrap_or_else(|| "anywhere".to_owned());
        let strength = strength.parse::<Strength>().map_err(|e| e.to_string())?;
        let question = Question { who: &who, service, path: &inner, zone: &zone, strength, credential };
        match self.admin.explain(&question) {
            Ok(text) => Ok(Reply::Text(text)),
            Err(Refusal::Precondition) => Err(format!("there is no zone `{zone}`")),
            Err(refusal) => Err(say(refusal, path)),
        }
    }

    async fn audit(&self, lines: usize) -> Result<Reply, String> {
        let wanted = AuditQuery { account: None, from: AuditFrom::Newest, lines_max: lines.min(AUDIT_LINES_MAX) };
        let entries = self.admin.audit(wanted).await.map_err(|r| say(r, "the audit trail"))?;
        let accounts = self.admin.accounts();
        let mut text = String::new();
        for line in entries {
            let entry = line.entry;
            let who = entry.account.map_or_else(
                || "-".to_owned(),
                |id| accounts.iter().find(|a| a.id == id).map_or_else(|| format!("account {id}"), |a| a.address.to_string()),
            );
            let _ = writeln!(
                text,
                "{}  {:?}  {who}  {}  {}  from {}  {}",
                time(entry.at),
                entry.outcome,
                entry.act,
                entry.subject,
                entry.peer,
                entry.reason
            );
        }
        Ok(Reply::Text(text))
    }

    async fn reload(&self) -> Result<Reply, String> {
        let file = self.config.as_ref().ok_or("this server has no configuration file to read again")?;
        let policy = Config::load(file).and_then(|c| c.policy()).map_err(|e| e.to_string())?;
        self.admin.replace_policy(policy).await;
        Ok(Reply::Done)
    }

    async fn backup(&self, folder: PathBuf, with_key: bool, progress: &Arc<Progress>) -> Result<Reply, String> {
        let report = self.admin.backup(folder, with_key, progress.clone()).await.map_err(|e| e.to_string())?;
        let (copied, all) = (size::tell(report.copied_bytes), size::tell(report.bytes));
        Ok(Reply::Text(format!(
            "snapshot {}: {} files of {copied} copied, {all} in all\n{}",
            report.snapshot, report.copied_files, report.reminder
        )))
    }

    async fn restore(&self, from: PastRequest, mut order: RestoreOrder, in_place: bool, progress: &Arc<Progress>) -> Result<Reply, String> {
        let past = self.admin.past(from, progress.clone()).await.map_err(|e| e.to_string())?;
        let moment = time(past.time());
        if !in_place && order.into.is_none() {
            // The same moment has the same name: asked for again, a restore that was interrupted goes on. Not every client takes a colon.
            let name = format!("Restored {}", moment.replace('T', " ").replace(':', "."));
            order.into = Some(Name::new(&name).map_err(|e| e.to_string())?);
        }
        let outcome = self.admin.restore(&past, &order, progress).await;
        let snapshot = past.snapshot().to_owned();
        past.close().await;
        let done = outcome.map_err(|e| e.to_string())?;
        let place = order.into.map_or_else(|| "in place".to_owned(), |into| format!("in `{into}`"));
        let mut summary = format!(
            "{} as of {moment} (snapshot {snapshot}), {place}: {} items and {} collections added, {} were there already",
            order.account, done.items, done.collections, done.present
        );
        if done.taken > 0 {
            let _ = write!(summary, "; {} left alone whose name something else has now", done.taken);
        }
        if done.account_made {
            summary.push_str("; the account was made anew, without a password");
        }
        Ok(Reply::Restored { summary, lost: done.lost })
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

fn parse(address: &str) -> Result<Address, String> {
    address.parse().map_err(|e| format!("`{address}`: {e}"))
}

/// `files/Actes/2026` as area and path.
fn area_path(text: &str) -> Result<(Area, Path), String> {
    let (name, rest) = text.split_once('/').unwrap_or((text, ""));
    let area = Area::ALL.into_iter().find(|(_, n)| *n == name).map(|(a, _)| a);
    let area = area.ok_or_else(|| format!("`{name}` is not one of mail, calendars, contacts, files"))?;
    let path = if rest.is_empty() { Path::top() } else { Path::parse(rest, '/').map_err(|e| format!("`{rest}`: {e}"))? };
    Ok((area, path))
}

fn done(outcome: Result<(), Refusal>, subject: &str) -> Result<Reply, String> {
    outcome.map(|()| Reply::Done).map_err(|refusal| say(refusal, subject))
}

fn say(refusal: Refusal, subject: &str) -> String {
    match refusal {
        Refusal::UnknownRecipient => "there is no such account".to_owned(),
        Refusal::Missing => format!("there is no {subject}"),
        other => format!("{subject}: {other}"),
    }
}

pub(super) fn time(at: UnixTime) -> String {
    jiff::Timestamp::from_second(at.0).map_or_else(|_| at.0.to_string(), |t| t.to_string())
}
