//! SETACTIVE. RFC 5804 section 2.8.

use crate::connection::Done;
use crate::wire::Reply;
use octroi_gate::Session;

/// SETACTIVE: an empty name means none.
pub(crate) async fn setactive(session: &Session, name: &str) -> Done {
    session.activate_script((!name.is_empty()).then_some(name)).await?;
    Ok(Reply::ok(if name.is_empty() { "No script is active" } else { "The script is active" }))
}
