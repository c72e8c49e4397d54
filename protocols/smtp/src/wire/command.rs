//! One line in, one command out.
//!
//! What always holds: a command line ended in CR LF, was not too long, is UTF-8 without control characters, has UTF-8 only where
//! SMTPUTF8 allows it, arguments only where the command takes some, and no parameter twice or unknown.

use super::path::{self, ForwardPath, ReversePath};
use super::terms;
use octroi_gate::{RecipientTerms, Terms};
use octroi_model::UnixTime;
use octroi_net::{Line, LineEnd};
use smtp_proto::{
    AUTH_EXTERNAL, AUTH_LOGIN, AUTH_PLAIN, AUTH_SCRAM_SHA_256, AUTH_SCRAM_SHA_256_PLUS, Error, MAIL_BODY_BINARYMIME, MAIL_SMTPUTF8, Request,
};
use std::borrow::Cow;
use zeroize::Zeroizing;

/// Octets of a command line: 512 (RFC 5321 section 4.5.3.1.4) and what the extensions add to it.
pub(crate) const COMMAND_LINE_BYTES_MAX: usize = 2048;
/// Octets of a line with AUTH or of one that answers it (RFC 4954 section 4).
pub(crate) const AUTH_LINE_BYTES_MAX: usize = 12_288;
/// RFC 5321 section 4.5.3.1.2.
const DOMAIN_BYTES_MAX: usize = 255;
/// Parameters that belong to extensions we offer; whether here and now decides the session.
const MAIL_PARAMETERS: [&str; 11] =
    ["SIZE", "BODY", "SMTPUTF8", "AUTH", "RET", "ENVID", "REQUIRETLS", "BY", "HOLDFOR", "HOLDUNTIL", "MT-PRIORITY"];
/// The same of RCPT.
const RCPT_PARAMETERS: [&str; 2] = ["NOTIFY", "ORCPT"];

/// A command that is well-formed by itself; whether it fits the state is not decided here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command {
    Ehlo(String),
    Helo(String),
    Lhlo(String),
    Mail(Mail),
    Rcpt(ForwardPath, RecipientTerms),
    Data,
    Bdat { bytes: u64, last: bool },
    Auth { mechanism: Mechanism, initial: Option<Zeroizing<String>> },
    StartTls,
    Rset,
    Noop,
    Quit,
    Vrfy,
    Expn,
    Help,
}

/// MAIL with its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mail {
    pub(crate) from: ReversePath,
    /// SIZE: octets of the message as the client reckons them; 0 when not told.
    pub(crate) bytes: u64,
    /// SMTPUTF8 was given.
    pub(crate) utf8: bool,
    /// BODY=BINARYMIME was given (RFC 3030 section 3).
    pub(crate) binary: bool,
    /// AUTH was given (RFC 4954 section 5); who it names is not believed.
    pub(crate) auth: bool,
    /// What travels with the message.
    pub(crate) terms: Terms,
}

/// How a client logs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mechanism {
    Plain,
    Login,
    External,
    Scram(octroi_sasl::Mechanism),
    Other,
}

/// What the peer did wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It ended in a bare LF, so that this peer's idea of a line is not ours.
    LineEnd,
    TooLong,
    /// Control characters, or not UTF-8.
    Octets,
    /// UTF-8 where only ASCII may stand.
    NotAscii,
    UnknownCommand,
    /// Known, but offered nowhere here.
    NotOffered,
    /// A web browser, or somebody who makes one talk to us.
    OtherProtocol,
    /// How it should have looked.
    Syntax(&'static str),
    /// As above, and it cannot be known where the chunk ends that follows it.
    BadChunk,
    UnsupportedParameter,
    RepeatedParameter,
    BadParameter(&'static str),
    BadSender,
    BadRecipient,
    /// A UTF-8 address in MAIL without the parameter SMTPUTF8 (RFC 6531 section 3.5).
    NeedsUtf8,
}

/// The command on a line.
pub(crate) fn parse(line: &Line) -> Result<Command, Fault> {
    // RFC 5321 section 2.3.8: only CR LF ends a line.
    if line.end != LineEnd::CrLf {
        return Err(Fault::LineEnd);
    }
    if line.bytes.iter().any(|&octet| octet < b' ' || octet == 0x7f) {
        return Err(Fault::Octets);
    }
    let text = std::str::from_utf8(&line.bytes).map_err(|_| Fault::Octets)?;
    // RFC 5321 section 4.1.1: trailing white space should be tolerated.
    let text = text.trim_end_matches(' ');
    let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
    let verb = verb.to_ascii_uppercase();
    if verb != "AUTH" && text.len() > COMMAND_LINE_BYTES_MAX {
        return Err(Fault::TooLong);
    }
    match verb.as_str() {
        "MAIL" => mail(rest),
        "RCPT" => rcpt(rest),
        "VRFY" if rest.is_empty() => Err(Fault::Syntax("VRFY string")),
        "EXPN" if rest.is_empty() => Err(Fault::Syntax("EXPN string")),
        // RFC 6531 section 3.7.4.2 lets their arguments be UTF-8; we look at none of them.
        "VRFY" => Ok(Command::Vrfy),
        "EXPN" => Ok(Command::Expn),
        "NOOP" => Ok(Command::Noop),
        "HELP" => Ok(Command::Help),
        // RFC 1985, RFC 2645, and what RFC 5321 appendix F has retired.
        "ETRN" | "ATRN" | "TURN" | "SEND" | "SOML" | "SAML" => Err(Fault::NotOffered),
        "GET" | "POST" | "PUT" | "HEAD" | "CONNECT" | "OPTIONS" | "HOST:" => Err(Fault::OtherProtocol),
        _ if !text.is_ascii() => Err(Fault::NotAscii),
        "DATA" | "RSET" | "QUIT" | "STARTTLS" if !rest.is_empty() => Err(Fault::Syntax("This command takes no argument")),
        "EHLO" | "HELO" | "LHLO" if !is_host(rest) => Err(Fault::Syntax("A domain or an address literal is needed")),
        "BDAT" if !is_chunk(rest) => Err(Fault::BadChunk),
        "AUTH" if rest.is_empty() || rest.split(' ').count() > 2 => Err(Fault::Syntax("AUTH mechanism [initial-response]")),
        _ => simple(text),
    }
}

/// A command whose text needs no more care than `smtp-proto` takes.
fn simple(text: &str) -> Result<Command, Fault> {
    Ok(match request(&format!("{text}\r\n"))? {
        Request::Ehlo { host } => Command::Ehlo(host.into_owned()),
        Request::Helo { host } => Command::Helo(host.into_owned()),
        Request::Lhlo { host } => Command::Lhlo(host.into_owned()),
        Request::Data => Command::Data,
        Request::Bdat { chunk_size, is_last } => Command::Bdat { bytes: chunk_size as u64, last: is_last },
        Request::Auth { mechanism, initial_response } => {
            let mechanism = match mechanism {
                AUTH_PLAIN => Mechanism::Plain,
                AUTH_LOGIN => Mechanism::Login,
                AUTH_EXTERNAL => Mechanism::External,
                AUTH_SCRAM_SHA_256 => Mechanism::Scram(octroi_sasl::Mechanism::ScramSha256),
                AUTH_SCRAM_SHA_256_PLUS => Mechanism::Scram(octroi_sasl::Mechanism::ScramSha256Plus),
                _ => Mechanism::Other,
            };
            let initial = (!initial_response.is_empty()).then(|| Zeroizing::new(initial_response.into_owned()));
            Command::Auth { mechanism, initial }
        }
        Request::StartTls => Command::StartTls,
        Request::Rset => Command::Rset,
        Request::Quit => Command::Quit,
        _ => return Err(Fault::UnknownCommand),
    })
}

/// `rest` is what follows `MAIL `.
fn mail(rest: &str) -> Result<Command, Fault> {
    let (inner, parameters) = path_of(rest, "FROM:").ok_or(Fault::Syntax("MAIL FROM:<address> [parameters]"))?;
    check_parameters(parameters, &MAIL_PARAMETERS)?;
    let from = path::reverse(inner).ok_or(Fault::BadSender)?;
    // The path is read; the crate only sees the parameters.
    let line = format!("MAIL FROM:<>{parameters}\r\n");
    let Request::Mail { from: read } = request(&line)? else { return Err(Fault::UnknownCommand) };
    let binary = read.flags & MAIL_BODY_BINARYMIME != 0;
    let auth = match value_of(parameters, "AUTH") {
        None => false,
        Some(value) if value == "<>" || is_xtext(value) => true,
        Some(_) => return Err(Fault::BadParameter("AUTH")),
    };
    let utf8 = read.flags & MAIL_SMTPUTF8 != 0;
    if !utf8 && !inner.is_ascii() {
        return Err(Fault::NeedsUtf8);
    }
    let terms = terms::of_mail(&read, parameters, UnixTime::now())?;
    Ok(Command::Mail(Mail { from, bytes: read.size as u64, utf8, binary, auth, terms }))
}

/// `rest` is what follows `RCPT `.
fn rcpt(rest: &str) -> Result<Command, Fault> {
    let (inner, parameters) = path_of(rest, "TO:").ok_or(Fault::Syntax("RCPT TO:<address>"))?;
    check_parameters(parameters, &RCPT_PARAMETERS)?;
    let to = path::forward(inner).ok_or(Fault::BadRecipient)?;
    // The path is read; the crate only sees the parameters.
    let line = format!("RCPT TO:<a@b.example>{parameters}\r\n");
    let Request::Rcpt { to: read } = request(&line)? else { return Err(Fault::UnknownCommand) };
    Ok(Command::Rcpt(to, terms::of_rcpt(&read, parameters)?))
}

/// The path after `keyword`, and the parameters behind it with their leading space.
fn path_of<'a>(rest: &'a str, keyword: &str) -> Option<(&'a str, &'a str)> {
    let (head, tail) = rest.split_at_checked(keyword.len())?;
    // RFC 5321 section 3.3: no space on either side of the colon.
    if !head.eq_ignore_ascii_case(keyword) {
        return None;
    }
    let (inner, parameters) = path::bracketed(tail)?;
    (parameters.is_empty() || parameters.starts_with(' ')).then_some((inner, parameters))
}

/// `esmtp-keyword ["=" esmtp-value]`, of the known ones, each at most once (RFC 5321 section 4.1.1.11).
fn check_parameters(parameters: &str, known: &[&str]) -> Result<(), Fault> {
    let mut seen: Vec<&str> = Vec::new();
    for parameter in parameters.split(' ').filter(|parameter| !parameter.is_empty()) {
        let (keyword, value) = match parameter.split_once('=') {
            Some((keyword, value)) => (keyword, Some(value)),
            None => (parameter, None),
        };
        if keyword.is_empty() || !keyword.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-') {
            return Err(Fault::Syntax("[SP parameter[=value]]…"));
        }
        if value.is_some_and(|value| value.is_empty() || value.contains('=') || !value.is_ascii()) {
            return Err(Fault::BadParameter("parameter"));
        }
        if !known.iter().any(|known| known.eq_ignore_ascii_case(keyword)) {
            return Err(Fault::UnsupportedParameter);
        }
        if seen.iter().any(|seen| seen.eq_ignore_ascii_case(keyword)) {
            return Err(Fault::RepeatedParameter);
        }
        seen.push(keyword);
    }
    Ok(())
}

/// The value of a parameter, if it is there and has one.
fn value_of<'a>(parameters: &'a str, keyword: &str) -> Option<&'a str> {
    let of = |parameter: &'a str| parameter.split_once('=').filter(|(known, _)| known.eq_ignore_ascii_case(keyword));
    parameters.split(' ').find_map(of).map(|(_, value)| value)
}

/// RFC 3461 section 4: printable ASCII in which `+` is followed by two capital hexadecimal digits.
fn is_xtext(value: &str) -> bool {
    let mut parts = value.split('+');
    let is_plain = |part: &str| part.bytes().all(|octet| octet.is_ascii_graphic() && octet != b'=');
    let is_hex = |octet: &u8| octet.is_ascii_digit() || (b'A'..=b'F').contains(octet);
    parts.next().is_some_and(is_plain) && parts.all(|part| part.len() >= 2 && part.as_bytes()[..2].iter().all(is_hex) && is_plain(part))
}

/// What EHLO may say: it is written into trace headers, so nothing but names and address literals.
fn is_host(host: &str) -> bool {
    let name = host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(host);
    (1..=DOMAIN_BYTES_MAX).contains(&name.len()) && name.bytes().all(|octet| octet.is_ascii_alphanumeric() || b".-_:".contains(&octet))
}

/// `chunk-size [SP "LAST"]` (RFC 3030 section 2). At most 18 digits, so that nothing saturates.
fn is_chunk(rest: &str) -> bool {
    let (size, last) = rest.split_once(' ').unwrap_or((rest, "LAST"));
    (1..=18).contains(&size.len()) && size.bytes().all(|octet| octet.is_ascii_digit()) && last.eq_ignore_ascii_case("LAST")
}

/// `line` with its CR LF, read by `smtp-proto`.
fn request(line: &str) -> Result<Request<Cow<'_, str>>, Fault> {
    Request::parse(&mut line.as_bytes().iter()).map_err(|error| match error {
        Error::SyntaxError { syntax } => Fault::Syntax(syntax),
        Error::InvalidParameter { param } => Fault::BadParameter(param),
        Error::UnsupportedParameter { .. } => Fault::UnsupportedParameter,
        Error::InvalidSenderAddress => Fault::BadSender,
        Error::InvalidRecipientAddress => Fault::BadRecipient,
        Error::UnknownCommand | Error::NeedsMoreData { .. } | Error::ResponseTooLong | Error::InvalidResponse { .. } => {
            Fault::UnknownCommand
        }
    })
}
