//! What others tell us.

use super::reports;
use crate::support::http::base64;
use crate::support::imap::Imap;
use crate::support::process::run;
use crate::support::server::{DOMAIN, OCTROI, configured};
use crate::support::smtp::Smtp;
use crate::support::{Server, eventually, unique};
use serde_json::Value;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/reports/");

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(format!("{FIXTURES}{name}")).unwrap()
}

/// Packed by the program that everybody has.
fn gzip(octets: &[u8]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x");
    std::fs::write(&file, octets).unwrap();
    run("gzip", &[&file]).good();
    std::fs::read(file.with_extension("gz")).unwrap()
}

fn zip(octets: &[u8]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let (file, archive) = (folder.path().join("x.xml"), folder.path().join("x.zip"));
    std::fs::write(&file, octets).unwrap();
    let script = "import sys, zipfile; zipfile.ZipFile(sys.argv[1], 'w', zipfile.ZIP_DEFLATED).write(sys.argv[2], 'x.xml')";
    run("python3", &["-c", script, archive.to_str().unwrap(), file.to_str().unwrap()]).good();
    std::fs::read(archive).unwrap()
}

/// Send a report as others do.
fn send(server: &Server, to: &str, media: &str, octets: &[u8]) -> String {
    let (subject, encoded) = (unique("report"), base64(octets));
    let lines: Vec<&str> = encoded.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
    let message = format!(
        "From: reporter@them.example\r\nTo: {to}\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
         --b\r\nContent-Type: text/plain\r\n\r\nThis is a report.\r\n--b\r\nContent-Type: {media}\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n--b--\r\n",
        lines.join("\r\n")
    );
    let mut smtp = Smtp::connect(server, "smtp");
    assert_eq!(smtp.try_send("reporter@them.example", to, &message).unwrap().code, 250);
    subject
}

fn listed(server: &Server, arguments: &[&str]) -> Vec<Value> {
    let said = reports(server, &[&["--json", "--days", "36500"], arguments].concat()).good();
    said.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn in_mailbox(server: &Server, subject: &str) -> bool {
    let mut imap = Imap::login(server, server.user(1));
    imap.ok("SELECT INBOX");
    imap.search_subject(subject).len() == 1
}

fn world(more: &str) -> (Server, String) {
    let address = format!("reports@{DOMAIN}");
    let server = configured(&format!("[reports]\nreceive = \"{address}\"\n{more}"));
    run(OCTROI, &["alias", "add", &address, &server.user(1).address, "--config", server.config()]).good();
    (server, address)
}

#[test]
fn reports_of_others_are_kept_and_shown() {
    let (mut server, address) = world("");
    for (number, (media, octets)) in [
        ("application/gzip", gzip(&fixture("google.xml"))),
        ("application/zip", zip(&fixture("microsoft.xml"))),
        ("application/tlsrpt+gzip", gzip(&fixture("google.json"))),
        ("application/tlsrpt+json", fixture("microsoft.json")),
    ]
    .into_iter()
    .enumerate()
    {
        // With a detail it is the same address.
        let to = if number == 0 { address.replace('@', "+x@") } else { address.clone() };
        let subject = send(&server, &to, media, &octets);
        assert!(in_mailbox(&server, &subject), "{media}: it is mail as well");
        eventually(media, || (listed(&server, &[]).len() == number + 1).then_some(()));
    }
    // The same again is the same.
    send(&server, &address, "application/gzip", &gzip(&fixture("google.xml")));
    eventually("the fifth", || (server.log().matches("a report is taken in").count() == 5).then_some(()));
    let all = listed(&server, &["--domain", "BENCH.test"]);
    assert_eq!(all.len(), 4);
    let google = all.iter().find(|one| one["organisation"] == "google.example").unwrap();
    assert_eq!(
        (&google["told"]["dmarc"]["rows"][0]["count"], &google["authentic"]),
        (&42.into(), &Value::Null),
        "from a network of our own"
    );
    assert!(listed(&server, &["--domain", "other.example"]).is_empty());
    let shown = reports(&server, &["--days", "36500"]).good();
    for line in [
        "2026-11-27  mail  bench.test  by google.example  p=none",
        "      42 from 192.0.2.10  DKIM pass  SPF pass  none  as bench.test; pass signed by bench.test",
        "       3 from 198.51.100.7  DKIM FAIL  SPF FAIL  quarantine  as bench.test; pass signed by bulk.example; SPF of bulk.example pass",
        "2026-11-27  TLS   bench.test  by Google Inc.",
        "      41 good, 2 FAILED under sts of bench.test",
        "       2 certificate-expired  with mail.bench.test  at 192.0.2.25  from 203.0.113.8",
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    // What others have told is there after the next start.
    assert!(server.stop());
    let server = server.killed_and_started_again();
    assert_eq!(listed(&server, &[]).len(), 4);
}

/// What is none, or is made to hurt, stays mail; and nobody else's mail is looked into.
#[test]
fn what_cannot_be_read_stays_in_the_mailbox() {
    let (server, address) = world("[inbound]\ntrusted = []\n[limits.reports]\nunpacked_bytes_max = 1000000\n");
    let bomb = gzip(&vec![b' '; 50_000_000]);
    let entities = b"<!DOCTYPE feedback [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;\">]><feedback>&b;</feedback>";
    for (media, octets, why) in [
        ("application/gzip", bomb, "too big"),
        ("text/xml", entities.to_vec(), "DOCTYPE"),
        ("application/zip", b"PK\x03\x04 nothing".to_vec(), "the archive is damaged"),
        ("application/tlsrpt+gzip", gzip(b"{\"report-id\": 5}"), "no TLS report in JSON"),
    ] {
        let subject = send(&server, &address, media, &octets);
        eventually(why, || server.log().contains(why).then_some(()));
        assert!(in_mailbox(&server, &subject), "{why}");
    }
    let user = server.user(2).address.clone();
    send(&server, &user, "text/xml", &fixture("google.xml"));
    send(&server, &address, "text/xml", &fixture("microsoft.xml"));
    let all = eventually("the last one", || Some(listed(&server, &[])).filter(|all| !all.is_empty()));
    assert_eq!((all.len(), &all[0]["organisation"]), (1, &"Enterprise Outlook".into()));
    assert_eq!(all[0]["authentic"], false, "them.example has no DMARC");
    assert!(reports(&server, &["--days", "36500"]).good().contains("nothing proves that it is theirs"));
}
