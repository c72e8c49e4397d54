//! Sharing by invitation: what POST of `CS:share` and `CS:invite-reply` (Apple's caldav-sharing) and of `D:share-resource`
//! (draft-pot-webdav-resource-sharing) ask for.
//!
//! Called by POST. An invitation is an edit of the ACL with a notice to whom it is for; the gate decides as for the method ACL. What somebody answers is
//! posted to the top of their own calendars.

use crate::call::{Call, find, folder_at, is_own};
use crate::config::DavConfig;
use crate::methods::acl::named;
use crate::methods::options;
use crate::names::{CALENDARSERVER, DAV};
use crate::path::{Place, Target, folder_href};
use crate::precondition::Current;
use crate::refusal::{Answer, Fault, empty, xml_response};
use crate::sharing::broken;
use crate::xml::{Element, Xml};
use http::StatusCode;
use octroi_gate::{Area, Identifier, InviteState, InviteWish, Personalise, Refusal, ShareFolder};
use octroi_model::{Address, Name, Rights};

/// What who may read a shared calendar has.
const READ: Rights = Rights::LOOKUP.or(Rights::READ).or(Rights::FREE_BUSY);
/// What who may write it has beside that: never the right to remove it whole.
const WRITE: Rights = Rights::WRITE.or(Rights::INSERT).or(Rights::EXPUNGE);

/// Does the request's root ask for one of these?
pub(crate) fn is_share(request: &Element) -> bool {
    request.is(CALENDARSERVER, "share") || request.is(DAV, "share-resource")
}

/// Likewise.
pub(crate) fn is_reply(request: &Element) -> bool {
    request.is(CALENDARSERVER, "invite-reply")
}

/// POST of an invitation to what is to be shared.
pub(crate) async fn share(call: Call, place: &Place, request: &Element) -> Answer {
    let href = call.href();
    let folder = match call.session.open(folder_at(place), ShareFolder).await {
        Ok(folder) => folder,
        Err(Refusal::Missing) => {
            find(&call.session, place).await.map_err(Fault::about(&href))?;
            return Err(Fault::NotAllowed(options::allowed(&call).await?));
        }
        Err(refusal) => return Err(Fault::Gate(refusal, href)),
    };
    // Homes are nobody else's, and Apple's invitations are about calendars.
    let of_calendars = place.area == Area::Calendars || !request.is(CALENDARSERVER, "share");
    if place.path.names().is_empty() || !of_calendars {
        return Err(Fault::NotAllowed(options::allowed(&call).await?));
    }
    let owner = folder.acl().map_err(Fault::about(&href))?.owner;
    let wishes = wishes(request, &owner, &call.config)?;
    call.check_write(Current::collection()).await?;
    let who: Vec<(Identifier, Rights)> = wishes.iter().map(|wish| (wish.who.clone(), wish.rights)).collect();
    match folder.invite(&wishes).await {
        Ok(()) => Ok(empty(StatusCode::OK)),
        Err(refusal) => Err(named(&call, &who, refusal)?),
    }
}

/// Whom to invite, each once.
pub(crate) fn wishes(request: &Element, owner: &Address, config: &DavConfig) -> Result<Vec<InviteWish>, Fault> {
    let is_ours = |child: &&Element| child.is(CALENDARSERVER, "set") || child.is(CALENDARSERVER, "remove") || child.is(DAV, "sharee");
    let mut wishes: Vec<InviteWish> = Vec::new();
    for element in request.children.iter().filter(is_ours) {
        let wish = wish(element, config)?;
        if matches!(&wish.who, Identifier::Account(address) if address.key() == owner.key()) {
            return Err(broken("D:allowed-principal"));
        }
        wishes.retain(|other| other.who != wish.who);
        wishes.push(wish);
        if wishes.len() > config.invitees_max {
            return Err(Fault::because("D:limited-number-of-aces", format!("One request invites {} at most.", config.invitees_max)));
        }
    }
    if wishes.is_empty() { Err(Fault::Status(StatusCode::BAD_REQUEST, "Nobody is invited or removed.")) } else { Ok(wishes) }
}

fn wish(element: &Element, config: &DavConfig) -> Result<InviteWish, Fault> {
    let href = element.child(DAV, "href").ok_or(Fault::Status(StatusCode::BAD_REQUEST, "A sharee has an href."))?;
    let who = invitee(href.trimmed()).ok_or_else(|| broken("D:recognized-principal"))?;
    let summary = element.child(CALENDARSERVER, "summary").or_else(|| element.child(DAV, "comment"));
    let summary = summary_of(summary, config)?;
    let access = if element.is(DAV, "sharee") { element.child(DAV, "share-access") } else { Some(element) };
    let may = |local: &str| access.is_some_and(|of| of.child(element.name.namespace.as_str(), local).is_some());
    let rights = if element.is(CALENDARSERVER, "remove") || may("no-access") {
        Rights::NONE
    } else if may("read-write") || may("read-write-schedule") {
        READ | WRITE
    } else if may("read") {
        READ
    } else {
        return Err(Fault::Status(StatusCode::BAD_REQUEST, "An invitation says read or read-write."));
    };
    Ok(InviteWish { who, rights, summary })
}

/// A text that is handed on to others.
fn summary_of(element: Option<&Element>, config: &DavConfig) -> Result<String, Fault> {
    let summary: String = element.map_or("", Element::trimmed).chars().filter(|c| !c.is_control()).collect();
    if summary.len() > config.invitation_bytes_max {
        return Err(Fault::Status(StatusCode::BAD_REQUEST, "The summary is too long."));
    }
    Ok(summary)
}

/// By a calendar user address or by a principal.
fn invitee(href: &str) -> Option<Identifier> {
    if href.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("mailto:")) {
        return href[7..].trim().parse().ok().map(Identifier::Account);
    }
    match Target::parse_reference(href) {
        Ok((Target::Principal(who), _)) => Some(who),
        _ => None,
    }
}

/// POST of an answer to the top of one's own calendars.
pub(crate) async fn reply(call: Call, place: &Place, request: &Element) -> Answer {
    if place.area != Area::Calendars || !place.path.names().is_empty() {
        return Err(Fault::NotAllowed(options::allowed(&call).await?));
    }
    let accepts = match (request.child(CALENDARSERVER, "invite-accepted"), request.child(CALENDARSERVER, "invite-declined")) {
        (Some(_), None) => true,
        (None, Some(_)) => false,
        _ => return Err(Fault::Status(StatusCode::BAD_REQUEST, "An answer accepts or declines.")),
    };
    let id = request.child(CALENDARSERVER, "in-reply-to").map(Element::trimmed).filter(|id| !id.is_empty());
    let name =
        request.child(CALENDARSERVER, "hosturl").and_then(|url| url.child(DAV, "href")).and_then(|href| hosted(&call, href.trimmed()));
    let summary = summary_of(request.child(CALENDARSERVER, "summary"), &call.config)?;
    let home = call.session.open(folder_at(place), Personalise).await.map_err(Fault::about(&call.href()))?;
    let path = match home.answer_invite((id, name.as_ref()), accepts, &summary).await {
        Ok(path) => path,
        Err(Refusal::Missing) => return Err(Fault::Status(StatusCode::FORBIDDEN, "There is no such invitation.")),
        Err(refusal) => return Err(Fault::Gate(refusal, call.href())),
    };
    if !accepts {
        return Ok(empty(StatusCode::OK));
    }
    let mut xml = Xml::document("CS:shared-as");
    xml.text("D:href", &folder_href(Area::Calendars, call.session.address(), &path)).close("CS:shared-as");
    Ok(xml_response(StatusCode::OK, xml))
}

/// The name among one's own calendars that a notice gave.
fn hosted(call: &Call, href: &str) -> Option<Name> {
    match Target::parse_reference(href) {
        Ok((Target::Place(place), _)) if place.area == Area::Calendars && is_own(&call.session, &place.address) => match place.path.names()
        {
            [name] => Some(name.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// DELETE of somebody else's calendar to which one was invited: it is declined, and nothing happens to it. `None`: it is no such calendar.
pub(crate) async fn decline(call: &Call, place: &Place) -> Result<Option<()>, Fault> {
    let [name] = place.path.names() else { return Ok(None) };
    if place.area != Area::Calendars {
        return Ok(None);
    }
    let about = |refusal| Fault::Gate(refusal, call.href());
    let is_others = match call.session.open(folder_at(place), Personalise).await {
        Ok(folder) => folder.is_shared(),
        Err(Refusal::Missing | Refusal::Forbidden(_)) => false,
        Err(refusal) => return Err(about(refusal)),
    };
    if !is_others {
        return Ok(None);
    }
    let top = Place { path: octroi_model::Path::top(), ..place.clone() };
    let answered = match call.session.open(folder_at(&top), Personalise).await {
        Ok(home) => home.answer_invite((None, Some(name)), false, "").await,
        Err(refusal) => Err(refusal),
    };
    match answered {
        Ok(_) => Ok(Some(())),
        Err(Refusal::Missing | Refusal::Forbidden(_)) => Ok(None),
        Err(refusal) => Err(about(refusal)),
    }
}

/// What somebody may do, in the two words that there are for it.
pub(crate) fn access(rights: Rights) -> &'static str {
    if rights.intersects(WRITE) { "read-write" } else { "read" }
}

/// What somebody said to an invitation.
pub(crate) fn status(state: InviteState) -> &'static str {
    match state {
        InviteState::Open => "CS:invite-noresponse",
        InviteState::Accepted => "CS:invite-accepted",
        InviteState::Declined => "CS:invite-declined",
        InviteState::Withdrawn => "CS:invite-deleted",
    }
}

/// The content of `CS:access`.
pub(crate) fn write_access(rights: Rights, xml: &mut Xml) {
    xml.open("CS:access").empty(if access(rights) == "read" { "CS:read" } else { "CS:read-write" }).close("CS:access");
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::xml::parse;

    fn read(body: &str) -> Result<Vec<String>, String> {
        let spaces = r#"xmlns:D="DAV:" xmlns:CS="http://calendarserver.org/ns/""#;
        let (root, rest) = body.split_once('>').unwrap();
        let request = parse(format!("{root} {spaces}>{rest}").as_bytes()).unwrap();
        let config = DavConfig { invitees_max: 2, invitation_bytes_max: 10, ..DavConfig::default() };
        let wishes = wishes(&request, &"lea@a.example".parse().unwrap(), &config).map_err(|fault| format!("{fault:?}"))?;
        Ok(wishes.iter().map(|wish| format!("{}={} {}", wish.who, wish.rights, wish.summary)).collect())
    }

    #[test]
    fn apples_invitations_and_the_drafts_are_read() {
        let apple = "<CS:share><CS:set><D:href>MAILTO:paul@a.example</D:href><CS:common-name>Paul</CS:common-name><CS:summary> Quai </CS:summary>\
            <CS:read-write/></CS:set><CS:remove><D:href>/dav/principals/ines@a.example/</D:href></CS:remove></CS:share>";
        assert_eq!(read(apple).unwrap(), ["paul@a.example=lrwie1 Quai", "ines@a.example= "]);
        let draft = "<D:share-resource><D:sharee><D:href>https://h/dav/principals/group/quai/</D:href><D:comment>x</D:comment>\
            <D:share-access><D:read/></D:share-access></D:sharee></D:share-resource>";
        assert_eq!(read(draft).unwrap(), ["group:quai=lr1 x"]);
        // The last word on somebody counts.
        let twice = "<CS:share><CS:set><D:href>mailto:p@a.example</D:href><CS:read-write/></CS:set>\
            <CS:set><D:href>mailto:p@a.example</D:href><CS:read/></CS:set></CS:share>";
        assert_eq!(read(twice).unwrap(), ["p@a.example=lr1 "]);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let set = |href: &str, more: &str| format!("<CS:set><D:href>{href}</D:href>{more}</CS:set>");
        let share = |inner: &str| format!("<CS:share>{inner}</CS:share>");
        let read_to = |href: &str| set(href, "<CS:read/>");
        for (body, why) in [
            (share(""), "400"),
            (share(&set("mailto:p@a.example", "")), "400"),
            (share("<CS:set><CS:read/></CS:set>"), "400"),
            (share(&set("mailto:p@a.example", "<CS:read/><CS:summary>eleven oct.</CS:summary>")), "400"),
            (share(&read_to("mailto:lea@a.example")), "allowed-principal"),
            (share(&read_to("urn:uuid:1")), "recognized-principal"),
            (share(&read_to("/dav/calendars/p@a.example/")), "recognized-principal"),
            (share(&["a", "b", "c"].map(|name| read_to(&format!("mailto:{name}@a.example"))).concat()), "limited-number-of-aces"),
        ] {
            let refused = read(&body);
            assert!(refused.as_ref().is_err_and(|fault| fault.contains(why)), "{body}: {refused:?}");
        }
    }
}
