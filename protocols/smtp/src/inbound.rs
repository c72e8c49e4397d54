//! Mail from other servers: for our people only, which the gate's envelope holds to; nobody logs in here.

use crate::header::Plan;
use crate::session::Session;
use crate::stamp::{Trace, trace_fields};
use crate::transaction::Open;
use crate::wire::ReversePath;
use octroi_gate::{Envelope, Internet, ReturnPath};
use octroi_model::UnixTime;

/// An envelope for a message of whoever it is.
pub(crate) fn open(session: &Session, from: &ReversePath) -> Envelope<Internet> {
    let from = match from {
        ReversePath::Null => ReturnPath::Null,
        ReversePath::Mailbox(address) => ReturnPath::Address(address.clone()),
    };
    session.gate.inbound(from, session.peer())
}

/// This is the final delivery: the message gets its return path.
pub(crate) fn plan(session: &Session, open: &Open, id: &str) -> Plan {
    Plan {
        trace: trace(session, open, id),
        received_max: session.config.received_max,
        results_of: Some(session.hostname().to_owned()),
        opinions_go: true,
        complete: None,
    }
}

/// The trace fields of a message that is delivered here.
pub(crate) fn trace(session: &Session, open: &Open, id: &str) -> String {
    let recipients = open.route.recipients();
    trace_fields(&Trace {
        // RFC 5321 section 4.4: what goes on to another server has none.
        return_path: Some(&open.from).filter(|_| !open.route.leaves()),
        client: session.hello.as_ref().map(|hello| (hello.host.as_str(), session.peer())),
        hostname: session.hostname(),
        protocol: session.protocol(open),
        id,
        recipient: recipients.first().filter(|_| recipients.len() == 1),
        now: UnixTime::now(),
    })
}
