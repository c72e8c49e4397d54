//! SETQUOTA. RFC 9208 section 4.1.3: not announced (QUOTASET), because limits are the administrator's: `octroi quota set`.

use crate::reply::{Done, Reply};
use octroi_gate::Session;

/// SETQUOTA.
pub(crate) fn setquota(_: &Session) -> Done {
    Err(Reply::no("NOPERM", "The administrator sets quotas").into())
}
