//! Mail from a front server of our own (RFC 2033): as inbound, but the front server has judged the message already, so what it
//! noted stays. Each recipient gets a reply of its own ([`crate::Kind`] counts them).

use crate::header::Plan;
use crate::inbound;
use crate::session::Session;
use crate::transaction::Open;

pub(crate) fn plan(session: &Session, open: &Open, id: &str) -> Plan {
    Plan {
        trace: inbound::trace(session, open, id),
        received_max: session.config.received_max,
        results_of: None,
        opinions_go: false,
        complete: None,
    }
}
