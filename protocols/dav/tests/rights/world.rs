//! A gate before a real engine in a temporary folder, people, and requests of theirs.

use axum::Router;
use axum::body::Body;
use data_encoding::BASE64;
use http::{HeaderMap, Request};
use octroi_dav::{DavConfig, router};
use octroi_engine::{Embedded, Options};
use octroi_gate::{Admin, DataKey, Errands, Gate, Limits, NewAccount, Opened, Organisation, Policy, Queue, Scope, code_at};
use octroi_http::Client;
use octroi_model::{Address, AuditFrom, AuditLine, AuditQuery, Service, Services, UnixTime};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tower::ServiceExt;

pub(crate) const OFFICE: [u8; 4] = [10, 0, 0, 1];
pub(crate) const SECURED: [u8; 4] = [10, 20, 0, 1];
pub(crate) const ANYWHERE: [u8; 4] = [192, 0, 2, 1];
pub(crate) const PORTAL: &str = "https://portal.octroi.example/";

/// No rule guards the acts: the reserved actions have to by themselves.
const PROFILES: &str = r#"
[zone.office]
networks = ["10.0.0.0/8"]
[zone.secured]
networks = ["10.20.0.0/16"]

[action.validate-act]
description = "Validate an official act"
adds_to = ["files/**/Actes/Validated/**"]
sets = ["$Validated"]
in = ["files/**/Actes/**"]
zones = ["secured"]
second_factor_within = "WITHIN"

[profile.agent]
send_to = "anyone"
fresh_for = "WITHIN"
actions = ["validate-act"]
[profile.agent.services]
files = ["*"]
caldav = ["*"]
carddav = ["*"]
[profile.agent.second_factor]
"*" = "enrolment"
[[profile.agent.rule]]
path = "**"
rights = "lrswipkxtea01"

[profile.lead]
send_to = "inside"
[profile.lead.services]
files = ["*"]
caldav = ["*"]
carddav = ["*"]
[profile.lead.second_factor]
"*" = "enrolment"
[[profile.lead.rule]]
path = "**"
rights = "lrswipkxtea01"
[[profile.lead.action]]
action = "share"
with = ["accounts", "group:quai", "profile:agent"]
[[profile.lead.action]]
action = "export"
zones = ["office"]
"#;

pub(crate) struct World {
    pub(crate) admin: Admin,
    router: Router,
    _errands: Errands,
    _queue: Queue,
    _folder: tempfile::TempDir,
}

/// Somebody's credential.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) address: String,
    pub(crate) secret: String,
    totp: String,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with_second_factors_of("10m").await
    }

    /// A second factor counts as fresh for so long.
    pub(crate) async fn with_second_factors_of(within: &str) -> Self {
        Self::made(within, DavConfig::default()).await
    }

    /// With these limits of DAV.
    pub(crate) async fn limited(config: DavConfig) -> Self {
        Self::made("10m", config).await
    }

    async fn made(within: &str, config: DavConfig) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let engine = Embedded::open(folder.path(), Options::default()).await.unwrap();
        let organisation = Organisation {
            name: "Test".to_owned(),
            hostname: "mail.octroi.example".to_owned(),
            domains: vec!["octroi.example".to_owned()],
            postmaster: None,
            portal_url: PORTAL.to_owned(),
        };
        let policy = Policy::parse(&PROFILES.replace("WITHIN", within)).unwrap();
        let limits = Limits { confirm_wait: Duration::ZERO, ..Limits::default() };
        let opened = Gate::open(engine, organisation, policy, limits, DataKey::from_bytes(&[3; 32])).await;
        let Opened { gate, admin, queue, errands, .. } = opened.unwrap();
        let router = router(gate, Arc::new(config));
        Self { admin, router, _errands: errands, _queue: queue, _folder: folder }
    }

    /// Somebody new, with an app password for all that the profile has.
    pub(crate) async fn person(&self, local: &str, profile: &str, display_name: &str) -> Person {
        let address: Address = format!("{local}@octroi.example").parse().unwrap();
        let new = NewAccount { address: &address, display_name, profile, password: None, remote_access: true };
        self.admin.add_account(new).await.unwrap();
        let totp = self.admin.enrol_totp(&address).await.unwrap().secret_base32.to_string();
        let person = Person { address: address.to_string(), secret: String::new(), totp };
        self.narrow(&person, Scope::of(services())).await
    }

    /// Another app password of the same person.
    pub(crate) async fn narrow(&self, person: &Person, scope: Scope) -> Person {
        let minted = self.admin.mint_app_password(&person.address.parse().unwrap(), scope, "test").await.unwrap();
        Person { secret: minted.secret.to_string(), ..person.clone() }
    }

    /// Confirm the credential from there by a code sent along. Of one person's codes each has to be later than the one before.
    pub(crate) async fn confirm(&self, person: &Person, from: [u8; 4], step: i64) {
        let code = code_at(&person.totp, UnixTime::now().0 + 30 * step).unwrap();
        let with_code = Person { secret: format!("{} {code}", person.secret), ..person.clone() };
        assert_eq!(self.ask(&with_code, from, "PROPFIND", &files(person, ""), &[("depth", "0")], "").await.status, 207);
    }

    pub(crate) async fn ask(&self, who: &Person, from: [u8; 4], method: &str, path: &str, more: &[(&str, &str)], body: &str) -> Answer {
        let response = self.send(who, from, method, path, more, body).await;
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap().to_vec();
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    /// The same, while it comes.
    pub(crate) async fn send(
        &self,
        who: &Person,
        from: [u8; 4],
        method: &str,
        path: &str,
        more: &[(&str, &str)],
        body: &str,
    ) -> http::Response<Body> {
        let basic = BASE64.encode(format!("{}:{}", who.address, who.secret).as_bytes());
        let mut request = Request::builder().method(method).uri(path).header("authorization", format!("Basic {basic}"));
        for (name, value) in more {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Body::from(body.to_owned())).unwrap();
        request.extensions_mut().insert(Client { addr: IpAddr::from(from), certificate: None });
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// From the office, where most do not look further.
    pub(crate) async fn at_office(&self, who: &Person, method: &str, path: &str, body: &str) -> Answer {
        self.ask(who, OFFICE, method, path, &[("depth", "0")], body).await
    }

    /// The audit trail, once what was done just now is in it.
    pub(crate) async fn lines(&self) -> Vec<AuditLine> {
        tokio::time::sleep(Duration::from_millis(300)).await;
        self.admin.audit(AuditQuery { account: None, from: AuditFrom::After(0), lines_max: 10_000 }).await.unwrap()
    }
}

/// What the profiles have.
pub(crate) fn services() -> Services {
    Services::NONE.with(Service::Files).with(Service::Caldav).with(Service::Carddav)
}

/// A path in somebody's documents.
pub(crate) fn files(person: &Person, path: &str) -> String {
    format!("/dav/files/{}/{path}", person.address)
}

/// A PROPFIND for these properties.
pub(crate) fn propfind(properties: &str) -> String {
    format!(
        r#"<D:propfind xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:K="urn:octroi:keyword"><D:prop>{properties}</D:prop></D:propfind>"#
    )
}

/// A PROPPATCH that sets or removes one keyword.
pub(crate) fn mark(keyword: &str, set: bool) -> String {
    let (act, value) = if set { ("set", "1") } else { ("remove", "") };
    format!(
        r#"<D:propertyupdate xmlns:D="DAV:"><D:{act}><D:prop><k:{keyword} xmlns:k="urn:octroi:keyword">{value}</k:{keyword}></D:prop></D:{act}></D:propertyupdate>"#
    )
}
