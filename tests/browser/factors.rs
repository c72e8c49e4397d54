//! Second factors of every kind, at the door and later.

use super::steps::{enrol, sign_in};
use super::visit::Browser;
use super::{in_both, in_both_apart};
use crate::portal::{MAIN, enrol_elsewhere, newcomer, next_code};
use crate::support::{eventually, unique};

/// End this session and begin another with the main password.
fn again(browser: &mut Browser<'_>, address: &str) {
    browser.follow("form[action='/portal/sign-out'] button");
    browser.fill("#address", address);
    browser.fill("#password", MAIN);
    browser.follow("main button");
    assert_eq!(browser.heading(), "Confirm that it is you");
}

#[test]
fn a_wrong_code_is_tried_again_and_a_recovery_code_counts_once() {
    in_both_apart(|browser| {
        let address = newcomer(browser.server);
        sign_in(browser, &address);
        enrol(browser);
        browser.go("/portal/second-factor");
        browser.look("factors");
        browser.follow("form[action='/portal/second-factor/recovery'] button");
        browser.look("recovery-codes");
        let codes = browser.run("return [...document.querySelectorAll('.codes code')].map(code => code.innerText);");
        assert_eq!(codes.as_array().unwrap().len(), 10);
        let recovery = codes[0].as_str().unwrap();
        browser.go("/portal/second-factor");
        assert!(browser.text().contains("Codes that are left: 10"));
        assert!(!browser.text().contains(recovery), "they are shown once");

        again(browser, &address);
        browser.fill("#code", "abcd-efgh-abcd-efgh");
        browser.follow("main button");
        assert!(browser.has("#code-fault"));
        browser.look("code-wrong");
        browser.fill("#code", recovery);
        browser.follow("main button");
        assert_eq!(browser.heading(), "Overview");
        browser.go("/portal/second-factor");
        assert!(browser.text().contains("Codes that are left: 9"));

        again(browser, &address);
        browser.fill("#code", recovery);
        browser.follow("main button");
        assert!(browser.has("#code-fault"), "a recovery code counts once");
    });
}

#[test]
fn guessing_locks_one_kind_of_factor_and_never_the_account() {
    in_both_apart(|browser| {
        let address = newcomer(browser.server);
        sign_in(browser, &address);
        enrol(browser);
        browser.go("/portal/second-factor");
        browser.follow("form[action='/portal/second-factor/recovery'] button");
        let recovery = browser.text_of(".codes code");
        browser.go("/portal/");
        again(browser, &address);
        for guess in ["111111", "222222", "333333", "444444", "555555", "666666"] {
            browser.fill("#code", guess);
            browser.follow("main button");
        }
        let said = browser.text_of("#code-fault");
        assert!(said.contains("seconds") && said.contains(char::is_numeric), "{said}");
        browser.look("code-locked");
        browser.fill("#code", &recovery);
        browser.follow("main button");
        assert_eq!(browser.heading(), "Overview", "another kind still opens");
    });
}

#[test]
fn changes_need_a_second_factor_of_just_now() {
    in_both(|browser| {
        let address = newcomer(browser.server);
        // A session that began before there was any factor.
        sign_in(browser, &address);
        let secret = enrol_elsewhere(browser.server, &address);
        browser.go("/portal/second-factor");
        browser.look("factors-step-up");
        assert!(!browser.has("form[action='/portal/second-factor/recovery']"), "nothing is offered that would be refused");
        browser.fill("#code", "000000");
        browser.follow("form[action='/portal/step-up'] button");
        assert!(browser.has("#code-fault"));
        browser.look("step-up-wrong");
        browser.fill("#code", &next_code(&secret));
        browser.follow("form[action='/portal/step-up'] button");
        assert_eq!(browser.heading(), "Second factors", "one comes back to where one was");
        browser.follow("form[action='/portal/second-factor/recovery'] button");
        assert_eq!(browser.heading(), "Your recovery codes");
    });
}

#[test]
fn a_device_is_elsewhere_and_proves_itself_with_a_code() {
    in_both(|browser| {
        let address = newcomer(browser.server);
        sign_in(browser, &address);
        browser.go("/portal/second-factor");
        browser.fill("#reach", &address);
        browser.follow("form[action='/portal/second-factor/device'] button");
        assert!(browser.has("#reach-fault"), "who reads the mailbox here would read the codes too");
        browser.look("device-refused");
        browser.run("document.querySelector('#reach').value = '';");
        browser.fill("#reach", &format!("{}@elsewhere.example", unique("device")));
        browser.follow("form[action='/portal/second-factor/device'] button");
        assert_eq!(browser.heading(), "Confirm the device");
        browser.look("device-confirm");
        browser.fill("#code", "00000000");
        browser.follow("main button");
        assert!(browser.has("#code-fault"));
        browser.go("/portal/second-factor");
        assert!(!browser.has("table"), "without its code it is no device");
    });
}

#[test]
fn a_passkey_opens_the_door() {
    in_both(|browser| {
        browser.add_authenticator();
        let address = newcomer(browser.server);
        sign_in(browser, &address);
        browser.go("/portal/second-factor");
        browser.fill("#label", "Portable <b>");
        browser.follow("form[action='/portal/second-factor/passkey'] button");
        assert_eq!(browser.heading(), "Add a passkey");
        browser.look("passkey-add");
        browser.follow("form[data-passkey=create] button");
        assert!(browser.has("[role=status]"), "{}", browser.text());
        assert!(browser.text_of("tbody th").starts_with("Portable <b>"));
        browser.look("factors-passkey");

        again(browser, &address);
        browser.look("code-passkey");
        browser.follow("form[data-passkey=get] button");
        assert_eq!(browser.heading(), "Overview", "{}", browser.text());
        browser.go("/portal/second-factor");
        browser.follow("form[action='/portal/second-factor/remove'] button");
        assert!(!browser.has("tbody"), "a factor of just now lets one remove it");
    });
}

/// Without an authenticator the script says so and nothing is sent; a forged answer opens nothing.
#[test]
fn an_answer_that_no_passkey_gave_opens_nothing() {
    in_both(|browser| {
        browser.add_authenticator();
        let address = newcomer(browser.server);
        sign_in(browser, &address);
        browser.go("/portal/second-factor");
        browser.fill("#label", "Portable");
        browser.follow("form[action='/portal/second-factor/passkey'] button");
        browser.follow("form[data-passkey=create] button");
        again(browser, &address);
        browser.run("document.querySelector('form[data-passkey=get]').dataset.options = '{}';");
        browser.click("form[data-passkey=get] button");
        eventually("the script to say it", || browser.shows("form[data-passkey=get] [role=alert]").then_some(()));
        // Past the script.
        browser.run(
            "const form = document.querySelector('form[data-passkey=get]');
             const button = document.createElement('button');
             button.id = 'forged';
             button.onclick = () => { form.elements.answer.value = '{}'; form.submit(); };
             document.querySelector('main').append(button);",
        );
        browser.follow("#forged");
        assert!(browser.has("main > [role=alert]"));
        assert_eq!(browser.heading(), "Confirm that it is you");
    });
}
