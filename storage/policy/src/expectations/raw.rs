//! A file of expectations as TOML has it, and from there to [`Expectation`]s: which kind each is, and that it has that kind's keys.

use super::{Expectation, Expected, LogIn, Power, Whom};
use crate::PolicyError;
use crate::admit::Strength;
use crate::error::position;
use crate::policy::Area;
use crate::raw::{RawOwner, RawStrength};
use crate::units::Seconds;
use octroi_model::{Address, Rights, Service};
use serde::Deserialize;
use std::ops::Range;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    #[serde(default)]
    expect: Vec<Spanned<RawExpect>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawExpect {
    about: String,
    profile: String,
    zone: Option<Spanned<String>>,
    strength: Option<Spanned<RawStrength>>,
    owner: Option<Spanned<RawOwner>>,
    path: Option<Spanned<String>>,
    acl: Option<Spanned<String>>,
    has: Option<Spanned<String>>,
    lacks: Option<Spanned<String>>,
    service: Option<Spanned<String>>,
    log_in: Option<Spanned<LogIn>>,
    remote_access: Option<Spanned<bool>>,
    enrolled: Option<Spanned<bool>>,
    confirmed: Option<Spanned<Seconds>>,
    in_portal: Option<Spanned<bool>>,
    send: Option<Spanned<String>>,
    ours: Option<Spanned<bool>>,
    send_as: Option<Spanned<String>>,
    share_with: Option<Spanned<String>>,
    export: Option<Spanned<bool>>,
    adds_to: Option<Spanned<String>>,
    sets: Option<Spanned<String>>,
    second_factor: Option<Spanned<Seconds>>,
    action: Option<Spanned<String>>,
    may: Option<Spanned<Power>>,
    allowed: Option<Spanned<bool>>,
}

/// A kind of expectation: the keys that tell it, and those that it may have beside.
struct Kind {
    tells: &'static [&'static str],
    takes: &'static [&'static str],
    is: Is,
}

#[derive(Clone, Copy)]
enum Is {
    Rights,
    LogIn,
    Act,
    Reserved,
    Power,
}

const KINDS: [Kind; 7] = [
    Kind { tells: &["has", "lacks"], takes: &["zone", "strength", "owner", "path", "acl"], is: Is::Rights },
    Kind { tells: &["log_in"], takes: &["zone", "service", "remote_access", "enrolled", "confirmed", "in_portal"], is: Is::LogIn },
    Kind { tells: &["send"], takes: &["zone", "strength", "ours", "allowed"], is: Is::Act },
    Kind { tells: &["send_as", "share_with", "export"], takes: &["zone", "strength", "allowed"], is: Is::Act },
    Kind { tells: &["adds_to"], takes: &["zone", "sets", "second_factor", "action", "allowed"], is: Is::Reserved },
    Kind { tells: &["sets"], takes: &["zone", "path", "second_factor", "action", "allowed"], is: Is::Reserved },
    Kind { tells: &["may"], takes: &["allowed"], is: Is::Power },
];

pub(super) fn read(text: &str) -> Result<Vec<Expectation>, PolicyError> {
    let raw: RawFile = toml::from_str(text).map_err(|e| PolicyError::at(text, e.span(), e.message()))?;
    raw.expect.into_iter().map(|raw| Reader { text, span: raw.span() }.expectation(raw.into_inner())).collect()
}

/// Reads one table.
struct Reader<'a> {
    text: &'a str,
    /// The whole table.
    span: Range<usize>,
}

impl Reader<'_> {
    fn error(&self, span: Range<usize>, message: impl Into<String>) -> PolicyError {
        PolicyError::at(self.text, Some(span), message)
    }

    fn expectation(&self, raw: RawExpect) -> Result<Expectation, PolicyError> {
        let present = raw.present();
        let tells = |kind: &Kind| present.iter().any(|(key, _)| kind.tells.contains(key));
        let Some(kind) = KINDS.iter().find(|kind| tells(kind)) else {
            let keys: Vec<_> = KINDS.iter().flat_map(|kind| kind.tells).map(|key| format!("`{key}`")).collect();
            return Err(self.error(self.span.clone(), format!("nothing is expected: it needs one of {}", keys.join(", "))));
        };
        // What is not looked at would seem to be tested.
        for (key, span) in &present {
            if !kind.tells.contains(key) && !kind.takes.contains(key) {
                return Err(self.error(span.clone(), format!("`{key}` says nothing beside `{}`", kind.tells.join("` or `"))));
            }
        }
        let zone = match &raw.zone {
            Some(zone) => zone.as_ref().clone(),
            None if kind.takes.contains(&"zone") => return Err(self.missing("zone")),
            None => crate::ANYWHERE.to_owned(),
        };
        let strength = raw.strength.as_ref().map_or(Strength::AppPassword, |strength| (*strength.as_ref()).into());
        let (about, profile) = (raw.about.clone(), raw.profile.clone());
        let line = position(self.text, self.span.start).0;
        let expected = match kind.is {
            Is::Rights => self.rights(raw),
            Is::LogIn => self.log_in(raw),
            Is::Act => self.act(raw),
            Is::Reserved => self.reserved(raw),
            Is::Power => self.power(raw),
        }?;
        Ok(Expectation { line, about, profile, zone, strength, expected })
    }

    fn missing(&self, key: &str) -> PolicyError {
        self.error(self.span.clone(), format!("missing field `{key}`"))
    }

    fn need<T>(&self, value: Option<Spanned<T>>, key: &str) -> Result<Spanned<T>, PolicyError> {
        value.ok_or_else(|| self.missing(key))
    }

    fn letters(&self, text: Option<Spanned<String>>, otherwise: Rights) -> Result<Rights, PolicyError> {
        let Some(text) = text else { return Ok(otherwise) };
        let rights = Rights::parse(text.as_ref());
        rights.ok_or_else(|| self.error(text.span(), format!("`{}` is not a set of rights", text.as_ref())))
    }

    /// `files/Actes/2026` as area and path.
    fn path(&self, text: &Spanned<String>) -> Result<(Area, String), PolicyError> {
        let (area, path) = text.as_ref().split_once('/').unwrap_or((text.as_ref(), ""));
        match Area::ALL.iter().find(|(_, name)| *name == area) {
            Some((area, _)) => Ok((*area, path.to_owned())),
            None => Err(self.error(text.span(), "a path begins with mail, calendars, contacts or files")),
        }
    }

    fn rights(&self, raw: RawExpect) -> Result<Expected, PolicyError> {
        let owner = self.need(raw.owner, "owner")?;
        let own = match owner.as_ref() {
            RawOwner::Oneself => true,
            RawOwner::Others => false,
            RawOwner::Any => return Err(self.error(owner.span(), "say \"self\" or \"others\"")),
        };
        let (area, path) = self.path(&self.need(raw.path, "path")?)?;
        let acl = self.letters(raw.acl, Rights::ALL)?;
        let has = self.letters(raw.has, Rights::NONE)?;
        let lacks = self.letters(raw.lacks, Rights::NONE)?;
        if has == Rights::NONE && lacks == Rights::NONE || has.intersects(lacks) {
            return Err(self.error(self.span.clone(), "`has` and `lacks` name at least one right, and none in both"));
        }
        Ok(Expected::Rights { own, area, path, acl, has, lacks })
    }

    fn log_in(&self, raw: RawExpect) -> Result<Expected, PolicyError> {
        let service = self.need(raw.service, "service")?;
        let Some((service, _)) = Service::ALL.iter().find(|(_, name)| *name == service.as_ref()) else {
            return Err(self.error(service.span(), format!("there is no service `{}`", service.as_ref())));
        };
        Ok(Expected::LogIn {
            service: *service,
            outcome: self.need(raw.log_in, "log_in")?.into_inner(),
            remote_access: raw.remote_access.is_some_and(Spanned::into_inner),
            enrolled: raw.enrolled.is_none_or(Spanned::into_inner),
            confirmed: raw.confirmed.map(|ago| ago.into_inner().0),
            in_portal: raw.in_portal.is_some_and(Spanned::into_inner),
        })
    }

    fn act(&self, raw: RawExpect) -> Result<Expected, PolicyError> {
        let address = |text: &Spanned<String>| {
            let parsed = text.as_ref().parse::<Address>();
            parsed.map_err(|e| self.error(text.span(), format!("`{}` is not an address: {e}", text.as_ref())))
        };
        let whom = match (raw.send, raw.send_as, raw.share_with, raw.export) {
            (Some(to), None, None, None) => Whom::To { address: address(&to)?, ours: raw.ours.is_some_and(Spanned::into_inner) },
            (None, Some(sender), None, None) => Whom::As(address(&sender)?.to_string()),
            (None, None, Some(with), None) => match with.as_ref().split_once(':') {
                None if with.as_ref() == "anyone" => Whom::Anyone,
                None if with.as_ref() == "account" => Whom::Account,
                Some(("profile", name)) => Whom::Profile(name.to_owned()),
                Some(("group", name)) => Whom::Group(name.to_owned()),
                _ => return Err(self.error(with.span(), "say \"account\", \"profile:NAME\", \"group:NAME\" or \"anyone\"")),
            },
            (None, None, None, Some(export)) if *export.as_ref() => Whom::Export,
            (None, None, None, Some(export)) => return Err(self.error(export.span(), "say `export = true`, and `allowed = false`")),
            _ => return Err(self.error(self.span.clone(), "one action in one expectation")),
        };
        Ok(Expected::Act { whom, allowed: self.need(raw.allowed, "allowed")?.into_inner() })
    }

    fn reserved(&self, raw: RawExpect) -> Result<Expected, PolicyError> {
        let adds = raw.adds_to.is_some();
        let (area, path) = self.path(&self.need(raw.adds_to.or(raw.path), "path")?)?;
        Ok(Expected::Reserved {
            area,
            path,
            adds,
            keyword: raw.sets.map(Spanned::into_inner),
            second_factor: raw.second_factor.map(|ago| ago.into_inner().0),
            action: raw.action.map(Spanned::into_inner),
            allowed: self.need(raw.allowed, "allowed")?.into_inner(),
        })
    }

    fn power(&self, raw: RawExpect) -> Result<Expected, PolicyError> {
        let power = self.need(raw.may, "may")?.into_inner();
        Ok(Expected::Power { power, allowed: self.need(raw.allowed, "allowed")?.into_inner() })
    }
}

impl RawExpect {
    /// The optional keys that are there, each with its place.
    fn present(&self) -> Vec<(&'static str, Range<usize>)> {
        fn at<T>(value: Option<&Spanned<T>>) -> Option<Range<usize>> {
            value.map(Spanned::span)
        }
        let keys = [
            ("zone", at(self.zone.as_ref())),
            ("strength", at(self.strength.as_ref())),
            ("owner", at(self.owner.as_ref())),
            ("path", at(self.path.as_ref())),
            ("acl", at(self.acl.as_ref())),
            ("has", at(self.has.as_ref())),
            ("lacks", at(self.lacks.as_ref())),
            ("service", at(self.service.as_ref())),
            ("log_in", at(self.log_in.as_ref())),
            ("remote_access", at(self.remote_access.as_ref())),
            ("enrolled", at(self.enrolled.as_ref())),
            ("confirmed", at(self.confirmed.as_ref())),
            ("in_portal", at(self.in_portal.as_ref())),
            ("send", at(self.send.as_ref())),
            ("ours", at(self.ours.as_ref())),
            ("send_as", at(self.send_as.as_ref())),
            ("share_with", at(self.share_with.as_ref())),
            ("export", at(self.export.as_ref())),
            ("adds_to", at(self.adds_to.as_ref())),
            ("sets", at(self.sets.as_ref())),
            ("second_factor", at(self.second_factor.as_ref())),
            ("action", at(self.action.as_ref())),
            ("may", at(self.may.as_ref())),
            ("allowed", at(self.allowed.as_ref())),
        ];
        keys.into_iter().filter_map(|(key, span)| Some((key, span?))).collect()
    }
}
