//! CHECKSCRIPT. RFC 5804 section 2.12.

use crate::config::ManageSieveConfig;
use crate::connection::Done;
use crate::wire::Reply;

/// CHECKSCRIPT: as PUTSCRIPT would, without keeping it.
pub(crate) fn checkscript(script: &str, config: &ManageSieveConfig) -> Done {
    match octroi_sieve::compile(script, &config.scripts) {
        Ok(_) => Ok(Reply::ok("The script is valid")),
        Err(fault) => Err(Reply::no(fault.to_string()).into()),
    }
}
