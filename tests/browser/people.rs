//! What people see and give: shares, what happened on their account, and a password that was forgotten.

use super::steps::{enrol, sign_in};
use super::visit::Browser;
use super::{in_both, in_both_apart};
use crate::portal::{MAIN, enrol_elsewhere, newcomer, newcomer_as};
use crate::support::eventually;
use crate::support::imap::Imap;
use crate::support::server::DOMAIN;

fn share(browser: &mut Browser<'_>, folder: &str, with: &str) {
    browser.go("/portal/shares");
    browser.choose("#folder", folder);
    browser.fill("#who", with);
    browser.follow("main section button");
}

#[test]
fn a_folder_is_shared_and_no_longer() {
    in_both(|browser| {
        let server = browser.server;
        let lead = server.with_profile("team-lead");
        let address = newcomer_as(server, "document-manager");
        sign_in(browser, &address);
        enrol(browser);
        browser.go("/portal/shares");
        browser.look("shares-none");
        share(browser, "mail/INBOX", "anyone");
        assert!(browser.has("#who-fault"), "the profile does not share with everybody");
        browser.look("shares-refused");
        share(browser, "mail/INBOX", &format!("nobody@{DOMAIN}"));
        assert!(browser.has("#who-fault"));
        share(browser, "mail/INBOX", &address);
        assert!(browser.has("#who-fault"), "it is theirs already");
        share(browser, "mail/INBOX", &lead.address);
        assert!(browser.has("[role=status]"));
        let row = browser.text_of("tbody tr");
        assert!(row.contains(&lead.address) && row.contains("read") && row.contains("lrs"), "{row}");
        browser.look("shares");
        let shared = format!("EXAMINE \"Shared/{address}/INBOX\"");
        let mut imap = Imap::login(server, lead);
        imap.ok(&shared);
        imap.ok("UNSELECT");
        browser.follow("tbody button");
        assert!(browser.has("[role=status]") && !browser.has("tbody"));
        assert!(!imap.command(&shared).is_ok());
    });
}

#[test]
fn sharing_needs_a_second_factor_of_just_now() {
    in_both(|browser| {
        let address = newcomer_as(browser.server, "document-manager");
        sign_in(browser, &address);
        enrol_elsewhere(browser.server, &address);
        browser.go("/portal/shares");
        assert!(browser.has("form[action='/portal/step-up']") && !browser.has("#who"));
        browser.look("shares-step-up");
    });
}

#[test]
fn notices_tell_what_happened_in_ones_own_language() {
    in_both(|browser| {
        let address = newcomer(browser.server);
        sign_in(browser, &address);
        enrol(browser);
        // Lines are written a moment later.
        eventually("both notices", || {
            browser.go("/portal/notices");
            let said = browser.text();
            (said.contains("Sign-in to the portal") && said.contains("Second factor set up")).then_some(())
        });
        browser.look("notices");
        browser.follow("button[lang=fr]");
        assert!(browser.text_of("tbody").contains("Connexion au portail"));
        browser.look("notices-fr");
    });
}

#[test]
fn a_forgotten_password_says_nothing_of_who_is_here() {
    in_both_apart(|browser| {
        let address = newcomer(browser.server);
        let mut said = Vec::new();
        for asked in [&address, &format!("nobody@{DOMAIN}")] {
            browser.go("/portal/");
            browser.follow("main a[href='/portal/forgotten']");
            browser.look("forgotten");
            browser.fill("#address", asked);
            browser.follow("main button");
            browser.look("forgotten-sent");
            said.push(browser.text_of("main"));
            for (new, fault) in [("Password123456", "#new-fault"), ("Quay-Lantern-4821", "#code-fault")] {
                browser.fill("#code", "12345678");
                browser.fill("#new", new);
                browser.fill("#again", new);
                browser.follow("main button");
                assert!(browser.has(fault), "{asked}: {fault}");
                said.push(browser.text_of("main"));
                browser.run("document.querySelector('#code').value = '';");
            }
        }
        assert_eq!(said[..3], said[3..], "whoever asks learns nothing");
    });
}

#[test]
fn a_password_that_is_easy_to_guess_is_not_taken() {
    in_both(|browser| {
        let address = newcomer(browser.server);
        sign_in(browser, &address);
        for (new, fault) in [("Qwertyuiop1234", "easy to guess"), ("Short1", "fewer than 12"), ("alllowercase1234", "upper-case")] {
            browser.go("/portal/password");
            browser.fill("#old", MAIN);
            browser.fill("#new", new);
            browser.fill("#again", new);
            browser.follow("main button");
            assert!(browser.text_of("#new-fault").contains(fault), "{new}: {}", browser.text());
        }
        browser.look("password-weak");
    });
}

#[test]
fn filters_are_filled_in_and_written() {
    in_both(|browser| {
        let address = newcomer_as(browser.server, "document-manager");
        sign_in(browser, &address);
        enrol(browser);
        browser.go("/portal/filters");
        browser.look("filters-none");
        browser.click("input[name=away]");
        browser.follow("main section button");
        assert!(browser.has("#text-fault"), "an answer says something");
        browser.look("filters-refused");
        browser.fill("#subject", "Absence");
        browser.fill("#text", "Je suis absent jusqu\u{2019}à lundi.");
        browser.follow("main section button");
        assert!(browser.has("[role=status]") && browser.text_of("tbody").contains("portal"));
        browser.go("/portal/filters/script");
        browser.fill("#name", "main");
        browser.fill("#script", "keep;");
        browser.follow("main form button");
        assert!(browser.text_of("tbody").contains("main"));
        browser.look("filters");
        browser.go("/portal/filters/script?name=main");
        browser.fill("#script", "frob;");
        browser.follow("main form button");
        assert!(browser.has("#script-fault"), "{}", browser.text());
        browser.look("filter-script");
        browser.go("/portal/filters");
        browser.follow("button[lang=fr]");
        browser.look("filters-fr");
    });
}
