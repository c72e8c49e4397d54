//! Documents sent by a form, to disk as they come: what is in memory stays small however large they are.
//!
//! What always holds: not one octet of a file is taken before the form's token, which comes first, was found to be this visitor's; what was sent
//! before is replaced only by who ticked that, and becomes a version then; what does not come whole leaves everything as it was.

use super::{At, failed, list, said};
use crate::form::Form;
use crate::frame::Notice;
use crate::language::Language;
use crate::multipart::{self, Head, Multipart};
use crate::pages::{Portal, missing};
use crate::standing::Said;
use crate::texts::files::Files;
use crate::visitor::Person;
use axum::extract::Request;
use axum::response::Response;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, StatusCode};
use octroi_gate::{Area, Bind, Content, FileAt, FolderAt, List, Refusal, Rewrite, Session, Upload, When};
use octroi_http::media_type_of;
use octroi_model::Name;
use std::fmt::Write as _;
use std::sync::Arc;

/// Octets of a field that is no file.
const FIELD_BYTES_MAX: usize = 256;
/// Of what is announced for a form these octets are not the file's: its delimiters, heads and fields. The room is looked at again at the end.
const FORM_BYTES: u64 = 4 * 1024;
/// Octets of a form that was refused which are still read, so that the browser comes to read the answer.
const READ_ON_BYTES_MAX: u64 = 64 << 20;
/// Names of what was stored that one page tells.
const NAMES_SHOWN: usize = 10;

/// Why a file was not stored.
enum Fault {
    /// The visitor's own page did not send it.
    Stale,
    /// The form cannot be read.
    Form,
    /// No file was chosen.
    Nothing,
    BadName,
    Exists,
    IsFolder,
    Large,
    Gate(Refusal),
}

impl From<multipart::Fault> for Fault {
    fn from(_: multipart::Fault) -> Self {
        Self::Form
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self::Gate(refusal)
    }
}

/// What became of a form.
#[derive(Default)]
struct Taken {
    stored: Vec<String>,
    /// The file at which it ended, and why.
    fault: Option<(String, Fault)>,
}

/// POST of `multipart/form-data`.
pub(crate) async fn take(portal: &Arc<Portal>, request: Request, boundary: &str) -> Response {
    let (parts, body) = request.into_parts();
    let person = match Person::sending(portal, &parts).await {
        Ok(person) => person,
        Err(response) => return *response,
    };
    let Some(at) = At::of(parts.uri.path()) else { return missing::page(&person) };
    let session = match super::session(&person, &at).await {
        Ok(session) => session,
        Err(response) => return *response,
    };
    let mut form = Multipart::new(body, boundary);
    let into = Into { session: &session, at: &at, announced: announced(&parts.headers), bytes_max: portal.config.document_bytes_max };
    let taken = receive(&person, &into, &mut form).await;
    if taken.fault.is_some() {
        read_on(&mut form).await;
    }
    answer(&person, &session, &at, taken).await
}

/// Octets of what the form sends, as far as that is announced.
fn announced(headers: &HeaderMap) -> u64 {
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    length.unwrap_or(0).saturating_sub(FORM_BYTES)
}

async fn read_on(form: &mut Multipart) {
    let mut bytes = 0;
    while bytes < READ_ON_BYTES_MAX {
        match form.piece().await {
            Ok(Some(piece)) => bytes += piece.len() as u64,
            Ok(None) => match form.next_part().await {
                Ok(Some(_)) => {}
                _ => return,
            },
            Err(_) => return,
        }
    }
}

/// Where files go.
struct Into<'a> {
    session: &'a Session,
    at: &'a At,
    announced: u64,
    bytes_max: u64,
}

/// The form from its first field to its last, or to the first file that is not taken.
async fn receive(person: &Person, into: &Into<'_>, form: &mut Multipart) -> Taken {
    let mut taken = Taken::default();
    let mut name = String::new();
    if let Err(fault) = parts(person, into, form, &mut taken.stored, &mut name).await {
        taken.fault = Some((name, fault));
    } else if taken.stored.is_empty() {
        taken.fault = Some((String::new(), Fault::Nothing));
    }
    taken
}

async fn parts(
    person: &Person,
    into: &Into<'_>,
    form: &mut Multipart,
    stored: &mut Vec<String>,
    current: &mut String,
) -> Result<(), Fault> {
    let first = form.next_part().await?.ok_or(Fault::Stale)?;
    if first.name != "token" || !person.accepts(&form.text(FIELD_BYTES_MAX).await?) {
        return Err(Fault::Stale);
    }
    let mut replace = false;
    while let Some(head) = form.next_part().await? {
        match (head.name.as_str(), &head.file) {
            ("replace", None) => replace = form.text(FIELD_BYTES_MAX).await?.as_str() == "1",
            // A browser sends a part without a name when nothing was chosen.
            ("file", Some(name)) if !name.is_empty() => {
                current.clone_from(name);
                store(into, &head, replace, form).await?;
                stored.push(std::mem::take(current));
            }
            _ => {}
        }
    }
    Ok(())
}

/// One file.
async fn store(into: &Into<'_>, head: &Head, replace: bool, form: &mut Multipart) -> Result<(), Fault> {
    // Some programs tell the way to it as well.
    let sent = head.file.as_deref().unwrap_or_default();
    let name = Name::new(sent.rsplit(['/', '\\']).next().unwrap_or_default()).map_err(|_| Fault::BadName)?;
    let Into { session, at, announced, bytes_max } = into;
    // It is of all files together: what went by is not to come any more.
    let to_come = announced.saturating_sub(form.received());
    let media_type = media_type_of(&name).or_else(|| head.media_type.clone().filter(|sent| sent.len() <= 100 && sent.is_ascii()));
    let file = FileAt { area: Area::Files, folder: at.path.clone(), name: name.clone() };
    match session.open(file, Rewrite).await {
        Ok(_) | Err(Refusal::Forbidden(_)) if !replace => Err(Fault::Exists),
        Ok(there) => {
            there.room_for(to_come)?;
            let content = fill(there.upload().await?, form, *bytes_max).await?;
            there.replace(content, media_type.as_deref(), When::Anyhow).await?;
            Ok(())
        }
        Err(Refusal::Missing) => {
            let path = at.path.child(name.clone()).map_err(|_| Fault::BadName)?;
            if session.open(FolderAt { area: Area::Files, path }, List).await.is_ok() {
                return Err(Fault::IsFolder);
            }
            let bind = session.open(at.folder(), Bind).await?;
            bind.room_for(to_come)?;
            let content = fill(bind.upload().await?, form, *bytes_max).await?;
            match bind.put(&name, content, media_type.as_deref()).await {
                // Somebody else made it meanwhile, or it cannot be seen.
                Err(Refusal::Precondition | Refusal::Exists) => Err(Fault::Exists),
                other => other.map(|_| ()).map_err(Fault::Gate),
            }
        }
        Err(refusal) => Err(Fault::Gate(refusal)),
    }
}

/// The octets, to disk as they come. Of what breaks off nothing is left.
async fn fill(mut upload: Upload, form: &mut Multipart, bytes_max: u64) -> Result<Content, Fault> {
    while let Some(piece) = form.piece().await? {
        if upload.bytes() + piece.len() as u64 > bytes_max {
            return Err(Fault::Large);
        }
        upload.write(&piece).await?;
    }
    Ok(upload.finish_document().await?)
}

async fn answer(person: &Person, session: &Session, at: &At, taken: Taken) -> Response {
    let language = person.language();
    let Some((name, fault)) = taken.fault else {
        person.with(|signed_in| signed_in.notice = Some(Said::Done(|language| Files::of(language).sent)));
        return person.go_to(&super::href(&at.path, true));
    };
    if matches!(fault, Fault::Stale) {
        return person.stale();
    }
    let refusal = if let Fault::Gate(refusal) = fault { Some(refusal) } else { None };
    let is_broken = matches!(fault, Fault::Form);
    let notice = Notice::field(told(&name, &fault, &taken.stored, language), "file");
    match session.open(at.folder(), List).await {
        Ok(folder) => {
            let mut say = list::Say::fault(notice, refusal);
            if is_broken {
                say.status = StatusCode::BAD_REQUEST;
            }
            list::page(person, session, (at, &folder), &Form::default(), say).await
        }
        Err(refusal) => failed(person, at, refusal),
    }
}

/// What there is to say, with the name of the file and of those that were stored before it.
fn told(name: &str, fault: &Fault, stored: &[String], language: Language) -> String {
    let texts = Files::of(language);
    let mut text = match fault {
        Fault::Nothing => texts.file_none.to_owned(),
        Fault::Form | Fault::Stale => texts.form_broken.to_owned(),
        Fault::BadName => format!("{} {} {name}", texts.name_bad, texts.file_failed),
        Fault::Exists => format!("{} {name}", texts.file_exists),
        Fault::IsFolder => format!("{} {name}", texts.file_folder),
        Fault::Large => format!("{} {name}", texts.file_large),
        Fault::Gate(refusal) => format!("{} {} {name}", said(*refusal, language), texts.file_failed),
    };
    if !stored.is_empty() {
        let names: Vec<&str> = stored.iter().take(NAMES_SHOWN).map(String::as_str).collect();
        let more = if stored.len() > NAMES_SHOWN { ", …" } else { "" };
        // Into a string: this does not fail.
        let _ = write!(text, " {} {}{more}", texts.file_stored, names.join(", "));
    }
    text
}
