//! Planning in the portal as a browser without scripts uses it (curl with a cookie jar): a team's week, and a meeting in it.

use crate::admin::octroi;
use crate::portal::{Browser, MAIN, between, newcomer_as};
use crate::support::server::{configured_with_profiles, plain_profile};
use crate::support::{Server, shared, unique};

pub(crate) const PLANNING: &str = "/portal/planning";
/// A week far ahead, from Monday.
pub(crate) const WEEK: &str = "2031-03-03";

/// Somebody new with a fresh second factor.
pub(crate) fn somebody<'a>(server: &'a Server, profile: &str) -> (Browser<'a>, String) {
    let address = newcomer_as(server, profile);
    let mut browser = Browser::open(server);
    browser.send("/portal/sign-in", &[("address", &address), ("password", MAIN)]);
    browser.enrol();
    (browser, address)
}

pub(crate) fn week(browser: &mut Browser<'_>, more: &str) {
    browser.go(&format!("{PLANNING}?week={WEEK}&minutes=60{more}"));
}

/// The value of the first time that is proposed.
pub(crate) fn first(browser: &Browser<'_>) -> String {
    between(between(&browser.page, "<select id=\"slot\"", "</select>"), "option value=\"", "\"").to_owned()
}

#[test]
fn a_team_finds_a_time_and_meets() {
    let server = shared();
    let (mut lea, her) = somebody(server, "agent");
    let (mut paul, his) = somebody(server, "document-manager");
    let team = unique("team");
    octroi(server, &["group", "add", &team]).good();
    for member in [&her, &his] {
        octroi(server, &["group", "join", &team, member]).good();
    }
    // Paul is busy at some time.
    week(&mut paul, "");
    assert!(paul.page.contains("<h1>Planning</h1>") && !paul.page.contains("busy:"), "{}", paul.page);
    let taken = first(&paul);
    let book = [("week", WEEK), ("minutes", "60"), ("slot", taken.as_str()), ("subject", "Secret <b>visit")];
    paul.send(PLANNING, &book);
    assert!(paul.page.contains("role=\"status\"") && paul.page.contains("busy:") && !paul.page.contains("visit"), "{}", paul.page);
    assert_ne!(first(&paul), taken);

    // Whose calendars give no right to it is not known, and neither is who does not exist.
    let nobody = format!("nobody@{}", his.split_once('@').unwrap().1);
    let who = format!("&who={}%20{nobody}", his.replace('+', "%2B"));
    week(&mut lea, &who);
    assert_eq!(lea.page.matches(">not known<").count(), 2, "{}", lea.page);
    assert!(!lea.page.contains("busy:"), "{}", lea.page);
    assert_eq!(first(&lea), taken);

    // He lets her read; the page shows when he is busy, and no more.
    paul.go("/portal/shares");
    paul.send("/portal/shares", &[("folder", "calendars/calendar"), ("who", &her), ("preset", "read")]);
    assert!(paul.page.contains("role=\"status\""), "{}", paul.page);
    week(&mut lea, &format!("&group={team}"));
    assert!(lea.page.contains("busy:") && !lea.page.contains("not known") && !lea.page.contains("visit"), "{}", lea.page);
    let slot = first(&lea);
    assert_ne!(slot, taken);

    // She books, and it is in his calendar too.
    let fields = |slot| [("group", team.as_str()), ("week", WEEK), ("minutes", "60"), ("slot", slot), ("subject", "Point")];
    lea.send(PLANNING, &fields(&taken));
    assert!(lea.page.contains("not free any more") && lea.page.contains("role=\"alert\""), "{}", lea.page);
    lea.send(PLANNING, &fields(&slot));
    assert!(lea.page.contains("the others are invited"), "{}", lea.page);
    assert_ne!(first(&lea), slot);
    week(&mut paul, "");
    assert!(first(&paul) != slot && first(&paul) != taken, "he is invited: {}", paul.page);
    // The same again is not booked twice.
    lea.send(PLANNING, &fields(&slot));
    assert!(lea.page.contains("not free any more"), "{}", lea.page);

    // Weeks, and the other language.
    lea.go(&format!("{PLANNING}?week=2031-03-12"));
    assert!(
        lea.page.contains("2031-03-10") && lea.page.contains("week=2031-03-03") && lea.page.contains("week=2031-03-17"),
        "{}",
        lea.page
    );
    lea.send("/portal/language", &[("language", "fr"), ("back", PLANNING)]);
    assert!(lea.page.contains("<h1>Planification</h1>"), "{}", lea.page);
}

#[test]
fn what_is_forged_or_typed_wrongly_books_nothing() {
    let server = shared();
    let (mut lea, her) = somebody(server, "plain");
    let team = unique("others");
    octroi(server, &["group", "add", &team]).good();
    week(&mut lea, &format!("&group={team}"));
    assert!(lea.page.contains("You are in no such group") && !lea.page.contains("id=\"slot\""), "{}", lea.page);
    week(&mut lea, "&who=%3Cscript%3E");
    assert!(lea.page.contains("id=\"who-fault\"") && !lea.page.contains("<script"), "{}", lea.page);
    let many: String = (0..30).map(|number| format!("a{number}%40b.example%20")).collect();
    week(&mut lea, &format!("&who={many}"));
    assert!(lea.page.contains("more people than"), "{}", lea.page);

    week(&mut lea, "");
    let slot = first(&lea);
    let fields = |slot, subject| [("week", WEEK), ("minutes", "60"), ("slot", slot), ("subject", subject)];
    lea.send(PLANNING, &fields(&slot, " "));
    assert!(lea.page.contains("id=\"subject-fault\""), "{}", lea.page);
    for bad in ["", "x", "0", "99999999999999999", "1930000001"] {
        lea.send(PLANNING, &fields(bad, "Point"));
        assert!(lea.page.contains("role=\"alert\""), "{bad}: {}", lea.page);
    }
    lea.send_with(PLANNING, "forged", &fields(&slot, "Point"));
    assert!(!lea.page.contains("role=\"status\""), "{}", lea.page);
    week(&mut lea, "");
    assert!(!lea.page.contains("busy:") && first(&lea) == slot, "{her} has nothing: {}", lea.page);
    let mut stranger = Browser::open(server);
    stranger.go(PLANNING);
    assert!(!stranger.page.contains("id=\"slot\"") && stranger.page.contains("name=\"password\""), "{}", stranger.page);
}

/// Without the key nothing opens, and without a factor neither.
#[test]
fn planning_is_where_the_profile_shows_it() {
    let closed = configured_with_profiles(&plain_profile("portal = true\nportal_documents = [\"*\"]", "*", ""), "");
    let (mut browser, _) = somebody(&closed, "plain");
    assert!(!browser.page.contains(PLANNING), "{}", browser.page);
    browser.go(PLANNING);
    assert!(browser.page.contains("does not open calendars in the portal"), "{}", browser.page);

    let address = newcomer_as(shared(), "plain");
    let mut browser = Browser::open(shared());
    browser.send("/portal/sign-in", &[("address", &address), ("password", MAIN)]);
    browser.go(PLANNING);
    assert!(browser.page.contains("with a second factor only") && !browser.page.contains("id=\"slot\""), "{}", browser.page);
}
