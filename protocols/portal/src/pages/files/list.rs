//! What is in a folder, a page at a time, with the forms that its reader has the rights for.

use super::{At, PLACE, asks, href, office, several, title};
use crate::form::Form;
use crate::frame::{Notice, Page};
use crate::language::Language;
use crate::pages::trash;
use crate::parts::{Field, moment, table};
use crate::texts::files::Files;
use crate::visitor::Person;
use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};
use octroi_gate::{Folder, FolderFacts, Granted, List, MemberIs, Refusal, Session, TRASH, VERSIONS};
use octroi_model::{Name, Path, Rights, UnixTime};
use std::cmp::Ordering;

/// Rows of one page.
const ROWS: usize = 500;
/// Members that are looked at, and sorted in memory: about 64 octets for each while the page is made.
const MEMBERS_MAX: usize = 100_000;

/// What the page says of a form that was not taken.
pub(crate) struct Say {
    pub status: StatusCode,
    pub notice: Notice,
    /// Why, if the gate refused.
    pub refusal: Option<Refusal>,
    /// What was filled in as the name of a new folder.
    pub folder: String,
    /// Of several at once, what could not be done and why.
    pub several: Markup,
}

impl Say {
    pub(crate) fn nothing() -> Self {
        Self { status: StatusCode::OK, notice: Notice::None, refusal: None, folder: String::new(), several: Markup::default() }
    }

    pub(crate) fn fault(notice: Notice, refusal: Option<Refusal>) -> Self {
        Self { status: StatusCode::FORBIDDEN, notice, refusal, ..Self::nothing() }
    }
}

/// By what the rows are sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Name,
    Size,
    Date,
}

/// How a page of the list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Order {
    key: Key,
    down: bool,
    /// From 0.
    page: usize,
}

impl Order {
    fn of(query: &Form) -> Self {
        let key = match query.get("sort") {
            "size" => Key::Size,
            "date" => Key::Date,
            _ => Key::Name,
        };
        let page = query.get("page").parse::<usize>().unwrap_or(1).clamp(1, MEMBERS_MAX) - 1;
        Self { key, down: query.get("down") == "1", page }
    }

    fn query(self) -> String {
        let key = match self.key {
            Key::Name => "name",
            Key::Size => "size",
            Key::Date => "date",
        };
        format!("?sort={key}{}&page={}", if self.down { "&down=1" } else { "" }, self.page + 1)
    }
}

/// A member of the folder.
struct Row {
    name: Name,
    bytes: u64,
    at: Option<UnixTime>,
    /// The rights on a folder; a document has those of the folder that it is in.
    folder: Option<Rights>,
}

/// The page of a folder.
pub(crate) async fn page(
    person: &Person,
    session: &Session,
    (at, folder): (&At, &Granted<Folder, List>),
    query: &Form,
    say: Say,
) -> Response {
    let language = person.language();
    let texts = Files::of(language);
    let mut rows = match rows(folder).await {
        Ok(rows) => rows,
        Err(refusal) => return super::failed(person, at, refusal),
    };
    let cut = rows.len() > MEMBERS_MAX;
    rows.truncate(MEMBERS_MAX);
    let mut order = Order::of(query);
    let pages = rows.len().div_ceil(ROWS).max(1);
    order.page = order.page.min(pages - 1);
    sort(&mut rows, order);
    let facts = folder.facts();
    let here = Here { person, session, at, facts: &facts, aside: is_aside(&at.path) };
    let shown: Vec<Vec<Markup>> = rows.iter().skip(order.page * ROWS).take(ROWS).map(|row| here.row(row)).collect();
    let content = html! {
        (path(&at.path, language))
        @if let Some(refusal) = say.refusal { (asks(person, refusal, &at.href())) }
        (say.several)
        @if cut { p.missing { (texts.cut) } }
        @if shown.is_empty() {
            p { (texts.empty) }
        } @else {
            @if rows.len() > 1 { (sorting(at, order, texts)) }
            (table(texts.list, &[texts.name, texts.size, texts.changed, texts.action], &shown))
            @if pages > 1 { (paging(at, order, pages, texts)) }
            @if here.ticks() { (here.several(&say.notice)) }
        }
        (here.beside(rows.iter().skip(order.page * ROWS).take(ROWS).any(|row| !here.programs(row).is_empty())))
        (here.forms(&say))
    };
    let name = title(&at.path, language);
    let back = at.href();
    person.page(&Page { status: say.status, notice: say.notice, title: &name, back: Some(&back), ..Page::of(&PLACE, language) }, &content)
}

/// All that a page can show, and one more.
async fn rows(folder: &Granted<Folder, List>) -> Result<Vec<Row>, Refusal> {
    let listing = folder.listing().await?;
    let row = |member: octroi_gate::Member| match member.is {
        MemberIs::Item(item) => Row { name: member.name, bytes: item.bytes(), at: Some(item.date), folder: None },
        MemberIs::Folder(facts) => Row { name: member.name, bytes: 0, at: None, folder: Some(facts.rights) },
    };
    Ok(listing.members().take(MEMBERS_MAX + 1).map(row).collect())
}

/// Folders first. Names as people sort them, whatever the case.
fn sort(rows: &mut [Row], order: Order) {
    fn folded(name: &Name) -> impl Iterator<Item = char> + '_ {
        name.as_str().chars().flat_map(char::to_lowercase)
    }
    rows.sort_by(|a, b| {
        let by_name = || folded(&a.name).cmp(folded(&b.name)).then_with(|| a.name.cmp(&b.name));
        let by_key = match order.key {
            Key::Name => by_name(),
            Key::Size => a.bytes.cmp(&b.bytes).then_with(by_name),
            Key::Date => a.at.map(|at| at.0).cmp(&b.at.map(|at| at.0)).then_with(by_name),
        };
        let by_key = if order.down { by_key.reverse() } else { by_key };
        let folders = b.folder.is_some().cmp(&a.folder.is_some());
        if folders == Ordering::Equal { by_key } else { folders }
    });
}

/// Is it among versions, or in the trash?
fn is_aside(path: &Path) -> bool {
    path.names().first().is_some_and(|first| first.as_str() == TRASH) || path.names().iter().any(|name| name.as_str() == VERSIONS)
}

/// The way down from the top.
pub(crate) fn path(path: &Path, language: Language) -> Markup {
    let names = path.names();
    let step = |length: usize| Path::from_names(names[..length].to_vec()).unwrap_or_default();
    html! {
        @if !names.is_empty() {
            div.path role="group" aria-label=(Files::of(language).where_one_is) {
                ol {
                    @for length in 0..names.len() { li { a href=(href(&step(length), true)) { (title(&step(length), language)) } } }
                    li aria-current="page" { (title(path, language)) }
                }
            }
        }
    }
}

fn sorting(at: &At, order: Order, texts: &Files) -> Markup {
    let keys = [(Key::Name, texts.name), (Key::Size, texts.size), (Key::Date, texts.changed)];
    html! {
        p.sort {
            (texts.sort)
            @for (key, label) in keys {
                @let chosen = key == order.key;
                // The chosen one again: the other way round.
                @let to = Order { key, down: chosen && !order.down, page: 0 };
                " " a href={ (at.href()) (to.query()) } aria-current=[chosen.then_some("true")] {
                    (label) @if chosen && order.down { " (" (texts.downwards) ")" }
                }
            }
        }
    }
}

fn paging(at: &At, order: Order, pages: usize, texts: &Files) -> Markup {
    let to = |page: usize| format!("{}{}", at.href(), Order { page, ..order }.query());
    html! {
        div.path role="group" aria-label=(texts.pages) {
            ol {
                @if order.page > 0 { li { a href=(to(order.page - 1)) rel="prev" { (texts.earlier) } } }
                li aria-current="page" { (texts.page) " " (order.page + 1) " / " (pages) }
                @if order.page + 1 < pages { li { a href=(to(order.page + 1)) rel="next" { (texts.later) } } }
            }
        }
    }
}

/// A folder, and who looks at it.
struct Here<'a> {
    person: &'a Person,
    session: &'a Session,
    at: &'a At,
    facts: &'a FolderFacts,
    aside: bool,
}

impl Here<'_> {
    fn texts(&self) -> &'static Files {
        Files::of(self.person.language())
    }

    fn may(&self, rights: Rights) -> bool {
        self.facts.real && !self.aside && self.facts.rights.contains(rights)
    }

    fn row(&self, row: &Row) -> Vec<Markup> {
        let texts = self.texts();
        let Ok(path) = self.at.path.child(row.name.clone()) else { return vec![html! { (row.name) }, html! {}, html! {}, html! {}] };
        let url = href(&path, row.folder.is_some());
        let name = if row.folder.is_some() { title(&path, self.person.language()) } else { row.name.to_string() };
        vec![
            html! { @if self.ticks() { (several::tick(row.name.as_str(), &name, texts.several_choose)) " " } a href=(url) { (name) } @if row.folder.is_some() { " " small { (texts.folder) } } },
            html! { @if row.folder.is_none() { (size(row.bytes, texts)) } @else { "–" } },
            html! { @if let Some(at) = row.at { (moment(at)) } @else { "–" } },
            self.actions(row, &url),
        ]
    }

    /// Can something be done with several at once?
    fn ticks(&self) -> bool {
        self.may(Rights::READ)
    }

    /// The form for that. Of folders it is decided by what each of them gives.
    fn several(&self, notice: &Notice) -> Markup {
        let moves = self.facts.rights.intersects(Rights::MOVE_AWAY | Rights::EXPUNGE | Rights::CREATE);
        let removes = self.facts.rights.intersects(Rights::EXPUNGE | Rights::DELETE_COLLECTION);
        html! {
            form id=(several::FORM) method="post" action=(self.at.href()) {
                (self.person.visitor.token())
                (several::fields(self.texts(), self.at, (moves, true, removes), notice))
            }
        }
    }

    /// Office programs that open a document, with their URLs.
    fn programs(&self, row: &Row) -> Vec<(&'static str, String)> {
        let dav = self.person.visitor.portal.config.served.dav.as_deref().filter(|_| row.folder.is_none() && !self.aside);
        let (Some(dav), Ok(path)) = (dav, self.at.path.child(row.name.clone())) else { return Vec::new() };
        office::links(dav, self.session.address(), &path, self.may(Rights::WRITE))
    }

    fn actions(&self, row: &Row, url: &str) -> Markup {
        let texts = self.texts();
        let is_file = row.folder.is_none();
        let goes = match row.folder {
            Some(rights) => self.may(Rights::CREATE) && rights.contains(Rights::DELETE_COLLECTION),
            None => self.may(Rights::INSERT | Rights::READ) && self.facts.rights.intersects(Rights::MOVE_AWAY | Rights::EXPUNGE),
        };
        let ends = match row.folder {
            Some(rights) => !self.aside && rights.contains(Rights::DELETE_COLLECTION),
            None => self.may(Rights::EXPUNGE),
        };
        let writes = self.may(Rights::WRITE);
        let programs = self.programs(row);
        let verb = if writes { texts.open_in } else { texts.read_in };
        let link = |view: &str, label: &str| {
            html! { li { a href={ (url) "?view=" (view) } aria-label={ (label) ": " (row.name) } { (label) } } }
        };
        html! {
            ul.acts {
                @if goes { (link("rename", texts.rename)) }
                @if ends { (link("remove", texts.remove)) }
                @if is_file && self.facts.rights.contains(Rights::READ) && !self.aside { (link("versions", texts.versions)) }
                @for (program, url) in &programs {
                    li { a href=(url) aria-label={ (verb) " " (program) ": " (row.name) } { (verb) " " (program) } }
                }
            }
        }
    }

    /// What there is to know beside the list.
    fn beside(&self, office: bool) -> Markup {
        let texts = self.texts();
        let own = self.at.path.names().is_empty();
        html! {
            @if office { p.hint { (texts.open_why) } }
            @if let Some(quota) = self.facts.quota {
                p.quota { (size(quota.used, texts)) " " (texts.used) ", " (size(quota.available, texts)) " " (texts.free) }
            }
            @if own { p { a href=(trash::PATH) { (texts.trash) } } }
            @if self.facts.real && !self.aside && !self.facts.rights.intersects(Rights::INSERT | Rights::WRITE | Rights::CREATE | Rights::EXPUNGE) {
                p.missing { (texts.read_only) }
            }
        }
    }

    fn forms(&self, say: &Say) -> Markup {
        let texts = self.texts();
        let action = self.at.href();
        let field =
            Field { id: "folder", label: texts.name, fill: "off", value: Some(&say.folder), characters_max: Some(255), ..Field::default() };
        let fields = html! {
            input type="hidden" name="act" value="folder";
            (field.show(self.person.language(), &say.notice))
        };
        html! {
            @if self.may(Rights::INSERT) {
                section aria-labelledby="send" {
                    h2 id="send" { (texts.send) }
                    (self.sending(&action, &say.notice))
                }
            }
            @if self.may(Rights::CREATE) {
                section aria-labelledby="new-folder" {
                    h2 id="new-folder" { (texts.new_folder) }
                    (self.person.form(&action, texts.make, &fields))
                }
            }
        }
    }

    /// The form that sends files. Its token comes first and the files last, as they are read in this order.
    fn sending(&self, action: &str, notice: &Notice) -> Markup {
        let texts = self.texts();
        let fault = notice.of_field("file");
        html! {
            form method="post" action=(action) enctype="multipart/form-data" {
                (self.person.visitor.token())
                @if self.may(Rights::WRITE) {
                    label.box { input type="checkbox" name="replace" value="1"; " " (texts.replace) }
                }
                div.field {
                    label for="file" { (texts.file) }
                    p.hint id="file-hint" { (texts.file_hint) }
                    @if let Some(fault) = fault { p.field-fault id="file-fault" { (fault) } }
                    input id="file" name="file" type="file" multiple required
                        aria-describedby=(if fault.is_some() { "file-hint file-fault" } else { "file-hint" })
                        aria-invalid=[fault.map(|_| "true")];
                }
                button type="submit" { (texts.send_button) }
            }
        }
    }
}

/// Octets for people, in powers of ten.
pub(crate) fn size(bytes: u64, texts: &Files) -> String {
    let mut units = texts.bytes.split(' ');
    let unit = units.next().unwrap_or_default();
    if bytes < 1000 {
        return format!("{bytes} {unit}");
    }
    let mut tenths = bytes / 100;
    let mut unit = units.next().unwrap_or_default();
    for next in units {
        if tenths < 10_000 {
            break;
        }
        (tenths, unit) = (tenths / 1000, next);
    }
    if tenths >= 1000 { format!("{} {unit}", tenths / 10) } else { format!("{}{}{} {unit}", tenths / 10, texts.point, tenths % 10) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        let of = |bytes| size(bytes, Files::of(Language::English));
        assert_eq!(
            [0, 999, 1000, 1234, 99_949, 100_000, 999_999].map(of),
            ["0 B", "999 B", "1.0 kB", "1.2 kB", "99.9 kB", "100 kB", "999 kB"]
        );
        assert_eq!([1_000_000, 4_294_967_296, u64::MAX].map(of), ["1.0 MB", "4.2 GB", "18446744 TB"]);
        assert_eq!(size(1500, Files::of(Language::French)), "1,5 ko");
    }

    #[test]
    fn rows_are_sorted_for_people() {
        let row = |name: &str, bytes, folder: bool| Row {
            name: Name::new(name).unwrap(),
            bytes,
            at: (!folder).then_some(UnixTime(bytes as i64)),
            folder: folder.then_some(Rights::ALL),
        };
        let sorted = |query: &str| {
            let mut rows = [row("b", 3, false), row("A", 5, false), row("é", 4, false), row("Z", 0, true), row("y", 0, true)];
            sort(&mut rows, Order::of(&Form::parse(query.as_bytes()).unwrap()));
            rows.map(|row| row.name.to_string()).join("")
        };
        assert_eq!(sorted(""), "yZAbé");
        assert_eq!(sorted("sort=name&down=1"), "ZyébA");
        assert_eq!(sorted("sort=size"), "yZbéA");
        assert_eq!(sorted("sort=date&down=1"), "ZyAéb");
        assert_eq!(Order::of(&Form::parse(b"page=0&sort=x").unwrap()), Order { key: Key::Name, down: false, page: 0 });
        let third = Order { key: Key::Size, down: true, page: 2 };
        assert_eq!(Order::of(&Form::parse(&third.query().as_bytes()[1..]).unwrap()), third);
    }
}
