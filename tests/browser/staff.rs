//! What administrators and auditors see, and nobody else.

use super::in_both;
use super::steps::{enrol, sign_in};
use crate::portal::{newcomer, newcomer_as};

#[test]
fn to_everybody_else_the_pages_of_staff_are_not_there() {
    in_both(|browser| {
        for profile in ["agent", "administrator", "auditor"] {
            let address = newcomer_as(browser.server, profile);
            sign_in(browser, &address);
            browser.go("/portal/nothing-of-that-name");
            let nothing = browser.text_of("main");
            assert_eq!(browser.heading(), "Not found");
            browser.look("missing");
            for (path, whose) in [("accounts", "administrator"), ("accounts/change", ""), ("rules", "administrator"), ("audit", "auditor")]
            {
                browser.go(&format!("/portal/{path}"));
                assert_eq!(browser.text_of("main") == nothing, profile != whose, "{path} for {profile}");
                assert_eq!(browser.has(&format!("nav a[href='/portal/{path}']")), profile == whose);
            }
            browser.follow("form[action='/portal/sign-out'] button");
        }
    });
}

#[test]
fn an_administrator_grants_remote_access() {
    in_both(|browser| {
        let address = newcomer_as(browser.server, "administrator");
        let other = newcomer(browser.server);
        sign_in(browser, &address);
        browser.go("/portal/accounts");
        browser.look("accounts");
        assert!(browser.text_of("#remote").ends_with("%)"));
        browser.fill("#find", &other);
        browser.follow("main form button");
        browser.follow("tbody a");
        assert!(!browser.has("form[action='/portal/accounts/change']"), "not without a second factor");
        enrol(browser);
        browser.go("/portal/accounts");
        browser.fill("#find", &other);
        browser.follow("main form button");
        browser.follow("tbody a");
        browser.look("account-change");
        browser.choose("#profile", "team-lead");
        browser.click("input[name=remote]");
        browser.follow("form[action='/portal/accounts/change'] button");
        assert!(browser.has("[role=status]"));
        browser.fill("#find", &other);
        browser.follow("main form button");
        let row = browser.text_of("tbody tr");
        assert!(row.contains("team-lead") && row.contains("yes"), "{row}");
    });
}

#[test]
fn an_administrator_asks_why() {
    in_both(|browser| {
        let address = newcomer_as(browser.server, "administrator");
        let agent = &browser.server.with_profile("agent").address;
        sign_in(browser, &address);
        browser.go("/portal/rules");
        browser.look("rules");
        browser.fill("#who", agent);
        browser.fill("#path", "INBOX");
        browser.choose("#zone", "anywhere");
        browser.follow("main form button");
        let answer = browser.text_of("#answer");
        assert!(answer.contains("agent by imap from anywhere") && answer.contains("refused"), "{answer}");
        browser.look("rules-explained");
        browser.fill("#path", "-nirgends");
        browser.follow("main form button");
        assert!(browser.has("#path-fault"));
    });
}

#[test]
fn an_auditor_reads_and_verifies() {
    in_both(|browser| {
        let address = newcomer_as(browser.server, "auditor");
        sign_in(browser, &address);
        browser.go("/portal/audit");
        assert!(browser.text_of("tbody").contains("Sign-in to the portal"));
        browser.follow("form[action='/portal/audit/verify'] button");
        let verdict = browser.text_of("#verdict");
        assert!(verdict.contains("whole"), "{verdict}");
        let link = browser.text_of("#verdict code");
        assert!(link.len() == 64 && link.bytes().all(|b| b.is_ascii_hexdigit()), "{link}");
        browser.look("audit");
        browser.fill("#account", &address);
        browser.follow("form[role=search] button");
        let all = browser.run("return [...document.querySelectorAll('tbody td:nth-child(3)')].map(cell => cell.innerText);");
        assert!(!all.as_array().unwrap().is_empty() && all.as_array().unwrap().iter().all(|who| *who == address), "{all}");
        browser.fill("#account", "x");
        browser.follow("form[role=search] button");
        assert!(browser.has("#account-fault"));
    });
}
