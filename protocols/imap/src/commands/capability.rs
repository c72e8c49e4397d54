//! CAPABILITY, and the same list in the greeting and after log-in. RFC 9051 section 6.1.1.

use super::authenticate::may_external;
use crate::reply::{Done, End, Reply};
use crate::wire::{Trust, Wire, encode};
use imap_codec::imap_types::response::Code;
use octroi_gate::Organisation;
use octroi_sasl::Mechanism;

/// What is whole. Written by hand: imap-codec spells IMAP4REV1, which some clients do not recognise.
const ALWAYS: &[&str] = &[
    "IMAP4rev1",
    "IMAP4rev2",
    "LITERAL+",
    "SASL-IR",
    "ID",
    "ENABLE",
    "NAMESPACE",
    "NOTIFY",
    "UIDPLUS",
    "UNSELECT",
    "IDLE",
    "MOVE",
    "SPECIAL-USE",
    "CREATE-SPECIAL-USE",
    "CHILDREN",
    "LIST-EXTENDED",
    "LIST-STATUS",
    "LIST-MYRIGHTS",
    "LIST-METADATA",
    "STATUS=SIZE",
    "METADATA",
    "SORT",
    "THREAD=REFERENCES",
    "THREAD=ORDEREDSUBJECT",
    "QUOTA",
    "QUOTA=RES-STORAGE",
    "QUOTA=RES-MESSAGE",
    "ACL",
    "RIGHTS=kxte",
    "CONDSTORE",
    "QRESYNC",
    "UIDONLY",
    "ESEARCH",
    "SEARCHRES",
    "ESORT",
    "PARTIAL",
    "UIDBATCHES",
    "CONTEXT=SEARCH",
    "CONTEXT=SORT",
    "WITHIN",
    "INPROGRESS",
    "MULTISEARCH",
    "SORT=DISPLAY",
    "I18NLEVEL=1",
    "SAVEDATE",
    "OBJECTID",
    "PREVIEW",
    "BINARY",
    "MULTIAPPEND",
    "CATENATE",
    "REPLACE",
    "UTF8=ACCEPT",
];

/// The list for this connection as it is now.
fn list(wire: &Wire, trust: Trust) -> String {
    let connection = &wire.connection;
    let now = match (trust, connection.is_tls()) {
        // RFC 4978 section 3: compression is offered until it is on, and UNAUTHENTICATE with it. RFC 9051 section 6.1.1: log-ins are no
        // longer offered.
        (Trust::Member, _) if connection.is_deflated() => String::new(),
        (Trust::Member, _) => " UNAUTHENTICATE COMPRESS=DEFLATE".to_owned(),
        (Trust::Anyone, true) => {
            let scram = Mechanism::offered(&connection.bindings()).iter().map(|mechanism| mechanism.name());
            let external = may_external(wire).then_some("EXTERNAL");
            ["PLAIN", "LOGIN"].into_iter().chain(scram).chain(external).map(|name| format!(" AUTH={name}")).collect()
        }
        // RFC 9051 section 11.1: no password in the clear.
        (Trust::Anyone, false) if connection.starttls_acceptor().is_some() => " STARTTLS LOGINDISABLED".to_owned(),
        (Trust::Anyone, false) => " LOGINDISABLED".to_owned(),
    };
    let message_limit = wire.message_limit().capability().map(|limit| format!(" {limit}")).unwrap_or_default();
    // RFC 7889 section 2.
    format!("{} APPENDLIMIT={}{message_limit}{now}", ALWAYS.join(" "), wire.append_bytes_max())
}

/// The list as a response code.
pub(crate) fn code(wire: &Wire, trust: Trust) -> Code<'static> {
    encode::code(format!("CAPABILITY {}", list(wire, trust)))
}

/// The first line of a connection.
pub(crate) async fn greet(wire: &mut Wire, organisation: &Organisation) -> Result<(), End> {
    let code = code(wire, Trust::Anyone);
    let text = format!("{} Octroi ready", organisation.hostname);
    wire.raw(&encode::untagged(code, &text)).await
}

/// CAPABILITY.
pub(crate) async fn capability(wire: &mut Wire, trust: Trust) -> Done {
    let line = format!("* CAPABILITY {}\r\n", list(wire, trust));
    wire.raw(line.as_bytes()).await?;
    Ok(Reply::ok("Done"))
}
