//! What `octroi demo --json` promises: one line, a sample organisation that works, and the data kept where it was asked to.

use crate::subscriptions::subscribe;
use crate::support::http::Http;
use crate::support::imap::Imap;
use crate::support::server::ACCOUNTS;
use crate::support::{Server, message, shared, smtp::Smtp, unique};

#[test]
fn the_line_says_all_that_is_needed() {
    let server = shared();
    let facts = server.facts();
    for service in ["imap", "imaps", "smtp", "submission", "submissions", "lmtp"] {
        let address: std::net::SocketAddr = server.address(service).parse().unwrap();
        assert!(address.ip().is_loopback() && address.port() > 1024, "{service}: {address}");
    }
    assert!(facts["addresses"]["https"].as_str().unwrap().starts_with("https://localhost:"));
    assert!(server.certificate().is_file() && server.data().is_dir());
    let people = server.people();
    for profile in ["agent", "operator", "document-manager", "team-lead"] {
        let person = server.with_profile(profile);
        assert!(!person.password.is_empty() && !person.totp_secret.is_empty(), "{profile}");
    }
    assert_eq!(people.iter().filter(|p| p.address.ends_with("@bench.test")).count(), ACCOUNTS);
    assert!(people.iter().all(|p| !p.app_password.is_empty()));
}

#[test]
fn everybody_gets_in_and_finds_something() {
    let server = shared();
    for profile in ["agent", "operator", "document-manager", "team-lead"] {
        let person = server.with_profile(profile);
        let mut imap = Imap::login(server, person);
        assert!(imap.ok("SELECT INBOX").exists().unwrap() > 0, "{profile} has mail");
        let listed = imap.ok("LIST \"\" *").text();
        for special in ["\\Sent", "\\Drafts", "\\Trash"] {
            assert!(listed.contains(special), "{profile}: no {special} in {listed}");
        }
    }
    for profile in ["agent", "operator", "document-manager", "team-lead"] {
        let person = server.with_profile(profile);
        let root = Http::new(server, person).request("PROPFIND", &person.files, &[("Depth", "1")], b"");
        // A mount whose root is not there is refused by every client, and what is shared lies below it.
        assert_eq!(root.status, 207, "{profile}: {}", root.text());
        assert!(root.text().contains("/Shared/"), "{profile}: {}", root.text());
    }
    let mut sizes = Vec::new();
    for number in 1..=2 {
        let mut imap = Imap::login(server, server.user(number));
        sizes.push(imap.ok("SELECT INBOX").exists());
    }
    assert!(sizes.iter().all(Option::is_some));
}

/// The tree with the `Actes` folder: whoever may see it does, at the same place of one's own home.
#[test]
fn the_shared_documents_are_there_for_whom_they_are_meant() {
    let server = shared();
    let actes = |profile: &str| {
        let person = server.with_profile(profile);
        let http = Http::new(server, person);
        let shared = shared_documents(&http, &person.files);
        // Whoever owns the tree has it at the top of the own home.
        let home = if shared.is_empty() { &person.files } else { &shared };
        http.request("PROPFIND", &format!("{home}Actes/"), &[("Depth", "1")], b"").status
    };
    assert_eq!(actes("document-manager"), 207);
    assert_eq!(actes("agent"), 207);
    assert_eq!(actes("operator"), 404, "acts stay inside, and outside nobody learns that they are there");
}

/// Whose profile says so subscribes to calendars of the web; here nothing is fetched, as there is no such server.
#[test]
fn our_own_people_subscribe_to_calendars_of_the_web() {
    let server = shared();
    for profile in ["agent", "document-manager", "team-lead"] {
        let person = server.with_profile(profile);
        let http = Http::new(server, person);
        let at = format!("/dav/calendars/{}/{}/", person.address, unique("web"));
        let made = subscribe(&http, &at, "https://calendars.invalid/holidays.ics");
        assert_eq!(made.status, 201, "{profile}: {}", made.text());
        assert_eq!(http.request("DELETE", &at, &[], b"").status, 204, "{profile}");
    }
}

/// The folder `Shared/documents@…` in somebody's home; empty if there is none.
pub(crate) fn shared_documents(http: &Http, home: &str) -> String {
    let listing = http.request("PROPFIND", &format!("{home}Shared/"), &[("Depth", "1")], b"").text();
    let hrefs = listing.split("href>").map(|part| part.split('<').next().unwrap_or_default());
    hrefs.filter(|href| href.contains("/Shared/documents")).map(str::to_owned).min_by_key(String::len).unwrap_or_default()
}

#[test]
fn the_data_is_kept_and_not_filled_twice() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut server = Server::demo_on(&data);
    let (to, subject) = (server.user(1).address.clone(), unique("kept"));
    let mut smtp = Smtp::connect(&server, "smtp");
    assert_eq!(smtp.try_send("a@outside.test", &to, &message("a@outside.test", &to, &subject)).unwrap().code, 250);
    let agent_mail = Imap::login(&server, server.with_profile("agent")).ok("SELECT INBOX").exists();
    assert!(server.stop());
    let server = Server::demo_on(&data);
    let mut imap = Imap::login(&server, server.user(1));
    imap.ok("SELECT INBOX");
    assert_eq!(imap.search_subject(&subject).len(), 1);
    assert_eq!(Imap::login(&server, server.with_profile("agent")).ok("SELECT INBOX").exists(), agent_mail);
}
