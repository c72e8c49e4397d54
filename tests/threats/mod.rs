//! The attacks that servers of this kind have fallen to, each as a test against the program over its sockets.
//!
//! Others stand where what they attack is tested: small literals, nesting, echoed line ends and STARTTLS in `fixtures/dialogues`, zones and
//! proxies in `clients/proxies.rs`, the end of data in `dialogues/smuggling.rs`, rights by a side door in `matrix`, the time that a refusal
//! takes in `storage/gate/tests`, what any octets do in `fuzz`.

mod codes;
mod credentials;
mod crowds;
mod portal;
mod starttls;
mod strangers;

use crate::support::server::DOMAIN;
use octroi_gate::{Admin, NewAccount, Scope};
use octroi_model::Services;

/// Everybody's own, and what others share; a code from everywhere but the office.
const PROFILES: &str = r#"
[zone.office]
networks = ["127.0.0.0/16"]

[profile.person]
portal = true
send_to = "inside"
[profile.person.services]
imap = ["*"]
submission = ["*"]
caldav = ["*"]
carddav = ["*"]
files = ["*"]
sieve = ["*"]
[profile.person.second_factor]
office = "enrolment"
anywhere = "12h"
[[profile.person.rule]]
owner = "self"
path = "**"
rights = "lrswipkxtea"
[[profile.person.rule]]
owner = "others"
path = "**"
rights = "lrswipkxte"
"#;

/// Somebody with an app password and an authenticator.
struct Member {
    address: String,
    secret: String,
    totp: String,
}

async fn member(admin: &Admin, name: &str) -> Member {
    let address = format!("{name}@{DOMAIN}");
    let parsed = address.parse().unwrap();
    let new = NewAccount { address: &parsed, display_name: "", profile: "person", password: None, remote_access: true };
    admin.add_account(new).await.unwrap();
    let totp = admin.enrol_totp(&parsed).await.unwrap().secret_base32.to_string();
    let secret = admin.mint_app_password(&parsed, Scope::of(Services::ALL), "test").await.unwrap().secret.to_string();
    Member { address, secret, totp }
}
