//! Zones: networks and authorities, in the order in which they are tried.

use super::Builder;
use crate::PolicyError;
use crate::raw::{Network, RawZone};
use crate::zones::ANYWHERE;
use ipnet::IpNet;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;
use toml::Spanned;

impl Builder<'_> {
    pub(super) fn add_zones(&mut self, raw: BTreeMap<Spanned<String>, RawZone>) -> Result<(), PolicyError> {
        for (name, zone) in raw {
            self.check_name(&name)?;
            if name.as_ref() == ANYWHERE {
                return Err(self.error(name.span(), "the zone `anywhere` is what no other zone holds; it has no networks of its own"));
            }
            if zone.networks.is_none() && zone.client_ca.is_none() {
                return Err(self.error(name.span(), "a zone needs `networks`, a `client_ca` or both"));
            }
            let zone_name: Arc<str> = name.as_ref().as_str().into();
            let networks = self.networks(&zone)?;
            match &zone.client_ca {
                Some(path) => self.add_vouched(&zone_name, path, networks)?,
                None => self.places.networks.extend(networks.into_iter().map(|network| (network, zone_name.clone()))),
            }
            self.places.names.push(zone_name);
        }
        self.places.networks.sort_by_key(|(network, _)| Reverse(network.prefix_len()));
        // Those without a network come last: `None` is below every length.
        self.places.vouched.sort_by_key(|(network, _)| Reverse(network.map(|network| network.prefix_len())));
        Ok(())
    }

    fn add_vouched(&mut self, zone: &Arc<str>, path: &Spanned<String>, networks: Vec<IpNet>) -> Result<(), PolicyError> {
        let text = path.as_ref();
        if text.trim().is_empty() || text.chars().any(char::is_control) {
            return Err(self.error(path.span(), "client_ca is the path of a PEM file"));
        }
        self.places.authorities.push((zone.clone(), text.clone()));
        let networks = if networks.is_empty() { vec![None] } else { networks.into_iter().map(Some).collect() };
        self.places.vouched.extend(networks.into_iter().map(|network| (network, zone.clone())));
        Ok(())
    }

    /// The networks of a zone, none twice; nor in two zones that nothing else tells apart.
    fn networks(&self, zone: &RawZone) -> Result<Vec<IpNet>, PolicyError> {
        let Some(listed) = &zone.networks else { return Ok(Vec::new()) };
        // It would open the zone to every network as soon as there is a client_ca.
        if listed.as_ref().is_empty() {
            return Err(
                self.error(listed.span(), "an empty list holds no address: a zone needs at least one network, or no `networks` at all")
            );
        }
        let mut networks: Vec<IpNet> = Vec::new();
        for text in listed.as_ref() {
            let Network(network) = text.as_ref().as_str().try_into().map_err(|why: String| self.error(text.span(), why))?;
            if networks.contains(&network) {
                return Err(self.error(text.span(), format!("the network {network} is in this zone already")));
            }
            let elsewhere = self.places.networks.iter().find(|(n, _)| *n == network);
            if let (Some((_, other)), None) = (elsewhere, &zone.client_ca) {
                return Err(self.error(text.span(), format!("the network {network} is in the zone `{other}` already")));
            }
            networks.push(network);
        }
        Ok(networks)
    }
}
