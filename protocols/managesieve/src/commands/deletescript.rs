//! DELETESCRIPT. RFC 5804 section 2.10.

use crate::connection::Done;
use crate::wire::Reply;
use octroi_gate::{Refusal, Session};

/// DELETESCRIPT: not the active one.
pub(crate) async fn deletescript(session: &Session, name: &str) -> Done {
    match session.delete_script(name).await {
        Ok(()) => Ok(Reply::ok("Deleted")),
        Err(Refusal::Unsupported) => Err(Reply::no("The script is active: make another one active first").code("ACTIVE").into()),
        Err(other) => Err(other.into()),
    }
}
