//! Every page in both sizes: nothing overflows, landmarks, headings, labels and captions are in order, and pictures are kept.

use super::in_both;
use super::steps::{enrol, sign_in};
use crate::portal::{MAIN, newcomer};

#[test]
fn every_page_is_sound_in_both_sizes() {
    in_both(|browser| {
        let address = newcomer(browser.server);
        browser.go("/portal/");
        browser.look("sign-in");
        browser.fill("#address", &address);
        browser.fill("#password", "Un-Autre-Mot-De-Passe-42");
        browser.follow("main button");
        browser.look("sign-in-refused");
        browser.follow("button[lang=fr]");
        browser.look("sign-in-fr");
        browser.go("/portal/help");
        browser.look("help-fr");

        sign_in(browser, &address);
        browser.look("overview-new-fr");
        browser.go("/portal/app-passwords");
        browser.look("app-passwords-none-fr");
        browser.go("/portal/second-factor");
        browser.look("second-factor-fr");
        browser.follow("main button");
        browser.look("second-factor-confirm-fr");
        browser.fill("#code", "000000");
        browser.follow("main button");
        browser.look("second-factor-wrong-fr");
        enrol(browser);
        browser.look("overview-enrolled-fr");

        for label in ["Portable, Thunderbird", "Un-nom-tres-long-sans-aucune-espace-pour-voir-ce-que-la-page-en-fait"] {
            browser.go("/portal/app-passwords");
            browser.fill("#label", label);
            for service in ["imap", "submission", "caldav", "carddav", "files"] {
                browser.click(&format!("input[value={service}]"));
            }
            browser.follow("main section button");
            browser.look("app-password-made-fr");
        }
        browser.go("/portal/app-passwords");
        browser.look("app-passwords-fr");
        browser.go("/portal/password");
        browser.look("password-fr");
        browser.follow("button[lang=en]");
        browser.look("password");
        for (name, path) in [("overview", "/portal/"), ("app-passwords", "/portal/app-passwords"), ("help", "/portal/help")] {
            browser.go(path);
            browser.look(name);
        }
        browser.follow("form[action='/portal/sign-out'] button");
        browser.fill("#address", &address);
        browser.fill("#password", MAIN);
        browser.follow("main button");
        browser.look("code");
    });
}
