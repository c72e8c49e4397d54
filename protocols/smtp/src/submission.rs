//! Mail from our people (RFC 6409): only under TLS, only logged in, only under their own address, and completed.

use crate::header::{Completion, Plan};
use crate::refusal;
use crate::session::Session;
use crate::stamp::{Trace, date, trace_fields};
use crate::transaction::Open;
use crate::wire::{Reply, ReversePath};
use octroi_gate::{Envelope, MemberEnvelope, Refusal};
use octroi_model::UnixTime;

/// Who has logged in, under TLS.
pub(crate) fn member(session: &Session) -> Result<octroi_gate::Session, Reply> {
    // RFC 3207 section 4.
    if !session.connection.is_tls() {
        return Err(Reply::new(530, "5.7.0", "Must issue a STARTTLS command first"));
    }
    // RFC 4954 section 6.
    session.member.clone().ok_or_else(|| Reply::new(530, "5.7.0", "Authentication required"))
}

/// An envelope for a message of the one who has logged in.
pub(crate) async fn open(member: octroi_gate::Session, from: &ReversePath) -> Result<Envelope<MemberEnvelope>, Reply> {
    let opened = match from {
        ReversePath::Mailbox(address) => member.submit(address).await,
        // Notifications come from servers, and this one makes its own.
        ReversePath::Null => Err(Refusal::NotSender),
    };
    opened.map_err(|refused| refusal::of_gate(&refused))
}

/// The message may leave the house, so it gets no return path; and where its author sits is not told.
pub(crate) fn plan(session: &Session, open: &Open, id: &str) -> Plan {
    let now = UnixTime::now();
    let hostname = session.hostname();
    let recipients = open.route.recipients();
    let trace = Trace {
        return_path: None,
        client: None,
        hostname,
        protocol: session.protocol(open),
        id,
        recipient: recipients.first().filter(|_| recipients.len() == 1),
        now,
    };
    Plan {
        trace: trace_fields(&trace),
        received_max: session.config.received_max,
        results_of: Some(hostname.to_owned()),
        opinions_go: false,
        complete: Some(Completion { date: date(now), message_id: format!("<{id}@{hostname}>") }),
    }
}
