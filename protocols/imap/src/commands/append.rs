//! APPEND. RFC 9051 section 6.3.12, with several messages at once (RFC 3502), messages put together from others (RFC 4469), APPENDUID
//! (RFC 4315) and LITERAL+ (RFC 7888). All of its messages are stored, or none.

mod receive;
mod url;

use super::copy::target;
use crate::config::ImapConfig;
use crate::reply::{Done, Reply};
use crate::state::State;
use crate::wire::grammar::append::Upload;
use crate::wire::numbers::runs;
use crate::wire::{Wire, encode};
use imap_codec::imap_types::response::Code;
use octroi_gate::Appended;
pub(crate) use receive::{receive, refuse};

/// Take the messages, or refuse them: before they are sent if the client waits, past them if they are under way.
pub(crate) async fn append(wire: &mut Wire, state: &State, upload: &Upload, config: &ImapConfig) -> Done {
    let target = match state.session() {
        Ok(session) => target(session, &upload.mailbox).await,
        Err(fault) => Err(fault),
    };
    let target = match target {
        Ok(target) => target,
        Err(fault) => return Err(refuse(wire, &upload.line.then, fault).await?),
    };
    let drafts = receive(wire, state, &target, upload, 0, config).await?;
    let appended = target.append(drafts).await?;
    Ok(match appenduid(&appended) {
        Some(code) => Reply::ok("Appended").with(code),
        None => Reply::ok("Appended"),
    })
}

/// APPENDUID with one uid for each message, in their order.
// RFC 4315 section 3; RFC 3502 section 6.3.11: a set of them.
pub(crate) fn appenduid(appended: &Appended) -> Option<Code<'static>> {
    let uids = appended.uids.iter().map(|uid| uid.0);
    (!appended.uids.is_empty()).then(|| encode::append_uid(appended.uid_validity, runs(uids)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::encode;
    use octroi_model::{Uid, UidValidity};

    #[test]
    fn the_set_keeps_the_order() {
        let of = |uids: &[u32]| Appended { uid_validity: UidValidity(9), uids: uids.iter().copied().map(Uid).collect() };
        let text = |uids: &[u32]| appenduid(&of(uids)).map(|code| encode::untagged(code, "x"));
        assert_eq!(text(&[4]).as_deref(), Some(&b"* OK [APPENDUID 9 4] x\r\n"[..]));
        assert_eq!(text(&[4, 5, 6, 9]).as_deref(), Some(&b"* OK [APPENDUID 9 4:6,9] x\r\n"[..]));
        assert_eq!(text(&[]), None);
    }
}
