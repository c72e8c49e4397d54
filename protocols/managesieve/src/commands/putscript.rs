//! PUTSCRIPT. RFC 5804 section 2.6.

use crate::config::ManageSieveConfig;
use crate::connection::Done;
use crate::wire::Reply;
use octroi_gate::Session;

/// PUTSCRIPT: only a script that can be read is kept.
pub(crate) async fn putscript(session: &Session, name: &str, script: &str, config: &ManageSieveConfig) -> Done {
    super::checkscript::checkscript(script, config)?;
    session.put_script(name, script.as_bytes()).await?;
    Ok(Reply::ok("Kept"))
}
