//! Planning in real browsers: who is to meet, their week, a time and a meeting, without a script and by the keyboard alone.

use super::in_both;
use super::steps::{enrol, sign_in};
use super::visit::{Browser, ENTER};
use crate::planning::{PLANNING, WEEK, somebody};
use crate::portal::newcomer_as;

/// Id or words of what the keyboard comes to next.
fn next(browser: &mut Browser<'_>) -> String {
    browser.tab();
    browser.focus()
}

#[test]
fn a_meeting_is_planned_by_keyboard() {
    in_both(|browser| {
        // Paul lets her see his calendar, in which something is already.
        let (mut paul, his) = somebody(browser.server, "document-manager");
        let her = newcomer_as(browser.server, "agent");
        let week = format!("{PLANNING}?week={WEEK}&minutes=60");
        paul.go(&week);
        let taken = first_slot(&paul.page);
        paul.send(PLANNING, &[("week", WEEK), ("minutes", "60"), ("slot", &taken), ("subject", "Secret visit")]);
        paul.go("/portal/shares");
        paul.send("/portal/shares", &[("folder", "calendars/calendar"), ("who", &her), ("preset", "read")]);
        assert!(paul.page.contains("role=\"status\""), "{}", paul.page);

        sign_in(browser, &her);
        browser.go(&week);
        assert!(browser.text().contains("with a second factor only"), "{}", browser.text());
        browser.look("planning-factor");
        enrol(browser);
        browser.go(&week);
        assert_eq!(browser.heading(), "Planning");
        assert!(!browser.text().contains("busy:"), "she has nothing that week");

        // Who: typed, and sent without the mouse.
        browser.run("document.querySelector('#who').focus();");
        browser.press(&his);
        assert_eq!(next(browser), "minutes");
        assert_eq!(next(browser), "Show");
        browser.press_and_follow(ENTER);
        let busy = "return [...document.querySelectorAll('td strong')].map(e => e.parentElement.innerText).join('\\n');";
        let shown = browser.run(busy).as_str().unwrap().to_owned();
        assert!(shown.contains("busy:") && shown.contains(his.split('@').next().unwrap()), "{shown}");
        assert!(!browser.text().contains("visit") && browser.text_of("tbody").contains(&his), "{}", browser.text());
        browser.look("planning");

        // Without a subject it is asked for, with the focus's way to it; then the first time is booked.
        let slot = browser.run("return document.querySelector('#slot').value;").as_str().unwrap().to_owned();
        assert_ne!(slot, taken, "when he is busy is not proposed");
        browser.run("document.querySelector('#slot').focus();");
        assert_eq!(next(browser), "subject");
        browser.press("Point d\u{2019}étape");
        browser.press_and_follow(ENTER);
        assert!(browser.has("[role=status]") && browser.text().contains("the others are invited"), "{}", browser.text());
        assert!(!browser.has(&format!("#slot option[value='{slot}']")), "it is not free any more");
        browser.look("planning-booked");
        paul.go(&week);
        assert!(!paul.page.contains(&format!("value=\"{slot}\"")), "he is invited: {}", paul.page);

        // Another week, by its link; the same people are looked at.
        browser.follow("nav[aria-label=Weeks] a:last-of-type");
        assert!(browser.text().contains("2031-03-10") && browser.text_of("tbody").contains(&his), "{}", browser.text());
        browser.follow("button[lang=fr]");
        assert_eq!(browser.heading(), "Planification");
        browser.look("planning-fr");
    });
}

/// The value of the first time that is proposed.
fn first_slot(page: &str) -> String {
    let list = page.split_once("<select id=\"slot\"").unwrap().1;
    list.split_once("option value=\"").unwrap().1.split_once('"').unwrap().0.to_owned()
}
