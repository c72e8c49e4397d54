//! The one place where faults and refusals become replies. Nothing internal stands in them; what only the operator may know is in
//! the log already when a [`Refusal`] arrives here.

use crate::wire::{Fault, Reply};
use octroi_gate::Refusal;
use octroi_net::dot::Violation;

/// A refusal of the gate. Codes: RFC 5321 section 4.2, RFC 3463 and its registry.
pub(crate) fn of_gate(refusal: &Refusal) -> Reply {
    match refusal {
        Refusal::UnknownRecipient | Refusal::Missing => Reply::new(550, "5.1.1", "No such recipient here"),
        Refusal::NotRelay => Reply::new(550, "5.7.1", "Relaying denied"),
        Refusal::NotSender => Reply::new(550, "5.7.1", "You may not send as that address"),
        Refusal::RecipientNotAllowed => Reply::new(550, "5.7.1", "You may not write to that recipient"),
        // RFC 3463 section 3.8, X.7.2.
        Refusal::NotMember => Reply::new(550, "5.7.2", "Only members of that group may write to it"),
        // RFC 3463 section 3.7, X.6.1; RFC 3030 section 3.
        Refusal::Unconvertible => Reply::new(550, "5.6.1", "A binary message cannot be sent on to that recipient"),
        Refusal::Forbidden(_) => Reply::new(550, "5.7.1", "Not permitted"),
        // RFC 5321 section 4.5.3.1.10: 452, so that the client sends the rest in another transaction.
        Refusal::Limit("recipients") => Reply::new(452, "4.5.3", "Too many recipients"),
        // RFC 3463 section 3.8, X.7.1: the policy of the sender's own organisation, which allows it again later.
        Refusal::Limit(octroi_gate::RECIPIENTS_PER_HOUR) => Reply::new(450, "4.7.1", "Too many recipients within an hour, try again later"),
        Refusal::Busy => Reply::new(421, "4.7.0", "Too many connections or log-ins of this account, closing connection"),
        Refusal::Limit(_) => Reply::new(452, "4.3.1", "A limit of this server is reached, try again later"),
        // RFC 3463 section 3.3, X.2.2: "should be used as a persistent transient failure", because the person can make room.
        Refusal::OverQuota => Reply::new(452, "4.2.2", "The mailbox is full"),
        Refusal::Ended => Reply::new(421, "4.7.0", "Your credential is not valid any more, closing connection"),
        Refusal::InvalidCode | Refusal::UsedCode | Refusal::FactorLocked(_) => {
            Reply::new(535, "5.7.8", "Authentication credentials invalid")
        }
        Refusal::Precondition | Refusal::Unavailable | Refusal::Damaged => {
            Reply::new(451, "4.3.0", "Temporarily unavailable, try again later")
        }
        _ => Reply::new(554, "5.3.0", "Not possible here"),
    }
}

/// RFC 3463 section 3.4, X.3.2.
pub(crate) fn shutting_down() -> Reply {
    Reply::new(421, "4.3.2", "Shutting down, closing connection")
}

/// A command line that cannot be obeyed.
pub(crate) fn of_line(fault: &Fault) -> Reply {
    match fault {
        Fault::LineEnd => Reply::new(500, "5.5.2", "Lines must end in CR LF, closing connection"),
        Fault::TooLong => Reply::new(500, "5.5.6", "Line too long"),
        Fault::Octets => Reply::new(500, "5.5.2", "Characters that may not stand in a command"),
        Fault::NotAscii => Reply::new(500, "5.5.2", "Only ASCII may stand here"),
        Fault::UnknownCommand => Reply::new(500, "5.5.1", "Command not recognised"),
        // RFC 5321 section 4.2.4.
        Fault::NotOffered => Reply::new(502, "5.5.1", "Command not implemented"),
        Fault::OtherProtocol => Reply::new(500, "5.5.1", "This is a mail server, closing connection"),
        Fault::Syntax(expected) => Reply::new(501, "5.5.4", format!("Syntax: {expected}")),
        Fault::BadChunk => Reply::new(501, "5.5.4", "Syntax: BDAT chunk-size [LAST], closing connection"),
        // RFC 5321 section 4.1.1.11.
        Fault::UnsupportedParameter => Reply::new(555, "5.5.4", "Parameter not supported"),
        Fault::RepeatedParameter => Reply::new(501, "5.5.4", "Parameter given twice"),
        Fault::BadParameter(name) => Reply::new(501, "5.5.4", format!("Value of {name} not understood")),
        Fault::BadSender => Reply::new(553, "5.1.7", "Not a sender address"),
        Fault::BadRecipient => Reply::new(553, "5.1.3", "Not a recipient address"),
        // RFC 6531 section 3.5.
        Fault::NeedsUtf8 => Reply::new(553, "5.6.7", "A UTF-8 address needs SMTPUTF8"),
    }
}

/// After this fault it is not known any more where a command begins, so nothing more is read.
pub(crate) fn is_fatal(fault: &Fault) -> bool {
    matches!(fault, Fault::LineEnd | Fault::OtherProtocol | Fault::BadChunk)
}

/// Message data that another program could misread.
pub(crate) fn of_data(violation: Violation) -> Reply {
    // RFC 5321 section 2.3.8: CR and LF only together.
    let text = match violation {
        Violation::BareCr => "Message refused: it contains a CR without LF",
        Violation::BareLf => "Message refused: it contains an LF without CR",
        Violation::Nul => "Message refused: it contains a NUL",
    };
    Reply::new(550, "5.6.0", text)
}
