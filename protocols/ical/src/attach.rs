//! Managed attachments (RFC 8607): the ATTACH lines that a server writes into an object, and whose they are.
//!
//! Called by CalDAV. Nothing else of an object is rewritten; where one instance of a series is meant that has no component of its own, it gets one
//! (sections 3.4 and 3.6), which says what the series says but for its times.

use crate::edit::{Edits, param_value, with_param};
use crate::limits::PARAM_VALUES_MAX;
use crate::occurrences::{Occurrence, Window, calendar, occurrences};
use crate::recur::{ExpansionLimits, Series};
use crate::tree::{Entry, Node, Tree};
use crate::value::Moment;
use crate::zone::Zones;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// The parameter that says that a server manages it.
const MANAGED_ID: &str = "MANAGED-ID";
/// The parameter that says how many octets it has.
const SIZE: &str = "SIZE";
/// Instances that one request may mean.
const INSTANCES_MAX: usize = 100;

/// An ATTACH with MANAGED-ID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagedAttachment {
    /// MANAGED-ID.
    pub id: String,
    /// Where it is.
    pub uri: String,
    /// SIZE, in octets, where it is a number.
    pub bytes: Option<u64>,
}

impl ManagedAttachment {
    fn of(entry: &Entry<'_>) -> Option<Self> {
        let id = entry.param(MANAGED_ID)?.to_owned();
        Some(Self { id, uri: entry.value().to_owned(), bytes: entry.param(SIZE).and_then(|bytes| bytes.parse().ok()) })
    }
}

/// What an ATTACH says.
#[derive(Debug, Clone)]
pub struct AttachLine<'a> {
    /// MANAGED-ID.
    pub id: &'a str,
    /// Where it is.
    pub uri: &'a str,
    /// FMTTYPE: a media type without parameters.
    pub media_type: &'a str,
    /// FILENAME.
    pub file_name: &'a str,
    /// SIZE, in octets.
    pub bytes: u64,
}

impl AttachLine<'_> {
    fn text(&self) -> String {
        let Self { id, uri, media_type, file_name, bytes } = self;
        let (id, file_name) = (param_value(id), param_value(file_name));
        format!("ATTACH;{MANAGED_ID}={id};FMTTYPE={media_type};{SIZE}={bytes};FILENAME={file_name}:{uri}")
    }
}

/// Why an attachment cannot be put into an object or taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttachFault {
    /// There is no such instance: `valid-rid`.
    Instance,
    /// There is no attachment with that MANAGED-ID where it is sought: `valid-managed-id`.
    Id,
}

/// The managed attachments of an object, each once for each line.
pub fn managed_attachments(tree: &Tree<'_>) -> Vec<ManagedAttachment> {
    attached(tree).take(PARAM_VALUES_MAX).filter_map(ManagedAttachment::of).collect()
}

/// The ATTACH lines of an object's components.
fn attached<'t, 'a>(tree: &'t Tree<'a>) -> impl Iterator<Item = &'t Entry<'a>> {
    calendar(tree).into_iter().flat_map(|calendar| &calendar.components).flat_map(|node| node.all("ATTACH"))
}

/// An object whose managed attachments say the SIZE that they have, where they say another: `size` knows it of some. Nothing if none does.
pub fn with_true_sizes(tree: &Tree<'_>, size: impl Fn(&ManagedAttachment) -> Option<u64>) -> Option<Vec<u8>> {
    let mut edits = Edits::of(tree.octets);
    for entry in attached(tree).filter(|entry| entry.param(SIZE).is_some()) {
        let Some(one) = ManagedAttachment::of(entry) else { continue };
        if let Some(bytes) = size(&one).filter(|bytes| one.bytes != Some(*bytes)) {
            edits.replace(entry.range.clone(), &with_param(entry.text(), SIZE, Some(&bytes.to_string())));
        }
    }
    (!edits.is_empty()).then(|| edits.apply())
}

/// An object without MANAGED-ID anywhere: its attachments are where they are, and no server manages them. Nothing if there is none.
pub fn unmanaged(octets: &[u8]) -> Option<Vec<u8>> {
    let tree = Tree::read(octets).ok()?;
    let mut edits = Edits::of(octets);
    for entry in attached(&tree) {
        if entry.param(MANAGED_ID).is_some() {
            edits.replace(entry.range.clone(), &with_param(entry.text(), MANAGED_ID, None));
        }
    }
    (!edits.is_empty()).then(|| edits.apply())
}

/// What becomes of an attachment in a message that leaves by mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mailed {
    /// It is a part of the mail, which this Content-ID names (RFC 2392).
    Part(String),
    /// It is where it is.
    Linked,
    /// Whom the mail reaches cannot have it.
    LeftOut,
}

/// A message for who is elsewhere, who cannot read what is managed here (RFC 8607): `what` becomes of each attachment. Given back are also the
/// names of those that are left out, each once.
pub fn mailed(octets: &[u8], what: impl Fn(&str) -> Mailed) -> (Vec<u8>, Vec<String>) {
    let Ok(tree) = Tree::read(octets) else { return (octets.to_vec(), Vec::new()) };
    let mut edits = Edits::of(octets);
    let mut left_out = Vec::new();
    for entry in attached(&tree) {
        let Some(id) = entry.param(MANAGED_ID) else { continue };
        let line = with_param(entry.text(), MANAGED_ID, None);
        match what(id) {
            Mailed::Part(cid) => edits.replace(entry.range.clone(), &format!("{}CID:{cid}", &line[..line.len() - entry.value().len()])),
            Mailed::Linked => edits.replace(entry.range.clone(), &line),
            Mailed::LeftOut => {
                edits.remove(entry.range.clone());
                let name = entry.param("FILENAME").unwrap_or(id).to_owned();
                if !left_out.contains(&name) {
                    left_out.push(name);
                }
            }
        }
    }
    (edits.apply(), left_out)
}

fn is_it(entry: &Entry<'_>, id: &str) -> bool {
    entry.is("ATTACH") && entry.param(MANAGED_ID) == Some(id)
}

/// The object with an attachment more: in each of its components, or in those of the instances that are named (`M`: the series itself).
pub fn with_attachment(
    tree: &Tree<'_>,
    instances: Option<&[String]>,
    line: &AttachLine<'_>,
    limits: &ExpansionLimits,
) -> Result<Vec<u8>, AttachFault> {
    let text = line.text();
    let mut edits = Edits::of(tree.octets);
    for place in places(tree, instances, limits)? {
        match place {
            Place::There(node) => edits.insert(behind_properties(node), &text),
            Place::Missing(made) => {
                let octets = made.written(&edits, Some(&text), None);
                edits.insert_octets(made.main.range.end, &octets);
            }
        }
    }
    if edits.is_empty() { Err(AttachFault::Instance) } else { Ok(edits.apply()) }
}

/// The object with another attachment in the place of one.
pub fn with_other_attachment(tree: &Tree<'_>, id: &str, line: &AttachLine<'_>) -> Result<Vec<u8>, AttachFault> {
    let (text, mut edits) = (line.text(), Edits::of(tree.octets));
    for entry in calendar(tree).into_iter().flat_map(|calendar| &calendar.components).flat_map(|node| &node.properties) {
        if is_it(entry, id) {
            edits.replace(entry.range.clone(), &text);
        }
    }
    if edits.is_empty() { Err(AttachFault::Id) } else { Ok(edits.apply()) }
}

/// The object without an attachment, of all its components or of those of some instances, each of which has it (section 3.6).
pub fn without_attachment(
    tree: &Tree<'_>,
    instances: Option<&[String]>,
    id: &str,
    limits: &ExpansionLimits,
) -> Result<Vec<u8>, AttachFault> {
    let mut edits = Edits::of(tree.octets);
    // Of all of them means wherever a program may have put it.
    let anywhere = || Some(calendar(tree)?.components.iter().map(Place::There).collect());
    let places = if instances.is_some() { places(tree, instances, limits)? } else { anywhere().ok_or(AttachFault::Instance)? };
    for place in places {
        let node = match &place {
            Place::There(node) => node,
            Place::Missing(made) => made.main,
        };
        if !node.properties.iter().any(|entry| is_it(entry, id)) {
            // What the series has not its instance cannot lose.
            if instances.is_some() {
                return Err(AttachFault::Id);
            }
            continue;
        }
        match place {
            Place::There(node) => {
                for entry in node.properties.iter().filter(|entry| is_it(entry, id)) {
                    edits.remove(entry.range.clone());
                }
            }
            Place::Missing(made) => {
                let octets = made.written(&edits, None, Some(id));
                edits.insert_octets(made.main.range.end, &octets);
            }
        }
    }
    if edits.is_empty() { Err(AttachFault::Id) } else { Ok(edits.apply()) }
}

/// Before what is inside a component.
fn behind_properties(node: &Node<'_>) -> usize {
    node.components.first().map_or(node.end.start, |inside| inside.range.start)
}

enum Place<'t, 'a> {
    There(&'t Node<'a>),
    /// An instance without a component of its own.
    Missing(Made<'t, 'a>),
}

fn places<'t, 'a>(tree: &'t Tree<'a>, instances: Option<&[String]>, limits: &ExpansionLimits) -> Result<Vec<Place<'t, 'a>>, AttachFault> {
    let calendar = calendar(tree).ok_or(AttachFault::Instance)?;
    let takes = |node: &&Node<'_>| matches!(node.name.as_str(), "VEVENT" | "VTODO" | "VJOURNAL");
    let nodes: Vec<&Node<'a>> = calendar.components.iter().filter(takes).collect();
    let Some(instances) = instances else { return Ok(nodes.into_iter().map(Place::There).collect()) };
    let main = nodes.iter().find(|node| node.property("RECURRENCE-ID").is_none()).copied();
    if instances.is_empty() || instances.len() > INSTANCES_MAX {
        return Err(AttachFault::Instance);
    }
    let zones = Zones::of(tree, &TimeZone::UTC);
    let mut found: Vec<Place<'t, 'a>> = Vec::new();
    let mut known: Vec<Option<Timestamp>> = Vec::new();
    for instance in instances {
        if instance.eq_ignore_ascii_case("M") {
            found.push(Place::There(main.ok_or(AttachFault::Instance)?));
            known.push(None);
        } else {
            let named = Moment::of(instance, None, None).map_err(|_| AttachFault::Instance)?;
            let series = main.and_then(|node| Series::of(node, &zones));
            let told = series.as_ref().map_or_else(|| zones.instant(&named), |series| series.instant(&named, &zones));
            // Section 3.3.2: as it is stored, without its zone. In UTC, as some programs write it, it is found by when it is.
            let as_stored = |node: &&&Node<'_>| node.value("RECURRENCE-ID").is_some_and(|value| value.trim() == instance);
            let by_instant = || nodes.iter().find(|node| instant_named(node, &zones) == Some(told));
            let own = nodes.iter().find(as_stored).or_else(by_instant).copied();
            let at = own.and_then(|node| instant_named(node, &zones)).unwrap_or(told);
            known.push(Some(at));
            found.push(match (own, main) {
                (Some(own), _) => Place::There(own),
                (None, Some(main)) => Place::Missing(Made::of(tree, main, (at, named.is_date()), &zones, limits)?),
                (None, None) => return Err(AttachFault::Instance),
            });
        }
        // Named twice, an instance would have two components.
        if known[..known.len() - 1].contains(&known[known.len() - 1]) {
            return Err(AttachFault::Instance);
        }
    }
    Ok(found)
}

fn instant_named(node: &Node<'_>, zones: &Zones) -> Option<Timestamp> {
    node.property("RECURRENCE-ID").and_then(|entry| Moment::read(entry).ok()).map(|moment| zones.instant(&moment))
}

/// A component for an instance that has had none.
struct Made<'t, 'a> {
    tree: &'t Tree<'a>,
    main: &'t Node<'a>,
    begins: Moment,
    ends: Moment,
}

impl<'t, 'a> Made<'t, 'a> {
    fn of(
        tree: &'t Tree<'a>,
        main: &'t Node<'a>,
        (at, is_date): (Timestamp, bool),
        zones: &Zones,
        limits: &ExpansionLimits,
    ) -> Result<Self, AttachFault> {
        let end = at.checked_add(SignedDuration::from_secs(1)).map_err(|_| AttachFault::Instance)?;
        let all = occurrences(tree, &TimeZone::UTC, &Window { start: at, end }, limits).map_err(|_| AttachFault::Instance)?;
        let is_it = |one: &Occurrence| one.start == at && one.recurrence_id.as_ref().is_some_and(|id| zones.instant(id) == at);
        let found = all.into_iter().find(is_it).ok_or(AttachFault::Instance)?;
        let begins = found.recurrence_id.filter(|begins| begins.is_date() == is_date).ok_or(AttachFault::Instance)?;
        let ends = begins.with_local(zones.zone(&begins).to_datetime(found.end));
        Ok(Self { tree, main, begins, ends })
    }

    /// Its octets: with that line more, or without that attachment.
    fn written(&self, edits: &Edits<'_>, more: Option<&str>, without: Option<&str>) -> Vec<u8> {
        let as_it_is = |range: &std::ops::Range<usize>| &self.tree.octets[range.clone()];
        let mut out = as_it_is(&self.main.begin).to_vec();
        for entry in &self.main.properties {
            let name = entry.name().to_ascii_uppercase();
            match name.as_str() {
                "RRULE" | "RDATE" | "EXDATE" | "EXRULE" => {}
                "ATTACH" if without.is_some_and(|id| is_it(entry, id)) => {}
                "DTSTART" => out.extend(edits.line(&format!("DTSTART{}", self.begins.written()))),
                "DTEND" | "DUE" => out.extend(edits.line(&format!("{name}{}", self.ends.written()))),
                _ => out.extend_from_slice(as_it_is(&entry.range)),
            }
        }
        out.extend(edits.line(&format!("RECURRENCE-ID{}", self.begins.written())));
        if let Some(line) = more {
            out.extend(edits.line(line));
        }
        for inside in &self.main.components {
            out.extend_from_slice(as_it_is(&inside.range));
        }
        out.extend_from_slice(as_it_is(&self.main.end));
        out
    }
}
