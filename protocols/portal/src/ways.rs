//! The ways to give a second factor: a code, a code that is sent first, a passkey. For signing in and for stepping up later.
//!
//! Whoever has come no further than the main password sees of a device only enough to know it again.

use crate::frame::Notice;
use crate::language::Language;
use crate::parts::code_field;
use crate::texts::factors::Factors;
use crate::visitor::Visitor;
use maud::{Markup, html};
use octroi_gate::FactorFacts;
use octroi_model::Reach;

/// What is offered, and where its forms go.
pub(crate) struct Ways<'a> {
    /// Where a code goes; below it `/send` takes the device that one is to be sent to, and `/passkey` a passkey.
    pub path: &'a str,
    /// Where one wants to come to afterwards.
    pub to: Option<&'a str>,
    pub factors: &'a FactorFacts,
    /// What a passkey is asked, if there is one to ask.
    pub challenge: Option<&'a str>,
}

impl Ways<'_> {
    /// All forms.
    pub(crate) fn show(&self, visitor: &Visitor, notice: &Notice) -> Markup {
        let texts = Factors::of(visitor.language);
        let to = html! { @if let Some(to) = self.to { input type="hidden" name="to" value=(to); } };
        let code = html! { (to) (code_field(visitor.language, notice, true)) };
        html! {
            (visitor.form(self.path, texts.go_on, &code))
            @if self.challenge.is_some() || !self.factors.devices.is_empty() {
                h2 { (texts.other_ways) }
            }
            @if let Some(challenge) = self.challenge {
                (passkey_form(visitor, &format!("{}/passkey", self.path), "get", challenge, texts.passkey_use, &to))
            }
            @for device in &self.factors.devices {
                (visitor.form(&format!("{}/send", self.path), &format!("{} {}", texts.send_to, masked(&device.reach)), &html! {
                    (to)
                    input type="hidden" name="device" value=(device.id.0);
                }))
            }
        }
    }
}

/// A form that the script sends with an authenticator's answer; `ceremony`: `create` or `get`.
pub(crate) fn passkey_form(visitor: &Visitor, action: &str, ceremony: &str, options: &str, button: &str, more: &Markup) -> Markup {
    let texts = Factors::of(visitor.language);
    html! {
        form method="post" action=(action) data-passkey=(ceremony) data-options=(options) {
            (visitor.token())
            (more)
            input type="hidden" name="answer";
            p.fault role="alert" hidden { (texts.passkey_failed) }
            noscript { p.missing { (texts.passkey_script) } }
            button type="submit" { (button) }
        }
    }
}

/// Enough of an address or number for its owner to know it.
fn masked(reach: &Reach) -> String {
    match reach {
        Reach::Mail(address) => {
            let text = address.to_string();
            let (local, domain) = text.rsplit_once('@').unwrap_or((&text, ""));
            format!("{}…@{domain}", local.chars().next().unwrap_or('…'))
        }
        Reach::Message(number) => {
            let digits: Vec<char> = number.chars().filter(char::is_ascii_digit).collect();
            // Of a very short number nothing: two of its digits would be most of it.
            let last: String = if digits.len() > 5 { digits[digits.len() - 2..].iter().collect() } else { String::new() };
            format!("…{last}")
        }
    }
}

/// What to say to a passkey that was refused.
pub(crate) fn passkey_refused(refusal: octroi_gate::Refusal, language: Language) -> Notice {
    match refusal {
        octroi_gate::Refusal::InvalidCode => Notice::fault(Factors::of(language).passkey_refused),
        other => Notice::fault(crate::pages::refused(other, language)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_shown_to_its_owner_only() {
        assert_eq!(masked(&Reach::Mail("lea.martin@example.org".parse().unwrap())), "l…@example.org");
        assert_eq!(masked(&Reach::Message("+33 6 12 34 56 78".to_owned())), "…78");
        assert_eq!(masked(&Reach::Message("112".to_owned())), "…");
    }
}
