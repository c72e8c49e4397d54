//! The header of a message on its way in: looked at, refused or rewritten before anything of it is kept. Pure.

use crate::wire::Reply;
use octroi_gate::Refusal;
use octroi_mime::{Header, addresses, headers_of, unfolded};
use octroi_model::Address;

/// What is to be done with a header.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// Goes on top, when the message is whole.
    pub(crate) trace: String,
    /// More `Received` fields than this are a loop.
    pub(crate) received_max: usize,
    /// `Authentication-Results` that claim to be of this host are taken out.
    pub(crate) results_of: Option<String>,
    /// What others think of it (`X-Spam-…`) is taken out.
    pub(crate) opinions_go: bool,
    /// For a submitted message: the fields to add when they lack.
    pub(crate) complete: Option<Completion>,
}

/// What a submitted message gets when it lacks.
#[derive(Debug, Clone)]
pub(crate) struct Completion {
    /// Value of `Date`.
    pub(crate) date: String,
    /// Value of `Message-ID`.
    pub(crate) message_id: String,
}

/// Where the header ends in what has come so far: behind its empty line. `searched` octets are known not to hold it.
pub(crate) fn end(octets: &[u8], searched: usize) -> Option<usize> {
    if octets.starts_with(b"\r\n") {
        return Some(2);
    }
    let from = searched.saturating_sub(3);
    memchr::memmem::find(&octets[from..], b"\r\n\r\n").map(|at| from + at + 4)
}

/// The header as it is to be kept, without what goes on top of it. `may_author` says whether the sender may write in an address's name; it is asked only about
/// submitted messages.
pub(crate) fn rewrite(head: &[u8], plan: &Plan, may_author: impl Fn(&Address) -> Result<(), Refusal>) -> Result<Vec<u8>, Reply> {
    let fields: Vec<Header<'_>> = headers_of(head).collect();
    let count = |name: &str| fields.iter().filter(|field| is(field, name)).count();
    // RFC 5321 section 6.3.
    if count("Received") > plan.received_max {
        return Err(Reply::new(554, "5.4.6", "Routing loop detected"));
    }
    let mut out = Vec::with_capacity(head.len() + 128);
    if let Some(completion) = &plan.complete {
        check_author(&fields, may_author)?;
        // RFC 6409 sections 8.2 and 8.3.
        for (name, value) in [("Date", &completion.date), ("Message-ID", &completion.message_id)] {
            if count(name) == 0 {
                out.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
            }
        }
    }
    // What would continue our last field is no header.
    if head.first().is_some_and(|octet| matches!(octet, b' ' | b'\t')) {
        out.extend_from_slice(b"\r\n");
    }
    let mut kept = 0;
    for field in fields.iter().filter(|field| is_forged(field, plan)) {
        out.extend_from_slice(&head[kept..field.range.start]);
        kept = field.range.end;
    }
    out.extend_from_slice(&head[kept..]);
    Ok(out)
}

/// The trace with fields that were found out last: below `Return-Path`, which stands at the top (RFC 5321 section 4.4), and above `Received`
/// (RFC 8601 section 4.1: results of a host stand above what that host's own trace tells).
pub(crate) fn insert_below_return_path(trace: &str, fields: &str) -> String {
    let split = if trace.starts_with("Return-Path:") { trace.find("\r\n").map_or(0, |end| end + 2) } else { 0 };
    [&trace[..split], fields, &trace[split..]].concat()
}

/// RFC 6409 section 6.1: every author, and the sender if one is named, must be somebody whom the submitter may speak for.
fn check_author(fields: &[Header<'_>], may_author: impl Fn(&Address) -> Result<(), Refusal>) -> Result<(), Reply> {
    // RFC 5322 section 3.6: one From, at most one Sender. A second one could be what a mail program shows.
    for (name, least) in [("From", 1), ("Sender", 0)] {
        let named: Vec<&Header<'_>> = fields.iter().filter(|field| is(field, name)).collect();
        if named.len() < least || named.len() > 1 {
            return Err(Reply::new(554, "5.6.0", format!("Message refused: it needs one {name} field")));
        }
        for field in named {
            let mut any = false;
            for entry in addresses(field.value) {
                if !matches!(entry, octroi_mime::AddressEntry::Mailbox { .. }) {
                    continue;
                }
                let not_an_address = || Reply::new(554, "5.6.0", format!("Message refused: {name} holds no valid address"));
                let address = entry.address().ok_or_else(not_an_address)?;
                may_author(&address).map_err(|_| Reply::new(550, "5.7.1", format!("You may not send with that {name} address")))?;
                any = true;
            }
            if !any {
                return Err(Reply::new(554, "5.6.0", format!("Message refused: {name} holds no address")));
            }
        }
    }
    Ok(())
}

/// Fields that only we may write at this place.
fn is_forged(field: &Header<'_>, plan: &Plan) -> bool {
    // RFC 5321 section 4.4: one Return-Path, from the final delivery.
    if is(field, "Return-Path") {
        return true;
    }
    // Filters of our people's would take it for ours.
    if plan.opinions_go && field.name.get(..7).is_some_and(|name| name.eq_ignore_ascii_case(b"X-Spam-")) {
        return true;
    }
    // RFC 8601 section 5: results that claim to be ours, and did not come from us, mislead.
    let Some(host) = &plan.results_of else { return false };
    if !is(field, "Authentication-Results") {
        return false;
    }
    let value = unfolded(field.value);
    let by = value.split(|&octet| octet == b';' || octet.is_ascii_whitespace()).find(|word| !word.is_empty());
    by.is_some_and(|by| by.eq_ignore_ascii_case(host.as_bytes()))
}

fn is(field: &Header<'_>, name: &str) -> bool {
    field.name.eq_ignore_ascii_case(name.as_bytes())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        Plan {
            trace: "Received: by us\r\n".to_owned(),
            received_max: 3,
            results_of: Some("mail.example".to_owned()),
            opinions_go: true,
            complete: None,
        }
    }

    fn submitted() -> Plan {
        let complete = Completion { date: "D".to_owned(), message_id: "<M@x>".to_owned() };
        Plan { complete: Some(complete), ..plan() }
    }

    fn only_lea(address: &Address) -> Result<(), Refusal> {
        if address.key() == "lea@x.example" { Ok(()) } else { Err(Refusal::NotSender) }
    }

    fn rewritten(head: &str, plan: &Plan) -> Result<String, u16> {
        let rewritten = rewrite(head.as_bytes(), plan, only_lea).map_err(|reply| reply.code())?;
        Ok(plan.trace.clone() + &String::from_utf8(rewritten).unwrap())
    }

    #[test]
    fn what_is_found_out_last_stands_between_return_path_and_trace() {
        let (path, received) = ("Return-Path: <a@b>\r\n", "Received: by us\r\n\twith x\r\n");
        assert_eq!(insert_below_return_path(&format!("{path}{received}"), "X: 1\r\n"), format!("{path}X: 1\r\n{received}"));
        assert_eq!(insert_below_return_path(received, "X: 1\r\n"), format!("X: 1\r\n{received}"));
    }

    #[test]
    fn the_end_is_found_however_it_is_cut() {
        let head = b"A: b\r\nC: d\r\n\r\nbody";
        for cut in 0..head.len() {
            let early = end(&head[..cut], 0);
            assert_eq!(early, (cut >= 14).then_some(14));
            assert_eq!(end(head, cut.min(13)), Some(14), "searched {cut}");
        }
        assert_eq!(end(b"\r\nbody", 0), Some(2));
    }

    #[test]
    fn trace_goes_on_top_and_forgeries_out() {
        let head = "Return-Path: <forged@x>\r\nx-spam-Status: No\r\nAuthentication-Results: MAIL.example; spf=pass\r\nAuthentication-Results: other.example; spf=pass\r\n\
                    Subject: a\r\n b\r\n\r\n";
        let expected = "Received: by us\r\nAuthentication-Results: other.example; spf=pass\r\nSubject: a\r\n b\r\n\r\n";
        assert_eq!(rewritten(head, &plan()).unwrap(), expected);
    }

    #[test]
    fn loops_are_refused() {
        let field = "Received: by somebody\r\n";
        assert!(rewritten(&format!("{}\r\n", field.repeat(3)), &plan()).is_ok());
        assert_eq!(rewritten(&format!("{}\r\n", field.repeat(4)), &plan()), Err(554));
    }

    #[test]
    fn a_first_line_cannot_continue_our_trace() {
        assert_eq!(rewritten(" forged\r\n\r\n", &plan()).unwrap(), "Received: by us\r\n\r\n forged\r\n\r\n");
    }

    #[test]
    fn what_lacks_is_added_once() {
        assert_eq!(
            rewritten("From: Lea <lea@x.example>\r\n\r\n", &submitted()).unwrap(),
            "Received: by us\r\nDate: D\r\nMessage-ID: <M@x>\r\nFrom: Lea <lea@x.example>\r\n\r\n"
        );
        let whole = "From: lea@x.example\r\ndate: now\r\nMESSAGE-ID: <1@x>\r\n\r\n";
        assert_eq!(rewritten(whole, &submitted()).unwrap(), format!("Received: by us\r\n{whole}"));
    }

    #[test]
    fn only_the_submitter_may_be_the_author() {
        for (head, code) in [
            ("From: chef@x.example\r\n\r\n", 550),
            ("From: lea@x.example, chef@x.example\r\n\r\n", 550),
            ("From: lea@x.example\r\nFrom: chef@x.example\r\n\r\n", 554),
            ("From: lea@x.example\r\nfrom : chef@x.example\r\n\r\n", 554),
            ("From: lea@x.example\r\nSender: chef@x.example\r\n\r\n", 550),
            ("From: group: chef@x.example;\r\n\r\n", 550),
            ("From: group:;\r\n\r\n", 554),
            ("From: \"lea@x.example\"\r\n\r\n", 554),
            ("Subject: no author\r\n\r\n", 554),
        ] {
            assert_eq!(rewritten(head, &submitted()), Err(code), "{head:?}");
        }
    }
}
