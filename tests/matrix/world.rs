//! The people of the matrix: owners whose `Secret` is shared with everybody, and for each set of rights and each kind of credential somebody who
//! comes with it.
//!
//! What always holds: each owner is used by one test thread at a time, so that the state before and after a case can be compared. The store is
//! filled before the program is started on it, because only the portal makes narrow app passwords, one at a time and with a code each.

use crate::support::Server;
use crate::support::prepared::prepared;
use crate::support::server::DOMAIN;
use octroi_gate::{Admin, Area, Identifier, NewAccount, Preset, Scope};
use octroi_model::{Address, Path, Rights, Service, Services, UnixTime};
use std::fmt::Write as _;

/// RFC 4314's letters and our digits.
pub(super) const LETTERS: &str = "lrswipkxtea012";
/// Where the rules of the matrix hold.
pub(super) const OFFICE: &str = "127.0.0.9";
/// Where they do not.
pub(super) const ELSEWHERE: &str = "127.1.0.9";
/// Whoever looks there sees it, with whatever rights elsewhere: the way to `Secret` is known to exist.
pub(super) const OPEN: &str = "Open";
/// A main password.
pub(super) const MAIN: &str = "Un-Long-Mot-De-Passe-42";

/// Somebody with a credential, and what the rules and the credential leave of the rights on `Secret`.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    pub(super) name: String,
    pub(super) address: String,
    pub(super) secret: String,
    /// On mail.
    pub(super) mail: String,
    /// On documents, calendars and address books.
    pub(super) files: String,
    /// On what is their own, as far as the credential leaves it.
    pub(super) own_mail: String,
    pub(super) own_files: String,
    /// A credential of the same account that is not narrow, to set things up with.
    pub(super) whole: String,
}

/// Somebody whose log-in must be refused.
#[derive(Debug, Clone)]
pub(super) struct Stranger {
    pub(super) why: &'static str,
    pub(super) address: String,
    pub(super) secret: String,
}

/// A server with all of them.
pub(super) struct World {
    pub(super) server: Server,
    pub(super) owners: Vec<Subject>,
    pub(super) subjects: Vec<Subject>,
    pub(super) strangers: Vec<Stranger>,
    /// By `send_to`.
    pub(super) senders: Vec<Subject>,
    /// One for each set of rights, whose mailboxes nobody else looks at: mail may come while the others are counted.
    pub(super) recipients: Vec<Subject>,
}

/// Owners, and so cases at the same time.
pub(super) const OWNERS: usize = 4;

impl World {
    pub(super) fn start() -> Self {
        let (server, mut filled) = prepared(&profiles(), fill);
        filled.subjects.sort_by(|a, b| a.name.cmp(&b.name));
        let Filled { owners, subjects, strangers, senders, recipients } = filled;
        Self { server, owners, subjects, strangers, senders, recipients }
    }
}

/// Each letter removed from all, and all, none, `lr`, `l`.
pub(super) fn sets() -> Vec<(String, String)> {
    let mut sets: Vec<(String, String)> = LETTERS.chars().map(|gone| (format!("without-{gone}"), LETTERS.replace(gone, ""))).collect();
    sets.extend(
        [("all", LETTERS), ("none", ""), ("reader", "lr"), ("looker", "l")].map(|(name, rights)| (name.to_owned(), rights.to_owned())),
    );
    sets
}

fn profiles() -> String {
    let mut text = "[zone.office]\nnetworks = [\"127.0.0.0/16\"]\n".to_owned();
    let services = "[profile.NAME.services]\nimap = [\"*\"]\nsubmission = [\"*\"]\ncaldav = [\"*\"]\ncarddav = [\"*\"]\nfiles = [\"*\"]\nsieve = [\"*\"]\n\
                    [profile.NAME.second_factor]\n\"*\" = \"enrolment\"\n\
                    [[profile.NAME.rule]]\nowner = \"self\"\npath = \"**\"\nrights = \"lrswipkxtea\"\n";
    let mut profile = |name: &str, more: &str, rules: &str| {
        let _ = write!(text, "[profile.{name}]\nportal = true\n{more}{}{rules}", services.replace("NAME", name));
    };
    profile("plain", "send_to = \"anyone\"\n", "");
    for (name, to) in [("inside", "send_to = \"inside\"\n"), ("nobody", ""), ("anyone", "send_to = \"anyone\"\n")] {
        profile(&format!("send-{name}"), to, "");
    }
    profile("send-outside", "", "[[profile.send-outside.action]]\naction = \"send\"\nto = [\"outside\"]\n");
    for (name, rights) in sets() {
        let mut rules = String::new();
        for area in ["mail", "files", "calendars", "contacts"] {
            let _ = write!(rules, "[[profile.{name}.rule]]\nowner = \"others\"\npath = \"{area}/{OPEN}/**\"\nrights = \"lr\"\n");
            if !rights.is_empty() {
                let path = format!("{area}/Secret/**");
                let _ = write!(
                    rules,
                    "[[profile.{name}.rule]]\nowner = \"others\"\npath = \"{path}\"\nrights = \"{rights}\"\nzones = [\"office\"]\n"
                );
            }
        }
        profile(&name, "", &rules);
    }
    text
}

#[derive(Default)]
struct Filled {
    owners: Vec<Subject>,
    subjects: Vec<Subject>,
    strangers: Vec<Stranger>,
    senders: Vec<Subject>,
    recipients: Vec<Subject>,
}

async fn fill(admin: Admin) -> Filled {
    let mut filled = Filled::default();
    for number in 0..OWNERS {
        let owner = person(&admin, &format!("owner{number}"), "plain", None).await;
        let address: Address = owner.address.parse().unwrap();
        for area in [Area::Mail, Area::Calendars, Area::Contacts, Area::Files] {
            admin.share(&address, area, &Path::top(), &[(Identifier::Anyone, Rights::ALL)]).await.unwrap();
        }
        filled.owners.push(owner);
    }
    for (name, rights) in sets() {
        let subject = person(&admin, &name, &name, (name == "all").then_some(MAIN)).await;
        filled.subjects.push(Subject { mail: rights.clone(), files: rights, ..subject });
        filled.recipients.push(person(&admin, &format!("to-{name}"), &name, None).await);
    }
    for name in ["inside", "outside", "nobody", "anyone"] {
        filled.senders.push(person(&admin, &format!("send-{name}"), &format!("send-{name}"), None).await);
    }
    narrow(&admin, &mut filled).await;
    filled
}

async fn person(admin: &Admin, name: &str, profile: &str, password: Option<&str>) -> Subject {
    let address = format!("{name}@{DOMAIN}");
    let parsed: Address = address.parse().unwrap();
    let new = NewAccount { address: &parsed, display_name: "", profile, password, remote_access: false };
    admin.add_account(new).await.unwrap();
    let secret = mint(admin, &address, Scope::of(Services::ALL)).await;
    let (all, own, whole) = (LETTERS.to_owned(), "lrswipkxtea".to_owned(), secret.clone());
    Subject { name: name.to_owned(), address, secret, mail: all.clone(), files: all, own_mail: own.clone(), own_files: own, whole }
}

async fn mint(admin: &Admin, address: &str, scope: Scope) -> String {
    admin.mint_app_password(&address.parse().unwrap(), scope, "matrix").await.unwrap().secret.to_string()
}

/// What the credential takes away from somebody whose profile has everything. An account for each, so that none sees what another took.
async fn narrow(admin: &Admin, filled: &mut Filled) {
    let whole = || Scope::of(Services::ALL);
    let everywhere = |rights: &str| {
        ["mail/Shared/*/Secret/**", "files/Shared/*/Secret/**", "calendars/Secret~*", "contacts/Secret~*"]
            .map(|path| (path.to_owned(), letters(rights)))
            .to_vec()
    };
    // A credential that drafts is not made for sending.
    let reading = [Service::Caldav, Service::Carddav, Service::Files].into_iter().fold(Services::NONE.with(Service::Imap), Services::with);
    let kinds = [
        ("by-letters", Scope { rights: letters("lrs"), ..whole() }, "lrs", "lrs"),
        ("other-folder", Scope { folders: vec![("**/Other/**".to_owned(), Rights::ALL)], ..whole() }, "", ""),
        ("this-folder", Scope { folders: everywhere("lrt"), ..whole() }, "lrt", "lrt"),
        // In mail `w` is for flags; on a document it would write over it.
        ("organise", Preset::Organise.scope(Services::ALL, &[]), "lrsikw0", "lrsik0"),
        ("read", Preset::Read.scope(Services::ALL, &[]), "lrs", "lrs"),
        ("drop", Preset::Drop.scope(Services::ALL, &[]), "li", "li"),
        ("draft", Preset::Draft.scope(reading, &[]), "lrs", "lrs"),
    ];
    for (name, scope, mail, files) in kinds {
        let subject = person(admin, &format!("kind-{name}"), "all", None).await;
        let secret = mint(admin, &subject.address, scope).await;
        let (mail, files) = (mail.to_owned(), files.to_owned());
        let here = name == "this-folder";
        let (own_mail, own_files) = if here { (String::new(), String::new()) } else { (mail.clone(), files.clone()) };
        filled.subjects.push(Subject { secret, mail, files, own_mail, own_files, ..subject });
    }
    let address = format!("all@{DOMAIN}");
    let past = UnixTime(UnixTime::now().0 - 1);
    let revoked = mint(admin, &address, whole()).await;
    admin.revoke_app_password(revoked.split('-').next().unwrap()).await.unwrap();
    // Whoever is asked for by the matrix comes over the other service.
    for (why, secret) in [
        ("expired", mint(admin, &address, Scope { expires: Some(past), ..whole() }).await),
        ("revoked", revoked),
        ("main password", MAIN.to_owned()),
        ("for mail only", mint(admin, &address, Scope::of(Services::NONE.with(Service::Imap))).await),
        ("for documents only", mint(admin, &address, Scope::of(Services::NONE.with(Service::Files))).await),
        ("never made", "nobodynobody-abcdefghijklmnopqrstuvwxyz234567".to_owned()),
    ] {
        filled.strangers.push(Stranger { why, address: address.clone(), secret });
    }
}

fn letters(text: &str) -> Rights {
    Rights::parse(text).unwrap()
}

/// Are these letters among the rights there, and those behind a `+` among those on what is one's own?
pub(super) fn may(there: &str, own: &str, needs: &str) -> bool {
    let (needs, needs_own) = needs.split_once('+').unwrap_or((needs, ""));
    has(there, needs) && has(own, needs_own)
}

/// Are all of these among them? What is implied counts: `r` brings `1`; `t` and `e` bring `0`.
pub(super) fn has(rights: &str, needs: &str) -> bool {
    let implied = |letter: char| (letter == '1' && rights.contains('r')) || (letter == '0' && rights.contains('t') && rights.contains('e'));
    needs.chars().all(|letter| rights.contains(letter) || implied(letter))
}
