//! Documents: one URL for each folder and document below `/portal/files/`, and what is done with it as forms.
//!
//! GET shows a folder or gives a document out; `?view=` shows one of the small pages about it (rename, remove, versions). POST is a form of
//! ours: what sends files is `multipart/form-data` ([`upload`]), the rest names its `act`. What always holds: everything goes through a session
//! for documents that the gate opened for this very person and connection ([`octroi_gate::PortalSession::documents`]); pages show a form only
//! to whose rights it is for, and the gate decides again when it comes; what may not be known is answered as what is not there.

pub(crate) mod acts;
mod archive;
pub(crate) mod download;
pub(crate) mod list;
pub(crate) mod office;
pub(crate) mod several;
pub(crate) mod upload;
pub(crate) mod versions;

use super::{Audience, Place, missing, refused, second_factor, sign_in, step_up};
use crate::form::Form;
use crate::frame::{Notice, Page};
use crate::language::Language;
use crate::multipart;
use crate::pages::Portal;
use crate::texts::files::Files;
use crate::texts::refusals::Refusals;
use crate::visitor::{Person, Posted};
use axum::extract::{FromRequest, RawQuery, Request, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode, Uri};
use maud::{Markup, html};
use octroi_gate::{Area, FileAt, FolderAt, Lacks, List, Read, Refusal, SHARED, Session};
use octroi_http::{decode_segment, encode_segment};
use octroi_model::Path;
use std::borrow::Cow;
use std::sync::Arc;

/// Where it stands.
pub(crate) const PLACE: Place =
    Place { path: "/portal/files/", title: |language| Files::of(language).title, audience: Audience::Documents };

/// Octets of a URL's path that are looked at, as over WebDAV.
const PATH_BYTES_MAX: usize = 8 * 1024;

/// What a URL names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct At {
    pub path: Path,
    /// It ends with a slash: a folder is meant.
    pub slash: bool,
}

impl At {
    /// By the path of a URL, still percent-encoded.
    pub(crate) fn of(path: &str) -> Option<Self> {
        let rest = path.strip_prefix("/portal/files")?;
        if path.len() > PATH_BYTES_MAX {
            return None;
        }
        if matches!(rest, "" | "/") {
            return Some(Self { path: Path::top(), slash: true });
        }
        let rest = rest.strip_prefix('/')?;
        let (rest, slash) = rest.strip_suffix('/').map_or((rest, false), |rest| (rest, true));
        let names = rest.split('/').map(decode_segment).collect::<Result<Vec<_>, _>>().ok()?;
        Some(Self { path: Path::from_names(names).ok()?, slash })
    }

    pub(crate) fn folder(&self) -> FolderAt {
        FolderAt { area: Area::Files, path: self.path.clone() }
    }

    /// As a document; there is none at the top.
    pub(crate) fn file(&self) -> Option<FileAt> {
        let (folder, name) = self.path.split_last()?;
        Some(FileAt { area: Area::Files, folder, name: name.clone() })
    }

    /// The folder that it is in; the top is in itself.
    pub(crate) fn parent(&self) -> Self {
        Self { path: self.path.split_last().map_or_else(Path::top, |(above, _)| above), slash: true }
    }

    /// Its URL.
    pub(crate) fn href(&self) -> String {
        href(&self.path, self.slash)
    }
}

/// The URL of a folder or a document.
pub(crate) fn href(path: &Path, folder: bool) -> String {
    let names: Vec<String> = path.names().iter().map(|name| encode_segment(name.as_str())).collect();
    let slash = if folder && !names.is_empty() { "/" } else { "" };
    format!("{}{}{slash}", PLACE.path, names.join("/"))
}

/// What people call a folder: the last name, but for the top and what others share.
pub(crate) fn title(path: &Path, language: Language) -> String {
    let texts = Files::of(language);
    match path.names() {
        [] => texts.title.to_owned(),
        [shared] if shared.as_str() == SHARED => texts.shared.to_owned(),
        [.., last] => last.to_string(),
    }
}

/// GET.
pub(crate) async fn show(person: Person, uri: Uri, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let Some(at) = At::of(uri.path()) else { return missing::page(&person) };
    let query = Form::parse(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let session = match session(&person, &at).await {
        Ok(session) => session,
        Err(response) => return *response,
    };
    match query.get("view") {
        "" => listed_or_given(&person, &session, &at, &query, &headers).await,
        "rename" => acts::show_rename(&person, &session, &at).await,
        "remove" => acts::show_remove(&person, &session, &at).await,
        "versions" => versions::show(&person, &session, &at, Notice::None).await,
        _ => missing::page(&person),
    }
}

async fn listed_or_given(person: &Person, session: &Session, at: &At, query: &Form, headers: &HeaderMap) -> Response {
    if let Some(file) = at.file().filter(|_| !at.slash) {
        match session.open(file, Read).await {
            Ok(file) => return download::give(file, headers),
            Err(Refusal::Missing) => {}
            Err(refusal) => return failed(person, at, refusal),
        }
    }
    match session.open(at.folder(), List).await {
        // With the slash, so that what the page names lies below it.
        Ok(_) if !at.slash => person.go_to(&href(&at.path, true)),
        Ok(folder) => list::page(person, session, (at, &folder), query, list::Say::nothing()).await,
        Err(refusal) => failed(person, at, refusal),
    }
}

/// POST.
pub(crate) async fn post(State(portal): State<Arc<Portal>>, request: Request) -> Response {
    if let Some(boundary) = multipart::boundary(request.headers()) {
        return upload::take(&portal, request, &boundary).await;
    }
    let path = request.uri().path().to_owned();
    let Posted { who: person, form } = match Posted::<Person>::from_request(request, &portal).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let Some(at) = At::of(&path) else { return missing::page(&person) };
    let session = match session(&person, &at).await {
        Ok(session) => session,
        Err(response) => return *response,
    };
    match form.get("act") {
        "folder" => acts::make_folder(&person, &session, &at, &form).await,
        "rename" => acts::rename(&person, &session, &at, &form).await,
        "remove" => acts::remove(&person, &session, &at).await,
        act if act.starts_with("several-") => several::post(&person, &session, &at, &form).await,
        "version" => versions::restore(&person, &session, &at, &form).await,
        _ => missing::page(&person),
    }
}

/// The session for documents, or the page that says why there is none. One comes back to `at`.
pub(crate) async fn session(person: &Person, at: &At) -> Result<Session, Box<Response>> {
    session_for(person, &at.href()).await
}

/// The same for a page elsewhere.
pub(crate) async fn session_for(person: &Person, back: &str) -> Result<Session, Box<Response>> {
    let texts = Files::of(person.language());
    let opened = person.session.documents().await;
    opened.map_err(|refusal| Box::new(closed(person, refusal, (&PLACE, back), (texts.needs_factor, texts.not_from_here))))
}

/// The page for who comes to no documents or calendars: at that place, to come back to that path; what is said to who needs a second factor,
/// and to who gets nothing from there.
pub(crate) fn closed(
    person: &Person,
    refusal: Refusal,
    (place, back): (&Place, &str),
    (needs_factor, not_from_here): (&str, &str),
) -> Response {
    let language = person.language();
    let (status, content) = match refusal {
        Refusal::Ended => {
            let ended = Notice::fault(Refusals::of(language).ended);
            return sign_in::form(&person.visitor, StatusCode::FORBIDDEN, ended);
        }
        Refusal::Unconfirmed if person.session.has_second_factor() => (StatusCode::OK, step_up::section_to(person, back)),
        Refusal::Unconfirmed => {
            let link = html! { a href=(second_factor::PLACE.path) { ((second_factor::PLACE.title)(language)) } };
            (StatusCode::OK, html! { p.missing { (needs_factor) " " (link) } })
        }
        Refusal::Unsupported => (StatusCode::FORBIDDEN, html! { p.missing { (not_from_here) } }),
        _ => return person.visitor.busy(),
    };
    person.page(&Page { status, back: Some(back), ..Page::of(place, language) }, &content)
}

/// The page for what could not be done with what a URL names.
pub(crate) fn failed(person: &Person, at: &At, refusal: Refusal) -> Response {
    if refusal == Refusal::Missing {
        return missing::page(person);
    }
    let language = person.language();
    let back = at.href();
    let title = title(&at.path, language);
    let content = html! {
        (asks(person, refusal, &back))
        p { a href=(href(&at.parent().path, true)) { (Files::of(language).back) } }
    };
    let notice = Notice::fault(said(refusal, language));
    let page = Page { status: StatusCode::FORBIDDEN, notice, title: &title, back: Some(&back), ..Page::of(&PLACE, language) };
    person.page(&page, &content)
}

/// The way to give the second factor that a reserved action lacks.
pub(crate) fn asks(person: &Person, refusal: Refusal, back: &str) -> Markup {
    match refusal {
        Refusal::Reserved(Lacks::SecondFactor(_)) if person.session.has_second_factor() => step_up::section_to(person, back),
        _ => html! {},
    }
}

/// What to say to a refusal about documents.
pub(crate) fn said(refusal: Refusal, language: Language) -> Cow<'static, str> {
    let texts = Files::of(language);
    Cow::Borrowed(match refusal {
        Refusal::Forbidden(_) => texts.forbidden,
        Refusal::OverQuota => texts.over_quota,
        Refusal::Locked(_) | Refusal::LockConflict(_) => texts.locked,
        Refusal::Precondition => texts.changed_meanwhile,
        Refusal::Exists => texts.name_taken,
        Refusal::Reserved(Lacks::Profile) => texts.reserved_profile,
        Refusal::Reserved(Lacks::Zone) => texts.reserved_zone,
        Refusal::Reserved(Lacks::SecondFactor(_)) => texts.reserved_factor,
        other => return refused(other, language),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_one_place_and_nothing_climbs() {
        let at = |path: &str| At::of(path).map(|at| (at.path.join("|"), at.slash));
        assert_eq!(at("/portal/files"), Some((String::new(), true)));
        assert_eq!(at("/portal/files/"), Some((String::new(), true)));
        assert_eq!(at("/portal/files/a%20b/%C3%A9/"), Some(("a b|é".into(), true)));
        assert_eq!(at("/portal/files/a/x.txt"), Some(("a|x.txt".into(), false)));
        let deep = format!("/portal/files{}", "/a".repeat(40));
        let long = format!("/portal/files/{}", "a".repeat(9000));
        for bad in [
            "/portal/filesx",
            "/portal/files//a",
            "/portal/files/../x",
            "/portal/files/%2e%2E/x",
            "/portal/files/a%2Fb",
            "/portal/files/a%00",
            "/portal/files/%zz",
            "/portal/files/a//",
            &deep,
            &long,
        ] {
            assert_eq!(at(bad), None, "{bad}");
        }
        let at = At::of("/portal/files/a%3Cb/x%3F.txt").unwrap();
        assert_eq!(At::of(&at.href()), Some(at.clone()));
        assert_eq!((at.href().as_str(), at.parent().href().as_str()), ("/portal/files/a%3Cb/x%3F.txt", "/portal/files/a%3Cb/"));
    }
}
