//! PROPPATCH (RFC 4918 section 9.2): properties of any name, all or nothing, in the order of the request.

use crate::call::{Call, file_at, folder_at, is_oneself, is_own, may_be_file};
use crate::instruction::{Act, MAX_RESOURCE_SIZE, Verdict, instructions, is_own_view, judge_file, judge_folder, judge_inbox};
use crate::multistatus::{PROPERTIES_MAX, prefers_minimal, propstat, propstat_because, whole};
use crate::names::DAV;
use crate::path::{Place, Target};
use crate::precondition::Current;
use crate::refusal::{Answer, Fault, empty, reserved};
use crate::schedule;
use crate::xml::{Element, ElementName, Xml, kept, parse};
use axum::response::Response;
use http::header::IF_MATCH;
use http::{HeaderName, HeaderValue, StatusCode};
use octroi_gate::{Describe, DescribeFolder, Description, Identifier, Mark, Personalise, ProxyKind, Refusal};

const FORBIDDEN: &str = "HTTP/1.1 403 Forbidden";
/// RFC 4918 section 16.
const PROTECTED: &str = "D:cannot-modify-protected-property";

/// PROPPATCH.
pub(crate) async fn proppatch(mut call: Call) -> Answer {
    let body = call.xml_body().await?;
    let request = parse(&body)?;
    if !request.is(DAV, "propertyupdate") {
        return Err(Fault::Status(StatusCode::BAD_REQUEST, "The body is a propertyupdate element."));
    }
    let instructions = instructions(&request, kept(&body)?);
    if let Target::Proxy(owner, kind) = call.target.clone()
        && is_own(&call.session, &owner.to_string())
    {
        return of_proxies(&call, kind, &instructions).await;
    }
    let Target::Place(place) = call.target.clone() else {
        let all = instructions.into_iter().map(|(_, property, _)| (property.name.clone(), Verdict::Protected));
        return Ok(Update::of(all)?.refused(&call.href()));
    };
    if may_be_file(&place)
        && let Some(answer) = of_file(&call, &place, &instructions).await?
    {
        return Ok(answer);
    }
    of_folder(&call, &place, instructions).await
}

type Instruction<'a> = (Act, &'a Element, String);

/// Of a document, event or card; `None` if there is none, as a folder can be named without its slash too.
async fn of_file(call: &Call, place: &Place, instructions: &[Instruction<'_>]) -> Result<Option<Response>, Fault> {
    let href = call.href();
    let at = file_at(place).ok_or_else(Fault::missing)?;
    let judged = instructions.iter().map(|(act, property, kept)| (property.name.clone(), judge_file(*act, property, kept.clone())));
    let update = Update::of(judged)?;
    let done = if update.only_marks() {
        // Filing is moving and marking: for who may not write over a document as well.
        let file = match call.session.open(at, Mark).await {
            Ok(file) => file,
            Err(Refusal::Missing) => return Ok(None),
            Err(refusal) => return Err(Fault::Gate(refusal, href)),
        };
        call.check_write(Current::document(&file.item().etag(), file.item().date)).await?;
        let marks: Vec<(&str, bool)> = update.wants.marks.iter().map(|(keyword, on)| (keyword.as_str(), *on)).collect();
        file.mark(&marks).await
    } else {
        let file = match call.session.open(at, Describe).await {
            Ok(file) => file,
            Err(Refusal::Missing) => return Ok(None),
            Err(refusal) => return Err(Fault::Gate(refusal, href)),
        };
        call.check_write(Current::document(&file.item().etag(), file.item().date)).await?;
        if update.is_bad() {
            return Ok(Some(update.refused(&href)));
        }
        file.describe(&update.wants).await
    };
    update.answer(call, &href, done).map(Some)
}

/// Of who stands for oneself in one's calendars: who they are, and nothing else (RFC 3744 section 4.3).
async fn of_proxies(call: &Call, kind: ProxyKind, instructions: &[Instruction<'_>]) -> Answer {
    let href = call.href();
    let mut members = Vec::new();
    let mut judged = Vec::new();
    for (act, property, _) in instructions {
        let verdict = match (act, property.is(DAV, "group-member-set").then(|| principals(call, property))) {
            (Act::Set, Some(Some(named))) => {
                members = named;
                Verdict::Change(Vec::new())
            }
            (Act::Set, Some(None)) => Verdict::Broken("D:recognized-principal"),
            _ => Verdict::Protected,
        };
        judged.push((property.name.clone(), verdict));
    }
    let update = Update::of(judged.into_iter())?;
    if update.is_bad() {
        return Ok(update.refused(&href));
    }
    call.check_write(Current::collection()).await?;
    match call.session.set_proxies(kind, &members).await {
        // Who may share with nobody does not learn here who there is.
        Err(Refusal::UnknownGrantee | Refusal::ShareNotAllowed) => Err(Fault::Rule(StatusCode::FORBIDDEN, "D:allowed-principal")),
        done => update.answer(call, &href, done),
    }
}

/// The principals that are named; `None` if one of them is none, or oneself.
fn principals(call: &Call, property: &Element) -> Option<Vec<Identifier>> {
    let hrefs = property.children.iter().filter(|child| child.is(DAV, "href"));
    hrefs
        .map(|href| match call.target_of(href.trimmed())? {
            Target::Principal(who) if !is_oneself(&call.session, &who) => Some(who),
            _ => None,
        })
        .collect()
}

async fn of_folder<'a>(call: &Call, place: &Place, instructions: Vec<Instruction<'a>>) -> Answer {
    let href = call.href();
    let is_inbox = schedule::is_inbox(call, place).await;
    let judge = |(act, property, kept): Instruction<'a>| {
        let verdict = if is_inbox {
            let default = schedule::judge_default(call, act, property);
            default.unwrap_or_else(|| judge_inbox(act, property, kept, call.config.object_bytes_max))
        } else {
            judge_folder(act, property, kept)
        };
        (&property.name, verdict)
    };
    let judged: Vec<_> = instructions.into_iter().map(judge).collect();
    // To a sharee who may not write it these are still their own.
    let own: Vec<bool> = judged.iter().map(|(name, _)| is_own_view(place.area, name)).collect();
    let update = Update::of(judged.iter().map(|(name, verdict)| ((*name).clone(), verdict.clone())))?;
    call.check_write(Current::collection()).await?;
    let personal = call.session.open(folder_at(place), Personalise).await.map_err(Fault::about(&href))?;
    let is_shared = personal.is_shared();
    let edits = |mine: bool| {
        let chosen = judged.iter().zip(&own).filter(move |(_, own)| (is_shared && **own) == mine);
        chosen.filter_map(|((_, verdict), _)| if let Verdict::Change(edits) = verdict { Some(edits.clone()) } else { None })
    };
    let (mine, for_all): (Vec<_>, Vec<_>) = (edits(true).flatten().collect(), edits(false).flatten().collect());
    if update.is_bad() || !for_all.is_empty() || mine.is_empty() {
        // Whether any of it can be changed is decided first.
        let folder = call.session.open(folder_at(place), DescribeFolder).await.map_err(Fault::about(&href))?;
        if update.is_bad() {
            return Ok(update.refused(&href));
        }
        let done = folder.describe(&for_all, &mine).await;
        if is_inbox && matches!(done, Err(Refusal::Limit(_))) {
            let too_large = judged.iter().map(|(name, _)| ((*name).clone(), Verdict::Broken(MAX_RESOURCE_SIZE)));
            return Ok(Update::of(too_large)?.refused(&href));
        }
        return update.answer(call, &href, done);
    }
    update.answer(call, &href, personal.personalise(&mine).await)
}

/// What a request wants, judged whole before anything is done.
#[derive(Default)]
struct Update {
    /// Every property that it names, each once.
    names: Vec<ElementName>,
    /// Those that cannot be changed.
    fixed: Vec<ElementName>,
    /// Those that are to become what a standard does not let them be, and its precondition.
    broken: Vec<(ElementName, &'static str)>,
    /// Those that are to become what they cannot be.
    odd: Vec<ElementName>,
    /// The rest, in the order of the request: of a keyword or a time the last word counts.
    wants: Description,
}

impl Update {
    fn of(judged: impl Iterator<Item = (ElementName, Verdict)>) -> Result<Self, Fault> {
        let mut update = Self::default();
        for (name, verdict) in judged {
            match verdict {
                Verdict::Protected => note(&mut update.fixed, &name),
                Verdict::Broken(rule) => update.broken.push((name.clone(), rule)),
                Verdict::Odd => note(&mut update.odd, &name),
                Verdict::Mark(keyword, on) => {
                    update.wants.marks.retain(|(known, _)| !known.eq_ignore_ascii_case(&keyword));
                    update.wants.marks.push((keyword, on));
                }
                Verdict::MediaType(media_type) => update.wants.media_type = Some(media_type),
                Verdict::Modified(at, edits) => {
                    update.wants.modified = Some(at);
                    update.wants.properties.extend(edits);
                }
                Verdict::Change(edits) => update.wants.properties.extend(edits),
            }
            note(&mut update.names, &name);
            if update.names.len() > PROPERTIES_MAX {
                return Err(Fault::Status(StatusCode::PAYLOAD_TOO_LARGE, "The request names too many properties."));
            }
        }
        Ok(update)
    }

    fn is_bad(&self) -> bool {
        !self.fixed.is_empty() || !self.odd.is_empty() || !self.broken.is_empty()
    }

    fn only_marks(&self) -> bool {
        let Description { properties, modified, media_type, marks } = &self.wants;
        !self.is_bad() && !marks.is_empty() && properties.is_empty() && modified.is_none() && media_type.is_none()
    }

    /// The answer once it was tried.
    fn answer(&self, call: &Call, href: &str, done: Result<(), Refusal>) -> Answer {
        match done {
            Ok(()) if prefers_minimal(&call.headers) => {
                // RFC 8144 section 2.2: nothing to tell but that it was done. Who says it in Microsoft's way expects 200.
                let brief = call.headers.contains_key("brief");
                let mut response = empty(if brief { StatusCode::OK } else { StatusCode::NO_CONTENT });
                if !brief {
                    let applied = HeaderName::from_static("preference-applied");
                    response.headers_mut().insert(applied, HeaderValue::from_static("return=minimal"));
                }
                Ok(response)
            }
            Ok(()) => Ok(self.all(href, "HTTP/1.1 200 OK", None)),
            Err(Refusal::Reserved(lacks)) => Ok(self.all(href, FORBIDDEN, Some(&reserved(lacks, &call.portal_url)))),
            // Another content came meanwhile: to who insists on the one that was there it is a precondition.
            Err(Refusal::Precondition) if !call.headers.contains_key(IF_MATCH) && !call.headers.contains_key("if") => {
                Err(Fault::Gate(Refusal::Unavailable, href.to_owned()))
            }
            Err(Refusal::Limit(_)) => Ok(self.all(href, "HTTP/1.1 507 Insufficient Storage", None)),
            Err(refusal) => Err(Fault::Gate(refusal, href.to_owned())),
        }
    }

    /// The answer when something cannot be: what it is, and that the rest was left for that reason.
    fn refused(&self, href: &str) -> Response {
        let named = |which: &dyn Fn(&ElementName) -> bool| {
            let mut piece = Xml::piece();
            for name in self.names.iter().filter(|name| which(name)) {
                piece.named(name);
            }
            piece
        };
        let is_fixed = |name: &ElementName| self.fixed.contains(name);
        let is_odd = |name: &ElementName| !is_fixed(name) && self.odd.contains(name);
        let (fixed, odd) = (named(&is_fixed), named(&is_odd));
        let is_broken = |name: &ElementName| !is_fixed(name) && !is_odd(name) && self.broken.iter().any(|(broken, _)| broken == name);
        let rest = named(&|name| !is_fixed(name) && !is_odd(name) && !is_broken(name));
        whole(|xml| {
            xml.open("D:response").text("D:href", href);
            // RFC 4918 section 9.2.1
            if !fixed.is_empty() {
                propstat_because(&fixed, FORBIDDEN, Some(PROTECTED), None, xml);
            }
            for (name, rule) in self.broken.iter().filter(|(name, _)| is_broken(name)) {
                let mut piece = Xml::piece();
                piece.named(name);
                propstat_because(&piece, FORBIDDEN, Some(rule), None, xml);
            }
            for (which, status) in [(odd, "HTTP/1.1 409 Conflict"), (rest, "HTTP/1.1 424 Failed Dependency")] {
                if !which.is_empty() {
                    propstat(&which, status, xml);
                }
            }
            xml.close("D:response");
        })
    }

    /// One status for all.
    fn all(&self, href: &str, status: &str, why: Option<&str>) -> Response {
        let mut properties = Xml::piece();
        for name in &self.names {
            properties.named(name);
        }
        whole(|xml| {
            xml.open("D:response").text("D:href", href);
            propstat_because(&properties, status, None, why, xml);
            xml.close("D:response");
        })
    }
}

fn note(names: &mut Vec<ElementName>, name: &ElementName) {
    if !names.contains(name) {
        names.push(name.clone());
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(body: &str) -> Update {
        let body = format!(r#"<D:propertyupdate xmlns:D="DAV:" xmlns:k="urn:octroi:keyword" xmlns:x="urn:x">{body}</D:propertyupdate>"#);
        let request = parse(body.as_bytes()).unwrap();
        let judged = instructions(&request, kept(body.as_bytes()).unwrap());
        let judged = judged.into_iter().map(|(act, property, kept)| (property.name.clone(), judge_file(act, property, kept)));
        Update::of(judged).unwrap_or_else(|_| panic!("{body}"))
    }

    #[test]
    fn instructions_are_followed_in_their_order() {
        let update = read(
            "<D:set><D:prop><k:Validated>1</k:Validated><k:Urgent> 1 </k:Urgent></D:prop></D:set>
             <D:remove><D:prop><k:VALIDATED/></D:prop></D:remove>",
        );
        assert_eq!(update.wants.marks, [("$Urgent".to_owned(), true), ("$VALIDATED".to_owned(), false)]);
        assert!(!update.is_bad() && update.only_marks());
        let update = read("<D:remove><D:prop><x:a/></D:prop></D:remove><D:set><D:prop><x:a>1</x:a></D:prop></D:set>");
        let edits: Vec<bool> = update.wants.properties.iter().map(|(_, value)| value.is_some()).collect();
        assert!(edits == [false, true] && update.names.len() == 1 && !update.only_marks());
    }

    #[test]
    fn one_that_cannot_be_changed_leaves_all() {
        let update = read("<D:set><D:prop><k:Urgent>1</k:Urgent><k:Odd>maybe</k:Odd><D:getetag>x</D:getetag></D:prop></D:set>");
        assert!(update.is_bad());
        assert_eq!((update.fixed.len(), update.odd.len(), update.wants.marks.len(), update.names.len()), (1, 1, 1, 3));
    }
}
