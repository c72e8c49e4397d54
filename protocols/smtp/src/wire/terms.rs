//! The parameters of MAIL and RCPT that travel with a message: DSN (RFC 3461), REQUIRETLS (RFC 8689), DELIVERBY (RFC 2852), FUTURERELEASE
//! (RFC 4865), MT-PRIORITY (RFC 6710).

use super::command::Fault;
use octroi_gate::{DeliverBy, Notify, RecipientTerms, Ret, Terms};
use octroi_model::UnixTime;
use smtp_proto::{
    MAIL_BY_NOTIFY, MAIL_BY_RETURN, MAIL_BY_TRACE, MAIL_REQUIRETLS, MAIL_RET_FULL, MAIL_RET_HDRS, MAIL_SMTPUTF8, MailFrom,
    RCPT_NOTIFY_DELAY, RCPT_NOTIFY_FAILURE, RCPT_NOTIFY_NEVER, RCPT_NOTIFY_SUCCESS, RcptTo,
};
use std::borrow::Cow;

/// RFC 3461 section 4.4.
const ENVID_BYTES_MAX: usize = 100;
/// RFC 3461 section 4.2.
const ORCPT_BYTES_MAX: usize = 500;
/// RFC 2852 section 4: nine digits.
const BY_SECONDS_MAX: i64 = 999_999_999;

/// What MAIL asks for.
pub(super) fn of_mail(read: &MailFrom<Cow<'_, str>>, parameters: &str, now: UnixTime) -> Result<Terms, Fault> {
    let has = |flag: u64| read.flags & flag != 0;
    let ret = match (has(MAIL_RET_FULL), has(MAIL_RET_HDRS)) {
        (true, _) => Some(Ret::Full),
        (false, true) => Some(Ret::Headers),
        (false, false) => None,
    };
    let envid = value(parameters, "ENVID").map(str::to_owned);
    if envid.as_ref().is_some_and(|envid| envid.len() > ENVID_BYTES_MAX || !is_xtext(envid)) {
        return Err(Fault::BadParameter("ENVID"));
    }
    let fails = has(MAIL_BY_RETURN);
    let deliver_by = (fails || has(MAIL_BY_NOTIFY)).then(|| DeliverBy {
        at: UnixTime(now.0.saturating_add(read.by.clamp(-BY_SECONDS_MAX, BY_SECONDS_MAX))),
        fails,
        trace: has(MAIL_BY_TRACE),
    });
    // RFC 2852 section 4: what should fail after no time at all.
    if fails && read.by <= 0 {
        return Err(Fault::BadParameter("BY"));
    }
    // RFC 4865 section 4: one or the other.
    let not_before = match (read.hold_for, read.hold_until) {
        (0, 0) => None,
        (seconds, 0) => Some(UnixTime(now.0.saturating_add(i64::try_from(seconds).unwrap_or(i64::MAX)))),
        (0, at) => Some(UnixTime(i64::try_from(at).unwrap_or(i64::MAX))),
        _ => return Err(Fault::BadParameter("HOLDUNTIL")),
    };
    let priority = i8::try_from(read.mt_priority).ok().filter(|priority| (-9..=9).contains(priority));
    let priority = priority.ok_or(Fault::BadParameter("MT-PRIORITY"))?;
    let require_tls = has(MAIL_REQUIRETLS);
    Ok(Terms { ret, envid, require_tls, deliver_by, not_before, priority, utf8: has(MAIL_SMTPUTF8) })
}

/// What RCPT asks for.
pub(super) fn of_rcpt(read: &RcptTo<Cow<'_, str>>, parameters: &str) -> Result<RecipientTerms, Fault> {
    let words = [
        (RCPT_NOTIFY_NEVER, Notify::NEVER),
        (RCPT_NOTIFY_SUCCESS, Notify::SUCCESS),
        (RCPT_NOTIFY_FAILURE, Notify::FAILURE),
        (RCPT_NOTIFY_DELAY, Notify::DELAY),
    ];
    let notify = words.iter().filter(|(flag, _)| read.flags & flag != 0).fold(Notify::default(), |all, (_, one)| all.and(*one));
    // RFC 3461 section 4.1: NEVER stands alone.
    if notify.wants(Notify::NEVER) && !notify.is_default() && notify != Notify::NEVER {
        return Err(Fault::BadParameter("NOTIFY"));
    }
    let orcpt = value(parameters, "ORCPT").map(str::to_owned);
    let is_good = |orcpt: &String| {
        let parts = orcpt.split_once(';').filter(|(kind, address)| !kind.is_empty() && !address.is_empty());
        orcpt.len() <= ORCPT_BYTES_MAX
            && parts.is_some_and(|(kind, address)| {
                kind.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-') && is_xtext(address)
            })
    };
    if orcpt.as_ref().is_some_and(|orcpt| !is_good(orcpt)) {
        return Err(Fault::BadParameter("ORCPT"));
    }
    Ok(RecipientTerms { notify, orcpt })
}

/// The value of a parameter as it came.
fn value<'a>(parameters: &'a str, keyword: &str) -> Option<&'a str> {
    parameters.split(' ').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.eq_ignore_ascii_case(keyword).then_some(value)
    })
}

/// RFC 3461 section 4: printable ASCII, `+` only before two hexadecimal digits, no `=`.
fn is_xtext(text: &str) -> bool {
    let octets = text.as_bytes();
    let hexadecimal = |at: usize| octets.get(at).is_some_and(|octet| octet.is_ascii_digit() || (b'A'..=b'F').contains(octet));
    octets.iter().enumerate().all(|(at, octet)| match octet {
        b'+' => hexadecimal(at + 1) && hexadecimal(at + 2),
        b'=' => false,
        octet => octet.is_ascii_graphic(),
    })
}
