//! What people do at the portal, step by step.

use super::in_both;
use super::visit::{Browser, ENTER, NARROW, WIDE};
use crate::portal::{MAIN, code, newcomer};
use crate::support::eventually;
use crate::support::imap::Imap;

/// Sign in with the main password.
pub(super) fn sign_in(browser: &mut Browser<'_>, address: &str) {
    browser.go("/portal/");
    browser.fill("#address", address);
    browser.fill("#password", MAIN);
    browser.follow("main button");
}

/// Set up an authenticator; its secret.
pub(super) fn enrol(browser: &mut Browser<'_>) -> String {
    browser.go("/portal/second-factor");
    browser.follow("main button");
    assert!(browser.has("main svg[role=img]"), "the code is shown as a picture");
    let secret = browser.text_of("#secret");
    browser.fill("#code", &code(&secret));
    browser.follow("main button");
    secret
}

#[test]
fn signing_in_and_out() {
    in_both(|browser| {
        let address = newcomer(browser.server);
        browser.go("/portal/");
        browser.fill("#address", &address);
        browser.fill("#password", "Un-Autre-Mot-De-Passe-42");
        browser.follow("main button");
        assert!(browser.has("[role=alert]") && !browser.has("form[action='/portal/sign-out']"));
        let described = browser.run("return document.getElementById('password').getAttribute('aria-describedby');");
        assert!(described.as_str().unwrap().contains("password-fault"), "{described}");
        browser.fill("#password", MAIN);
        browser.follow("main button");
        assert_eq!(browser.heading(), "Overview");
        assert!(browser.text().contains(&address));
        browser.follow("form[action='/portal/sign-out'] button");
        assert_eq!(browser.heading(), "Sign in");
        browser.go("/portal/app-passwords");
        assert_eq!(browser.heading(), "Sign in");
        browser.fill("#address", &address);
        browser.fill("#password", MAIN);
        browser.follow("main button");
        assert_eq!(browser.heading(), "App passwords", "one comes to the page that one asked for");
    });
}

#[test]
fn from_a_second_factor_to_an_app_password_and_its_end() {
    in_both(|browser| {
        let address = newcomer(browser.server);
        sign_in(browser, &address);
        assert!(browser.has(".to-do a[href='/portal/second-factor']"));
        enrol(browser);
        assert!(browser.has("[role=status]") && !browser.has(".to-do a[href='/portal/second-factor']"));

        browser.go("/portal/app-passwords");
        browser.fill("#label", "Portable <b>");
        browser.follow("main section button");
        assert!(browser.has("#service-fault"), "without a service there is none to make");
        browser.click("input[value=imap]");
        browser.follow("main section button");
        let app_password = browser.text_of("#app-password");
        Imap::try_login(browser.server, &address, &app_password).unwrap().ok("SELECT INBOX");
        browser.go("/portal/app-passwords");
        assert!(browser.text_of("tbody th").starts_with("Portable <b>"));
        assert!(!browser.text().contains(&app_password), "it is shown once");
        browser.follow("tbody button");
        assert!(browser.has("[role=status]") && !browser.has("table"));
        assert!(Imap::try_login(browser.server, &address, &app_password).is_err());
    });
}

#[test]
fn the_language_is_chosen_and_the_page_kept() {
    in_both(|browser| {
        browser.go("/portal/help");
        assert_eq!(browser.heading(), "Help");
        browser.follow("button[lang=fr]");
        assert_eq!(browser.heading(), "Aide");
        assert_eq!(browser.run("return document.documentElement.lang;"), "fr");
        browser.go("/portal/");
        assert_eq!(browser.heading(), "Se connecter", "the choice stays");
        let address = newcomer(browser.server);
        browser.fill("#address", &address);
        browser.fill("#password", MAIN);
        browser.follow("main button");
        browser.go("/portal/password");
        assert_eq!(browser.heading(), "Mot de passe");
        browser.follow("button[lang=en]");
        assert_eq!(browser.heading(), "Password");
    });
}

/// Does one see where the focus is?
fn focus_is_seen(browser: &mut Browser<'_>) -> bool {
    let script = "const s = getComputedStyle(document.activeElement); return s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2;";
    browser.run(script) == true
}

/// A browser gives the focus when it shows the page anew, a little after that has loaded.
#[track_caller]
fn focus_comes_to(browser: &mut Browser<'_>, id: &str, why: &str) {
    eventually(why, || (browser.focus() == id).then_some(()));
}

#[test]
fn the_keyboard_is_enough() {
    in_both(|browser| {
        let address = newcomer(browser.server);
        browser.go("/portal/");
        focus_comes_to(browser, "address", "one can begin to type");
        browser.press(&address);
        browser.tab();
        browser.press(MAIN);
        browser.press_and_follow(ENTER);
        assert_eq!(browser.heading(), "Overview");

        let expected = [
            "Skip to the content",
            "",
            "Sign out",
            "Français",
            "English",
            "Overview",
            "Documents",
            "Planning",
            "Calendars",
            "Devices",
            "App passwords",
            "Second factors",
        ];
        for name in expected {
            browser.tab();
            let at = browser.focus();
            assert!(focus_is_seen(browser), "the focus on {at} is seen");
            // What is empty here is the organisation's name.
            assert!(name.is_empty() || at == name, "{at} instead of {name}");
        }
        browser.press_and_follow(ENTER);
        assert_eq!(browser.heading(), "Second factors");
        browser.tab();
        browser.press(ENTER);
        focus_comes_to(browser, "content", "the link leads past the navigation");
        browser.tab();
        assert_eq!(browser.focus(), "Set up an authenticator");
        browser.press_and_follow(ENTER);
        let secret = browser.text_of("#secret");
        browser.run("document.getElementById('code').focus();");
        browser.press(&code(&secret));
        browser.press_and_follow(ENTER);
        assert!(browser.has("[role=status]"));
    });
}

#[test]
fn the_menu_is_folded_on_a_narrow_screen() {
    in_both(|browser| {
        browser.go("/portal/");
        browser.resize(WIDE);
        assert!(browser.shows("nav a") && !browser.shows("nav summary"));
        browser.resize(NARROW);
        assert!(!browser.shows("nav a") && browser.shows("nav summary"));
        browser.run("document.querySelector('nav summary').focus();");
        browser.press(ENTER);
        assert!(browser.shows("nav a[href='/portal/help']"));
        browser.look("menu");
        browser.resize(NARROW);
        browser.follow("nav a[href='/portal/help']");
        assert_eq!(browser.heading(), "Help");
    });
}
