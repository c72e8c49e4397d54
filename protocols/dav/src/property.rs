//! The live properties: which there are, and what each says about a resource.
//!
//! Called by PROPFIND and the reports for each resource of an answer. A property that does not apply writes nothing and is reported 404.

use crate::config::DavConfig;
use crate::keyword;
use crate::locks::{write_discovery, write_supported};
use crate::names::{APPLE, CALDAV, CALENDARSERVER, CARDDAV, DAV, OWNCLOUD, PUSH};
use crate::path::{folder_href, principal_href, principal_of};
use crate::precondition::http_date;
use crate::privilege::{self, write_held};
use crate::push;
use crate::rights::{Kind, methods};
use crate::schedule;
use crate::sharing::{self, Told};
use crate::text_match::write_collations;
use crate::xml::{ElementName, Xml};
use octroi_gate::{Area, FolderFacts, Identifier, LockFacts, Principal, SchedulingPlaces, properties_of};
use octroi_model::{Address, CollectionKind, Item, ModSeq, Path, Rights, UnixTime};
use std::sync::Arc;

/// Name under which a calendar's component set is kept, as names joined by commas.
pub(crate) const COMPONENTS: &str = "supported-calendar-component-set";
/// The query of the URL to which members of a collection are posted.
pub(crate) const ADD_MEMBER: &str = "add-member";
/// Components of a calendar that was made without saying which.
pub(crate) const ALL_COMPONENTS: &str = "VEVENT,VTODO,VJOURNAL";

/// A live property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Property {
    ResourceType,
    DisplayName,
    ContentLength,
    ContentType,
    Etag,
    LastModified,
    CreationDate,
    CurrentUserPrincipal,
    PrincipalUrl,
    PrincipalCollectionSet,
    Owner,
    PrivilegeSet,
    SupportedReports,
    SyncToken,
    Ctag,
    CalendarHome,
    AddressbookHome,
    UserAddresses,
    UserType,
    ScheduleInbox,
    ScheduleOutbox,
    DefaultCalendar,
    ScheduleTag,
    EmailAddresses,
    Components,
    CalendarDataTypes,
    AddressDataTypes,
    MaxCalendarObject,
    MaxCard,
    ComponentSets,
    MaxInstances,
    MaxAttendees,
    MinDateTime,
    MaxDateTime,
    CalendarCollations,
    AddressbookCollations,
    QuotaAvailable,
    QuotaUsed,
    Acl,
    SupportedPrivileges,
    AclRestrictions,
    InheritedAcls,
    Group,
    AlternateUris,
    GroupMembership,
    LockDiscovery,
    SupportedLock,
    SupportedMethods,
    SupportedProperties,
    AddMember,
    Grammars,
    OwncloudSize,
    OwncloudPermissions,
    OwncloudChecksums,
    DirectoryGateway,
    PushTransports,
    PushTopic,
    PushTriggers,
    OwncloudId,
    VersionName,
    Predecessors,
    Successors,
    /// What is there only if a client set it; before it was kept as XML it was a text under this name.
    Kept(&'static str),
}

/// A property, its name, and whether `allprop` asks for it: those of RFC 4918 and no other (RFC 4791 section 5.2, RFC 3744 section 5).
#[derive(Debug)]
pub(crate) struct Known {
    pub property: Property,
    pub namespace: &'static str,
    pub tag: &'static str,
    pub in_allprop: bool,
}

const fn known(property: Property, namespace: &'static str, tag: &'static str, in_allprop: bool) -> Known {
    Known { property, namespace, tag, in_allprop }
}

/// Every live property. The tag's prefix is the one under which answers declare the namespace.
pub(crate) const KNOWN: &[Known] = &[
    known(Property::ResourceType, DAV, "D:resourcetype", true),
    known(Property::DisplayName, DAV, "D:displayname", true),
    known(Property::ContentLength, DAV, "D:getcontentlength", true),
    known(Property::ContentType, DAV, "D:getcontenttype", true),
    known(Property::Etag, DAV, "D:getetag", true),
    known(Property::LastModified, DAV, "D:getlastmodified", true),
    known(Property::CreationDate, DAV, "D:creationdate", true),
    known(Property::LockDiscovery, DAV, "D:lockdiscovery", true),
    known(Property::SupportedLock, DAV, "D:supportedlock", true),
    known(Property::CurrentUserPrincipal, DAV, "D:current-user-principal", false),
    known(Property::PrincipalUrl, DAV, "D:principal-URL", false),
    known(Property::PrincipalCollectionSet, DAV, "D:principal-collection-set", false),
    known(Property::Owner, DAV, "D:owner", false),
    known(Property::PrivilegeSet, DAV, "D:current-user-privilege-set", false),
    known(Property::SupportedReports, DAV, "D:supported-report-set", false),
    known(Property::SyncToken, DAV, "D:sync-token", false),
    known(Property::Ctag, CALENDARSERVER, "CS:getctag", false),
    known(Property::CalendarHome, CALDAV, "C:calendar-home-set", false),
    known(Property::AddressbookHome, CARDDAV, "CARD:addressbook-home-set", false),
    known(Property::UserAddresses, CALDAV, "C:calendar-user-address-set", false),
    // RFC 6638 sections 2.4.2, 2.1.1, 2.2.1, 9.2 and 3.2.10.
    known(Property::UserType, CALDAV, "C:calendar-user-type", false),
    known(Property::ScheduleInbox, CALDAV, "C:schedule-inbox-URL", false),
    known(Property::ScheduleOutbox, CALDAV, "C:schedule-outbox-URL", false),
    known(Property::DefaultCalendar, CALDAV, "C:schedule-default-calendar-URL", false),
    known(Property::ScheduleTag, CALDAV, "C:schedule-tag", false),
    known(Property::EmailAddresses, CALENDARSERVER, "CS:email-address-set", false),
    known(Property::Components, CALDAV, "C:supported-calendar-component-set", false),
    known(Property::ComponentSets, CALDAV, "C:supported-calendar-component-sets", false),
    known(Property::CalendarDataTypes, CALDAV, "C:supported-calendar-data", false),
    known(Property::AddressDataTypes, CARDDAV, "CARD:supported-address-data", false),
    known(Property::MaxCalendarObject, CALDAV, "C:max-resource-size", false),
    known(Property::MaxCard, CARDDAV, "CARD:max-resource-size", false),
    known(Property::MaxInstances, CALDAV, "C:max-instances", false),
    known(Property::MaxAttendees, CALDAV, "C:max-attendees-per-instance", false),
    known(Property::MinDateTime, CALDAV, "C:min-date-time", false),
    known(Property::MaxDateTime, CALDAV, "C:max-date-time", false),
    known(Property::CalendarCollations, CALDAV, "C:supported-collation-set", false),
    known(Property::AddressbookCollations, CARDDAV, "CARD:supported-collation-set", false),
    // RFC 4331 section 2: only when asked for by name.
    known(Property::QuotaAvailable, DAV, "D:quota-available-bytes", false),
    known(Property::QuotaUsed, DAV, "D:quota-used-bytes", false),
    known(Property::Acl, DAV, "D:acl", false),
    known(Property::SupportedPrivileges, DAV, "D:supported-privilege-set", false),
    known(Property::AclRestrictions, DAV, "D:acl-restrictions", false),
    known(Property::InheritedAcls, DAV, "D:inherited-acl-set", false),
    known(Property::Group, DAV, "D:group", false),
    known(Property::AlternateUris, DAV, "D:alternate-URI-set", false),
    known(Property::GroupMembership, DAV, "D:group-membership", false),
    // RFC 3253 sections 3.1.3 and 3.1.4, RFC 5995 section 3.2.1.
    known(Property::SupportedMethods, DAV, "D:supported-method-set", false),
    known(Property::SupportedProperties, DAV, "D:supported-live-property-set", false),
    known(Property::AddMember, DAV, "D:add-member", false),
    // RFC 5323 section 3.3.
    known(Property::Grammars, DAV, "D:supported-query-grammar-set", false),
    known(Property::Kept("getcontentlanguage"), DAV, "D:getcontentlanguage", true),
    known(Property::OwncloudSize, OWNCLOUD, "OC:size", false),
    known(Property::OwncloudPermissions, OWNCLOUD, "OC:permissions", false),
    known(Property::OwncloudChecksums, OWNCLOUD, "OC:checksums", false),
    // draft-daboo-carddav-directory-gateway-02 section 3.1.
    known(Property::DirectoryGateway, CARDDAV, "CARD:directory-gateway", false),
    known(Property::PushTransports, PUSH, "WP:transports", false),
    known(Property::PushTopic, PUSH, "WP:topic", false),
    known(Property::PushTriggers, PUSH, "WP:supported-triggers", false),
    known(Property::OwncloudId, OWNCLOUD, "OC:id", false),
    // RFC 3253 sections 3.4.1 to 3.4.3, in the report on versions.
    known(Property::VersionName, DAV, "D:version-name", false),
    known(Property::Predecessors, DAV, "D:predecessor-set", false),
    known(Property::Successors, DAV, "D:successor-set", false),
    known(Property::Kept("calendar-description"), CALDAV, "C:calendar-description", false),
    known(Property::Kept("calendar-timezone"), CALDAV, "C:calendar-timezone", false),
    known(Property::Kept("addressbook-description"), CARDDAV, "CARD:addressbook-description", false),
    known(Property::Kept("calendar-color"), APPLE, "A:calendar-color", false),
    known(Property::Kept("calendar-order"), APPLE, "A:calendar-order", false),
];

impl Known {
    /// The name without its prefix.
    pub(crate) fn local(&self) -> &'static str {
        self.tag.split_once(':').map_or(self.tag, |(_, local)| local)
    }
}

/// The property of that name.
pub(crate) fn find(name: &ElementName) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.local() == name.local && known.namespace == name.namespace)
}

/// Who asks.
pub(crate) struct Viewer {
    pub address: Address,
    pub display_name: String,
    /// The groups that they are in.
    pub groups: Vec<String>,
    /// The limits that properties announce.
    pub config: Arc<DavConfig>,
    /// Where their meetings are kept, if asked for.
    pub scheduling: Option<SchedulingPlaces>,
    /// The organisation's directory among their address books, if asked for.
    pub directory: Option<Path>,
}

/// What a sync token is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SyncState {
    pub id: u64,
    pub modseq: ModSeq,
}

/// What is described.
pub(crate) enum Subject<'a> {
    /// A collection above the trees, with a name for people.
    Fixed(&'static str),
    /// The viewer's own principal.
    Principal,
    /// Somebody else's.
    Other(&'a Principal),
    /// A collection in the tree. `name` is its URL segment; a home has none.
    Folder {
        facts: &'a FolderFacts,
        area: Area,
        href: &'a str,
        name: Option<&'a str>,
        sync: Option<SyncState>,
        acl: Option<&'a Told>,
        locks: &'a [LockFacts],
    },
    /// A document, event or card; `acl` is that of its collection, whose href is `folder`.
    File {
        item: &'a Item,
        area: Area,
        rights: Rights,
        owner: Option<&'a Address>,
        marks: &'a [String],
        acl: Option<&'a Told>,
        folder: &'a str,
        /// Number of the collection.
        collection: u64,
        locks: &'a [LockFacts],
        /// Where it stands among the versions of a document, in the report on them.
        history: Option<&'a History>,
    },
}

/// A version among those of its document.
pub(crate) struct History {
    /// What it is called among them.
    pub name: String,
    /// Paths of the version before and the one after.
    pub before: Option<String>,
    pub after: Option<String>,
}

impl<'a> Subject<'a> {
    /// What clients set beside it: XML by name.
    pub(crate) fn kept(&self) -> Vec<(&'a str, &'a str)> {
        match self {
            Self::Folder { facts, .. } => {
                facts.properties.iter().map(|(key, value)| (&**key, &**value)).filter(|(key, _)| key.starts_with('{')).collect()
            }
            Self::File { item, .. } => properties_of(item),
            _ => Vec::new(),
        }
    }
}

/// Write the property of that name, as a client set it or as it is; `false` if there is none.
pub(crate) fn write_named(name: &ElementName, subject: &Subject<'_>, viewer: &Viewer, xml: &mut Xml) -> bool {
    let key = name.key();
    if let Some((_, value)) = subject.kept().into_iter().find(|(known, _)| *known == key) {
        xml.element(value);
        return true;
    }
    if let Subject::File { marks, .. } = subject
        && keyword::is_set(name, marks)
    {
        xml.named_text(name, keyword::SET);
        return true;
    }
    find(name).is_some_and(|known| write(known, subject, viewer, xml))
}

/// Write the property; `false` if it does not apply to the subject.
pub(crate) fn write(known: &Known, subject: &Subject<'_>, viewer: &Viewer, xml: &mut Xml) -> bool {
    let before = xml.len();
    xml.open(known.tag);
    let value = &mut *xml;
    let applies = match known.property {
        Property::ContentLength
        | Property::ContentType
        | Property::Etag
        | Property::ScheduleTag
        | Property::LastModified
        | Property::CreationDate => about_content(known.property, subject, value),
        Property::CurrentUserPrincipal
        | Property::PrincipalUrl
        | Property::CalendarHome
        | Property::AddressbookHome
        | Property::UserAddresses
        | Property::UserType
        | Property::DirectoryGateway
        | Property::ScheduleInbox
        | Property::ScheduleOutbox
        | Property::EmailAddresses
        | Property::AlternateUris
        | Property::GroupMembership => about_people(known.property, subject, viewer, value),
        Property::Acl | Property::SupportedPrivileges | Property::AclRestrictions | Property::InheritedAcls | Property::Group => {
            about_access(known.property, subject, value)
        }
        Property::VersionName | Property::Predecessors | Property::Successors => about_history(known.property, subject, value),
        Property::OwncloudSize | Property::OwncloudPermissions | Property::OwncloudChecksums | Property::OwncloudId => {
            about_owncloud(known.property, subject, viewer, value)
        }
        Property::LockDiscovery | Property::SupportedLock => about_locks(known.property, subject, viewer, value),
        _ => about_collection(known.property, subject, viewer, value),
    };
    if applies {
        xml.close(known.tag);
    } else {
        xml.cut(before);
    }
    applies
}

fn about_content(property: Property, subject: &Subject<'_>, xml: &mut Xml) -> bool {
    match (property, subject) {
        (Property::CreationDate, Subject::Folder { facts, .. }) if facts.real => xml.characters(&rfc3339(facts.created)),
        (Property::CreationDate, Subject::File { item, .. }) => xml.characters(&rfc3339(item.saved)),
        (Property::ContentLength, Subject::File { item, area, .. }) if !is_veiled(item, *area) => xml.characters(&item.bytes().to_string()),
        (Property::ContentType, Subject::File { item, area, .. }) => xml.characters(media_type(item, *area)),
        (Property::Etag, Subject::File { item, .. }) => xml.characters(&item.etag().to_string()),
        (Property::ScheduleTag, Subject::File { item, area, .. }) => {
            let Some(tag) = schedule::tag_of(item, *area) else { return false };
            xml.characters(&format!("\"{tag}\""))
        }
        (Property::LastModified, Subject::File { item, .. }) => xml.characters(&http_date(item.date)),
        _ => return false,
    };
    true
}

fn about_people(property: Property, subject: &Subject<'_>, viewer: &Viewer, xml: &mut Xml) -> bool {
    let principal = principal_href(&viewer.address);
    if let (Subject::Other(other), true) = (subject, property != Property::CurrentUserPrincipal) {
        return about_other(property, other, xml);
    }
    let at_principal = matches!(subject, Subject::Principal);
    match property {
        Property::CurrentUserPrincipal => xml.text("D:href", &principal),
        _ if !at_principal => return false,
        Property::PrincipalUrl => xml.text("D:href", &principal),
        Property::CalendarHome => xml.text("D:href", &folder_href(Area::Calendars, &viewer.address, &Path::top())),
        Property::AddressbookHome => xml.text("D:href", &folder_href(Area::Contacts, &viewer.address, &Path::top())),
        // RFC 6638 section 2.4.1. Clients look for the mailto: form.
        Property::UserAddresses => {
            // The account's own first: clients invite as that.
            let aliases = viewer.scheduling.iter().flat_map(|places| places.addresses.iter().skip(1));
            let own = xml.text("D:href", &format!("mailto:{}", viewer.address));
            aliases.fold(own, |xml, alias| xml.text("D:href", &format!("mailto:{alias}"))).text("D:href", &principal)
        }
        Property::UserType => xml.characters("INDIVIDUAL"),
        Property::DirectoryGateway => {
            let Some(path) = &viewer.directory else { return false };
            xml.text("D:href", &folder_href(Area::Contacts, &viewer.address, path))
        }
        Property::ScheduleInbox | Property::ScheduleOutbox => {
            let Some(places) = &viewer.scheduling else { return false };
            let path = if property == Property::ScheduleInbox { &places.inbox } else { &places.outbox };
            xml.text("D:href", &folder_href(Area::Calendars, &viewer.address, path))
        }
        Property::EmailAddresses => xml.text("CS:email-address", &viewer.address.to_string()),
        Property::AlternateUris => xml.text("D:href", &format!("mailto:{}", viewer.address)),
        Property::GroupMembership => {
            let groups = viewer.groups.iter().filter_map(|name| principal_of(&Identifier::Group(name.clone())));
            groups.fold(xml, |xml, href| xml.text("D:href", &href))
        }
        _ => return false,
    };
    true
}

/// Of others no more than one needs to share with them.
fn about_other(property: Property, other: &Principal, xml: &mut Xml) -> bool {
    let address = if let Identifier::Account(address) = &other.who { Some(address) } else { None };
    match (property, principal_of(&other.who), address) {
        (Property::PrincipalUrl, Some(href), _) => xml.text("D:href", &href),
        (Property::UserAddresses, Some(href), Some(address)) => xml.text("D:href", &format!("mailto:{address}")).text("D:href", &href),
        (Property::AlternateUris, _, Some(address)) => xml.text("D:href", &format!("mailto:{address}")),
        (Property::AlternateUris, _, None) => xml,
        (Property::EmailAddresses, _, Some(address)) => xml.text("CS:email-address", &address.to_string()),
        // RFC 6638 section 2.4.2.
        (Property::UserType, _, _) => xml.characters(if address.is_some() { "INDIVIDUAL" } else { "GROUP" }),
        _ => return false,
    };
    true
}

/// RFC 3744 sections 5.2 to 5.7. Who may not change an ACL is not told it.
fn about_access(property: Property, subject: &Subject<'_>, xml: &mut Xml) -> bool {
    let (acl, folder) = match subject {
        Subject::Folder { acl, .. } => (*acl, None),
        Subject::File { acl, folder, .. } => (*acl, Some(*folder)),
        _ => return false,
    };
    match (property, acl) {
        (Property::Acl, Some(told)) => sharing::write_acl(told, folder, xml),
        (Property::InheritedAcls, Some(told)) => {
            if let Some(source) = told.source.as_deref().or(folder) {
                xml.text("D:href", source);
            }
        }
        (Property::SupportedPrivileges, _) => privilege::write_supported(xml),
        (Property::AclRestrictions, _) => {
            xml.empty("D:grant-only").empty("D:no-invert");
        }
        // There is none: groups are in the ACL.
        (Property::Group, _) => {}
        _ => return false,
    }
    true
}

/// RFC 4918 sections 15.8 and 15.10. Who could not lock it is told of no lock that it supports.
fn about_locks(property: Property, subject: &Subject<'_>, viewer: &Viewer, xml: &mut Xml) -> bool {
    let (locks, lockable) = match subject {
        Subject::Folder { facts, locks, .. } => (*locks, facts.real && facts.rights.contains(Rights::WRITE)),
        Subject::File { rights, locks, .. } => (*locks, rights.contains(Rights::WRITE)),
        _ => return false,
    };
    match property {
        Property::LockDiscovery => write_discovery(locks, &viewer.address, xml),
        _ if lockable => write_supported(xml),
        _ => {}
    }
    true
}

/// RFC 3253 sections 3.4.1 to 3.4.3.
fn about_history(property: Property, subject: &Subject<'_>, xml: &mut Xml) -> bool {
    let Subject::File { history: Some(history), .. } = subject else { return false };
    let href = match property {
        Property::VersionName => {
            xml.characters(&history.name);
            return true;
        }
        Property::Predecessors => &history.before,
        _ => &history.after,
    };
    if let Some(href) = href {
        xml.text("D:href", href);
    }
    true
}

/// What ownCloud's clients and rclone ask for.
fn about_owncloud(property: Property, subject: &Subject<'_>, viewer: &Viewer, xml: &mut Xml) -> bool {
    let text = match (property, subject) {
        (Property::OwncloudPermissions, _) => return owncloud_permissions(subject, viewer, xml),
        (Property::OwncloudSize, Subject::File { item, .. }) => item.bytes().to_string(),
        // The same while it stays in its folder, whatever is written into it and whatever the folders above are called.
        (Property::OwncloudId, Subject::File { item, collection, .. }) => format!("{collection}-{}", item.uid.0),
        (Property::OwncloudId, Subject::Folder { facts, .. }) if facts.real => facts.sync_id.to_string(),
        // What they compare with what they have.
        (Property::OwncloudChecksums, Subject::File { item, .. }) => {
            let Some(sums) = octroi_gate::checksums(item) else { return false };
            xml.text("OC:checksum", sums);
            return true;
        }
        _ => return false,
    };
    xml.characters(&text);
    true
}

fn about_collection(property: Property, subject: &Subject<'_>, viewer: &Viewer, xml: &mut Xml) -> bool {
    match property {
        Property::ResourceType => resource_type(subject, xml),
        Property::DisplayName => return display_name(subject, viewer, xml),
        Property::PrincipalCollectionSet => {
            xml.text("D:href", crate::path::PRINCIPALS);
        }
        Property::Owner => {
            let owner = match subject {
                Subject::Folder { facts, .. } => Some(&facts.owner),
                Subject::File { owner, .. } => *owner,
                Subject::Principal => Some(&viewer.address),
                Subject::Fixed(_) | Subject::Other(_) => None,
            };
            let Some(owner) = owner else { return false };
            xml.text("D:href", &principal_href(owner));
        }
        Property::SupportedMethods => supported_methods(subject, xml),
        Property::SupportedProperties => {
            for known in KNOWN {
                xml.open("D:supported-live-property").open("D:prop").empty(known.tag).close("D:prop").close("D:supported-live-property");
            }
        }
        Property::Grammars => {
            if matches!(subject, Subject::Fixed(_) | Subject::Principal | Subject::Other(_)) {
                return false;
            }
            xml.open("D:supported-query-grammar")
                .open("D:grammar")
                .empty("D:basicsearch")
                .close("D:grammar")
                .close("D:supported-query-grammar");
        }
        Property::PrivilegeSet => privilege_set(subject, xml),
        _ => {
            if let (Property::SupportedReports, Subject::File { area, .. }) = (property, subject) {
                supported_reports(*area, None, xml);
                return true;
            }
            let Subject::Folder { facts, area, href, sync, .. } = subject else { return false };
            // RFC 5995 section 3.2.1.
            if property == Property::AddMember && facts.real && *area == Area::Files && facts.rights.contains(Rights::INSERT) {
                xml.text("D:href", &format!("{href}?{ADD_MEMBER}"));
                return true;
            }
            return about_folder(property, facts, *area, *sync, viewer, xml);
        }
    }
    true
}

fn about_folder(property: Property, facts: &FolderFacts, area: Area, sync: Option<SyncState>, viewer: &Viewer, xml: &mut Xml) -> bool {
    let is_calendar = facts.kind == CollectionKind::Calendar;
    let is_addressbook = facts.kind == CollectionKind::Addressbook;
    match (property, sync) {
        (Property::SupportedReports, _) if facts.real => supported_reports(area, Some(facts.kind), xml),
        (Property::SyncToken, Some(sync)) => {
            xml.characters(&sync_token(sync));
        }
        (Property::Ctag, Some(sync)) => {
            xml.characters(&format!("\"{}-{}\"", sync.id, sync.modseq));
        }
        (Property::Components, _) if is_calendar => {
            for component in components(facts) {
                xml.empty_with("C:comp", &[("name", component)]);
            }
        }
        (Property::CalendarDataTypes, _) if is_calendar => {
            xml.empty_with("C:calendar-data", &[("content-type", "text/calendar"), ("version", "2.0")]);
        }
        (Property::AddressDataTypes, _) if is_addressbook => {
            xml.empty_with("CARD:address-data-type", &[("content-type", "text/vcard"), ("version", "3.0")]);
            xml.empty_with("CARD:address-data-type", &[("content-type", "text/vcard"), ("version", "4.0")]);
        }
        (Property::CalendarCollations, _) if is_calendar => write_collations("C:supported-collation", xml),
        (Property::AddressbookCollations, _) if is_addressbook => write_collations("CARD:supported-collation", xml),
        (Property::ComponentSets | Property::MaxInstances | Property::MaxAttendees | Property::MinDateTime | Property::MaxDateTime, _) => {
            return about_calendars(property, facts, &viewer.config, xml);
        }
        (Property::MaxCalendarObject, _) if is_calendar => {
            xml.characters(&viewer.config.object_bytes_max.to_string());
        }
        (Property::MaxCard, _) if is_addressbook => {
            xml.characters(&viewer.config.object_bytes_max.to_string());
        }
        (Property::DefaultCalendar, _) if facts.kind == CollectionKind::Inbox => {
            let Some(path) = viewer.scheduling.as_ref().and_then(|places| places.default_calendar.as_ref()) else { return false };
            xml.text("D:href", &folder_href(Area::Calendars, &viewer.address, path));
        }
        (Property::QuotaAvailable | Property::QuotaUsed, _) => {
            let Some(quota) = &facts.quota else { return false };
            let told = if property == Property::QuotaUsed { quota.used } else { quota.available };
            xml.characters(&told.to_string());
        }
        (Property::PushTransports | Property::PushTopic | Property::PushTriggers, _) => return push::write(property, facts, xml),
        (Property::Kept(key), _) => {
            let Some(text) = kept(facts, key) else { return false };
            xml.characters(text);
        }
        _ => return false,
    }
    true
}

fn privilege_set(subject: &Subject<'_>, xml: &mut Xml) {
    match subject {
        Subject::Folder { facts, .. } => {
            write_held(facts.rights, xml);
            privilege::write_scheduling(facts.kind, facts.rights, xml);
        }
        Subject::File { rights, .. } => write_held(*rights, xml),
        _ => write_held(Rights::READ, xml),
    }
}

/// What calendars take, and how much.
fn about_calendars(property: Property, facts: &FolderFacts, config: &DavConfig, xml: &mut Xml) -> bool {
    let limit = match property {
        // What a new calendar may be made for: any of these sets, and any part of the first.
        Property::ComponentSets if facts.kind == CollectionKind::CalendarHome => {
            for set in [ALL_COMPONENTS, "VEVENT", "VTODO", "VJOURNAL"] {
                xml.open("C:supported-calendar-component-set");
                for component in set.split(',') {
                    xml.empty_with("C:comp", &[("name", component)]);
                }
                xml.close("C:supported-calendar-component-set");
            }
            return true;
        }
        _ if facts.kind != CollectionKind::Calendar => return false,
        Property::MaxInstances => config.instances_max.to_string(),
        Property::MaxAttendees => config.attendees_max.to_string(),
        Property::MinDateTime => format!("{:04}0101T000000Z", config.year_min),
        Property::MaxDateTime => format!("{:04}1231T235959Z", config.year_max),
        _ => return false,
    };
    xml.characters(&limit);
    true
}

fn supported_methods(subject: &Subject<'_>, xml: &mut Xml) {
    let (kind, rights) = match subject {
        Subject::Folder { facts, name, .. } => (if name.is_none() { Kind::Home } else { Kind::Folder }, facts.rights),
        Subject::File { rights, .. } => (Kind::File, *rights),
        _ => (Kind::Fixed, Rights::NONE),
    };
    for method in methods(kind, rights) {
        xml.empty_with("D:supported-method", &[("name", method)]);
    }
}

/// The letters of ownCloud's clients: what may be done, and whether somebody shares it.
fn owncloud_permissions(subject: &Subject<'_>, viewer: &Viewer, xml: &mut Xml) -> bool {
    let (rights, owner, letters): (_, _, &[(Rights, &str)]) = match subject {
        Subject::Folder { facts, area: Area::Files, name: Some(_), .. } if facts.real => (
            facts.rights,
            Some(&facts.owner),
            &[(Rights::ADMIN, "R"), (Rights::READ, "G"), (Rights::DELETE_COLLECTION, "DNV"), (Rights::INSERT, "C"), (Rights::CREATE, "K")],
        ),
        Subject::File { rights, owner, area: Area::Files, .. } => {
            (*rights, *owner, &[(Rights::READ, "G"), (Rights::EXPUNGE, "D"), (Rights::MOVE_AWAY, "NV"), (Rights::WRITE, "W")])
        }
        _ => return false,
    };
    if owner.is_some_and(|owner| *owner != viewer.address) {
        xml.characters("S");
    }
    for (_, letters) in letters.iter().filter(|(right, _)| rights.contains(*right)) {
        xml.characters(letters);
    }
    true
}

fn resource_type(subject: &Subject<'_>, xml: &mut Xml) {
    match subject {
        Subject::File { .. } => {}
        Subject::Fixed(_) => {
            xml.empty("D:collection");
        }
        Subject::Principal => {
            xml.empty("D:collection").empty("D:principal");
        }
        Subject::Other(_) => {
            xml.empty("D:principal");
        }
        Subject::Folder { facts, .. } => {
            xml.empty("D:collection");
            match facts.kind {
                CollectionKind::Calendar => xml.empty("C:calendar"),
                CollectionKind::Addressbook => xml.empty("CARD:addressbook"),
                CollectionKind::Inbox => xml.empty("C:schedule-inbox"),
                CollectionKind::Outbox => xml.empty("C:schedule-outbox"),
                _ => xml,
            };
        }
    }
}

fn display_name(subject: &Subject<'_>, viewer: &Viewer, xml: &mut Xml) -> bool {
    match subject {
        Subject::Fixed(name) => xml.characters(name),
        Subject::Principal if viewer.display_name.is_empty() => xml.characters(&viewer.address.to_string()),
        Subject::Principal => xml.characters(&viewer.display_name),
        Subject::Other(other) if other.display_name.is_empty() => xml.characters(&other.who.to_string()),
        Subject::Other(other) => xml.characters(&other.display_name),
        // Clients that get no name show an empty line.
        Subject::Folder { facts, name, .. } => match facts.display_name.as_deref().or(*name) {
            Some(name) => xml.characters(name),
            None => return false,
        },
        Subject::File { item, .. } => match &item.name {
            Some(name) => xml.characters(name.as_str()),
            None => return false,
        },
    };
    true
}

/// RFC 3253 section 3.1.5: of a collection of that kind, or of what lies in one.
fn supported_reports(area: Area, kind: Option<CollectionKind>, xml: &mut Xml) {
    let mut report = |tag| {
        xml.open("D:supported-report").open("D:report").empty(tag).close("D:report").close("D:supported-report");
    };
    for common in [
        "D:expand-property",
        "D:acl-principal-prop-set",
        "D:principal-match",
        "D:principal-property-search",
        "D:principal-search-property-set",
        "CS:calendarserver-principal-search",
    ] {
        report(common);
    }
    match kind {
        Some(_) => report("D:sync-collection"),
        None if area == Area::Files => report("D:version-tree"),
        None => {}
    }
    match (area, kind) {
        (Area::Calendars, Some(CollectionKind::Calendar)) => {
            report("C:calendar-multiget");
            report("C:calendar-query");
            report("C:free-busy-query");
        }
        (Area::Contacts, Some(CollectionKind::Addressbook)) => {
            report("CARD:addressbook-multiget");
            report("CARD:addressbook-query");
        }
        _ => {}
    }
}

/// RFC 6578 section 4: a URI, which clients compare as a whole. The host is one that can never exist (RFC 6761 section 6.4).
const SYNC_TOKEN_PREFIX: &str = "https://octroi.invalid/ns/sync/";

/// The sync token of a collection.
pub(crate) fn sync_token(sync: SyncState) -> String {
    format!("{SYNC_TOKEN_PREFIX}{}/{}", sync.id, sync.modseq)
}

/// Read a sync token back.
pub(crate) fn parse_sync_token(token: &str) -> Option<SyncState> {
    let (id, modseq) = token.strip_prefix(SYNC_TOKEN_PREFIX)?.split_once('/')?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(id) || !digits(modseq) {
        return None;
    }
    Some(SyncState { id: id.parse().ok()?, modseq: ModSeq(modseq.parse().ok()?) })
}

/// A text that a client gave when it made the collection.
pub(crate) fn kept<'a>(facts: &'a FolderFacts, key: &str) -> Option<&'a str> {
    facts.properties.iter().find(|(known, _)| &**known == key).map(|(_, value)| &**value)
}

/// The text of a property of that name that a client gave the collection, as XML or before it was kept as such.
pub(crate) fn kept_text(facts: &FolderFacts, namespace: &str, local: &str) -> Option<String> {
    let key = ElementName { namespace: namespace.to_owned(), local: local.to_owned() }.key();
    match kept(facts, &key) {
        Some(element) => crate::xml::parse(element.as_bytes()).ok().map(|element| element.text),
        None => kept(facts, local).map(str::to_owned),
    }
}

/// The components that a calendar takes.
pub(crate) fn components(facts: &FolderFacts) -> impl Iterator<Item = &str> {
    kept(facts, COMPONENTS).unwrap_or(ALL_COMPONENTS).split(',').filter(|name| !name.is_empty())
}

/// Is there nothing to be seen of it but when its owner is busy? No octets are told of such, and an object has some.
pub(crate) fn is_veiled(item: &Item, area: Area) -> bool {
    area == Area::Calendars && item.bytes() == 0
}

/// The media type of a document; clients of calendars insist on theirs.
pub(crate) fn media_type(item: &Item, area: Area) -> &str {
    match (&item.media_type, area) {
        (Some(media_type), _) => media_type,
        (None, Area::Calendars) => "text/calendar; charset=utf-8",
        (None, Area::Contacts) => "text/vcard; charset=utf-8",
        (None, _) => "application/octet-stream",
    }
}

/// RFC 3339 in UTC, as `creationdate` wants it.
fn rfc3339(at: UnixTime) -> String {
    jiff::Timestamp::from_second(at.0).unwrap_or_default().to_string()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::names::prefix;

    #[test]
    fn every_tag_has_the_prefix_of_its_namespace() {
        for known in KNOWN {
            assert_eq!(known.tag.split_once(':').map(|(p, _)| p), prefix(known.namespace), "{}", known.tag);
        }
    }

    #[test]
    fn sync_tokens_go_both_ways_and_nothing_else_does() {
        let token = sync_token(SyncState { id: 42, modseq: ModSeq(7) });
        let back = parse_sync_token(&token).unwrap();
        assert_eq!((back.id, back.modseq), (42, ModSeq(7)));
        for bad in [
            "",
            "42/7",
            "https://octroi.invalid/ns/sync/42",
            "https://octroi.invalid/ns/sync/+42/7",
            "https://octroi.invalid/ns/sync/1/99999999999999999999999",
        ] {
            assert!(parse_sync_token(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn times_are_written_as_rfc_4918_wants_them() {
        assert_eq!(rfc3339(UnixTime(881_122_664)), "1997-12-03T04:17:44Z");
        assert_eq!(rfc3339(UnixTime(i64::MAX)), "1970-01-01T00:00:00Z");
    }
}
