//! Minting more than one has, what outlives an account, and what outlives a right.

use super::{PROFILES, member};
use crate::support::http::{Http, base64, respond};
use crate::support::imap::Imap;
use crate::support::prepared::prepared;
use crate::support::process::{Ran, run};
use crate::support::server::OCTROI;
use crate::support::wire::Wire;
use crate::support::{PATIENCE, Server, smtp::Smtp};
use octroi_gate::{Admin, Preset, Scope};
use octroi_model::{Service, Services};
use std::time::{Duration, Instant};

fn octroi(server: &Server, arguments: &[&str]) -> Ran {
    run(OCTROI, &[arguments, &["--config", server.config()]].concat())
}

/// A narrow credential makes a wide one: there is no way to do so, over any protocol.
#[test]
fn a_narrow_credential_mints_nothing() {
    async fn fill(admin: Admin) -> (super::Member, Vec<String>) {
        let member = member(&admin, "narrow").await;
        let address = member.address.parse().unwrap();
        let mut narrow = Vec::new();
        for scope in
            [Preset::Read.scope(Services::NONE.with(Service::Imap), &[]), Preset::Drop.scope(Services::ALL, &[]), Scope::of(Services::ALL)]
        {
            narrow.push(admin.mint_app_password(&address, scope, "narrow").await.unwrap().secret.to_string());
        }
        (member, narrow)
    }
    let (server, (member, narrow)) = prepared(PROFILES, fill);
    let listed = || {
        octroi(&server, &["app-password", "list", &member.address])
            .good()
            .lines()
            .map(|l| l.split('\t').next().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let before = listed();
    for secret in &narrow {
        // The portal takes main passwords only, and no `Authorization`.
        let http = Http::with(&server, &member.address, secret);
        let mint = b"label=more&service=imap&access=full&days=";
        let form = [("Content-Type", "application/x-www-form-urlencoded")];
        for (method, path) in [("POST", "/portal/app-passwords"), ("PUT", "/portal/app-passwords"), ("POST", "/portal/second-factor")] {
            let said = http.request(method, path, &form, mint);
            assert!(said.status >= 400 && said.header("set-cookie").is_none_or(|c| !c.is_empty()), "{method} {path}: {}", said.status);
            assert!(!said.text().contains("id=\"app-password\""), "{method} {path}");
        }
        let signed = http.request("GET", "/portal/app-passwords", &[], b"");
        assert!(!signed.text().contains("/portal/sign-out"), "an app password opens no portal");
        // What WebDAV serves has no method for it.
        for path in
            ["/dav/", "/dav/principals/", &format!("/dav/principals/{}/", member.address), &format!("/dav/files/{}/", member.address)]
        {
            for method in ["POST", "PATCH", "ACL", "BIND", "LOCK", "MKREDIRECTREF"] {
                let said = http.request(method, path, &form, mint);
                assert!((400..500).contains(&said.status), "{method} {path}: {}", said.status);
            }
        }
        if let Ok(mut imap) = Imap::try_login(&server, &member.address, secret) {
            for command in ["GENURLAUTH \"imap://x/INBOX\" INTERNAL", "RESETKEY", "SETMETADATA \"\" (/private/password x)", "XAPPPASSWORD"]
            {
                assert!(!imap.command(command).is_ok(), "{command}");
            }
        }
    }
    assert_eq!(listed(), before);
}

/// An account is removed and another made under its address: nothing of the first may open anything of the second.
#[test]
fn create_delete_create_gives_no_old_credential_anything() {
    let (server, (old, sharer)) = prepared(PROFILES, async |admin| (member(&admin, "again").await, member(&admin, "sharer").await));
    octroi(&server, &["share", &sharer.address, "mail/INBOX", "--with", &format!("{}=lr", old.address)]).good();
    octroi(&server, &["share", &sharer.address, "files", "--with", &format!("{}=lr", old.address)]).good();
    let mut live = Imap::try_login(&server, &old.address, &old.secret).unwrap();
    let shared = format!("Shared/{}/INBOX", sharer.address);
    live.ok(&format!("SELECT {shared}"));
    let mut kept = Kept::open(&server, &old.address, &old.secret);
    let home = format!("/dav/files/{}/", old.address);
    assert_eq!(kept.ask("PROPFIND", &home), 207);
    assert_eq!(kept.ask("PROPFIND", &format!("{home}Shared/{}/", sharer.address)), 207);

    octroi(&server, &["account", "remove", &old.address]).good();
    assert_eq!(kept.ask("PROPFIND", &home), 401, "what was believed of a credential is asked for again");
    octroi(&server, &["account", "add", &old.address, "--profile", "person"]).good();
    for path in [home.clone(), format!("{home}Shared/{}/", sharer.address)] {
        assert_eq!(kept.ask("PROPFIND", &path), 401);
        assert_eq!(Http::with(&server, &old.address, &old.secret).request("PROPFIND", &path, &[("Depth", "0")], b"").status, 401);
    }
    assert!(live.try_command("NOOP").is_err() || live.try_command("FETCH 1 ALL").is_err(), "the old session reads on");
    assert!(Imap::try_login(&server, &old.address, &old.secret).is_err());
    let mut smtp = Smtp { wire: Wire::tls(server.address("submissions"), server.certificate()) };
    smtp.reply().unwrap();
    smtp.expect("EHLO client.test", 250);
    smtp.expect(&format!("AUTH PLAIN {}", base64(format!("\0{}\0{}", old.address, old.secret).as_bytes())), 535);

    // A share was with the person, not with the address.
    let services = "imap,files";
    let minted = octroi(&server, &["app-password", "mint", &old.address, "--label", "new", "--services", services]).good();
    let new = crate::support::server::last_word(&minted);
    let mut imap = Imap::try_login(&server, &old.address, &new).unwrap();
    assert!(!imap.ok("LIST \"\" *").text().contains("Shared"), "an old share is there again");
    assert!(!imap.command(&format!("SELECT {shared}")).is_ok());
    let path = format!("{home}Shared/{}/", sharer.address);
    assert_eq!(Http::with(&server, &old.address, &new).request("PROPFIND", &path, &[("Depth", "0")], b"").status, 404);
}

/// A live IDLE loses a share within a second of its being withdrawn.
#[test]
fn a_withdrawn_share_ends_idle_on_it_within_a_second() {
    let (server, (reader, sharer)) = prepared(PROFILES, async |admin| (member(&admin, "reader").await, member(&admin, "owner").await));
    let with = format!("{}=lr", reader.address);
    octroi(&server, &["share", &sharer.address, "mail/INBOX", "--with", &with]).good();
    let mailbox = format!("Shared/{}/INBOX", sharer.address);
    idle_ends(&server, &reader, &mailbox, || octroi(&server, &["share", &sharer.address, "mail/INBOX"]).good());
    let mut imap = Imap::try_login(&server, &reader.address, &reader.secret).unwrap();
    assert!(!imap.ok("LIST \"\" *").text().contains("Shared"));
}

/// A live view ends with the rule of the profile that it rests on, without a restart.
#[test]
fn a_withdrawn_profile_rule_ends_a_live_view() {
    let (server, (reader, sharer)) = prepared(PROFILES, async |admin| (member(&admin, "reader").await, member(&admin, "owner").await));
    octroi(&server, &["share", &sharer.address, "mail/INBOX", "--with", "anyone=lr"]).good();
    octroi(&server, &["share", &sharer.address, "files", "--with", "anyone=lr"]).good();
    let mailbox = format!("Shared/{}/INBOX", sharer.address);
    let shared = format!("/dav/files/{}/Shared/{}/", reader.address, sharer.address);
    let mut kept = Kept::open(&server, &reader.address, &reader.secret);
    assert_eq!(kept.ask("PROPFIND", &shared), 207);
    let (without, _) = PROFILES.rsplit_once("[[profile.person.rule]]").unwrap();
    idle_ends(&server, &reader, &mailbox, || {
        std::fs::write(server.data().with_extension("profiles.toml"), without).unwrap();
        octroi(&server, &["reload"]).good()
    });
    assert_eq!(kept.ask("PROPFIND", &shared), 404);
    let mut imap = Imap::try_login(&server, &reader.address, &reader.secret).unwrap();
    assert!(!imap.command(&format!("EXAMINE {mailbox}")).is_ok());
    imap.ok("SELECT INBOX");
}

/// Revoked, a credential's session ends within a second also while it only waits.
#[test]
fn a_revoked_credential_ends_idle_within_a_second() {
    let (server, reader) = prepared(PROFILES, async |admin| member(&admin, "revoked").await);
    let id = reader.secret.split('-').next().unwrap();
    idle_ends(&server, &reader, "INBOX", || octroi(&server, &["app-password", "revoke", id]).good());
    assert!(Imap::try_login(&server, &reader.address, &reader.secret).is_err());
}

/// IDLE on a mailbox; after `withdraw` it ends, and tells nothing of what comes after.
#[track_caller]
fn idle_ends(server: &Server, reader: &super::Member, mailbox: &str, withdraw: impl FnOnce() -> String) {
    let mut imap = Imap::try_login(server, &reader.address, &reader.secret).unwrap();
    imap.ok(&format!("SELECT {mailbox}"));
    imap.wire.send("i IDLE\r\n");
    while !imap.wire.line().starts_with('+') {}
    // Read on a thread of its own, so that the moment of the end is known whatever the command takes to return.
    let ended = std::thread::spawn(move || {
        imap.wire.set_patience(PATIENCE);
        let mut said = Vec::new();
        while let Ok(Some(line)) = imap.wire.try_line() {
            said.push(line);
        }
        (said, Instant::now())
    });
    withdraw();
    let withdrawn = Instant::now();
    let (said, at) = ended.join().unwrap();
    assert!(said.last().is_some_and(|line| line.starts_with("* BYE")), "{said:?}");
    let took = at.saturating_duration_since(withdrawn);
    assert!(took < Duration::from_secs(1), "it ended only after {took:?}");
}

/// An HTTP connection that is kept, with what the server keeps of its credential.
struct Kept {
    wire: Wire,
    authorization: String,
}

impl Kept {
    fn open(server: &Server, user: &str, secret: &str) -> Self {
        let address = format!("127.0.0.1:{}", server.port("https"));
        Self { wire: Wire::tls(&address, server.certificate()), authorization: base64(format!("{user}:{secret}").as_bytes()) }
    }

    fn ask(&mut self, method: &str, path: &str) -> u16 {
        let authorization = &self.authorization;
        self.wire.send(format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nDepth: 0\r\nAuthorization: Basic {authorization}\r\n\r\n"));
        respond(&mut self.wire, method).unwrap().status
    }
}
