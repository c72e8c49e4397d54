//! A gate before a real engine in a temporary folder, for the tests of this crate.

#![allow(clippy::unwrap_used, dead_code)]

pub(crate) mod documents;
pub(crate) mod scram;

use octroi_engine::{Embedded, Options};
use octroi_gate::{
    Admin, Area, Channel, Content, Credentials, DataKey, Draft, Errands, Gate, Identifier, Limits, Login, NewAccount, Opened, Organisation,
    Policy, Pushes, Queue, Scope, Session,
};
use octroi_model::{Address, AuditFrom, AuditLine, AuditQuery, Flags, Name, Path, Rights, Service, Services, UnixTime};
use std::net::IpAddr;

/// Everybody's log-ins come from here unless a test says otherwise.
pub(crate) const OFFICE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));

/// The owner has everything of their own; the subject has on others' collections what a test says.
pub(crate) fn policy(rights: Rights) -> Policy {
    policy_from(rights, "office")
}

/// The same, and what the text says further.
pub(crate) fn policy_with(more: &str) -> Policy {
    Policy::parse(&format!("{}{more}", policy_text(Rights::ALL, "office"))).unwrap()
}

pub(crate) fn policy_from(rights: Rights, zone: &str) -> Policy {
    Policy::parse(&policy_text(rights, zone)).unwrap()
}

pub(crate) fn policy_text(rights: Rights, zone: &str) -> String {
    let rights = if rights == Rights::NONE { String::new() } else { rights.to_string() };
    let services: String = Service::ALL.iter().map(|(_, name)| format!("{name} = [\"*\"]\n")).collect();
    let rule = if rights.is_empty() {
        String::new()
    } else {
        format!("[[profile.subject.rule]]\nowner = \"others\"\npath = \"**\"\nrights = \"{rights}\"\nzones = [\"{zone}\"]\n")
    };
    format!(
        "[zone.office]\nnetworks = [\"10.0.0.0/8\"]\n\
         [profile.owner]\nportal = true\nsend_to = \"anyone\"\n[profile.owner.services]\n{services}[profile.owner.second_factor]\n\"*\" = \"enrolment\"\n\
         [[profile.owner.rule]]\nowner = \"self\"\npath = \"**\"\nrights = \"lrswipkxtea\"\n\
         [profile.subject]\nportal = true\nsend_to = \"inside\"\n[profile.subject.services]\n{services}[profile.subject.second_factor]\noffice = \"enrolment\"\nanywhere = \"1h\"\n{rule}"
    )
}

pub(crate) struct World {
    pub(crate) gate: Gate,
    pub(crate) admin: Admin,
    pub(crate) queue: Queue,
    pub(crate) errands: tokio::sync::Mutex<Errands>,
    pub(crate) pushes: tokio::sync::Mutex<Pushes>,
    pub(crate) folder: tempfile::TempDir,
}

pub(crate) fn address(text: &str) -> Address {
    text.parse().unwrap()
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub(crate) fn path(text: &str) -> Path {
    if text.is_empty() { Path::top() } else { Path::parse(text, '/').unwrap() }
}

pub(crate) const OWNER: &str = "owner@octroi.example";
pub(crate) const SUBJECT: &str = "subject@octroi.example";

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(&Limits::default()).await
    }

    pub(crate) async fn with(limits: &Limits) -> Self {
        let world = Self::over(tempfile::tempdir().unwrap(), limits).await;
        for (who, profile) in [(OWNER, "owner"), (SUBJECT, "subject")] {
            let address = address(who);
            let new =
                NewAccount { address: &address, display_name: "", profile, password: Some("Quay-Lantern-4821"), remote_access: false };
            world.admin.add_account(new).await.unwrap();
        }
        for area in [Area::Mail, Area::Calendars, Area::Contacts, Area::Files] {
            world.admin.share(&address(OWNER), area, &Path::top(), &[(Identifier::Anyone, Rights::ALL)]).await.unwrap();
        }
        world
    }

    /// What is in that folder.
    pub(crate) async fn over(folder: tempfile::TempDir, limits: &Limits) -> Self {
        let engine = Embedded::open(folder.path(), Options::default()).await.unwrap();
        let organisation = Organisation {
            name: "Test".to_owned(),
            hostname: "mail.octroi.example".to_owned(),
            domains: vec!["octroi.example".to_owned()],
            postmaster: Some(address(OWNER)),
            portal_url: "https://portal.octroi.example/".to_owned(),
        };
        let opened = Gate::open(
            engine,
            organisation,
            policy(Rights::ALL),
            Limits { sends_to_numbers: true, ..*limits },
            DataKey::from_bytes(&[3; 32]),
        )
        .await;
        let Opened { gate, admin, queue, errands, pushes } = opened.unwrap();
        Self { gate, admin, queue, errands: tokio::sync::Mutex::new(errands), pushes: tokio::sync::Mutex::new(pushes), folder }
    }

    pub(crate) async fn mint(&self, who: &str, services: Services) -> String {
        self.admin.mint_app_password(&address(who), Scope::of(services), "test").await.unwrap().secret.to_string()
    }

    /// The audit trail, once what was done just now is in it.
    pub(crate) async fn lines(&self) -> Vec<AuditLine> {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        self.admin.audit(AuditQuery { account: None, from: AuditFrom::After(0), lines_max: 10_000 }).await.unwrap()
    }

    pub(crate) async fn login(&self, who: &str, secret: &str, service: Service, peer: IpAddr) -> Login {
        self.gate.login(Credentials { user: who, secret }, Channel::new(service, peer)).await
    }

    pub(crate) async fn session(&self, who: &str, service: Service) -> Session {
        let secret = self.mint(who, Services::ALL).await;
        open(self.login(who, &secret, service, OFFICE).await)
    }
}

pub(crate) fn open(login: Login) -> Session {
    match login {
        Login::Open(session) => session,
        Login::NeedsSecondFactor(_) => panic!("a second factor was asked for"),
        Login::Busy => panic!("the log-in was put off"),
        Login::Refused => panic!("the log-in was refused"),
    }
}

pub(crate) fn draft(text: &str) -> Draft {
    let octets = format!("Subject: {text}\r\n\r\n{text}\r\n");
    let header_bytes = octets.find("\r\n\r\n").unwrap() + 4;
    let content = Content::message(b"facts", octets.as_bytes(), header_bytes);
    Draft { content, flags: Flags::NONE, keywords: Vec::new(), date: UnixTime(1_800_000_000) }
}
