//! From the TOML shape to the policy: checks everything that needs two values at once, such as names of zones.

use crate::PolicyError;
use crate::error::position;
use crate::policy::{ANYWHERE, Policy, Profile, Rule, Zones};
use crate::raw::{Network, RawPolicy, RawProfile, RawRule, RawZone, ZoneNames};
use octroi_model::Service;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use toml::Spanned;

/// Stands for every zone, or every other zone.
const EVERY: &str = "*";

/// Read the text of a profiles file.
pub(crate) fn policy(text: &str) -> Result<Policy, PolicyError> {
    let raw: RawPolicy = toml::from_str(text).map_err(|e| PolicyError::at(text, e.span(), e.message()))?;
    let mut builder = Builder { text, zones: vec![ANYWHERE.into()] };
    let networks = builder.zones(raw.zone)?;
    let mut profiles = BTreeMap::new();
    for (name, raw) in raw.profile {
        builder.check_name(&name)?;
        let profile = builder.profile(&name, raw)?;
        profiles.insert(name.into_inner(), profile);
    }
    Ok(Policy { networks, zones: builder.zones, profiles })
}

struct Builder<'a> {
    text: &'a str,
    zones: Vec<Arc<str>>,
}

impl Builder<'_> {
    fn error(&self, span: Range<usize>, message: impl Into<String>) -> PolicyError {
        PolicyError::at(self.text, Some(span), message)
    }

    /// Names appear in commands, in the audit and as ACL grantees, so they are kept plain.
    fn check_name(&self, name: &Spanned<String>) -> Result<(), PolicyError> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.as_ref().is_empty() || name.as_ref().len() > 64 || !name.as_ref().chars().all(plain) {
            return Err(self.error(name.span(), format!("`{}` is not a name: use up to 64 of a-z, 0-9 and -", name.as_ref())));
        }
        Ok(())
    }

    fn zones(&mut self, raw: BTreeMap<Spanned<String>, RawZone>) -> Result<Vec<(ipnet::IpNet, Arc<str>)>, PolicyError> {
        let mut networks: Vec<(ipnet::IpNet, Arc<str>)> = Vec::new();
        for (name, zone) in raw {
            self.check_name(&name)?;
            if name.as_ref() == ANYWHERE {
                return Err(self.error(name.span(), "the zone `anywhere` is what no other zone holds; it has no networks of its own"));
            }
            if zone.networks.is_empty() {
                return Err(self.error(name.span(), "a zone needs at least one network"));
            }
            let zone_name: Arc<str> = name.as_ref().as_str().into();
            for network in zone.networks {
                let span = network.span();
                let Network(network) = network.as_ref().as_str().try_into().map_err(|why: String| self.error(span.clone(), why))?;
                if let Some((_, other)) = networks.iter().find(|(n, _)| *n == network) {
                    return Err(self.error(span, format!("the network {network} is in the zone `{other}` already")));
                }
                networks.push((network, zone_name.clone()));
            }
            self.zones.push(zone_name);
        }
        networks.sort_by_key(|(network, _)| std::cmp::Reverse(network.prefix_len()));
        Ok(networks)
    }

    fn profile(&self, name: &Spanned<String>, raw: RawProfile) -> Result<Profile, PolicyError> {
        let mut second_factor = BTreeMap::new();
        let mut second_factor_elsewhere = None;
        for (zone, factor) in raw.second_factor {
            if zone.as_ref() == EVERY {
                second_factor_elsewhere = Some(factor);
            } else {
                second_factor.insert(self.zone(&zone)?, factor);
            }
        }
        let mut profile = Profile {
            description: raw.description,
            portal: raw.portal,
            remote_zones: self.zone_set(&raw.remote_zones)?,
            send_to: raw.send_to,
            fresh_seconds: raw.fresh_for.0,
            services: Vec::new(),
            second_factor,
            second_factor_elsewhere,
            rules: raw.rule.into_iter().map(|rule| self.rule(rule)).collect::<Result<_, _>>()?,
        };
        let services = [
            (Service::Imap, raw.services.imap),
            (Service::Submission, raw.services.submission),
            (Service::Caldav, raw.services.caldav),
            (Service::Carddav, raw.services.carddav),
            (Service::Files, raw.services.files),
        ];
        for (service, zones) in services {
            let Some(zones) = zones else { continue };
            let span = zones.span();
            let zones = self.zone_set(zones.as_ref())?;
            // A zone that was forgotten must not turn out to be open, nor to ask for a code that nobody expected.
            if let Some(zone) = self.zones.iter().find(|zone| zones.contains(zone) && profile.second_factor(zone).is_none()) {
                let (service, profile) = (service.name(), name.as_ref());
                return Err(self.error(
                    span,
                    format!("{service} may be used from `{zone}`, so `{zone}` (or `*`) needs an entry in profile.{profile}.second_factor"),
                ));
            }
            profile.services.push((service, zones));
        }
        Ok(profile)
    }

    fn rule(&self, raw: Spanned<RawRule>) -> Result<Rule, PolicyError> {
        let span = raw.span();
        let raw = raw.into_inner();
        let zones = match raw.zones {
            None => Zones::Every,
            Some(zones) if zones.as_ref().is_empty() => {
                return Err(self.error(zones.span(), "a rule for no zone never applies: name one, or leave `zones` out"));
            }
            Some(zones) => self.zone_set(zones.as_ref())?,
        };
        let (strength_min, strength_below) = (raw.strength_min.map(Into::into), raw.strength_below.map(Into::into));
        if let (Some(min), Some(below)) = (strength_min, strength_below)
            && min >= below
        {
            return Err(self.error(span, "the rule never applies: strength_min is not below strength_below"));
        }
        Ok(Rule {
            line: position(self.text, span.start).0,
            effect: raw.effect.into(),
            owner: raw.owner.into(),
            path: raw.path.0,
            rights: raw.rights.0,
            zones,
            strength_min,
            strength_below,
        })
    }

    fn zone_set(&self, names: &ZoneNames) -> Result<Zones, PolicyError> {
        if names.iter().any(|name| name.as_ref() == EVERY) {
            return Ok(Zones::Every);
        }
        Ok(Zones::These(names.iter().map(|name| self.zone(name)).collect::<Result<_, _>>()?))
    }

    /// A zone that must exist.
    fn zone(&self, name: &Spanned<String>) -> Result<Arc<str>, PolicyError> {
        self.zones
            .iter()
            .find(|zone| &***zone == name.as_ref())
            .cloned()
            .ok_or_else(|| self.error(name.span(), format!("there is no zone `{}`", name.as_ref())))
    }
}
