//! Profiles: services, second factors, rules on folders.

use super::{Builder, EVERY};
use crate::PolicyError;
use crate::directory::Directory;
use crate::policy::{Effect, Profile, Rule};
use crate::raw::{RawProfile, RawRule, RawServices, ReadOnly};
use crate::zones::Zones;
use octroi_model::Service;
use std::collections::BTreeMap;
use toml::Spanned;

/// For how long a second factor is fresh, in seconds, where a profile does not say.
const FRESH_SECONDS: i64 = 10 * 60;

impl Builder<'_> {
    pub(super) fn profile(&self, name: &Spanned<String>, raw: RawProfile) -> Result<Profile, PolicyError> {
        let mut second_factor = BTreeMap::new();
        let mut second_factor_elsewhere = None;
        for (zone, factor) in raw.second_factor {
            if zone.as_ref() == EVERY {
                second_factor_elsewhere = Some(factor);
            } else {
                second_factor.insert(self.zone(&zone)?, factor);
            }
        }
        if let Some(unknown) = raw.actions.iter().find(|action| !self.actions.contains(action.as_ref())) {
            return Err(self.error(unknown.span(), format!("there is no action `{}`", unknown.as_ref())));
        }
        let mut action_rules = raw.action.iter().map(|rule| self.action_rule(rule)).collect::<Result<Vec<_>, _>>()?;
        action_rules.extend(raw.send_to.and_then(|short| self.send_to(short)));
        let profile = Profile {
            description: raw.description,
            portal: raw.portal,
            portal_documents: self.zone_set(&raw.portal_documents)?,
            portal_calendars: self.zone_set(&raw.portal_calendars)?,
            subscribe_calendars: self.zone_set(&raw.subscribe_calendars)?,
            publish_calendars: self.zone_set(&raw.publish_calendars)?,
            audit: raw.audit,
            administer: raw.administer,
            remote_zones: self.zone_set(&raw.remote_zones)?,
            recipients_per_hour: raw.recipients_per_hour.map(Into::into),
            attachment_bytes_max: raw.attachment_bytes_max.map(|bytes| bytes.0),
            mild_read_only: raw.read_only == ReadOnly::Mild,
            meets_as: raw.meets_as,
            fresh_seconds: raw.fresh_for.map_or(FRESH_SECONDS, |seconds| seconds.0),
            directory: self.directory(&raw.directory, raw.directory_groups)?,
            services: Vec::new(),
            second_factor,
            second_factor_elsewhere,
            actions: raw.actions.into_iter().map(Spanned::into_inner).collect(),
            rules: raw.rule.into_iter().map(|rule| self.rule(rule)).collect::<Result<_, _>>()?,
            action_rules,
        };
        let services = self.services(name.as_ref(), &profile, raw.services)?;
        Ok(Profile { services, ..profile })
    }

    fn directory(&self, listed: &[Spanned<String>], groups: bool) -> Result<Directory, PolicyError> {
        let mut directory = Directory { everybody: false, profiles: Vec::new(), groups };
        for profile in listed {
            match profile.as_ref().as_str() {
                EVERY => directory.everybody = true,
                name if self.profiles.iter().any(|known| known == name) => directory.profiles.push(name.to_owned()),
                name => return Err(self.error(profile.span(), format!("there is no profile `{name}`"))),
            }
        }
        Ok(directory)
    }

    fn services(&self, name: &str, profile: &Profile, raw: RawServices) -> Result<Vec<(Service, Zones)>, PolicyError> {
        let listed = [
            (Service::Imap, raw.imap),
            (Service::Submission, raw.submission),
            (Service::Caldav, raw.caldav),
            (Service::Carddav, raw.carddav),
            (Service::Files, raw.files),
            (Service::Sieve, raw.sieve),
        ];
        let mut services = Vec::new();
        for (service, zones) in listed {
            let Some(zones) = zones else { continue };
            let span = zones.span();
            let zones = self.zone_set(zones.as_ref())?;
            // A zone that was forgotten must not turn out to be open, nor to ask for a code that nobody expected.
            if let Some(zone) = self.places.names.iter().find(|zone| zones.contains(zone) && profile.second_factor(zone).is_none()) {
                let service = service.name();
                return Err(self.error(
                    span,
                    format!("{service} may be used from `{zone}`, so `{zone}` (or `*`) needs an entry in profile.{name}.second_factor"),
                ));
            }
            services.push((service, zones));
        }
        Ok(services)
    }

    fn rule(&self, raw: Spanned<RawRule>) -> Result<Rule, PolicyError> {
        let span = raw.span();
        let raw = raw.into_inner();
        let condition = self.condition(span.clone(), raw.zones.as_ref(), (raw.strength_min, raw.strength_below))?;
        let effect = raw.effect.into();
        let rights = match effect {
            Effect::Allow => raw.rights.0.implied(),
            Effect::Deny => raw.rights.0.taken_along(),
        };
        Ok(Rule { line: self.line(span.start), effect, owner: raw.owner.into(), path: raw.path.0, rights, condition })
    }
}
