//! Refusals of the gate as responses: the only place that makes them. No more is said than the peer may know.

use crate::connection::Fault;
use crate::wire::Reply;
use octroi_gate::{Refusal, SCRIPT_BYTES, SCRIPTS};

/// RFC 5804 section 1.3.
pub(crate) fn of_gate(refusal: Refusal) -> Fault {
    let reply = match refusal {
        Refusal::Ended => return Fault::End(crate::connection::End::Bye("The session has ended")),
        Refusal::Missing => Reply::no("There is no script of that name").code("NONEXISTENT"),
        Refusal::Exists => Reply::no("There is a script of that name already").code("ALREADYEXISTS"),
        Refusal::Precondition => Reply::no("That is no name of a script"),
        Refusal::Limit(limit) if limit == SCRIPTS => Reply::no("You have as many scripts as you may have").code("QUOTA/MAXSCRIPTS"),
        Refusal::Limit(limit) if limit == SCRIPT_BYTES => Reply::no("The script is too large").code("QUOTA/MAXSIZE"),
        Refusal::OverQuota => Reply::no("Your account is full").code("QUOTA"),
        Refusal::Unsupported => Reply::no("That is not possible here"),
        _ => Reply::no("Not possible at the moment, try again later").code("TRYLATER"),
    };
    Fault::Reply(reply)
}
