//! Quotas on every protocol: what is refused is told in the protocol's own words, and nothing else is lost or changed.

use crate::admin::{mint, octroi};
use crate::support::http::Http;
use crate::support::imap::Imap;
use crate::support::process::run;
use crate::support::server::{DOMAIN, OCTROI, configuration};
use crate::support::smtp::Smtp;
use crate::support::{Server, message, shared, unique};
use std::fs;

/// An account of its own, and an app password for everything.
fn account(server: &Server) -> (String, String) {
    let address = format!("{}@{DOMAIN}", unique("quota"));
    octroi(server, &["account", "add", &address, "--profile", "agent"]).good();
    let (secret, _) = mint(server, &address, "imap,files,caldav,submission");
    (address, secret)
}

fn large(to: &str, subject: &str, bytes: usize) -> String {
    let line = format!("{}\r\n", "x".repeat(76));
    format!("{}{}", message("front@elsewhere.example", to, subject), line.repeat(bytes / line.len()))
}

#[test]
fn imap_append_and_copy() {
    let server = shared();
    let (address, secret) = account(server);
    let mut imap = Imap::try_login(server, &address, &secret).unwrap();
    let first = large(&address, "first", 6000);
    assert!(imap.try_append("INBOX", "", first.as_bytes()).unwrap().is_ok());
    octroi(server, &["quota", "set", &address, "10K"]).good();
    let refused = imap.try_append("INBOX", "", large(&address, "second", 6000).as_bytes()).unwrap();
    assert!(refused.status.starts_with("NO [OVERQUOTA] "), "{}", refused.status);
    let selected = imap.ok("SELECT INBOX");
    assert_eq!(selected.exists(), Some(1), "the session goes on, and the message is not there");
    let refused = imap.command("COPY 1 Archive");
    assert!(refused.status.starts_with("NO [OVERQUOTA] "), "{}", refused.status);
    assert_eq!(imap.ok("STATUS Archive (MESSAGES)").number("MESSAGES"), Some(0));
    imap.ok("MOVE 1 Archive");
    assert_eq!(imap.ok("SELECT Archive").exists(), Some(1));
    assert_eq!(imap.body(1), first.as_bytes());
    imap.ok("STORE 1 +FLAGS.SILENT (\\Deleted)");
    imap.ok("EXPUNGE");
    assert!(imap.try_append("INBOX", "", large(&address, "third", 6000).as_bytes()).unwrap().is_ok(), "there is room again");
}

/// RFC 9208: what a client shows of a quota, and that it cannot set one.
#[test]
fn imap_tells_of_quotas() {
    let server = shared();
    let (address, secret) = account(server);
    let mut imap = Imap::try_login(server, &address, &secret).unwrap();
    assert!(imap.ok("CAPABILITY").text().contains(" QUOTA QUOTA=RES-STORAGE QUOTA=RES-MESSAGE"));
    assert_eq!(imap.ok("GETQUOTAROOT INBOX").lines(), ["* QUOTAROOT INBOX"], "none is set");
    imap.ok("CREATE \"&AMk-t&AOk-\"");
    octroi(server, &["quota", "set", &address, "1M", "--items", "10"]).good();
    octroi(server, &["quota", "set", &address, "mail/Été", "5000"]).good();
    octroi(server, &["quota", "set", &address, "files", "1K"]).good();
    assert!(imap.try_append("&AMk-t&AOk-", "\\Deleted", &[b'x'; 3000]).unwrap().is_ok());
    let (whole, own) = (format!("\"{address}\""), "mail/&AMk-t&AOk-");
    let expected = [
        format!("* QUOTAROOT &AMk-t&AOk- {address} {own}"),
        format!("* QUOTA {address} (STORAGE 3 1024 MESSAGE 1 10)"),
        format!("* QUOTA {own} (STORAGE 3 4)"),
    ];
    assert_eq!(imap.ok("GETQUOTAROOT \"&AMk-t&AOk-\"").lines(), expected);
    // Also of one that is still to be made.
    assert_eq!(imap.ok("GETQUOTAROOT New/One").lines()[1..], expected[1..2]);
    assert_eq!(imap.ok(&format!("GETQUOTA {whole}")).lines(), expected[1..2]);
    assert_eq!(imap.ok(&format!("GETQUOTA \"{own}\"")).lines(), expected[2..]);
    for unknown in ["files", "nothing", "\"\""] {
        assert!(imap.command(&format!("GETQUOTA {unknown}")).status.starts_with("NO [NONEXISTENT] "), "{unknown}");
    }
    let other = Imap::login(server, server.user(6)).command(&format!("GETQUOTA {whole}"));
    assert!(other.status.starts_with("NO [NONEXISTENT] "), "of one's own only: {}", other.status);
    assert!(imap.command(&format!("SETQUOTA {whole} (STORAGE 9)")).status.starts_with("NO [NOPERM] "));
    let status = imap.ok("STATUS \"&AMk-t&AOk-\" (MESSAGES DELETED DELETED-STORAGE)").text();
    assert!(status.contains("(MESSAGES 1 DELETED 1 DELETED-STORAGE 3)"), "{status}");
}

/// RFC 2033 section 4.2: a reply for each recipient.
#[test]
fn lmtp_refuses_the_full_mailbox_only() {
    let server = shared();
    let ((full, full_secret), (free, free_secret)) = (account(server), account(server));
    octroi(server, &["quota", "set", &full, "5K"]).good();
    let subject = unique("both");
    let mut lmtp = Smtp::connect(server, "lmtp");
    lmtp.expect("MAIL FROM:<front@elsewhere.example>", 250);
    lmtp.expect(&format!("RCPT TO:<{free}>"), 250);
    lmtp.expect(&format!("RCPT TO:<{full}>"), 250);
    lmtp.expect("DATA", 354);
    lmtp.wire.send(format!("{}.\r\n", large(&free, &subject, 8000)));
    let (first, second) = (lmtp.reply().unwrap(), lmtp.reply().unwrap());
    assert_eq!((first.code, second.code), (250, 452), "{first:?} {second:?}");
    assert!(second.text.starts_with("4.2.2 "), "{second:?}");
    // With its size it is refused before it comes; the session goes on either way.
    lmtp.expect("MAIL FROM:<front@elsewhere.example> SIZE=8000", 250);
    assert!(lmtp.expect(&format!("RCPT TO:<{full}>"), 452).text.starts_with("4.2.2 "));
    lmtp.expect("RSET", 250);
    assert_eq!(lmtp.try_send("front@elsewhere.example", &full, &message("front@elsewhere.example", &full, &subject)).unwrap().code, 250);
    let count = |address: &str, secret: &str| Imap::try_login(server, address, secret).unwrap().ok("SELECT INBOX").exists();
    assert_eq!((count(&free, &free_secret), count(&full, &full_secret)), (Some(1), Some(1)));
}

/// One reply for all: who is full is told at RCPT if the size is announced; otherwise the message is put off for everybody.
#[test]
fn smtp_tells_at_rcpt_or_puts_off() {
    let server = shared();
    let ((full, _), (free, free_secret)) = (account(server), account(server));
    octroi(server, &["quota", "set", &full, "5K"]).good();
    let subject = unique("smtp");
    let mut smtp = Smtp::connect(server, "smtp");
    smtp.expect("MAIL FROM:<someone@elsewhere.example> SIZE=8500", 250);
    assert!(smtp.expect(&format!("RCPT TO:<{full}>"), 452).text.starts_with("4.2.2 "));
    smtp.expect(&format!("RCPT TO:<{free}>"), 250);
    smtp.expect("DATA", 354);
    smtp.wire.send(format!("{}.\r\n", large(&free, &subject, 8000)));
    assert_eq!(smtp.reply().unwrap().code, 250);
    smtp.expect("MAIL FROM:<someone@elsewhere.example>", 250);
    smtp.expect(&format!("RCPT TO:<{full}>"), 250);
    smtp.expect(&format!("RCPT TO:<{free}>"), 250);
    smtp.expect("DATA", 354);
    smtp.wire.send(format!("{}.\r\n", large(&free, &subject, 8000)));
    let refused = smtp.reply().unwrap();
    assert_eq!((refused.code, &refused.text[..6]), (452, "4.2.2 "));
    assert_eq!(Imap::try_login(server, &free, &free_secret).unwrap().ok("SELECT INBOX").exists(), Some(1));
}

#[test]
fn dav_put_and_copy() {
    let server = shared();
    let (address, secret) = account(server);
    let http = Http::with(server, &address, &secret);
    let files = format!("/dav/files/{address}/");
    let put = |name: &str, octets: &[u8]| http.request("PUT", &format!("{files}{name}"), &[], octets);
    let get = |name: &str| http.request("GET", &format!("{files}{name}"), &[], b"");
    assert_eq!(http.request("MKCOL", &format!("{files}a/"), &[], b"").status, 201);
    assert_eq!(put("a/one", &[b'1'; 700]).status, 201);
    octroi(server, &["quota", "set", &address, "files/a", "1K", "--items", "2"]).good();
    let refused = put("a/two", &[b'2'; 700]);
    assert_eq!(refused.status, 507);
    assert!(refused.text().contains("quota-not-exceeded"), "{}", refused.text());
    assert_eq!(get("a/two").status, 404);
    let refused = put("a/one", &[b'3'; 2000]);
    assert_eq!((refused.status, get("a/one").body), (507, vec![b'1'; 700]), "what was there stays");
    assert_eq!(put("a/one", &[b'4'; 400]).status, 204);
    let destination = format!("{files}a/copy");
    let copy = || http.request("COPY", &format!("{files}a/one"), &[("Destination", &destination)], b"").status;
    assert_eq!(copy(), 201);
    let other = format!("{files}a/another");
    assert_eq!(http.request("COPY", &format!("{files}a/one"), &[("Destination", &other)], b"").status, 507, "a third item");
    assert_eq!(http.request("MKCOL", &format!("{files}b/"), &[], b"").status, 201);
    assert_eq!(put("b/huge", &[b'5'; 5000]).status, 201);
    let onto = format!("{files}a/");
    octroi(server, &["quota", "set", &address, "files", "8000"]).good();
    for method in ["COPY", "MOVE"] {
        let over = http.request(method, &format!("{files}b/huge"), &[("Destination", &format!("{files}a/one"))], b"");
        assert_eq!((over.status, get("a/one").body.len(), get("b/huge").status), (507, 400, 200), "{method}");
    }
    octroi(server, &["quota", "set", &address, "files", "6000"]).good();
    assert_eq!(http.request("COPY", &format!("{files}b/"), &[("Destination", &onto)], b"").status, 507);
    assert_eq!(get("a/one").body.len(), 400, "what was in the way is still there");
    octroi(server, &["quota", "remove", &address, "files"]).good();
    let body = br#"<propfind xmlns="DAV:"><prop><quota-used-bytes/><quota-available-bytes/></prop></propfind>"#;
    let said = http.request("PROPFIND", &format!("{files}a/"), &[("Depth", "0")], body).text();
    assert!(said.contains("quota-used-bytes>800<") && said.contains("quota-available-bytes>224<"), "{said}");
    let said = http.request("PROPFIND", &files, &[("Depth", "0")], body).text();
    assert!(said.contains("404"), "no quota, no property: {said}");
    // A calendar object counts as well.
    octroi(server, &["quota", "set", &address, "calendars", "10"]).good();
    let event = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:q1\r\nDTSTAMP:20261102T080000Z\r\n\
                 DTSTART:20261102T080000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    let at = format!("/dav/calendars/{address}/calendar/q1.ics");
    let refused = http.request("PUT", &at, &[("Content-Type", "text/calendar")], event.as_bytes());
    assert!(refused.status == 507 && refused.text().contains("quota-not-exceeded"), "{} {}", refused.status, refused.text());
}

#[test]
fn the_administrator_sets_lists_and_removes() {
    let server = shared();
    let (address, secret) = account(server);
    octroi(server, &["quota", "set", &address, "2M", "--items", "10"]).good();
    octroi(server, &["quota", "set", &address, "mail/INBOX", "1M"]).good();
    let mut imap = Imap::try_login(server, &address, &secret).unwrap();
    assert!(imap.try_append("INBOX", "", &vec![b'x'; 512 << 10]).unwrap().is_ok());
    let listed = octroi(server, &["quota", "list", &address]).good();
    let expected = format!("{address}\t-\t512K of 2M (25 %)\t1 of 10 items (10 %)\n{address}\tmail/INBOX\t512K of 1M (50 %)\t1 items\n");
    assert_eq!(listed, expected);
    assert!(octroi(server, &["quota", "list"]).good().contains(&expected));
    octroi(server, &["quota", "remove", &address, "mail/INBOX"]).good();
    assert_eq!(octroi(server, &["quota", "list", &address]).good().lines().count(), 1);
    assert!(octroi(server, &["quota", "remove", &address, "mail/INBOX"]).bad().contains("mail/INBOX"));
    octroi(server, &["quota", "set", &address, "much"]).bad();
    octroi(server, &["quota", "set", &address, "nowhere/at-all", "1M"]).bad();
    octroi(server, &["quota", "set", &format!("nobody@{DOMAIN}"), "1M"]).bad();
    octroi(server, &["account", "remove", &address]).good();
    assert!(!octroi(server, &["quota", "list"]).good().contains(&address));
}

/// Without a running server, and for accounts that are added: the configuration names what they get.
#[test]
fn a_new_account_gets_the_configured_quota() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("octroi.toml");
    let command = |arguments: &[&str]| run(OCTROI, &[arguments, &["--config", file.to_str().unwrap()]].concat());
    let good = configuration(&folder.path().join("data"), "");
    fs::write(&file, format!("{good}\n[quota]\naccount = \"lots\"\n")).unwrap();
    assert!(command(&["check"]).bad().contains("quota.account"));
    fs::write(&file, format!("{good}\n[quota]\naccount = \"10G\"\n")).unwrap();
    let domain = good.lines().find_map(|line| line.strip_prefix("domains = [\"")).unwrap().split('"').next().unwrap().to_owned();
    let address = format!("new@{domain}");
    command(&["account", "add", &address, "--profile", "plain"]).good();
    assert_eq!(command(&["quota", "list"]).good(), format!("{address}\t-\t0 of 10G (0 %)\t0 items\n"));
    command(&["quota", "set", &address, "20G"]).good();
    assert!(command(&["quota", "list", &address]).good().contains("0 of 20G"));
    command(&["quota", "remove", &address]).good();
    assert_eq!(command(&["quota", "list"]).good(), "");
}
