//! `version-tree` (RFC 3253 section 3.7) of what is kept of a document: its versions, the oldest first, and then the document as it is.
//!
//! Nothing else of versioning is there: a version comes with every write, so there is nothing to check out or in, and no version branches.
//! A version is a resource of its own in `.versions`, which answers the same; only this report tells what came before it and after.

use crate::call::{Call, Found, find, folder_at};
use crate::methods::propfind::{Listing, viewer};
use crate::multistatus::{Wanted, describe, whole};
use crate::path::{Place, Target, file_href};
use crate::property::History;
use crate::refusal::{Answer, Fault};
use crate::resource::Resource;
use crate::xml::{Element, Xml};
use http::StatusCode;
use octroi_gate::{Area, List, MemberIs, Refusal, VERSIONS};
use octroi_model::{Item, Name, Path};

/// What the document itself is called among its versions.
const CURRENT: &str = "current";

/// `version-tree`.
pub(crate) async fn version_tree(call: &Call, place: &Place, request: &Element) -> Answer {
    let about = call.href();
    let found = find(&call.session, place).await.map_err(Fault::about(&about))?;
    if place.area != Area::Files || !matches!(found, Found::File(_)) {
        return Err(Fault::Rule(StatusCode::FORBIDDEN, "D:supported-report"));
    }
    let wanted = Wanted::of_optional_prop(request, &call.headers)?;
    let (document, versions) = places(place).ok_or(Fault::Rule(StatusCode::FORBIDDEN, "D:supported-report"))?;
    let viewer = viewer(call);
    // It may have been removed since.
    let itself = Resource::at(call, &Target::Place(document), &wanted, &viewer).await.ok();
    let mut xml = Xml::piece();
    let kept = match call.session.open(folder_at(&versions), List).await {
        Ok(folder) => {
            let members = folder.listing().await.map_err(Fault::about(&about))?;
            let items: Vec<Item> =
                members.members().filter_map(|member| if let MemberIs::Item(item) = member.is { Some(item) } else { None }).collect();
            let href = |item: &Item| Some(file_href(versions.area, &viewer.address, &versions.path, item.name.as_ref()?));
            let mut hrefs: Vec<String> = items.iter().filter_map(href).collect();
            let kept = hrefs.len();
            hrefs.extend(itself.as_ref().map(|document| document.href.clone()));
            let listing = Listing::of(call, &versions, wanted.clone());
            let parent = listing.parent(folder).await;
            for (at, item) in items.iter().enumerate() {
                let history = History {
                    name: name_of(item),
                    before: at.checked_sub(1).map(|at| hrefs[at].clone()),
                    after: hrefs.get(at + 1).cloned(),
                };
                listing.version(&hrefs[at], item, &parent, &history, &mut xml);
            }
            hrefs.into_iter().nth(kept.wrapping_sub(1)).filter(|_| kept > 0)
        }
        Err(Refusal::Missing | Refusal::Forbidden(_)) => None,
        Err(refusal) => return Err(Fault::Gate(refusal, about)),
    };
    if let Some(document) = &itself {
        let history = History { name: CURRENT.to_owned(), before: kept, after: None };
        describe(&document.href, &document.subject_in(Some(&history)), &wanted, &viewer, None, &mut xml);
    }
    Ok(whole(|into| {
        into.append(&xml);
    }))
}

/// Where a document is and where its versions are, of the document or of one of them.
fn places(place: &Place) -> Option<(Place, Place)> {
    let (folder, name) = place.path.split_last()?;
    let aside = Name::new(VERSIONS).ok()?;
    let of_version = |within: &Path| {
        let (versions, document) = within.split_last()?;
        let (folder, last) = versions.split_last()?;
        (*last == aside).then_some((folder, document.clone()))
    };
    let (folder, name) = of_version(&folder).unwrap_or((folder, name.clone()));
    let versions = folder.child(aside).and_then(|path| path.child(name.clone())).ok()?;
    let at = |path, slash| Place { path, slash, ..place.clone() };
    Some((at(folder.child(name).ok()?, false), at(versions, true)))
}

/// Time and number, which the name of a version begins with.
fn name_of(item: &Item) -> String {
    let name = item.name.as_ref().map_or("", Name::as_str);
    name.splitn(3, '-').take(2).collect::<Vec<_>>().join("-")
}
