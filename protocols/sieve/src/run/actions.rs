//! What commands do.

use super::{Run, Stopped};
use crate::script::{Modifier, Vacation, Way};
use crate::text::{Text, cut};
use crate::verdict::{Action, AutoReply, Filing, Refusing};
use octroi_model::Address;

/// RFC 5230 section 4.1 leaves the default to the server.
const SECONDS: u64 = 7 * 86_400;

impl Run<'_> {
    pub(super) fn keep(&mut self, flags: Option<&[Text]>) -> Result<(), Stopped> {
        self.implicit_keep = false;
        let flags = self.flags_of(flags)?;
        self.file(Filing { flags, ..Filing::default() })
    }

    pub(super) fn fileinto(&mut self, mailbox: &Text, copy: bool, create: bool, flags: Option<&[Text]>) -> Result<(), Stopped> {
        let name = self.expand(mailbox)?;
        if name.is_empty() || name.chars().any(char::is_control) {
            return Err(Stopped::Fault(format!("{name:?} is no name of a mailbox")));
        }
        self.implicit_keep &= copy;
        let flags = self.flags_of(flags)?;
        let mailbox = Some(name).filter(|name| !name.eq_ignore_ascii_case("INBOX"));
        self.file(Filing { mailbox, create, flags })
    }

    /// Into a mailbox once, however often it is said (RFC 5228 section 2.10.3); with the flags of all.
    pub(super) fn file(&mut self, filing: Filing) -> Result<(), Stopped> {
        let same = self.actions.iter_mut().find_map(|action| match action {
            Action::File(other) if other.mailbox == filing.mailbox => Some(other),
            _ => None,
        });
        match same {
            Some(other) => {
                other.create |= filing.create;
                for flag in filing.flags {
                    super::flags::add(&mut other.flags, &flag);
                }
                Ok(())
            }
            None => self.act(Action::File(filing)),
        }
    }

    pub(super) fn redirect(&mut self, to: &Text, copy: bool) -> Result<(), Stopped> {
        let text = self.expand(to)?;
        let to: Address = text.trim().parse().map_err(|error| Stopped::Fault(format!("{text:?} is no address: {error}")))?;
        self.implicit_keep &= copy;
        let sent = self.actions.iter().filter(|action| matches!(action, Action::Redirect(_))).count();
        if self.actions.contains(&Action::Redirect(to.clone())) {
            return Ok(());
        }
        if sent >= self.limits.redirects_max {
            return Err(Stopped::Fault(format!("a message is sent on to {} addresses at most", self.limits.redirects_max)));
        }
        self.act(Action::Redirect(to))
    }

    pub(super) fn reject(&mut self, reason: &Text, way: Way) -> Result<(), Stopped> {
        let reason = self.expand(reason)?;
        self.implicit_keep = false;
        self.act(Action::Refuse(Refusing { reason, bounce: way == Way::Ereject }))
    }

    pub(super) fn vacation(&mut self, vacation: &Vacation) -> Result<(), Stopped> {
        let mut expanded = |text: &Option<Text>| text.as_ref().map(|text| self.expand(text)).transpose();
        let (subject, from, handle) = (expanded(&vacation.subject)?, expanded(&vacation.from)?, expanded(&vacation.handle)?);
        let addresses = self.expand_all(&vacation.addresses)?;
        let reason = self.expand(&vacation.reason)?;
        // RFC 5230 section 4.2: who gives no handle has one answer for each text.
        let handle = handle.unwrap_or_else(|| {
            format!("{}\0{}\0{}\0{reason}", subject.as_deref().unwrap_or(""), from.as_deref().unwrap_or(""), vacation.mime)
        });
        let seconds = vacation.seconds.unwrap_or(SECONDS);
        self.act(Action::Answer(AutoReply { seconds, subject, from, addresses, reason, mime: vacation.mime, handle }))
    }

    /// One more action, if it goes with the others.
    fn act(&mut self, action: Action) -> Result<(), Stopped> {
        let any = |is: fn(&Action) -> bool| self.actions.iter().any(is);
        // RFC 5230 section 4.7.
        if matches!(action, Action::Answer(_)) && any(|action| matches!(action, Action::Answer(_))) {
            return Err(Stopped::Fault("`vacation` runs once in a script".to_owned()));
        }
        // RFC 5429 section 2.
        let refuses = matches!(action, Action::Refuse(_)) && !self.actions.is_empty();
        if refuses || any(|action| matches!(action, Action::Refuse(_))) {
            return Err(Stopped::Fault("`reject` and `ereject` go with no other action".to_owned()));
        }
        if self.actions.len() >= self.limits.actions_max {
            return Err(Stopped::Fault(format!("a script takes {} actions at most", self.limits.actions_max)));
        }
        self.actions.push(action);
        Ok(())
    }

    /// RFC 5229 section 4.
    pub(super) fn set(&mut self, name: &str, modifiers: &[Modifier], value: &Text) -> Result<(), Stopped> {
        let mut value = self.expand(value)?;
        for modifier in modifiers {
            value = modified(&value, *modifier);
        }
        self.assign(name, value)
    }

    pub(super) fn assign(&mut self, name: &str, mut value: String) -> Result<(), Stopped> {
        if !self.variables.named.contains_key(name) && self.variables.named.len() >= self.limits.variables_max {
            return Err(Stopped::Fault(format!("a script has {} variables at most", self.limits.variables_max)));
        }
        cut(&mut value, self.limits.variable_bytes_max);
        self.variables.named.insert(name.to_owned(), value);
        Ok(())
    }
}

fn modified(value: &str, modifier: Modifier) -> String {
    let first = |change: fn(char) -> String| {
        let mut chars = value.chars();
        chars.next().map_or_else(String::new, |c| change(c) + chars.as_str())
    };
    match modifier {
        Modifier::Lower => value.to_lowercase(),
        Modifier::Upper => value.to_uppercase(),
        Modifier::LowerFirst => first(|c| c.to_lowercase().collect()),
        Modifier::UpperFirst => first(|c| c.to_uppercase().collect()),
        Modifier::QuoteWildcard => {
            value.chars().flat_map(|c| matches!(c, '*' | '?' | '\\').then_some('\\').into_iter().chain([c])).collect()
        }
        Modifier::Length => value.chars().count().to_string(),
    }
}
