//! The one place where a refusal of the gate becomes a reply. Called by `reply` for every handler.
//!
//! What may not be known to exist and what does not exist give the same octets; no internal text goes out.

use crate::reply::{End, Fault, Reply};
use imap_codec::imap_types::response::{Code, StatusKind};
use octroi_gate::{Lacks, Refusal};

/// What the client hears.
// RFC 5530 section 3 and RFC 9051 section 7.1 have the codes.
pub(crate) fn reply(refusal: Refusal, portal_url: &str) -> Result<Reply, End> {
    Ok(match refusal {
        Refusal::Reserved(lacks) => Reply::no("NOPERM", reserved(lacks, portal_url)),
        Refusal::ShareNotAllowed => Reply::no("NOPERM", "Your profile does not let you share with them"),
        Refusal::UnknownGrantee => Reply::no("CANNOT", "There is no such account, group or profile"),
        Refusal::Missing => Reply::no("NONEXISTENT", "There is no such mailbox"),
        Refusal::Forbidden(lacking) => Reply::no("NOPERM", format!("Not permitted: that needs the rights {lacking}")),
        Refusal::Ended => return Err(End::Bye(None, "The session has ended")),
        Refusal::Precondition => Reply::no("INUSE", "Changed by somebody else at the same moment; try again"),
        Refusal::Exists => Reply::no("ALREADYEXISTS", "The name is taken"),
        // RFC 9051 section 6.3.5.
        Refusal::NotEmpty => Reply::no("HASCHILDREN", "There are mailboxes below it"),
        // RFC 9208 section 4.3.1.
        Refusal::OverQuota => Reply::no("OVERQUOTA", "There is no room left for it"),
        Refusal::Limit(what) => Reply::no("LIMIT", format!("Limit reached: {what}")),
        Refusal::Unavailable => Reply::no("UNAVAILABLE", "Not possible at the moment; try again later"),
        // RFC 5530 section 3.
        Refusal::Damaged => Reply::no("CONTACTADMIN", "That is damaged in the store"),
        // The rest cannot come from an act on a mailbox; refusing is right whatever it is.
        _ => Reply::no("CANNOT", "That is not possible here"),
    })
}

/// What to do to be let.
fn reserved(lacks: Lacks, portal_url: &str) -> String {
    match lacks {
        Lacks::Profile => "A reserved action, which your profile may not do".to_owned(),
        Lacks::Zone => "A reserved action, which cannot be done from here".to_owned(),
        Lacks::SecondFactor(seconds) => {
            format!("A reserved action: confirm this device at {portal_url} first, no longer than {} minutes ago", seconds / 60)
        }
    }
}

/// The refusal of a mailbox that messages should go to.
// RFC 9051 section 6.3.12: TRYCREATE, when creating it might help; it says no more than that nothing is there to be seen.
pub(crate) fn as_target(refusal: Refusal) -> Fault {
    match refusal {
        Refusal::Missing => {
            Fault::Reply(Reply { kind: StatusKind::No, code: Some(Code::TryCreate), text: "There is no such mailbox".into() })
        }
        other => Fault::Refused(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::encode;
    use octroi_model::Rights;

    fn text(refusal: Refusal) -> String {
        match reply(refusal, "https://mail.example/portal/") {
            Ok(reply) => String::from_utf8_lossy(&encode::tagged(None, reply.kind, reply.code, &reply.text)).into_owned(),
            Err(_) => "ended".to_owned(),
        }
    }

    #[test]
    fn each_refusal_has_its_code() {
        assert!(text(Refusal::Missing).starts_with("* NO [NONEXISTENT] "));
        assert!(text(Refusal::Forbidden(Rights::EXPUNGE)).starts_with("* NO [NOPERM] "));
        assert!(text(Refusal::OverQuota).starts_with("* NO [OVERQUOTA] "));
        assert!(text(Refusal::Limit("keywords")).starts_with("* NO [LIMIT] "));
        assert!(text(Refusal::NotRelay).starts_with("* NO [CANNOT] "));
        assert!(text(Refusal::Reserved(Lacks::SecondFactor(600))).contains("https://mail.example/portal/"));
        assert_eq!(text(Refusal::Ended), "ended");
        assert!(matches!(as_target(Refusal::Missing), Fault::Reply(Reply { code: Some(Code::TryCreate), .. })));
    }
}
