//! ACL (RFC 3744 section 8.1): who else may do what in a collection. All entries are replaced, in one commit with its audit line.
//!
//! Known limits: grants only, and to accounts, groups, profiles or everybody; a document has the ACL of its collection; a collection that
//! gets an ACL of its own has that one alone, and no longer what stood further up.

use crate::call::{Call, Found, find, folder_at};
use crate::methods::options;
use crate::precondition::Current;
use crate::refusal::{Answer, Fault, empty};
use crate::sharing::{broken, entries};
use crate::xml::parse;
use http::StatusCode;
use octroi_gate::{Identifier, Refusal, ShareFolder};
use octroi_model::Rights;

/// ACL.
pub(crate) async fn acl(mut call: Call) -> Answer {
    let place = call.place()?;
    let href = call.href();
    let folder = match call.session.open(folder_at(&place), ShareFolder).await {
        Ok(folder) => folder,
        Err(Refusal::Missing) => match find(&call.session, &place).await.map_err(Fault::about(&href))? {
            Found::File(_) => return Err(Fault::NotAllowed(options::allowed(&call).await?)),
            Found::Folder(_) => return Err(Fault::missing()),
        },
        Err(refusal) => return Err(Fault::Gate(refusal, href)),
    };
    let body = call.xml_body().await?;
    let owner = folder.acl().map_err(Fault::about(&href))?.owner;
    let entries = entries(&parse(&body)?, &owner)?;
    call.check_write(Current::collection()).await?;
    match folder.replace_acl(&entries).await {
        Ok(()) => Ok(empty(StatusCode::OK)),
        Err(refusal) => Err(named(&call, &entries, refusal)?),
    }
}

/// Why an ACL with these entries is refused. Used by invitations too.
pub(crate) fn named(call: &Call, entries: &[(Identifier, Rights)], refusal: Refusal) -> Result<Fault, Fault> {
    Ok(match refusal {
        Refusal::Limit(_) => broken("D:limited-number-of-aces"),
        // Who may share with nobody does not learn here who there is.
        Refusal::UnknownGrantee if !may_name_all(call, entries)? => broken("D:allowed-principal"),
        refusal => Fault::Gate(refusal, call.href()),
    })
}

fn may_name_all(call: &Call, entries: &[(Identifier, Rights)]) -> Result<bool, Fault> {
    for (who, _) in entries {
        if !call.session.may_share_with(who).map_err(Fault::about(&call.href()))? {
            return Ok(false);
        }
    }
    Ok(true)
}
