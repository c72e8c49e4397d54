//! CANCELUPDATE. RFC 5267 section 4.5.

use crate::reply::{Done, Reply};
use crate::state::Selected;

/// CANCELUPDATE.
pub(crate) fn cancelupdate(selected: &mut Selected, tags: &[String]) -> Done {
    if !selected.contexts.cancel(tags) {
        return Err(Reply::no("CANNOT", "No search with such a tag is updated").into());
    }
    Ok(Reply::ok("No longer updated"))
}
