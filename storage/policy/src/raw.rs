//! The profiles file as TOML has it: shapes and single values. `build` checks what needs more than one of them.
//!
//! A value that is wrong by itself is refused here, so that serde's error carries its place in the file.

use crate::Strength;
use crate::pattern::Pattern;
use crate::policy::{Area, Effect, Owner};
use crate::second_factor::SecondFactor;
use crate::units::{Bytes, Seconds};
use ipnet::IpNet;
use octroi_model::Rights;
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU32;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawPolicy {
    #[serde(default)]
    pub(crate) zone: BTreeMap<Spanned<String>, RawZone>,
    #[serde(default)]
    pub(crate) action: BTreeMap<Spanned<String>, RawReserved>,
    #[serde(default)]
    pub(crate) profile: BTreeMap<Spanned<String>, RawProfile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawZone {
    /// As text: serde would report the place of the whole list, not of the one that is wrong ([`Network`]).
    pub(crate) networks: Option<Spanned<Vec<Spanned<String>>>>,
    pub(crate) client_ca: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawReserved {
    #[serde(default)]
    pub(crate) description: String,
    /// As text, for the same reason.
    #[serde(default)]
    pub(crate) adds_to: Vec<Spanned<String>>,
    #[serde(default)]
    pub(crate) sets: Vec<Spanned<String>>,
    #[serde(rename = "in")]
    pub(crate) sets_in: Option<Spanned<Vec<Spanned<String>>>>,
    pub(crate) zones: Option<Spanned<ZoneNames>>,
    pub(crate) second_factor_within: Option<Seconds>,
}

/// Names of zones, or `*`.
pub(crate) type ZoneNames = Vec<Spanned<String>>;

/// What a mailbox in which nothing may be changed is called when it is opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ReadOnly {
    /// Read-only.
    #[default]
    Strict,
    /// Read-write, without a flag that can be changed.
    Mild,
}

/// What its accounts are in meetings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MeetsAs {
    /// Somebody, who answers.
    #[default]
    Person,
    /// A room: it comes when it is free.
    Room,
    /// Something else that is booked: likewise.
    Resource,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawProfile {
    #[serde(default)]
    pub(crate) description: String,
    #[serde(default)]
    pub(crate) portal: bool,
    #[serde(default)]
    pub(crate) portal_documents: ZoneNames,
    #[serde(default)]
    pub(crate) portal_calendars: ZoneNames,
    #[serde(default)]
    pub(crate) subscribe_calendars: ZoneNames,
    #[serde(default)]
    pub(crate) publish_calendars: ZoneNames,
    #[serde(default)]
    pub(crate) audit: bool,
    #[serde(default)]
    pub(crate) administer: bool,
    #[serde(default)]
    pub(crate) remote_zones: ZoneNames,
    pub(crate) send_to: Option<Spanned<SendTo>>,
    pub(crate) recipients_per_hour: Option<NonZeroU32>,
    pub(crate) attachment_bytes_max: Option<Bytes>,
    #[serde(default)]
    pub(crate) read_only: ReadOnly,
    #[serde(default)]
    pub(crate) meets_as: MeetsAs,
    pub(crate) fresh_for: Option<Seconds>,
    /// As text, so that serde reports the place of the one that is wrong.
    #[serde(default)]
    pub(crate) directory: Vec<Spanned<String>>,
    #[serde(default)]
    pub(crate) directory_groups: bool,
    #[serde(default)]
    pub(crate) services: RawServices,
    #[serde(default)]
    pub(crate) second_factor: BTreeMap<Spanned<String>, SecondFactor>,
    #[serde(default)]
    pub(crate) actions: Vec<Spanned<String>>,
    #[serde(default)]
    pub(crate) rule: Vec<Spanned<RawRule>>,
    #[serde(default)]
    pub(crate) action: Vec<Spanned<RawAction>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawServices {
    pub(crate) imap: Option<Spanned<ZoneNames>>,
    pub(crate) submission: Option<Spanned<ZoneNames>>,
    pub(crate) caldav: Option<Spanned<ZoneNames>>,
    pub(crate) carddav: Option<Spanned<ZoneNames>>,
    pub(crate) files: Option<Spanned<ZoneNames>>,
    pub(crate) sieve: Option<Spanned<ZoneNames>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawRule {
    #[serde(default)]
    pub(crate) effect: RawEffect,
    #[serde(default)]
    pub(crate) owner: RawOwner,
    pub(crate) path: RulePath,
    pub(crate) rights: RuleRights,
    pub(crate) zones: Option<Spanned<ZoneNames>>,
    pub(crate) strength_min: Option<RawStrength>,
    pub(crate) strength_below: Option<RawStrength>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawAction {
    #[serde(default)]
    pub(crate) effect: RawEffect,
    pub(crate) action: Spanned<RawActionName>,
    /// Of `send`.
    pub(crate) to: Option<Spanned<Vec<Spanned<String>>>>,
    /// Of `send-as`.
    #[serde(rename = "as")]
    pub(crate) senders: Option<Spanned<Vec<Spanned<String>>>>,
    /// Of `share`.
    pub(crate) with: Option<Spanned<Vec<Spanned<String>>>>,
    pub(crate) zones: Option<Spanned<ZoneNames>>,
    pub(crate) strength_min: Option<RawStrength>,
    pub(crate) strength_below: Option<RawStrength>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RawActionName {
    Send,
    SendAs,
    Share,
    Export,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RawEffect {
    #[default]
    Allow,
    Deny,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RawOwner {
    #[serde(rename = "self")]
    Oneself,
    Others,
    #[default]
    Any,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RawStrength {
    AppPassword,
    Confirmed,
    FreshSecondFactor,
}

impl From<RawEffect> for Effect {
    fn from(raw: RawEffect) -> Self {
        match raw {
            RawEffect::Allow => Self::Allow,
            RawEffect::Deny => Self::Deny,
        }
    }
}

impl From<RawOwner> for Owner {
    fn from(raw: RawOwner) -> Self {
        match raw {
            RawOwner::Oneself => Self::Oneself,
            RawOwner::Others => Self::Others,
            RawOwner::Any => Self::Any,
        }
    }
}

impl From<RawStrength> for Strength {
    fn from(raw: RawStrength) -> Self {
        match raw {
            RawStrength::AppPassword => Self::AppPassword,
            RawStrength::Confirmed => Self::Confirmed,
            RawStrength::FreshSecondFactor => Self::FreshSecondFactor,
        }
    }
}

/// A network with no bit set behind its prefix; a bare address is a network of one.
pub(crate) struct Network(pub(crate) IpNet);

impl TryFrom<&str> for Network {
    type Error = String;
    fn try_from(text: &str) -> Result<Self, String> {
        let network: IpNet = match text.parse::<IpAddr>() {
            Ok(address) => address.into(),
            Err(_) => text.parse().map_err(|_| format!("`{text}` is not a network such as 10.0.0.0/8 or 2001:db8::/32"))?,
        };
        if network.trunc() != network {
            return Err(format!("`{text}` has bits behind its prefix: write `{}`", network.trunc()));
        }
        if network.addr().to_canonical() != network.addr() {
            return Err(format!("`{text}` is an IPv4 network in IPv6 clothes, which no peer is ever seen with: write it as IPv4"));
        }
        Ok(Self(network))
    }
}

/// A pattern whose first segment can match an area.
#[derive(Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct RulePath(pub(crate) Pattern);

impl TryFrom<String> for RulePath {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.as_str().try_into()
    }
}

impl TryFrom<&str> for RulePath {
    type Error = String;
    fn try_from(text: &str) -> Result<Self, String> {
        let pattern = Pattern::parse(text).map_err(|e| e.to_string())?;
        match pattern.first() {
            Some(first) if first != "*" && !Area::ALL.iter().any(|(_, name)| *name == first) => {
                Err(format!("a path begins with mail, calendars, contacts, files, `*` or `**`, not with `{first}`"))
            }
            _ => Ok(Self(pattern)),
        }
    }
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct RuleRights(pub(crate) Rights);

impl TryFrom<String> for RuleRights {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        match Rights::parse(&text) {
            Some(rights) if rights != Rights::NONE => Ok(Self(rights)),
            _ => Err(format!("`{text}` is not a set of rights: use letters of lrswipkxtea (RFC 4314) and 0, 1 or 2, at least one")),
        }
    }
}

/// The short way to write one rule that allows `send`.
pub(crate) enum SendTo {
    Anyone,
    Inside,
    Nobody,
    /// In lower case.
    Domains(Vec<String>),
}

impl<'de> Deserialize<'de> for SendTo {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(SendToVisitor)
    }
}

/// A domain, in lower case. The address type knows what one may look like.
pub(crate) fn domain(text: &str) -> Result<String, String> {
    octroi_model::Address::new("x", text).map_err(|e| format!("`{text}` is not a domain: {e}"))?;
    Ok(text.to_lowercase())
}

/// A word or a list of domains.
struct SendToVisitor;

impl<'de> Visitor<'de> for SendToVisitor {
    type Value = SendTo;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"anyone\", \"inside\", \"nobody\" or a list of domains")
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<SendTo, E> {
        match word {
            "anyone" => Ok(SendTo::Anyone),
            "inside" => Ok(SendTo::Inside),
            "nobody" => Ok(SendTo::Nobody),
            _ => Err(E::invalid_value(serde::de::Unexpected::Str(word), &self)),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<SendTo, A::Error> {
        let mut domains = Vec::new();
        while let Some(text) = list.next_element::<String>()? {
            domains.push(domain(&text).map_err(A::Error::custom)?);
        }
        Ok(SendTo::Domains(domains))
    }
}
