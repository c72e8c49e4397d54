//! Accounts, for administrators: who has remote access and which profile, and changing either. Opens nobody's mailbox.

use super::{Audience, Place, missing, refused, step_up};
use crate::form::Form;
use crate::frame::{Notice, Page};
use crate::parts::{Field, address, choice, facts, table};
use crate::standing::Said;
use crate::texts::accounts::Accounts;
use crate::visitor::{Person, Posted};
use axum::extract::RawQuery;
use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};
use octroi_gate::{Administrator, Refusal};
use octroi_model::{Account, Address};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// Where it stands.
pub(crate) const PLACE: Place =
    Place { path: "/portal/accounts", title: |language| Accounts::of(language).title, audience: Audience::Administrators };
const CHANGE: &str = "/portal/accounts/change";
/// Accounts on one page.
const ROWS_MAX: usize = 200;

/// GET.
pub(crate) async fn show(person: Person, RawQuery(query): RawQuery) -> Response {
    let Some(administrator) = person.session.administrator() else { return missing::page(&person) };
    let query = Form::parse(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let texts = Accounts::of(person.language());
    let all = administrator.accounts();
    let wanted = query.get("find").trim().to_lowercase();
    let fits = |account: &Account| {
        wanted.is_empty()
            || account.address.to_string().to_lowercase().contains(&wanted)
            || account.display_name.to_lowercase().contains(&wanted)
            || account.profile == wanted
    };
    let found: Vec<&Account> = all.iter().map(AsRef::as_ref).filter(|account| fits(account)).collect();
    let remote = all.iter().filter(|account| account.remote_access).count();
    let content = html! {
        (facts(&[
            (texts.number, html! { (all.len()) }),
            (texts.remote, html! { span id="remote" { (remote) " (" (per_cent(remote, all.len())) " %)" } }),
        ]))
        form method="get" action=(PLACE.path) role="search" {
            (Field { id: "find", label: texts.find, fill: "off", value: Some(query.get("find")), optional: true, ..Field::default() }
                .show(person.language(), &Notice::None))
            button type="submit" { (texts.search) }
        }
        @if found.len() > ROWS_MAX { p.missing { (texts.too_many) } }
        @if found.is_empty() { p { (texts.none) } } @else {
            (table(
                texts.title,
                &[texts.address, texts.name, texts.profile, texts.remote, texts.factor, texts.action],
                &found.iter().take(ROWS_MAX).map(|account| row(texts, &administrator, account)).collect::<Vec<_>>(),
            ))
        }
    };
    person.page(&Page::of(&PLACE, person.language()), &content)
}

/// A share in per cent, rounded.
fn per_cent(part: usize, of: usize) -> usize {
    if of == 0 { 0 } else { (part * 200 + of) / (of * 2) }
}

fn row(texts: &Accounts, administrator: &Administrator, account: &Account) -> Vec<Markup> {
    let yes_no = |yes: bool| html! { (if yes { texts.yes } else { texts.no }) };
    let who = account.address.to_string();
    vec![
        address(&who),
        html! { (if account.display_name.is_empty() { "–" } else { account.display_name.as_str() }) },
        html! { (account.profile) },
        yes_no(account.remote_access),
        yes_no(administrator.has_second_factor(account)),
        html! { a href=(change_url(&who)) aria-label={ (texts.change) ": " (who) } { (texts.change) } },
    ]
}

fn change_url(address: &str) -> String {
    format!("{CHANGE}?who={}", utf8_percent_encode(address, NON_ALPHANUMERIC))
}

/// GET: the form for one account.
pub(crate) async fn show_change(person: Person, RawQuery(query): RawQuery) -> Response {
    let Some(administrator) = person.session.administrator() else { return missing::page(&person) };
    let query = Form::parse(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    change_page(&person, &administrator, query.get("who"), StatusCode::OK, Notice::None)
}

fn change_page(person: &Person, administrator: &Administrator, who: &str, status: StatusCode, notice: Notice) -> Response {
    let texts = Accounts::of(person.language());
    let Some(account) = administrator.accounts().into_iter().find(|account| account.address.to_string() == who) else {
        return missing::page(person);
    };
    let profiles = administrator.profiles();
    let profiles: Vec<_> =
        profiles.iter().map(|profile| (profile.name.as_str(), profile.name.as_str(), profile.name == account.profile)).collect();
    let fields = html! {
        input type="hidden" name="who" value=(who);
        (choice("profile", texts.profile, &profiles))
        label.box { input type="checkbox" name="remote" value="yes" checked[account.remote_access]; " " (texts.grant) }
    };
    let content = html! {
        p { strong { (who) } @if !account.display_name.is_empty() { ", " (account.display_name) } }
        p { (texts.at_once) }
        @if person.session.fresh().is_some() { (person.form(CHANGE, texts.change, &fields)) } @else { (step_up::section(person, &PLACE)) }
        p { a href=(PLACE.path) { (texts.back) } }
    };
    let page = Page { status, notice, title: texts.change_title, back: Some(PLACE.path), ..Page::of(&PLACE, person.language()) };
    person.page(&page, &content)
}

/// POST: another profile, or remote access.
pub(crate) async fn change(posted: Posted<Person>) -> Response {
    let Posted { who: person, form } = posted;
    let Some(administrator) = person.session.administrator() else { return missing::page(&person) };
    let proof = match step_up::proof(&person, &PLACE) {
        Ok(proof) => proof,
        Err(answer) => return *answer,
    };
    let done = match form.get("who").parse::<Address>() {
        Ok(who) => administrator.set_profile(proof, &who, form.get("profile"), form.get("remote") == "yes").await,
        Err(_) => Err(Refusal::UnknownRecipient),
    };
    match done {
        Ok(()) => person.go(&PLACE, Said::Done(|language| Accounts::of(language).changed)),
        Err(refusal) => {
            let notice = Notice::fault(refused(refusal, person.language()));
            change_page(&person, &administrator, form.get("who"), StatusCode::FORBIDDEN, notice)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_rounded() {
        assert_eq!([per_cent(0, 0), per_cent(0, 3), per_cent(1, 3), per_cent(2, 3), per_cent(3, 3)], [0, 0, 33, 67, 100]);
    }

    #[test]
    fn an_address_in_a_url_is_one_value() {
        assert_eq!(change_url("a+b&c@d.example"), "/portal/accounts/change?who=a%2Bb%26c%40d%2Eexample");
    }
}
