//! Tests.

use super::Context;
use super::arguments::Arguments;
use crate::date;
use crate::extension::Extension;
use crate::lexer::Fault;
use crate::script::{DatePart, Test, Transform, Zone};
use crate::syntax::TestNode;
use crate::text::Text;

/// Fields that hold addresses (RFC 5228 section 5.1), with those that servers write.
const ADDRESS_FIELDS: [&str; 19] = [
    "from",
    "to",
    "cc",
    "bcc",
    "sender",
    "reply-to",
    "resent-from",
    "resent-to",
    "resent-cc",
    "resent-bcc",
    "resent-sender",
    "resent-reply-to",
    "return-path",
    "delivered-to",
    "envelope-to",
    "x-original-to",
    "mail-followup-to",
    "errors-to",
    "disposition-notification-to",
];

impl Context {
    pub(super) fn test(&self, node: TestNode) -> Result<Test, Fault> {
        let TestNode { name, line, arguments, tests } = node;
        let need = |extension| self.need(extension, &format!("`{name}`"), line);
        let mut arguments = self.arguments(&name, line, arguments);
        if let "not" | "allof" | "anyof" = name.as_str() {
            arguments.finish()?;
            return self.joined(&name, line, tests);
        }
        if !tests.is_empty() {
            return Err(Fault::new(line, format!("`{name}` takes no test")));
        }
        let test = match name.as_str() {
            "true" => Test::True,
            "false" => Test::False,
            "size" => size(&mut arguments)?,
            "exists" => Test::Exists(plain(&mut arguments, "names of fields")?),
            "header" => header(&mut arguments)?,
            "address" => address(&mut arguments)?,
            "envelope" => {
                need(Extension::Envelope)?;
                envelope(&mut arguments)?
            }
            "string" => {
                need(Extension::Variables)?;
                matched(&mut arguments)?;
                Test::String { matching: arguments.matching()?, sources: arguments.strings("texts")?, keys: arguments.strings("keys")? }
            }
            "hasflag" => {
                need(Extension::Flags)?;
                hasflag(&mut arguments)?
            }
            "mailboxexists" => {
                need(Extension::Mailbox)?;
                Test::MailboxExists(plain(&mut arguments, "names of mailboxes")?)
            }
            "date" | "currentdate" => {
                need(Extension::Date)?;
                dated(&mut arguments, name == "date")?
            }
            "body" => {
                need(Extension::Body)?;
                body(&mut arguments)?
            }
            _ => return Err(Fault::new(line, format!("there is no test `{name}`"))),
        };
        arguments.finish()?;
        Ok(test)
    }

    fn joined(&self, name: &str, line: u32, tests: Vec<TestNode>) -> Result<Test, Fault> {
        if tests.is_empty() || (name == "not" && tests.len() > 1) {
            let what = if name == "not" { "one test" } else { "tests: ( … , … )" };
            return Err(Fault::new(line, format!("`{name}` takes {what}")));
        }
        let mut tests = tests.into_iter().map(|test| self.test(test)).collect::<Result<Vec<_>, _>>()?;
        Ok(match name {
            "allof" => Test::All(tests),
            "anyof" => Test::Any(tests),
            _ => Test::Not(Box::new(tests.pop().unwrap_or(Test::False))),
        })
    }
}

/// Strings without tags.
fn plain(arguments: &mut Arguments<'_>, what: &str) -> Result<Vec<Text>, Fault> {
    if let Some(tag) = arguments.tag()? {
        return Err(arguments.unknown(&tag));
    }
    arguments.strings(what)
}

/// Tags that say how to compare, and no others.
fn matched(arguments: &mut Arguments<'_>) -> Result<(), Fault> {
    while let Some(tag) = arguments.tag()? {
        if !arguments.take_matching(&tag)? {
            return Err(arguments.unknown(&tag));
        }
    }
    Ok(())
}

fn size(arguments: &mut Arguments<'_>) -> Result<Test, Fault> {
    let over = match arguments.tag()?.as_deref() {
        Some("over") => true,
        Some("under") => false,
        _ => return Err(arguments.fault("`size` takes `:over` or `:under`")),
    };
    Ok(Test::Size { over, than: arguments.number("a number")? })
}

fn header(arguments: &mut Arguments<'_>) -> Result<Test, Fault> {
    while let Some(tag) = arguments.tag()? {
        if !arguments.take_matching(&tag)? && !arguments.take_index(&tag)? {
            return Err(arguments.unknown(&tag));
        }
    }
    let (matching, index) = (arguments.matching()?, arguments.index()?);
    Ok(Test::Header { headers: arguments.strings("names of fields")?, index, matching, keys: arguments.strings("keys")? })
}

fn address(arguments: &mut Arguments<'_>) -> Result<Test, Fault> {
    while let Some(tag) = arguments.tag()? {
        if !arguments.take_matching(&tag)? && !arguments.take_index(&tag)? && !arguments.take_part(&tag)? {
            return Err(arguments.unknown(&tag));
        }
    }
    let (matching, index, part) = (arguments.matching()?, arguments.index()?, arguments.part());
    let headers = arguments.strings("names of fields")?;
    let is_other = |name: &&str| !ADDRESS_FIELDS.iter().any(|field| field.eq_ignore_ascii_case(name));
    if let Some(other) = headers.iter().filter_map(Text::constant).find(is_other) {
        return Err(arguments.fault(format!("the field \"{other}\" holds no addresses: use `header`")));
    }
    Ok(Test::Address { headers, part, index, matching, keys: arguments.strings("keys")? })
}

fn envelope(arguments: &mut Arguments<'_>) -> Result<Test, Fault> {
    while let Some(tag) = arguments.tag()? {
        if !arguments.take_matching(&tag)? && !arguments.take_part(&tag)? {
            return Err(arguments.unknown(&tag));
        }
    }
    let (matching, part) = (arguments.matching()?, arguments.part());
    let parts = arguments.strings("\"from\" or \"to\"")?;
    let is_other = |name: &&str| !name.eq_ignore_ascii_case("from") && !name.eq_ignore_ascii_case("to");
    if let Some(other) = parts.iter().filter_map(Text::constant).find(is_other) {
        // RFC 5228 section 5.4.
        return Err(arguments.fault(format!("an envelope has \"from\" and \"to\", not \"{other}\"")));
    }
    Ok(Test::Envelope { parts, part, matching, keys: arguments.strings("keys")? })
}

/// RFC 5232 section 4.
fn hasflag(arguments: &mut Arguments<'_>) -> Result<Test, Fault> {
    matched(arguments)?;
    let matching = arguments.matching()?;
    let mut variables = None;
    if arguments.left() > 1 {
        arguments.context.need(Extension::Variables, "a variable with flags", arguments.line)?;
        variables = Some(arguments.strings("names of variables")?);
    }
    Ok(Test::HasFlag { variables, matching, keys: arguments.strings("flags")? })
}

/// RFC 5260 sections 4 and 5.
fn dated(arguments: &mut Arguments<'_>, of_header: bool) -> Result<Test, Fault> {
    let mut zone = None;
    while let Some(tag) = arguments.tag()? {
        match tag.as_str() {
            "zone" | "originalzone" if zone.is_some() => return Err(arguments.fault("`:zone` does not go with `:originalzone`")),
            "zone" => {
                let text = arguments.literal("a zone such as \"+0100\"")?;
                let offset = date::offset(&text).ok_or_else(|| arguments.fault(format!("\"{text}\" is no zone such as \"+0100\"")))?;
                zone = Some(Zone::Offset(offset));
            }
            "originalzone" if of_header => zone = Some(Zone::Original),
            _ => {
                let taken = arguments.take_matching(&tag)? || (of_header && arguments.take_index(&tag)?);
                if !taken {
                    return Err(arguments.unknown(&tag));
                }
            }
        }
    }
    let (matching, index, zone) = (arguments.matching()?, arguments.index()?, zone.unwrap_or(Zone::Local));
    let header = if of_header { Some(arguments.string("the name of a field")?) } else { None };
    let name = arguments.literal("a part of a date")?;
    let part = DatePart::parse(&name).ok_or_else(|| arguments.fault(format!("a date has no part \"{name}\"")))?;
    let keys = arguments.strings("keys")?;
    Ok(match header {
        Some(header) => Test::Date { header, index, zone, part, matching, keys },
        None => Test::CurrentDate { zone, part, matching, keys },
    })
}

/// RFC 5173.
fn body(arguments: &mut Arguments<'_>) -> Result<Test, Fault> {
    let mut transform = None;
    while let Some(tag) = arguments.tag()? {
        match tag.as_str() {
            "raw" | "text" | "content" if transform.is_some() => {
                return Err(arguments.fault("`body` takes one of `:raw`, `:text` and `:content`"));
            }
            "raw" => transform = Some(Transform::Raw),
            "text" => transform = Some(Transform::Text),
            "content" => transform = Some(Transform::Content(arguments.strings("types behind `:content`")?)),
            _ => {
                if !arguments.take_matching(&tag)? {
                    return Err(arguments.unknown(&tag));
                }
            }
        }
    }
    let matching = arguments.matching()?;
    Ok(Test::Body { transform: transform.unwrap_or(Transform::Text), matching, keys: arguments.strings("keys")? })
}
