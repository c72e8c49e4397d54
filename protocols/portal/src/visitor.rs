//! Who is there: a [`Visitor`] has a cookie and a language, a [`Person`] is signed in, and [`Posted`] is one of them with a form that
//! their own page sent. Pages name in their arguments what they need; whoever is not that far gets another page instead.
//!
//! What always holds: a `Person` was asked of the gate for this very request; each of them answers through [`crate::frame`], so a new
//! value of the cookie is never forgotten.

use crate::form::{FORM_BYTES_MAX, Form};
use crate::frame::{self, Page, see_other};
use crate::language::Language;
use crate::pages::files::{self, several};
use crate::pages::{Place, Portal, filters, overview, sign_in, trash};
use crate::request::{self, own_path};
use crate::sessions::VisitId;
use crate::standing::{Said, SignedIn};
use crate::texts::refusals::Refusals;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::Response;
use http::StatusCode;
use http::request::Parts;
use maud::{Markup, html};
use octroi_gate::{ClientCertificate, PortalSession, Refusal, Stepped};
use octroi_http::{Client, retry_later};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// When to try again while too much is going on.
const BUSY_RETRY: Duration = Duration::from_secs(5);

/// Anybody.
pub(crate) struct Visitor {
    pub portal: Arc<Portal>,
    pub language: Language,
    pub peer: IpAddr,
    /// The certificate that their browser has shown on this connection.
    certificate: Option<ClientCertificate>,
    /// The value of their cookie from here on.
    pub id: VisitId,
    /// They do not know `id` yet.
    pub is_new: bool,
    /// The path that they asked for, if it is one to come back to.
    pub asked: Option<String>,
}

/// Somebody who is signed in.
pub(crate) struct Person {
    pub visitor: Visitor,
    pub session: PortalSession,
}

/// A form, and who sent it.
pub(crate) struct Posted<W> {
    pub who: W,
    pub form: Form,
}

impl Visitor {
    /// Of a request; `None` when the system has no randomness to give.
    fn of(portal: &Arc<Portal>, parts: &Parts) -> Option<Self> {
        let language = Language::of(&parts.headers);
        let known = request::cookie(&parts.headers);
        let is_new = known.is_none();
        let id = known.or_else(VisitId::new)?;
        let client = Client::of(&parts.extensions);
        let certificate = client.certificate.as_ref().map(|shown| ClientCertificate::new(&shown.authorities, &shown.der));
        let asked = own_path(parts.uri.path()).map(str::to_owned);
        Some(Self { portal: portal.clone(), language, peer: client.addr, certificate, id, is_new, asked })
    }

    /// The visitor as somebody who is signed in, if they are.
    pub(crate) async fn signed_in(self) -> Result<Person, Self> {
        let found = if self.is_new { None } else { self.portal.with_signed_in(&self.id, |signed_in| signed_in.session.clone()) };
        let Some(session) = found else { return Err(self) };
        if session.check().await.is_err() {
            self.portal.sessions.end(&self.id);
            return Err(self);
        }
        // What depends on the place is decided for the one that this request comes from.
        let session = session.over(self.peer, self.certificate.clone());
        Ok(Person { visitor: self, session })
    }

    /// A form that this visitor alone can send.
    pub(crate) fn form(&self, action: &str, button: &str, fields: &Markup) -> Markup {
        html! {
            form method="post" action=(action) {
                (self.token())
                (fields)
                button type="submit" { (button) }
            }
        }
    }

    /// What makes a form this visitor's own.
    pub(crate) fn token(&self) -> Markup {
        html! { input type="hidden" name="token" value=(self.portal.key.token(&self.id)); }
    }

    /// The cookie's value, if they do not know it yet.
    pub(crate) fn cookie(&self) -> Option<&VisitId> {
        self.is_new.then_some(&self.id)
    }

    /// Go on under another value of the cookie.
    pub(crate) fn becomes(&mut self, id: VisitId) {
        self.id = id;
        self.is_new = true;
    }

    /// Too much is going on.
    pub(crate) fn busy(&self) -> Response {
        busy(self.language)
    }

    /// A page for somebody who is not signed in.
    pub(crate) fn page(&self, page: &Page<'_>, content: &Markup) -> Response {
        frame::page(self, None, page, content)
    }
}

impl Person {
    /// Who sends a form that is read as it comes. Its token is still to be looked at ([`Person::accepts`]).
    pub(crate) async fn sending(portal: &Arc<Portal>, parts: &Parts) -> Result<Self, Box<Response>> {
        let visitor = Visitor::of(portal, parts).ok_or_else(|| no_randomness(parts))?;
        let person = visitor.signed_in().await.map_err(|visitor| Box::new(ended(&visitor)))?;
        if request::is_same_origin(&parts.headers, &parts.uri) { Ok(person) } else { Err(Box::new(person.stale())) }
    }

    /// Is it the token of their own forms?
    pub(crate) fn accepts(&self, token: &str) -> bool {
        !self.visitor.is_new && self.visitor.portal.key.accepts(&self.visitor.id, token)
    }

    /// The page for a form that their own page did not send.
    pub(crate) fn stale(&self) -> Response {
        overview::page(self, StatusCode::FORBIDDEN, stale(self.language()))
    }

    /// Shorter for the visitor's language.
    pub(crate) fn language(&self) -> Language {
        self.visitor.language
    }

    /// See [`Visitor::form`].
    pub(crate) fn form(&self, action: &str, button: &str, fields: &Markup) -> Markup {
        self.visitor.form(action, button, fields)
    }

    /// A page of theirs. If nothing else is to be said, it says what the last form left to be said.
    pub(crate) fn page(&self, page: &Page<'_>, content: &Markup) -> Response {
        frame::page(&self.visitor, Some(self), page, content)
    }

    /// To a page after a form was taken; it says that.
    pub(crate) fn go(&self, to: &Place, said: Said) -> Response {
        self.with(|signed_in| signed_in.notice = Some(said));
        self.go_to(to.path)
    }

    /// To a page that has nothing to say.
    pub(crate) fn go_to(&self, path: &str) -> Response {
        see_other(path, self.visitor.cookie())
    }

    /// Look at or change what is kept of them between requests.
    pub(crate) fn with<R>(&self, change: impl FnOnce(&mut SignedIn) -> R) -> Option<R> {
        self.visitor.portal.with_signed_in(&self.visitor.id, change)
    }

    /// A second factor of a few minutes ago, or the one-time code in the form.
    pub(crate) async fn step_up(&mut self, form: &Form) -> Result<Stepped, Refusal> {
        if let Some(proof) = self.session.fresh() {
            return Ok(proof);
        }
        if !self.session.has_second_factor() {
            return Err(Refusal::InvalidCode);
        }
        let proof = self.session.step_up(&form.code()).await?;
        self.renew();
        Ok(proof)
    }

    /// A new value of the cookie, at each step up.
    pub(crate) fn renew(&mut self) {
        if let Some(new) = self.visitor.portal.sessions.rotate(&self.visitor.id) {
            self.visitor.becomes(new);
        }
    }
}

/// For a form whose sender is not signed in any more.
fn ended(visitor: &Visitor) -> Response {
    sign_in::form(visitor, StatusCode::FORBIDDEN, frame::Notice::fault(Refusals::of(visitor.language).ended))
}

fn busy(language: Language) -> Response {
    retry_later(Refusals::of(language).busy, BUSY_RETRY)
}

fn no_randomness(parts: &Parts) -> Response {
    busy(Language::of(&parts.headers))
}

impl FromRequestParts<Arc<Portal>> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, portal: &Arc<Portal>) -> Result<Self, Response> {
        Self::of(portal, parts).ok_or_else(|| no_randomness(parts))
    }
}

impl FromRequestParts<Arc<Portal>> for Person {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, portal: &Arc<Portal>) -> Result<Self, Response> {
        let visitor = Visitor::of(portal, parts).ok_or_else(|| no_randomness(parts))?;
        visitor.signed_in().await.map_err(|visitor| sign_in::form(&visitor, StatusCode::OK, frame::Notice::None))
    }
}

impl FromRequest<Arc<Portal>> for Posted<Visitor> {
    type Rejection = Response;

    async fn from_request(request: Request, portal: &Arc<Portal>) -> Result<Self, Response> {
        let (parts, body) = request.into_parts();
        let who = Visitor::of(portal, &parts).ok_or_else(|| no_randomness(&parts))?;
        match read(&who, Request::from_parts(parts, body), FORM_BYTES_MAX).await {
            Ok(form) => Ok(Self { who, form }),
            Err(request::Stale) => Err(sign_in::form(&who, StatusCode::FORBIDDEN, stale(who.language))),
        }
    }
}

impl FromRequest<Arc<Portal>> for Posted<Person> {
    type Rejection = Response;

    async fn from_request(request: Request, portal: &Arc<Portal>) -> Result<Self, Response> {
        let (parts, body) = request.into_parts();
        let visitor = Visitor::of(portal, &parts).ok_or_else(|| no_randomness(&parts))?;
        let who = visitor.signed_in().await.map_err(|visitor| ended(&visitor))?;
        // A script, each of whose octets may be written as three.
        let is_of_filters = parts.uri.path().starts_with(filters::PLACE.path);
        let script = if is_of_filters { 3 * portal.config.scripts.script_bytes_max } else { 0 };
        // A page of rows that are ticked.
        let is_of_rows = [files::PLACE.path, trash::PATH].iter().any(|path| parts.uri.path().starts_with(path.trim_end_matches('/')));
        let rows = if is_of_rows { several::FORM_BYTES_MAX } else { 0 };
        match read(&who.visitor, Request::from_parts(parts, body), FORM_BYTES_MAX + script + rows).await {
            Ok(form) => Ok(Self { who, form }),
            Err(request::Stale) => Err(who.stale()),
        }
    }
}

async fn read(visitor: &Visitor, request: Request, bytes_max: usize) -> Result<Form, request::Stale> {
    let known = (!visitor.is_new).then_some(&visitor.id);
    request::form(&visitor.portal.key, known, request, bytes_max).await
}

fn stale(language: Language) -> frame::Notice {
    frame::Notice::fault(Refusals::of(language).stale)
}
