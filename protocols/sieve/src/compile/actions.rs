//! Commands that do something.

use super::{Context, ends_with_semicolon};
use crate::extension::Extension;
use crate::lexer::Fault;
use crate::script::{Command, FlagEdit, Modifier, Vacation, Way, What};
use crate::syntax::CommandNode;
use crate::text::{Text, is_identifier};
use octroi_model::Address;

/// Octets of a mailbox's name; the gate allows fewer a level.
const MAILBOX_BYTES_MAX: usize = 4096;
/// Commands and tests that are often taken for one another.
const TESTS: [&str; 18] = [
    "address",
    "allof",
    "anyof",
    "body",
    "currentdate",
    "date",
    "envelope",
    "exists",
    "false",
    "hasflag",
    "header",
    "mailboxexists",
    "not",
    "size",
    "string",
    "true",
    "metadata",
    "environment",
];
const DAY: u64 = 86_400;
/// RFC 5230 section 4.1: a site may limit it, at more than a week.
const DAYS_MAX: u64 = 180;

impl Context {
    pub(super) fn action(&self, node: CommandNode) -> Result<Command, Fault> {
        let line = node.line;
        let name = node.name.clone();
        let need = |extension| self.need(extension, &format!("`{name}`"), line);
        if let Some(test) = TESTS.iter().find(|test| **test == name) {
            return Err(Fault::new(line, format!("`{test}` is a test: it belongs behind `if`")));
        }
        let what = match name.as_str() {
            "stop" => {
                self.no_arguments(&node)?;
                What::Stop
            }
            "discard" => {
                self.no_arguments(&node)?;
                What::Discard
            }
            "keep" => self.keep(node)?,
            "fileinto" => {
                need(Extension::Fileinto)?;
                self.fileinto(node)?
            }
            "redirect" => self.redirect(node)?,
            "reject" => {
                need(Extension::Reject)?;
                self.reject(node, Way::Reject)?
            }
            "ereject" => {
                need(Extension::Ereject)?;
                self.reject(node, Way::Ereject)?
            }
            "vacation" => {
                need(Extension::Vacation)?;
                self.vacation(node)?
            }
            "setflag" | "addflag" | "removeflag" => {
                need(Extension::Flags)?;
                self.flags(node)?
            }
            "set" => {
                need(Extension::Variables)?;
                self.set(node)?
            }
            "require" => return Err(Fault::new(line, "`require` stands before all other commands")),
            _ => return Err(Fault::new(line, format!("there is no command `{name}`"))),
        };
        Ok(Command { line, what })
    }

    fn no_arguments(&self, node: &CommandNode) -> Result<(), Fault> {
        ends_with_semicolon(node)?;
        self.arguments(&node.name, node.line, node.arguments.clone()).finish()
    }

    fn keep(&self, node: CommandNode) -> Result<What, Fault> {
        ends_with_semicolon(&node)?;
        let mut arguments = self.arguments(&node.name, node.line, node.arguments);
        let mut flags = None;
        while let Some(tag) = arguments.tag()? {
            match tag.as_str() {
                "flags" => {
                    arguments.need(Extension::Flags, &tag)?;
                    flags = Some(arguments.strings("flags behind `:flags`")?);
                }
                _ => return Err(arguments.unknown(&tag)),
            }
        }
        arguments.finish()?;
        Ok(What::Keep { flags })
    }

    fn fileinto(&self, node: CommandNode) -> Result<What, Fault> {
        ends_with_semicolon(&node)?;
        let mut arguments = self.arguments(&node.name, node.line, node.arguments);
        let (mut copy, mut create, mut flags) = (false, false, None);
        while let Some(tag) = arguments.tag()? {
            match tag.as_str() {
                "copy" => {
                    arguments.need(Extension::Copy, &tag)?;
                    copy = true;
                }
                "create" => {
                    arguments.need(Extension::Mailbox, &tag)?;
                    create = true;
                }
                "flags" => {
                    arguments.need(Extension::Flags, &tag)?;
                    flags = Some(arguments.strings("flags behind `:flags`")?);
                }
                _ => return Err(arguments.unknown(&tag)),
            }
        }
        let mailbox = arguments.string("the name of a mailbox")?;
        if mailbox.constant().is_some_and(|name| name.is_empty() || name.len() > MAILBOX_BYTES_MAX) {
            return Err(arguments.fault("a mailbox has a name that is neither empty nor very long"));
        }
        arguments.finish()?;
        Ok(What::FileInto { mailbox, copy, create, flags })
    }

    fn redirect(&self, node: CommandNode) -> Result<What, Fault> {
        ends_with_semicolon(&node)?;
        let mut arguments = self.arguments(&node.name, node.line, node.arguments);
        let mut copy = false;
        while let Some(tag) = arguments.tag()? {
            if tag != "copy" {
                return Err(arguments.unknown(&tag));
            }
            arguments.need(Extension::Copy, &tag)?;
            copy = true;
        }
        let to = arguments.string("an address")?;
        is_address(&to).map_err(|text| arguments.fault(text))?;
        arguments.finish()?;
        Ok(What::Redirect { to, copy })
    }

    fn reject(&self, node: CommandNode, way: Way) -> Result<What, Fault> {
        ends_with_semicolon(&node)?;
        let mut arguments = self.arguments(&node.name, node.line, node.arguments);
        let reason = arguments.string("a reason")?;
        arguments.finish()?;
        Ok(What::Reject { reason, way })
    }

    /// RFC 5230 section 4, RFC 6131 section 2.
    fn vacation(&self, node: CommandNode) -> Result<What, Fault> {
        ends_with_semicolon(&node)?;
        let mut arguments = self.arguments(&node.name, node.line, node.arguments);
        let mut vacation = Vacation {
            seconds: None,
            subject: None,
            from: None,
            addresses: Vec::new(),
            mime: false,
            handle: None,
            reason: Text::plain(""),
        };
        while let Some(tag) = arguments.tag()? {
            match tag.as_str() {
                "days" | "seconds" if vacation.seconds.is_some() => {
                    return Err(arguments.fault("`vacation` takes `:days` or `:seconds`, not both"));
                }
                "days" => vacation.seconds = Some(arguments.number("a number behind `:days`")?.clamp(1, DAYS_MAX) * DAY),
                "seconds" => {
                    arguments.need(Extension::VacationSeconds, &tag)?;
                    vacation.seconds = Some(arguments.number("a number behind `:seconds`")?.min(DAYS_MAX * DAY));
                }
                "subject" => vacation.subject = Some(arguments.string("a subject behind `:subject`")?),
                "from" => vacation.from = Some(arguments.string("an address behind `:from`")?),
                "addresses" => vacation.addresses = arguments.strings("addresses behind `:addresses`")?,
                "mime" => vacation.mime = true,
                "handle" => vacation.handle = Some(arguments.string("a handle behind `:handle`")?),
                _ => return Err(arguments.unknown(&tag)),
            }
        }
        vacation.reason = arguments.string("a reason")?;
        arguments.finish()?;
        Ok(What::Vacation(Box::new(vacation)))
    }

    /// RFC 5232 section 3: a variable may be named before the flags.
    fn flags(&self, node: CommandNode) -> Result<What, Fault> {
        ends_with_semicolon(&node)?;
        let edit = match node.name.as_str() {
            "setflag" => FlagEdit::Set,
            "addflag" => FlagEdit::Add,
            _ => FlagEdit::Remove,
        };
        let mut arguments = self.arguments(&node.name, node.line, node.arguments);
        if let Some(tag) = arguments.tag()? {
            return Err(arguments.unknown(&tag));
        }
        let mut variable = None;
        if arguments.left() > 1 {
            self.need(Extension::Variables, "a variable with flags", node.line)?;
            variable = Some(self.variable(&arguments.literal("the name of a variable")?, node.line)?);
        }
        let flags = arguments.strings("flags")?;
        arguments.finish()?;
        Ok(What::Flags { edit, variable: variable.map(Text::plain), flags })
    }

    /// RFC 5229 section 4.
    fn set(&self, node: CommandNode) -> Result<What, Fault> {
        ends_with_semicolon(&node)?;
        let mut arguments = self.arguments(&node.name, node.line, node.arguments);
        let mut modifiers: Vec<Modifier> = Vec::new();
        while let Some(tag) = arguments.tag()? {
            let modifier = Modifier::parse(&tag).ok_or_else(|| arguments.unknown(&tag))?;
            if modifiers.iter().any(|other| other.precedence() == modifier.precedence()) {
                return Err(arguments.fault(format!("`:{tag}` does not go with its opposite")));
            }
            modifiers.push(modifier);
        }
        // RFC 5229 section 4.1: the one with the highest precedence first.
        modifiers.sort_unstable();
        let name = self.variable(&arguments.literal("the name of a variable")?, node.line)?;
        let value = arguments.string("a value")?;
        arguments.finish()?;
        Ok(What::Set { name, modifiers, value })
    }

    fn variable(&self, name: &str, line: u32) -> Result<String, Fault> {
        let name = self.text(name, line)?.constant().map(str::to_ascii_lowercase);
        name.filter(|name| is_identifier(name))
            .ok_or_else(|| Fault::new(line, "the name of a variable is letters, digits and `_`, beginning with a letter"))
    }
}

/// If it can be told already, is it an address?
fn is_address(text: &Text) -> Result<(), String> {
    match text.constant() {
        Some(constant) => constant.parse::<Address>().map(|_| ()).map_err(|error| format!("\"{constant}\" is no address: {error}")),
        None => Ok(()),
    }
}
