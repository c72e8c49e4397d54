//! UNAUTHENTICATE. RFC 5804 section 2.14: the log-in ends, and the connection stays for another.

use crate::wire::Reply;

/// UNAUTHENTICATE: the caller forgets the session.
pub(crate) fn unauthenticate() -> Reply {
    Reply::ok("Logged out; log in again")
}
