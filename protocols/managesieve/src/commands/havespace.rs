//! HAVESPACE. RFC 5804 section 2.5.

use crate::connection::Done;
use crate::wire::Reply;
use octroi_gate::Session;

/// HAVESPACE: would PUTSCRIPT find room?
pub(crate) async fn havespace(session: &Session, name: &str, bytes: u64) -> Done {
    session.room_for_script(name, bytes).await?;
    Ok(Reply::ok("There is room"))
}
