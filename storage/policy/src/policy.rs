//! The policy as values: profiles and their rules. Immutable once read.
//!
//! Made by `build` from the profiles file; read by `admit` and `decide`, and by the gate for what is not a decision (a profile's
//! description and limits, its services when an app password is minted).

use crate::PolicyError;
use crate::actions::ActionRule;
use crate::condition::Condition;
use crate::directory::Directory;
use crate::pattern::Pattern;
use crate::raw::MeetsAs;
use crate::reserved::Reserved;
use crate::second_factor::SecondFactor;
use crate::zones::{Places, Zones};
use octroi_model::{CollectionKind, Rights, Service, Services};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The built-in profiles file.
const BUILTIN: &str = include_str!("builtin.toml");

/// Zones, reserved actions and profiles, as one profiles file has them.
#[derive(Debug, Clone)]
pub struct Policy {
    pub(crate) places: Places,
    /// In alphabetical order.
    pub(crate) reserved: Vec<Reserved>,
    pub(crate) profiles: BTreeMap<String, Profile>,
}

/// What a category of people may do.
#[derive(Debug, Clone)]
pub struct Profile {
    pub(crate) description: String,
    pub(crate) portal: bool,
    pub(crate) portal_documents: Zones,
    pub(crate) portal_calendars: Zones,
    pub(crate) subscribe_calendars: Zones,
    pub(crate) publish_calendars: Zones,
    pub(crate) audit: bool,
    pub(crate) administer: bool,
    pub(crate) remote_zones: Zones,
    pub(crate) recipients_per_hour: Option<u32>,
    pub(crate) attachment_bytes_max: Option<u64>,
    pub(crate) mild_read_only: bool,
    pub(crate) meets_as: MeetsAs,
    pub(crate) fresh_seconds: i64,
    pub(crate) directory: Directory,
    /// The zones of each service that the file names.
    pub(crate) services: Vec<(Service, Zones)>,
    pub(crate) second_factor: BTreeMap<Arc<str>, SecondFactor>,
    /// In zones that `second_factor` does not name.
    pub(crate) second_factor_elsewhere: Option<SecondFactor>,
    /// The reserved actions that it may do at all.
    pub(crate) actions: Vec<String>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) action_rules: Vec<ActionRule>,
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
    /// With what they bring along: [`Rights::implied`] if it gives, [`Rights::taken_along`] if it takes.
    pub(crate) rights: Rights,
    pub(crate) condition: Condition,
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

    /// The area of a kind of collection; `None` for the queue, for filters, for parts of uploads and for attachments, which no rule opens to anyone.
    pub fn of(kind: CollectionKind) -> Option<Self> {
        Some(match kind {
            CollectionKind::MailHome | CollectionKind::Mailbox => Self::Mail,
            CollectionKind::CalendarHome | CollectionKind::Calendar | CollectionKind::Inbox | CollectionKind::Outbox => Self::Calendars,
            CollectionKind::AddressbookHome | CollectionKind::Addressbook => Self::Contacts,
            CollectionKind::Folder | CollectionKind::Trash | CollectionKind::Versions => Self::Files,
            CollectionKind::Queue | CollectionKind::Scripts | CollectionKind::Uploads | CollectionKind::Attachments => return None,
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

    /// The profile of that name.
    pub fn profile(&self, name: &str) -> Option<&Profile> {
        self.profiles.get(name)
    }

    /// The names of all profiles, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.profiles.keys().map(String::as_str)
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

    /// Does the portal show what that service opens to who comes from that zone: documents, or calendars for planning? Nothing else ever.
    /// Whether anything can be opened is decided by [`crate::admit_at_portal`].
    pub fn portal_shows(&self, service: Service, zone: &str) -> bool {
        let zones = match service {
            Service::Files => &self.portal_documents,
            Service::Caldav => &self.portal_calendars,
            Service::Imap | Service::Submission | Service::Carddav | Service::Sieve => return false,
        };
        self.portal && zones.contains(zone)
    }

    /// May it have calendars of the web, which the server fetches for it, when it says so from that zone?
    pub fn subscribes_from(&self, zone: &str) -> bool {
        self.subscribe_calendars.contains(zone)
    }

    /// The same from anywhere at all: what was subscribed to before is fetched for as long as this holds.
    pub fn subscribes(&self) -> bool {
        self.subscribe_calendars != Zones::These(Vec::new())
    }

    /// May it show a calendar to everybody who has a secret link, when it says so from that zone? A link that was made there stands for as long
    /// as this holds.
    pub fn publishes_from(&self, zone: &str) -> bool {
        self.publish_calendars.contains(zone)
    }

    /// May read the audit trail.
    pub fn audit(&self) -> bool {
        self.audit
    }

    /// May see and change accounts, profiles and remote access in the portal.
    pub fn administer(&self) -> bool {
        self.administer
    }

    /// How many recipients its messages may have in an hour; `None`: as many as the server's own limit allows.
    pub fn recipients_per_hour(&self) -> Option<u32> {
        self.recipients_per_hour
    }

    /// A mailbox in which nothing may be changed is opened as if it could be: some mail programs give up on one that is called read-only.
    pub fn mild_read_only(&self) -> bool {
        self.mild_read_only
    }

    /// What its accounts are in meetings.
    pub fn meets_as(&self) -> MeetsAs {
        self.meets_as
    }

    /// Whom it sees in the organisation's directory.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// How many octets an attachment may have; `None`: as many as the server's own limit allows.
    pub fn attachment_bytes_max(&self) -> Option<u64> {
        self.attachment_bytes_max
    }

    /// The names of the reserved actions that it may do at all.
    pub fn actions(&self) -> impl Iterator<Item = &str> {
        self.actions.iter().map(String::as_str)
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
