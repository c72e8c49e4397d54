//! Shares: what of one's own others may see, and sharing more or less of it.

use super::{Audience, Place, refused, step_up};
use crate::form::Form;
use crate::frame::{Notice, Page};
use crate::parts::{Field, table, ways};
use crate::standing::Said;
use crate::texts::shares::Shares;
use crate::visitor::{Person, Posted};
use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};
use octroi_gate::{Area, Identifier, Refusal};
use octroi_model::{Path, Rights};

/// Where it stands.
pub(crate) const PLACE: Place =
    Place { path: "/portal/shares", title: |language| Shares::of(language).title, audience: Audience::SignedIn };
const REMOVE: &str = "/portal/shares/remove";
const READING: Rights = Rights::LOOKUP.or(Rights::READ).or(Rights::SEEN);
const ADDING: Rights = READING.or(Rights::INSERT);
const EDITING: Rights =
    ADDING.or(Rights::WRITE).or(Rights::CREATE).or(Rights::DELETE_COLLECTION).or(Rights::DELETE_ITEMS).or(Rights::EXPUNGE);

/// GET.
pub(crate) async fn show(person: Person) -> Response {
    page(&person, &Form::default(), StatusCode::OK, Notice::None)
}

/// The page. `form`: what was filled in before.
fn page(person: &Person, form: &Form, status: StatusCode, notice: Notice) -> Response {
    let texts = Shares::of(person.language());
    let fresh = person.session.fresh().is_some();
    let shares = person.session.shares().unwrap_or_default();
    let rows: Vec<Vec<Markup>> = shares
        .iter()
        .flat_map(|share| share.with.iter().map(|(who, rights)| row(person, (share.area, &share.path), who, *rights, fresh)))
        .collect();
    let content = html! {
        p { (texts.why) }
        @if !fresh { (step_up::section(person, &PLACE)) }
        @if rows.is_empty() {
            p { (texts.none) }
        } @else {
            (table(texts.list, &[texts.folder, texts.with, texts.may, texts.action], &rows))
        }
        @if fresh {
            section aria-labelledby="new" {
                h2 id="new" { (texts.new) }
                (new_form(person, form, &notice))
            }
        }
    };
    person.page(&Page { status, notice, ..Page::of(&PLACE, person.language()) }, &content)
}

fn row(person: &Person, place: (Area, &Path), who: &Identifier, rights: Rights, fresh: bool) -> Vec<Markup> {
    let texts = Shares::of(person.language());
    let folder = named(place);
    let who = who.to_string();
    vec![
        html! { (shown(texts, place)) },
        html! { @if who == "anyone" { (texts.anyone) } @else { (who) } },
        html! { (words(texts, rights)) " " small { (rights) } },
        html! {
            @if fresh {
                form method="post" action=(REMOVE) {
                    (person.visitor.token())
                    input type="hidden" name="folder" value=(folder);
                    input type="hidden" name="who" value=(who);
                    button.grave type="submit" aria-label={ (texts.remove) ": " (folder) ", " (who) } { (texts.remove) }
                }
            } @else { "–" }
        },
    ]
}

fn new_form(person: &Person, form: &Form, notice: &Notice) -> Markup {
    let texts = Shares::of(person.language());
    let chosen = form.get("folder");
    let preset = if form.get("preset").is_empty() { "read" } else { form.get("preset") };
    let presets = [
        ("read", texts.read, texts.read_why),
        ("add", texts.add, texts.add_why),
        ("edit", texts.edit, texts.edit_why),
        ("letters", texts.letters, texts.letters_why),
    ];
    let presets = presets.map(|(value, label, sentence)| (value, label, sentence, value == preset));
    let who = Field {
        id: "who",
        label: texts.with,
        fill: "off",
        hint: Some(texts.with_hint),
        value: Some(form.get("who")),
        characters_max: Some(320),
        ..Field::default()
    };
    let letters = Field {
        id: "letters",
        label: texts.letters,
        fill: "off",
        hint: Some(texts.letters_hint),
        value: Some(form.get("letters")),
        characters_max: Some(14),
        optional: true,
        ..Field::default()
    };
    let fields = html! {
        div.field {
            label for="folder" { (texts.folder) }
            select id="folder" name="folder" {
                @for (area, _) in Area::ALL {
                    @let folders = person.session.shareable(area).unwrap_or_default();
                    @if !folders.is_empty() {
                        optgroup label=(area_name(texts, area)) {
                            @for path in &folders {
                                @let name = named((area, path));
                                option value=(name) selected[name == chosen] { (path.join("/")) }
                            }
                        }
                    }
                }
            }
        }
        (who.show(person.language(), notice))
        (ways("preset", texts.may, &presets, notice))
        (letters.show(person.language(), notice))
    };
    person.form(PLACE.path, texts.share, &fields)
}

/// A folder as the form names it: `area/path`.
fn named((area, path): (Area, &Path)) -> String {
    format!("{}/{}", area.name(), path.join("/"))
}

/// The folder of such a name.
fn folder(name: &str) -> Result<(Area, Path), Refusal> {
    let (area, path) = name.split_once('/').ok_or(Refusal::Missing)?;
    let (area, _) = Area::ALL.into_iter().find(|(_, known)| *known == area).ok_or(Refusal::Missing)?;
    let path = if path.is_empty() { Path::top() } else { Path::parse(path, '/').map_err(|_| Refusal::Missing)? };
    Ok((area, path))
}

fn shown(texts: &Shares, (area, path): (Area, &Path)) -> String {
    if path.names().is_empty() { area_name(texts, area).to_owned() } else { format!("{}: {}", area_name(texts, area), path.join("/")) }
}

fn area_name(texts: &Shares, area: Area) -> &'static str {
    match area {
        Area::Mail => texts.mail,
        Area::Calendars => texts.calendars,
        Area::Contacts => texts.contacts,
        Area::Files => texts.files,
    }
}

/// Rights in words, as far as the words go; the letters stand beside them.
fn words(texts: &Shares, rights: Rights) -> String {
    let classes = [
        (Rights::READ, texts.word_read),
        (Rights::INSERT, texts.word_add),
        (Rights::WRITE, texts.word_change),
        (Rights::DELETE_ITEMS.or(Rights::EXPUNGE), texts.word_remove),
        (Rights::CREATE.or(Rights::DELETE_COLLECTION), texts.word_folders),
        (Rights::ADMIN, texts.word_share),
        (Rights::SEND_AS, texts.word_send_as),
    ];
    let mut said: Vec<&str> = classes.iter().filter(|(class, _)| rights.intersects(*class)).map(|(_, word)| *word).collect();
    if said.is_empty() && rights.contains(Rights::FREE_BUSY) {
        said.push(texts.word_busy);
    }
    if said.is_empty() { texts.word_see.to_owned() } else { said.join(", ") }
}

/// POST: share.
pub(crate) async fn share(posted: Posted<Person>) -> Response {
    let Posted { who: person, form } = posted;
    let texts = Shares::of(person.language());
    let again = |notice| page(&person, &form, StatusCode::FORBIDDEN, notice);
    let Some(rights) = rights(&form) else { return again(Notice::field(texts.letters_bad, "letters")) };
    let Some(who) = Identifier::parse(form.get("who").trim()) else { return again(Notice::field(texts.who_bad, "who")) };
    let proof = match step_up::proof(&person, &PLACE) {
        Ok(proof) => proof,
        Err(answer) => return *answer,
    };
    let done = match folder(form.get("folder")) {
        Ok((area, path)) => person.session.share(proof, area, &path, &who, rights).await,
        Err(refusal) => Err(refusal),
    };
    match done {
        Ok(()) => person.go(&PLACE, Said::Done(|language| Shares::of(language).done)),
        Err(Refusal::Unsupported) => again(Notice::field(texts.oneself, "who")),
        Err(refusal @ (Refusal::UnknownGrantee | Refusal::ShareNotAllowed)) => {
            again(Notice::field(refused(refusal, person.language()), "who"))
        }
        Err(refusal) => again(Notice::fault(refused(refusal, person.language()))),
    }
}

fn rights(form: &Form) -> Option<Rights> {
    match form.get("preset") {
        "" | "read" => Some(READING),
        "add" => Some(ADDING),
        "edit" => Some(EDITING),
        "letters" => Rights::parse(form.get("letters").trim()).filter(|rights| *rights != Rights::NONE),
        _ => None,
    }
}

/// POST: no longer.
pub(crate) async fn remove(posted: Posted<Person>) -> Response {
    let Posted { who: person, form } = posted;
    let proof = match step_up::proof(&person, &PLACE) {
        Ok(proof) => proof,
        Err(answer) => return *answer,
    };
    let done = match (folder(form.get("folder")), Identifier::parse(form.get("who"))) {
        (Ok((area, path)), Some(who)) => person.session.share(proof, area, &path, &who, Rights::NONE).await,
        _ => Err(Refusal::Missing),
    };
    person.go(&PLACE, done.map_or_else(Said::Refused, |()| Said::Done(|language| Shares::of(language).removed)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::language::Language;

    #[test]
    fn a_folder_comes_back_from_its_name() {
        for name in ["files/Actes/2026", "mail/INBOX", "calendars/"] {
            let (area, path) = folder(name).unwrap();
            assert_eq!(named((area, &path)), name);
        }
        for bad in ["", "INBOX", "queue/a", "files/../x", "files//"] {
            assert!(folder(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn presets_and_letters_are_rights() {
        let read = |text: &str| rights(&Form::parse(text.as_bytes()).unwrap()).map(|rights| rights.to_string());
        assert_eq!(read("preset=read").as_deref(), Some("lrs"));
        assert_eq!(read("preset=add").as_deref(), Some("lrsi"));
        assert_eq!(read("preset=edit").as_deref(), Some("lrswikxte"));
        assert_eq!(read("preset=letters&letters=lr").as_deref(), Some("lr"));
        for bad in ["preset=letters", "preset=letters&letters=lz", "preset=all"] {
            assert!(read(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn rights_are_said_in_words() {
        let texts = Shares::of(Language::English);
        assert_eq!(words(texts, READING), "read");
        assert_eq!(words(texts, Rights::FREE_BUSY), texts.word_busy);
        assert_eq!(words(texts, Rights::LOOKUP), texts.word_see);
    }
}
