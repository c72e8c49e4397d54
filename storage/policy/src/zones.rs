//! Places to come from: networks, and certificates that a zone's authority vouches for.
//!
//! Asked by the gate for each connection ([`Policy::zone_of`]) and by the listeners for the authorities whose certificates they ask
//! for ([`Policy::client_authorities`]). What always holds: an origin lies in exactly one zone; a zone that has an authority is never
//! entered by the network alone.

use crate::policy::Policy;
use ipnet::IpNet;
use std::net::IpAddr;
use std::sync::Arc;

/// The zone that holds whatever no other zone holds.
pub const ANYWHERE: &str = "anywhere";

/// Where a connection comes from.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// The peer's address, as a trusted proxy or the socket says it.
    pub address: IpAddr,
    /// The zones whose authority vouches for the certificate that the peer has proved to hold.
    pub authorities: &'a [Arc<str>],
}

/// Every zone, in the order in which they are tried.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places {
    /// Every zone's name, [`ANYWHERE`] included.
    pub(crate) names: Vec<Arc<str>>,
    /// Zones with an authority: the most specific network first, those without any network last.
    pub(crate) vouched: Vec<(Option<IpNet>, Arc<str>)>,
    /// Zones without an authority, the most specific network first.
    pub(crate) networks: Vec<(IpNet, Arc<str>)>,
    /// The zones with an authority and the path of its certificate, as written.
    pub(crate) authorities: Vec<(Arc<str>, String)>,
}

/// A set of zones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Zones {
    Every,
    These(Vec<Arc<str>>),
}

impl Policy {
    /// The zone that an origin lies in: one whose authority vouches for it (and whose networks hold it, if it has any) before one
    /// that has networks only, the most specific network first; or else [`ANYWHERE`].
    pub fn zone_of(&self, origin: &Origin<'_>) -> &str {
        let address = origin.address.to_canonical();
        let places = &self.places;
        let vouched = places
            .vouched
            .iter()
            .find(|(network, zone)| origin.authorities.contains(zone) && network.as_ref().is_none_or(|network| network.contains(&address)));
        if let Some((_, zone)) = vouched {
            return zone;
        }
        places.networks.iter().find(|(network, _)| network.contains(&address)).map_or(ANYWHERE, |(_, zone)| zone)
    }

    /// The zones that have an authority, and the path of its certificate: as written, relative to the profiles file.
    pub fn client_authorities(&self) -> impl Iterator<Item = (&str, &str)> {
        self.places.authorities.iter().map(|(zone, path)| (&**zone, path.as_str()))
    }

    /// The names of all zones.
    pub fn zones(&self) -> impl Iterator<Item = &str> {
        self.places.names.iter().map(|zone| &**zone)
    }

    pub(crate) fn has_zone(&self, name: &str) -> bool {
        self.places.names.iter().any(|zone| &**zone == name)
    }
}

impl Zones {
    pub(crate) fn contains(&self, zone: &str) -> bool {
        match self {
            Self::Every => true,
            Self::These(zones) => zones.iter().any(|z| &**z == zone),
        }
    }
}
