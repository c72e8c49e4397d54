//! The limits of DAV, each of which the configuration can lower or raise.

use octroi_ical::ExpansionLimits;
use std::time::Duration;

/// Limits of DAV.
#[derive(Debug, Clone)]
pub struct DavConfig {
    /// Octets of one document.
    pub document_bytes_max: u64,
    /// Octets of one calendar object or card; they are held in memory while they are checked.
    pub object_bytes_max: u64,
    /// Octets of what one person has of their own (alarms) in one object of somebody else's calendar.
    pub own_alarms_bytes_max: u64,
    /// Octets of an XML request body.
    pub xml_bytes_max: u64,
    /// Resources in one answer to a `sync-collection`; the client asks again for the rest (RFC 6578 section 3.6).
    pub sync_members_max: usize,
    /// People whom one request invites to a collection.
    pub invitees_max: usize,
    /// Octets of what an invitation or an answer calls a collection.
    pub invitation_bytes_max: usize,
    /// Collections that one sync token names: those of a home, and all of a tree that is synchronised as a whole.
    pub sync_collections_max: usize,
    /// Attendees of one calendar object, in each of its components.
    pub attendees_max: usize,
    /// Octets of one attachment of a calendar object; they go to disk as they come.
    pub attachment_bytes_max: u64,
    /// Attachments of one calendar object.
    pub attachments_max: usize,
    /// First year of what a calendar object is about.
    pub year_min: u64,
    /// Last year of that.
    pub year_max: u64,
    /// Occurrences of one calendar object that are looked at or told.
    pub instances_max: usize,
    /// Days, hours and so on that are looked at to find the occurrences of one calendar object.
    pub recurrence_steps_max: u64,
    /// Objects in one answer to a query of a calendar or an address book.
    pub query_results_max: usize,
    /// Members that one SEARCH looks at.
    pub search_visits_max: usize,
    /// Resources in one answer to a SEARCH; they are held in memory until all is found and in order.
    pub search_results_max: usize,
    /// Octets of documents that one SEARCH reads, for `contains`.
    pub search_bytes_max: u64,
    /// How long one SEARCH looks.
    pub search_time: Duration,
    /// Where a browser that opens `/` is sent; `None`: nowhere.
    pub browser_home: Option<String>,
}

impl Default for DavConfig {
    fn default() -> Self {
        Self {
            document_bytes_max: 16 * 1024 * 1024 * 1024,
            // An event with a photograph in it, which some phones put there.
            object_bytes_max: 4 * 1024 * 1024,
            own_alarms_bytes_max: 8 * 1024,
            xml_bytes_max: 1024 * 1024,
            sync_members_max: 10_000,
            sync_collections_max: 1_000,
            invitees_max: 100,
            invitation_bytes_max: 256,
            attendees_max: 1_000,
            attachment_bytes_max: 64 * 1024 * 1024,
            attachments_max: 50,
            year_min: 1,
            year_max: 9_999,
            instances_max: 12_000,
            recurrence_steps_max: 2_000_000,
            query_results_max: 20_000,
            search_visits_max: 100_000,
            search_results_max: 5_000,
            search_bytes_max: 64 * 1024 * 1024,
            search_time: Duration::from_secs(10),
            browser_home: Some("/portal/".to_owned()),
        }
    }
}

impl DavConfig {
    /// What the occurrences of one calendar object may cost.
    pub(crate) fn expansion(&self) -> ExpansionLimits {
        ExpansionLimits { instances: self.instances_max, steps: self.recurrence_steps_max }
    }
}
