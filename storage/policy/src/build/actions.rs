//! Rules on actions beyond folders, and `send_to`, which is one of them in short.

use super::{Builder, EVERY};
use crate::PolicyError;
use crate::actions::{ActionRule, Recipients, Senders, Sharees, What};
use crate::condition::Condition;
use crate::policy::Effect;
use crate::raw::{RawAction, RawActionName, SendTo, domain};
use octroi_model::Address;
use toml::Spanned;

/// Stands for everybody there is.
const ANYONE: &str = "anyone";

/// A list as written.
type Listed = Spanned<Vec<Spanned<String>>>;

impl Builder<'_> {
    /// `None` for nobody.
    pub(super) fn send_to(&self, raw: Spanned<SendTo>) -> Option<ActionRule> {
        let line = self.line(raw.span().start);
        let to = match raw.into_inner() {
            SendTo::Nobody => return None,
            SendTo::Anyone => vec![Recipients::Anyone],
            SendTo::Inside => vec![Recipients::Inside],
            SendTo::Domains(domains) => domains.into_iter().map(Recipients::Domain).collect(),
        };
        Some(ActionRule { line, effect: Effect::Allow, what: What::Send(to), condition: Condition::NONE })
    }

    pub(super) fn action_rule(&self, raw: &Spanned<RawAction>) -> Result<ActionRule, PolicyError> {
        let (span, raw) = (raw.span(), raw.as_ref());
        let name = *raw.action.as_ref();
        for (key, list, of) in
            [("to", &raw.to, RawActionName::Send), ("as", &raw.senders, RawActionName::SendAs), ("with", &raw.with, RawActionName::Share)]
        {
            match list {
                Some(list) if name != of => return Err(self.error(list.span(), format!("this action has no `{key}`"))),
                Some(list) if list.as_ref().is_empty() => {
                    return Err(self.error(list.span(), "a rule about nobody never applies: name somebody"));
                }
                None if name == of => return Err(self.error(raw.action.span(), format!("this action needs `{key}`"))),
                _ => {}
            }
        }
        let what = match name {
            RawActionName::Send => What::Send(self.each(raw.to.as_ref(), recipients)?),
            RawActionName::SendAs => What::SendAs(self.each(raw.senders.as_ref(), senders)?),
            RawActionName::Share => What::Share(self.each(raw.with.as_ref(), |text| self.sharees(text))?),
            RawActionName::Export => What::Export,
        };
        let condition = self.condition(span.clone(), raw.zones.as_ref(), (raw.strength_min, raw.strength_below))?;
        Ok(ActionRule { line: self.line(span.start), effect: raw.effect.into(), what, condition })
    }

    fn each<T>(&self, list: Option<&Listed>, read: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, PolicyError> {
        let texts = list.into_iter().flat_map(Spanned::as_ref);
        texts.map(|text| read(text.as_ref()).map_err(|why| self.error(text.span(), why))).collect()
    }

    fn sharees(&self, text: &str) -> Result<Sharees, String> {
        let name = |name: &str| self.plain(name, 0..0).map(|()| name.to_owned()).map_err(|e| e.message);
        match text.split_once(':') {
            None if text == EVERY => Ok(Sharees::Every),
            None if text == ANYONE => Ok(Sharees::Anyone),
            None if text == "accounts" => Ok(Sharees::Accounts),
            Some(("profile", profile)) if !self.profiles.iter().any(|known| known == profile) => {
                Err(format!("there is no profile `{profile}`"))
            }
            Some(("profile", profile)) => name(profile).map(Sharees::Profile),
            Some(("group", group)) => name(group).map(Sharees::Group),
            _ => Err(format!("`{text}` is neither \"anyone\", \"accounts\", \"profile:NAME\", \"group:NAME\" nor \"*\"")),
        }
    }
}

fn recipients(text: &str) -> Result<Recipients, String> {
    match text {
        ANYONE => Ok(Recipients::Anyone),
        "inside" => Ok(Recipients::Inside),
        "outside" => Ok(Recipients::Outside),
        _ => match domain(text) {
            Ok(domain) if domain.contains('.') => Ok(Recipients::Domain(domain)),
            _ => Err(format!("`{text}` is neither \"anyone\", \"inside\", \"outside\" nor a domain such as \"partner.example\"")),
        },
    }
}

fn senders(text: &str) -> Result<Senders, String> {
    let bad = |why: String| format!("`{text}` is neither \"anyone\", \"*@DOMAIN\" nor an address: {why}");
    if text == ANYONE {
        Ok(Senders::Anyone)
    } else if let Some(listed) = text.strip_prefix("*@") {
        domain(listed).map(Senders::Domain).map_err(bad)
    } else if text.contains('*') {
        Err(bad("a star stands for the whole local part only".to_owned()))
    } else {
        text.parse::<Address>().map(|address| Senders::Address(address.to_string().to_lowercase())).map_err(|e| bad(e.to_string()))
    }
}
