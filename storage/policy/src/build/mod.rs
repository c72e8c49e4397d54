//! From the TOML shape to the policy: checks everything that needs two values at once, such as names of zones.
//!
//! Called by `Policy::parse`. What always holds: every name that a policy contains (zone, profile, reserved action) exists in it.

mod actions;
mod profile;
mod reserved;
mod zones;

use crate::PolicyError;
use crate::condition::Condition;
use crate::error::position;
use crate::pattern::Pattern;
use crate::policy::Policy;
use crate::raw::{RawPolicy, RawStrength, RulePath, ZoneNames};
use crate::zones::{ANYWHERE, Places, Zones};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use toml::Spanned;

/// Stands for every zone, or every other zone.
const EVERY: &str = "*";

/// Read the text of a profiles file.
pub(crate) fn policy(text: &str) -> Result<Policy, PolicyError> {
    let raw: RawPolicy = toml::from_str(text).map_err(|e| PolicyError::at(text, e.span(), e.message()))?;
    let places = Places { names: vec![ANYWHERE.into()], ..Places::default() };
    let profiles: Vec<String> = raw.profile.keys().map(|name| name.as_ref().clone()).collect();
    let mut builder = Builder { text, places, actions: Vec::new(), profiles };
    builder.add_zones(raw.zone)?;
    let reserved = raw.action.into_iter().map(|(name, raw)| builder.reserved(&name, raw)).collect::<Result<Vec<_>, _>>()?;
    builder.actions = reserved.iter().map(|action| action.name.clone()).collect();
    let mut profiles = BTreeMap::new();
    for (name, raw) in raw.profile {
        builder.check_name(&name)?;
        let profile = builder.profile(&name, raw)?;
        profiles.insert(name.into_inner(), profile);
    }
    Ok(Policy { places: builder.places, reserved, profiles })
}

struct Builder<'a> {
    text: &'a str,
    places: Places,
    /// The names of the reserved actions.
    actions: Vec<String>,
    /// The names of the profiles.
    profiles: Vec<String>,
}

impl Builder<'_> {
    fn error(&self, span: Range<usize>, message: impl Into<String>) -> PolicyError {
        PolicyError::at(self.text, Some(span), message)
    }

    /// The line of an octet, counted from 1.
    fn line(&self, offset: usize) -> usize {
        position(self.text, offset).0
    }

    /// Names appear in commands, in the audit and as ACL grantees, so they are kept plain.
    fn check_name(&self, name: &Spanned<String>) -> Result<(), PolicyError> {
        self.plain(name.as_ref(), name.span())
    }

    fn plain(&self, name: &str, span: Range<usize>) -> Result<(), PolicyError> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
            return Err(self.error(span, format!("`{name}` is not a name: use up to 64 of a-z, 0-9 and -")));
        }
        Ok(())
    }

    fn pattern(&self, text: &Spanned<String>) -> Result<Pattern, PolicyError> {
        match RulePath::try_from(text.as_ref().as_str()) {
            Ok(RulePath(pattern)) => Ok(pattern),
            Err(why) => Err(self.error(text.span(), why)),
        }
    }

    fn patterns(&self, texts: &[Spanned<String>]) -> Result<Vec<Pattern>, PolicyError> {
        texts.iter().map(|text| self.pattern(text)).collect()
    }

    /// When a rule that stands at `span` applies.
    fn condition(
        &self,
        span: Range<usize>,
        zones: Option<&Spanned<ZoneNames>>,
        (min, below): (Option<RawStrength>, Option<RawStrength>),
    ) -> Result<Condition, PolicyError> {
        let (strength_min, strength_below) = (min.map(Into::into), below.map(Into::into));
        if let (Some(min), Some(below)) = (strength_min, strength_below)
            && min >= below
        {
            return Err(self.error(span, "the rule never applies: strength_min is not below strength_below"));
        }
        Ok(Condition { zones: self.condition_zones(zones)?, strength_min, strength_below })
    }

    /// Zones in which something applies; everywhere if left out.
    fn condition_zones(&self, zones: Option<&Spanned<ZoneNames>>) -> Result<Zones, PolicyError> {
        match zones {
            None => Ok(Zones::Every),
            Some(zones) if zones.as_ref().is_empty() => {
                Err(self.error(zones.span(), "a rule for no zone never applies: name one, or leave `zones` out"))
            }
            Some(zones) => self.zone_set(zones.as_ref()),
        }
    }

    fn zone_set(&self, names: &ZoneNames) -> Result<Zones, PolicyError> {
        // Each is looked up even if `*` stands beside it: a name that does not exist is a mistake anywhere.
        let named = names.iter().filter(|name| name.as_ref() != EVERY).map(|name| self.zone(name)).collect::<Result<Vec<_>, _>>()?;
        Ok(if named.len() < names.len() { Zones::Every } else { Zones::These(named) })
    }

    /// A zone that must exist.
    fn zone(&self, name: &Spanned<String>) -> Result<Arc<str>, PolicyError> {
        let found = self.places.names.iter().find(|zone| &***zone == name.as_ref()).cloned();
        found.ok_or_else(|| self.error(name.span(), format!("there is no zone `{}`", name.as_ref())))
    }
}
