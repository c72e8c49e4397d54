//! RENAMESCRIPT. RFC 5804 section 2.11.1.

use crate::connection::Done;
use crate::wire::Reply;
use octroi_gate::Session;

/// RENAMESCRIPT: the active one stays active.
pub(crate) async fn renamescript(session: &Session, from: &str, to: &str) -> Done {
    session.rename_script(from, to).await?;
    Ok(Reply::ok("Renamed"))
}
