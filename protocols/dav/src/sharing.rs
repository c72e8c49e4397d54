//! An ACL as DAV tells and takes it (RFC 3744 sections 5.5 and 8.1): principals by href, grants only.
//!
//! Called by the ACL method and by whatever describes a collection or a document, which has that of its collection.

use crate::names::DAV;
use crate::path::{Target, folder_href, principal_of};
use crate::privilege;
use crate::refusal::Fault;
use crate::xml::{Element, Xml};
use http::StatusCode;
use octroi_gate::{AclFacts, Area, FolderAt, Identifier, Session, ShareFolder, Sharee};
use octroi_model::{Address, Path, Rights};

/// Entries of one request; the gate takes fewer principals.
const ENTRIES_MAX: usize = 400;

/// An ACL in force, for who may change it.
pub(crate) struct Told {
    facts: AclFacts,
    /// Where it stands, if that is further up in the viewer's own tree.
    pub source: Option<String>,
    /// With whom it is shared by that.
    pub sharees: Vec<Sharee>,
}

/// The ACL of a collection; `None` for who may not change it. To be asked only by who has the right: each refusal is audited.
pub(crate) async fn told(session: &Session, area: Area, path: &Path) -> Option<Told> {
    let granted = session.open(FolderAt { area, path: path.clone() }, ShareFolder).await.ok()?;
    let (facts, sharees) = (granted.acl().ok()?, granted.sharees().ok()?);
    let mut source = None;
    if facts.inherited && facts.owner == *session.address() {
        for length in (0..path.names().len()).rev() {
            let above = Path::from_names(path.names()[..length].to_vec()).ok()?;
            let at = FolderAt { area, path: above.clone() };
            if let Ok(acl) = session.open(at, ShareFolder).await.ok()?.acl()
                && !acl.inherited
            {
                source = Some(folder_href(area, session.address(), &above));
                break;
            }
        }
    }
    Some(Told { facts, source, sharees })
}

/// The content of `DAV:acl`. `inherited`: the collection of a document, whose ACL it is.
pub(crate) fn write_acl(told: &Told, inherited: Option<&str>, xml: &mut Xml) {
    let owner = Identifier::Account(told.facts.owner.clone());
    let source = told.source.as_deref().or(inherited);
    let entries = told.facts.entries.iter().map(|(who, rights)| (who, Some(*rights)));
    for (who, rights) in std::iter::once((&owner, None)).chain(entries) {
        xml.open("D:ace").open("D:principal");
        match principal_of(who) {
            Some(href) => xml.text("D:href", &href),
            None => xml.empty("D:authenticated"),
        };
        xml.close("D:principal").open("D:grant");
        match rights {
            Some(rights) => privilege::write_grant(rights, xml),
            None => {
                xml.open("D:privilege").empty("D:all").close("D:privilege");
            }
        }
        xml.close("D:grant");
        if rights.is_none() {
            // RFC 3744 section 5.5.3: nobody takes it from the owner.
            xml.empty("D:protected");
        } else if let Some(source) = source {
            xml.open("D:inherited").text("D:href", source).close("D:inherited");
        }
        xml.close("D:ace");
    }
}

/// Everybody who stands in an ACL, the owner first.
pub(crate) fn principals(told: &Told) -> Vec<Identifier> {
    let owner = Identifier::Account(told.facts.owner.clone());
    std::iter::once(owner).chain(told.facts.entries.iter().map(|(who, _)| who.clone())).collect()
}

/// The entries of a request's `acl` element, each principal once.
pub(crate) fn entries(request: &Element, owner: &Address) -> Result<Vec<(Identifier, Rights)>, Fault> {
    if !request.is(DAV, "acl") {
        return Err(Fault::Status(StatusCode::BAD_REQUEST, "The body is an acl element."));
    }
    let mut entries: Vec<(Identifier, Rights)> = Vec::new();
    for ace in request.children.iter().filter(|child| child.is(DAV, "ace")) {
        let (who, rights) = entry(ace)?;
        if matches!(&who, Identifier::Account(address) if address.key() == owner.key()) {
            return Err(broken("D:no-protected-ace-conflict"));
        }
        if let Some((_, held)) = entries.iter_mut().find(|(known, _)| same(known, &who)) {
            *held = *held | rights;
        } else if entries.len() < ENTRIES_MAX {
            entries.push((who, rights));
        } else {
            return Err(broken("D:limited-number-of-aces"));
        }
    }
    Ok(entries)
}

fn entry(ace: &Element) -> Result<(Identifier, Rights), Fault> {
    for (element, rule) in [
        ("deny", "D:grant-only"),
        ("invert", "D:no-invert"),
        ("protected", "D:no-protected-ace-conflict"),
        ("inherited", "D:no-inherited-ace-conflict"),
    ] {
        if ace.child(DAV, element).is_some() {
            return Err(broken(rule));
        }
    }
    let bad = || Fault::Status(StatusCode::BAD_REQUEST, "An ace has a principal and a grant.");
    let principal = ace.child(DAV, "principal").and_then(|principal| principal.children.first()).ok_or_else(bad)?;
    let who = match principal.name.local.as_str() {
        _ if principal.name.namespace != DAV => return Err(broken("D:allowed-principal")),
        // Nobody comes without a log-in, so all who come are authenticated.
        "all" | "authenticated" => Identifier::Anyone,
        "href" => match Target::parse_reference(principal.trimmed()) {
            Ok((Target::Principal(who), _)) => who,
            _ => return Err(broken("D:recognized-principal")),
        },
        _ => return Err(broken("D:allowed-principal")),
    };
    let rights = privilege::granted(ace.child(DAV, "grant").ok_or_else(bad)?).map_err(broken)?;
    Ok((who, rights))
}

fn same(one: &Identifier, other: &Identifier) -> bool {
    match (one, other) {
        (Identifier::Account(one), Identifier::Account(other)) => one.key() == other.key(),
        _ => one == other,
    }
}

/// RFC 3744 section 8.1.1.
pub(crate) fn broken(precondition: &'static str) -> Fault {
    Fault::Rule(StatusCode::FORBIDDEN, precondition)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::xml::parse;

    fn read(aces: &str) -> Result<Vec<(Identifier, Rights)>, String> {
        let text = format!(r#"<D:acl xmlns:D="DAV:">{aces}</D:acl>"#);
        entries(&parse(text.as_bytes()).unwrap(), &"lea@a.example".parse().unwrap()).map_err(|fault| format!("{fault:?}"))
    }

    fn ace(principal: &str, what: &str) -> String {
        format!("<D:ace><D:principal>{principal}</D:principal>{what}</D:ace>")
    }

    const READ: &str = "<D:grant><D:privilege><D:read/></D:privilege></D:grant>";
    const BIND: &str = "<D:grant><D:privilege><D:bind/></D:privilege></D:grant>";

    #[test]
    fn entries_of_one_principal_are_united() {
        let paul = "<D:href>/dav/principals/paul%40a.example/</D:href>";
        let upper = "<D:href>https://h/dav/principals/PAUL@a.example</D:href>";
        let said =
            [ace(paul, READ), ace("<D:authenticated/>", READ), ace(upper, BIND), ace("<D:href>/dav/principals/group/quai/</D:href>", BIND)];
        let entries = read(&said.concat()).unwrap();
        let names: Vec<String> = entries.iter().map(|(who, rights)| format!("{who}={rights}")).collect();
        assert_eq!(names, ["paul@a.example=lri1", "anyone=lr1", "group:quai=li"]);
        assert!(read("").unwrap().is_empty());
    }

    #[test]
    fn what_cannot_be_is_refused_by_its_precondition() {
        let paul = "<D:href>/dav/principals/paul@a.example/</D:href>";
        for (aces, rule) in [
            (ace(paul, "<D:deny><D:privilege><D:read/></D:privilege></D:deny>"), "D:grant-only"),
            (format!("<D:ace><D:invert><D:principal>{paul}</D:principal></D:invert>{READ}</D:ace>"), "D:no-invert"),
            (ace("<D:property><D:owner/></D:property>", READ), "D:allowed-principal"),
            (ace("<D:self/>", READ), "D:allowed-principal"),
            (ace("<D:unauthenticated/>", READ), "D:allowed-principal"),
            (ace("<D:href>/dav/files/paul@a.example/</D:href>", READ), "D:recognized-principal"),
            (ace("<D:href>/dav/principals/lea@a.example/</D:href>", READ), "D:no-protected-ace-conflict"),
            (ace(paul, &format!("{READ}<D:protected/>")), "D:no-protected-ace-conflict"),
            (ace(paul, &format!("{READ}<D:inherited><D:href>/x</D:href></D:inherited>")), "D:no-inherited-ace-conflict"),
            (ace(paul, "<D:grant><D:privilege><D:read-acl/></D:privilege></D:grant>"), "D:no-abstract"),
            (ace(paul, "<D:grant><D:privilege><D:unlock/></D:privilege></D:grant>"), "D:no-abstract"),
            (ace(paul, "<D:grant><D:privilege><D:open/></D:privilege></D:grant>"), "D:not-supported-privilege"),
        ] {
            assert!(read(&aces).is_err_and(|fault| fault.contains(&format!("\"{rule}\""))), "{rule}: {:?}", read(&aces));
        }
        assert!(read(&ace(paul, "")).is_err_and(|fault| fault.contains("400")));
    }
}
