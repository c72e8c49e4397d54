//! People's programs seen from the portal: what they may open, that they wait for their owner's word, and that they can be ended.

use super::in_both;
use super::steps::{enrol, sign_in};
use super::visit::Browser;
use crate::discovery;
use crate::portal::{MAIN, newcomer, newcomer_as};
use crate::support::imap::Imap;
use crate::support::process::{Ran, run};
use crate::support::{Server, eventually};

/// To the demo's profiles this is anywhere.
const ANYWHERE: &str = "127.1.0.9";

/// Make an app password with what is ticked or filled in already, beside its name and service.
fn mint(browser: &mut Browser<'_>, label: &str, service: &str) -> String {
    browser.fill("#label", label);
    browser.click(&format!("input[value={service}]"));
    browser.follow("main section button");
    browser.text_of("#app-password")
}

/// Log in by curl from anywhere; it waits as long as the server lets it.
fn from_anywhere(server: &Server, address: &str, secret: &str) -> Ran {
    let (url, user) = (format!("imaps://localhost:{}/", server.port("imaps")), format!("{address}:{secret}"));
    let resolve = format!("localhost:{}:127.0.0.1", server.port("imaps"));
    let certificate = server.certificate().to_str().unwrap();
    let fixed = ["--silent", "--show-error", "--cacert", certificate, "--interface", ANYWHERE, "--resolve", &resolve];
    run("curl", &[&fixed[..], &["--max-time", "50", "--user", &user, &url]].concat())
}

/// Reload the page until a log-in waits there.
fn until_it_waits(browser: &mut Browser<'_>) {
    eventually("the log-in to wait", || {
        browser.go("/portal/devices");
        browser.has("form[action='/portal/devices/refuse']").then_some(())
    });
}

#[test]
fn a_log_in_waits_for_its_owners_word() {
    in_both(|browser| {
        let server = browser.server;
        let address = newcomer_as(server, "operator");
        sign_in(browser, &address);
        enrol(browser);
        browser.go("/portal/devices");
        browser.look("devices-none");
        browser.go("/portal/app-passwords");
        let secret = mint(browser, "Portable", "imap");
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| from_anywhere(server, &address, &secret));
            until_it_waits(browser);
            assert!(browser.text_of("tbody").contains(ANYWHERE) && browser.has("nav .badge"));
            browser.follow("form[action='/portal/devices/confirm'] button");
            assert!(browser.has("[role=status]") && !browser.has("nav .badge"));
            let let_in = waiting.join().unwrap();
            assert!(let_in.good().contains("INBOX"), "the same log-in goes on, it need not try again");
        });
        assert!(browser.text_of("tbody").contains(&format!("{ANYWHERE}/32")));
        browser.look("devices-confirmed");
        browser.follow("form[action='/portal/devices/confirm'] button");
        assert!(browser.has("[role=status]"), "confirmed again");
        assert!(from_anywhere(server, &address, &secret).good().contains("INBOX"), "and at once from then on");

        browser.follow("form[action='/portal/devices/withdraw'] button");
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| from_anywhere(server, &address, &secret));
            until_it_waits(browser);
            browser.look("devices-waiting");
            browser.go("/portal/");
            browser.look("overview-waiting");
            browser.follow("main a[href='/portal/devices']");
            browser.follow("form[action='/portal/devices/refuse'] button");
            waiting.join().unwrap().bad();
        });
        browser.go("/portal/app-passwords");
        assert!(!browser.has("table"), "who else has it has nothing now");
    });
}

#[test]
fn an_app_password_opens_what_was_chosen_only() {
    in_both(|browser| {
        let server = browser.server;
        let address = newcomer(server);
        sign_in(browser, &address);
        enrol(browser);
        browser.go("/portal/app-passwords");
        browser.click("input[value=draft]");
        browser.click("input[value=submission]");
        browser.fill("#label", "Brouillons");
        browser.follow("main section button");
        assert!(browser.has("#preset-fault"), "what drafts does not send");
        browser.look("app-password-draft-refused");

        browser.go("/portal/app-passwords");
        browser.fill("#folders", "INBOX");
        browser.click("input[value=imap]");
        browser.fill("#label", "Lecture");
        browser.follow("main section button");
        assert!(browser.has("#folders-fault"), "a folder has its area before it");

        browser.go("/portal/app-passwords");
        browser.click("input[value=read]");
        browser.fill("#folders", "mail/INBOX");
        browser.click("input[value=office]");
        browser.choose("#days", "30");
        browser.choose("#confirm", "12h");
        let secret = mint(browser, "Lecture", "imap");
        let open = Imap::try_login(server, &address, &secret);
        assert!(open.is_err(), "its own confirmation is wanted beyond the profile's");
        browser.go("/portal/devices");
        browser.follow("form[action='/portal/devices/confirm'] button");
        let mut imap = Imap::try_login(server, &address, &secret).unwrap();
        assert!(imap.ok("EXAMINE INBOX").is_ok());
        assert!(!imap.command("CREATE Nouveau").is_ok(), "it reads");
        assert!(!imap.command("EXAMINE Drafts").is_ok(), "and nowhere else");
        browser.go("/portal/app-passwords");
        let row = browser.text_of("tbody tr");
        for said in ["Lecture", "Read", "mail/INBOX", "office", "127.0.0.1"] {
            assert!(row.contains(said), "{said} in {row}");
        }
        browser.look("app-passwords-narrow");
    });
}

#[test]
fn signing_out_everywhere_ends_programs_and_the_portal() {
    in_both(|browser| {
        let server = browser.server;
        let address = newcomer(server);
        sign_in(browser, &address);
        enrol(browser);
        browser.go("/portal/sessions");
        browser.look("sessions-none");
        browser.go("/portal/app-passwords");
        let secret = mint(browser, "Portable", "imap");
        let mut imap = Imap::try_login(server, &address, &secret).unwrap();
        imap.ok("ID (\"name\" \"Messagerie\")");
        browser.go("/portal/sessions");
        assert!(browser.text_of("tbody").contains("Portable") && browser.text_of("tbody").contains("127.0.0.1"));
        browser.look("sessions");
        browser.follow("form[action='/portal/sessions/end'] button");
        assert_eq!(browser.heading(), "Sign in");
        browser.go("/portal/");
        assert_eq!(browser.heading(), "Sign in");
        assert!(!imap.try_command("NOOP").is_ok_and(|reply| reply.is_ok()), "the program is signed out");
        assert!(Imap::try_login(server, &address, &secret).is_ok(), "its app password stays");
    });
}

#[test]
fn a_program_is_connected_by_its_owner() {
    in_both(|browser| {
        let address = newcomer(browser.server);
        let flow = discovery::begin(browser.server, "DAVx5/4.4.5");
        browser.go(&flow.page);
        browser.fill("#address", &address);
        browser.fill("#password", MAIN);
        browser.follow("main button");
        assert_eq!(browser.heading(), "Connect a program");
        browser.look("connect-factor");
        enrol(browser);
        browser.go(&flow.page);
        browser.look("connect");
        browser.click("input[value=files]");
        browser.follow("main form button");
        assert_eq!(browser.heading(), "The program is connected", "{}", browser.text());
        browser.look("connected");
        assert_eq!(discovery::poll(browser.server, &flow).status, 200);
        let refused = discovery::begin(browser.server, "DAVx5/4.4.5");
        browser.go(&refused.page);
        browser.follow("main button.grave");
        assert!(browser.has("[role=status]"), "{}", browser.text());
        assert_eq!(discovery::poll(browser.server, &refused).status, 404);
    });
}
