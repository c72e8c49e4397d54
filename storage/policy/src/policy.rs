//! The policy as values: zones, profiles, rules. Immutable once read.
//!
//! Made by `build` from the profiles file; read by `admit` and `decide`, and by the gate for what is not a decision (a profile's
//! description, its services when an app password is minted).

use crate::pattern::Pattern;
use crate::{PolicyError, Strength};
use ipnet::IpNet;
use octroi_model::{CollectionKind, Rights, Service, Services};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

/// The zone that holds every address that no other zone holds.
pub const ANYWHERE: &str = "anywhere";

/// The built-in profiles file.
const BUILTIN: &str = include_str!("builtin.toml");

/// Zones and profiles, as one profiles file has them.
#[derive(Debug, Clone)]
pub struct Policy {
    /// The most specific network first.
    pub(crate) networks: Vec<(IpNet, Arc<str>)>,
    /// Every zone, [`ANYWHERE`] included.
    pub(crate) zones: Vec<Arc<str>>,
    pub(crate) profiles: BTreeMap<String, Profile>,
}

/// What a category of people may do.
#[derive(Debug, Clone)]
pub struct Profile {
    pub(crate) description: String,
    pub(crate) portal: bool,
    pub(crate) remote_zones: Zones,
    pub(crate) send_to: SendTo,
    pub(crate) fresh_seconds: i64,
    /// The zones of each service that the file names.
    pub(crate) services: Vec<(Service, Zones)>,
    pub(crate) second_factor: BTreeMap<Arc<str>, SecondFactor>,
    /// In zones that `second_factor` does not name.
    pub(crate) second_factor_elsewhere: Option<SecondFactor>,
    pub(crate) rules: Vec<Rule>,
}

/// A set of zones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Zones {
    Every,
    These(Vec<Arc<str>>),
}

/// What a protocol log-in needs beside the app password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecondFactor {
    /// The app password was made under a second factor; that is enough.
    Enrolment,
    /// It was confirmed once from the network it is used from.
    Device,
    /// It was confirmed from there no longer than so many seconds ago.
    Within(i64),
}

/// Whom a submission may reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendTo {
    /// Everybody.
    Anyone,
    /// Addresses in our own domains.
    Inside,
    /// Nobody.
    Nobody,
    /// Addresses in these domains, in lower case.
    Domains(Vec<String>),
}

/// Whether a rule gives or takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Gives.
    Allow,
    /// Takes.
    Deny,
}

/// Whose collections a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    Oneself,
    Others,
    Any,
}

/// One rule of a profile.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    /// Where it begins in the file, counted from 1.
    pub(crate) line: usize,
    pub(crate) effect: Effect,
    pub(crate) owner: Owner,
    pub(crate) path: Pattern,
    pub(crate) rights: Rights,
    pub(crate) zones: Zones,
    pub(crate) strength_min: Option<Strength>,
    pub(crate) strength_below: Option<Strength>,
}

/// The first segment of what a rule's path is matched with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Area {
    /// Mailboxes.
    Mail,
    /// Calendars.
    Calendars,
    /// Address books.
    Contacts,
    /// Documents.
    Files,
}

impl Area {
    /// All, with their names in the profiles file.
    pub const ALL: [(Self, &'static str); 4] =
        [(Self::Mail, "mail"), (Self::Calendars, "calendars"), (Self::Contacts, "contacts"), (Self::Files, "files")];

    /// Its name in the profiles file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Calendars => "calendars",
            Self::Contacts => "contacts",
            Self::Files => "files",
        }
    }

    /// The area of a kind of collection; `None` for the queue, which no rule opens to anyone.
    pub fn of(kind: CollectionKind) -> Option<Self> {
        Some(match kind {
            CollectionKind::MailHome | CollectionKind::Mailbox => Self::Mail,
            CollectionKind::CalendarHome | CollectionKind::Calendar => Self::Calendars,
            CollectionKind::AddressbookHome | CollectionKind::Addressbook => Self::Contacts,
            CollectionKind::Folder => Self::Files,
            CollectionKind::Queue => return None,
        })
    }
}

impl Policy {
    /// Read a profiles file.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        crate::build::policy(text)
    }

    /// The policy of a server that was given none: the profiles `plain` and `administrator`, everything of one's own, no shares.
    pub fn builtin() -> Self {
        // The text is part of the program, and a test reads it.
        Self::parse(BUILTIN).expect("the built-in profiles file is valid")
    }

    /// The zone that an address lies in: the one with the most specific network that holds it, or else [`ANYWHERE`].
    pub fn zone_of(&self, address: IpAddr) -> &str {
        let address = address.to_canonical();
        self.networks.iter().find(|(network, _)| network.contains(&address)).map_or(ANYWHERE, |(_, zone)| zone)
    }

    /// The names of all zones.
    pub fn zones(&self) -> impl Iterator<Item = &str> {
        self.zones.iter().map(|zone| &**zone)
    }

    /// The profile of that name.
    pub fn profile(&self, name: &str) -> Option<&Profile> {
        self.profiles.get(name)
    }

    /// The names of all profiles, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.profiles.keys().map(String::as_str)
    }

    pub(crate) fn has_zone(&self, name: &str) -> bool {
        self.zones.iter().any(|zone| &**zone == name)
    }
}

impl Profile {
    /// For people; may be empty.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// May sign in to the portal.
    pub fn portal(&self) -> bool {
        self.portal
    }

    /// Whom a submission may reach.
    pub fn send_to(&self) -> &SendTo {
        &self.send_to
    }

    /// For how many seconds a second factor counts as [`Strength::FreshSecondFactor`].
    pub fn fresh_seconds(&self) -> i64 {
        self.fresh_seconds
    }

    /// The services that may be used from somewhere: an app password with others would open nothing.
    pub fn services(&self) -> Services {
        let usable = self.services.iter().filter(|(_, zones)| *zones != Zones::These(Vec::new()));
        usable.fold(Services::NONE, |all, (service, _)| all.with(*service))
    }

    /// May a service be used from a zone?
    pub fn uses(&self, service: Service, zone: &str) -> bool {
        self.services.iter().any(|(s, zones)| *s == service && zones.contains(zone))
    }

    /// Does the account need remote access to come from that zone?
    pub fn is_remote(&self, zone: &str) -> bool {
        self.remote_zones.contains(zone)
    }

    /// What a protocol log-in from a zone needs beside the app password. `None`: no log-in is foreseen from there.
    pub fn second_factor(&self, zone: &str) -> Option<SecondFactor> {
        self.second_factor.get(zone).copied().or(self.second_factor_elsewhere)
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

/// May someone of that profile send to that domain? `domain_is_ours`: it is one of the server's own.
pub fn may_send_to(policy: &Policy, profile: &str, domain_is_ours: bool, domain: &str) -> bool {
    match policy.profile(profile).map(Profile::send_to) {
        None | Some(SendTo::Nobody) => false,
        Some(SendTo::Anyone) => true,
        Some(SendTo::Inside) => domain_is_ours,
        Some(SendTo::Domains(domains)) => domains.contains(&domain.to_lowercase()),
    }
}
