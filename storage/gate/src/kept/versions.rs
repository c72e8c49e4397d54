//! Versions: what a document was before something else was written over it.
//!
//! They belong to a name in a folder: a document that is removed and made again goes on with its history, and one that is saved by writing
//! beside it and renaming too. A folder takes its own along when it moves; a document that is renamed leaves its own behind.

use crate::admin::Admin;
use crate::gate::{Gate, Limits, new_collection};
use crate::kept::{beside, cut, is_passing, stamp};
use crate::refusal::Refusal;
use crate::session::ANCESTORS_MAX;
use octroi_engine::{Batch, Change, Engine};
use octroi_model::{
    AccountId, Address, Collection, CollectionId, CollectionKind, Flags, Hash, Head, Item, ModSeq, NAME_BYTES_MAX, Name, Path, Uid, UidSet,
    UnixTime,
};
use octroi_policy::Area;
use std::fmt;
use std::str::FromStr;

/// The collection of versions in a folder.
pub const VERSIONS: &str = ".versions";
/// The property of a folder that says how many are kept there, and below it unless said otherwise there.
pub const VERSION_POLICY: &str = "{urn:octroi:}versions";
/// Versions of one document at most, whatever a policy says: they are looked through whenever one is added.
const VERSIONS_MAX: u32 = 1000;
/// Days that a policy can name: a century is for ever.
const DAYS_MAX: u32 = 36_500;
/// Seconds of a day.
pub(crate) const DAY: i64 = 24 * 60 * 60;

/// How many versions of a document are kept, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VersionPolicy {
    /// 0: none.
    pub versions: u32,
    /// After how many days one goes, counted from when it was written over.
    pub days: u32,
}

impl Default for VersionPolicy {
    fn default() -> Self {
        Self { versions: 10, days: 90 }
    }
}

impl fmt::Display for VersionPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.versions, self.days)
    }
}

impl FromStr for VersionPolicy {
    type Err = ();
    /// `VERSIONS DAYS`, or `0` for none; as a text or as the content of an element, as properties are kept.
    fn from_str(text: &str) -> Result<Self, ()> {
        let text = match (text.find('>'), text.rfind("</")) {
            (Some(begin), Some(end)) if begin < end => &text[begin + 1..end],
            _ => text,
        };
        let numbers: Vec<u32> = text.split_ascii_whitespace().map(str::parse).collect::<Result<_, _>>().map_err(|_| ())?;
        match numbers[..] {
            [0] => Ok(Self { versions: 0, days: 0 }),
            [versions, days] if versions <= VERSIONS_MAX && (1..=DAYS_MAX).contains(&days) => Ok(Self { versions, days }),
            _ => Err(()),
        }
    }
}

/// What holds for a folder: its own word, or that of the nearest above it, or the configuration's.
pub(crate) fn policy(engine: &dyn Engine, limits: &Limits, folder: &Collection) -> VersionPolicy {
    let of = |collection: &Collection| collection.property(VERSION_POLICY).and_then(|text| text.parse().ok());
    let (mut said, mut parent) = (of(folder), folder.parent);
    for _ in 0..ANCESTORS_MAX {
        let Some(above) = parent.filter(|_| said.is_none()).and_then(|id| engine.collection(id)) else { break };
        (said, parent) = (of(&above), above.parent);
    }
    said.unwrap_or(limits.versions)
}

/// The name of the document that an item of a collection of versions was.
pub(crate) fn document_of(item: &Item) -> Option<Name> {
    let name = item.name.as_ref()?.as_str();
    let text = beside::noted(item, beside::NAME).or_else(|| name.splitn(3, '-').nth(2))?;
    Name::new(text).ok()
}

/// What is to be kept.
pub(crate) struct WrittenOver<'a> {
    pub(crate) folder: &'a Collection,
    pub(crate) old: &'a Item,
    /// What it is from now on.
    pub(crate) new: Hash,
    pub(crate) by: AccountId,
}

/// Add to the batch that what is written over becomes a version, and that those which are too many or too old by now go.
pub(crate) async fn keep(gate: &Gate, over: WrittenOver<'_>, batch: &mut Batch) -> Result<(), Refusal> {
    let WrittenOver { folder, old, new, by } = over;
    let (engine, now) = (gate.engine(), UnixTime::now());
    let policy = policy(engine, &gate.0.limits, folder);
    let Some(document) = &old.name else { return Ok(()) };
    let worth = old.bytes() > 0 && old.hash != new && !is_passing(document);
    if folder.kind != CollectionKind::Folder || policy.versions == 0 || !worth {
        return Ok(());
    }
    // The literal is a valid name.
    let home = Name::new(VERSIONS).map_err(|_| Refusal::Unsupported)?;
    let (time, mut before, mut last) = (stamp(now), Vec::new(), 0);
    let into = match engine.child(folder.id, &home) {
        Some(versions) if versions.kind == CollectionKind::Versions => {
            let view = engine.view(versions.id).await?;
            before.extend(view.items().filter(|item| document_of(item).as_ref() == Some(document)).cloned());
            last = view.items().filter_map(|item| number_of(item.name.as_ref()?, &time)).max().unwrap_or(0);
            versions.id
        }
        // Somebody's own folder of that name.
        Some(_) => return Ok(()),
        None => {
            let versions = new_collection(engine, Some(folder.id), home, CollectionKind::Versions, folder.owner);
            let id = versions.id;
            batch.push(Change::CreateCollection { collection: versions, parent_head: None });
            id
        }
    };
    let many = before.len().saturating_sub(policy.versions as usize - 1);
    let oldest = now.0 - i64::from(policy.days) * DAY;
    let gone = before.iter().enumerate().filter(|(at, item)| *at < many || item.saved.0 < oldest).map(|(_, item)| item.uid);
    let gone = UidSet::from_uids(gone);
    if !gone.is_empty() {
        batch.push(expunge(into, gone));
    }
    let name = name_for(document, old.uid, &time, last + 1)?;
    let by = by.0.to_string();
    let shortened = (!name.as_str().ends_with(document.as_str())).then_some(document.as_str());
    let properties = beside::with(old.properties.as_deref(), &[(beside::BY, Some(&by)), (beside::NAME, shortened)]);
    let version = Item { uid: Uid(0), modseq: ModSeq(0), flags: Flags::NONE, name: Some(name), properties, ..old.clone() };
    batch.push(Change::Put { collection: into, item: version, head: Head::default() });
    Ok(())
}

/// `<time>-<number>-<name>`: in the order in which they came, and no other version in the folder has it. Two documents that are written over
/// at once get the same number, so where a name has to be shortened, and may be another's then, the document's uid stands behind the number.
fn name_for(document: &Name, uid: Uid, time: &str, number: u32) -> Result<Name, Refusal> {
    let whole = format!("{time}-{number:04}-{document}");
    if whole.len() <= NAME_BYTES_MAX {
        return Name::new(&whole).map_err(|_| Refusal::Unsupported);
    }
    let begin = format!("{time}-{number:04}.{}-", uid.0);
    let room = NAME_BYTES_MAX - begin.len();
    Name::new(&format!("{begin}{}", cut(document.as_str(), room))).map_err(|_| Refusal::Unsupported)
}

/// The number of a version that is of this time.
fn number_of(name: &Name, time: &str) -> Option<u32> {
    name.as_str().strip_prefix(time)?.strip_prefix('-')?.split(['-', '.']).next()?.parse().ok()
}

impl Admin {
    /// Say how many versions a folder of somebody's keeps, and those below it that do not say; `None`: as the one above it.
    pub async fn set_version_policy(&self, owner: &Address, folder: &Path, policy: Option<VersionPolicy>) -> Result<(), Refusal> {
        let collection = self.find(owner, Area::Files, folder)?.id;
        let value = policy.map(|policy| format!("<versions xmlns=\"urn:octroi:\">{policy}</versions>").into());
        let mut batch = Batch::new();
        batch.push(Change::SetProperty { collection, name: VERSION_POLICY.into(), value, head: Head::default() });
        self.gate.engine().commit(batch).await?;
        let said = policy.map_or_else(|| "as above".to_owned(), |policy| format!("versions and days: {policy}"));
        self.note("version policy", &format!("{owner} files/{}", folder.join("/")), &said).await;
        Ok(())
    }

    /// What holds for a folder of somebody's.
    pub fn version_policy(&self, owner: &Address, folder: &Path) -> Result<VersionPolicy, Refusal> {
        let collection = self.find(owner, Area::Files, folder)?;
        Ok(policy(self.gate.engine(), &self.gate.0.limits, &collection))
    }
}

pub(crate) fn expunge(collection: CollectionId, uids: UidSet) -> Change {
    Change::Expunge { collection, uids, modseq: ModSeq(0), head: Head::default() }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn policies_are_read_as_texts_and_as_elements() {
        let policy = |versions, days| Ok(VersionPolicy { versions, days });
        assert_eq!("20 365".parse(), policy(20, 365));
        assert_eq!("0".parse(), policy(0, 0));
        assert_eq!("<o:versions xmlns:o=\"urn:octroi:\" a=\"1\"> 5  7 </o:versions>".parse(), policy(5, 7));
        for bad in ["", "5", "5 0", "-1 5", "2000 5", "5 99999", "5 5 5", "<v/>", "many 5"] {
            assert_eq!(bad.parse::<VersionPolicy>(), Err(()), "{bad}");
        }
        assert_eq!(VersionPolicy::default().to_string().parse(), Ok(VersionPolicy::default()));
    }

    #[test]
    fn a_version_is_named_by_time_and_number_and_knows_its_document() {
        let (name, time) = (|text: &str| Name::new(text).unwrap(), stamp(UnixTime(1_800_000_000)));
        let item = |called: Name| Item { name: Some(called), ..crate::acts::file::document(name("x"), None).unwrap() };
        let called = |number| name_for(&name("a-b.txt"), Uid(7), &time, number).unwrap();
        assert_eq!(called(1).as_str(), "20270115T080000Z-0001-a-b.txt");
        assert!(called(9) < called(10) && called(99) < called(100), "they are listed in their order");
        assert_eq!(document_of(&item(called(1))), Some(name("a-b.txt")));
        assert_eq!(
            [called(12), name("odd"), name("20270115T080000Z"), name("20270115T080000Z-x-y")].map(|n| number_of(&n, &time)),
            [Some(12), None, None, None]
        );
        assert_eq!(number_of(&called(1), "20270115T080001Z"), None);
        // Names that begin alike, and are written over in the same moment.
        let long = |uid| name_for(&name(&"é".repeat(127)), Uid(uid), &time, 12).unwrap();
        assert!(long(7).as_str().len() <= NAME_BYTES_MAX && long(7) != long(70));
        assert_eq!([long(7), long(70)].map(|n| number_of(&n, &time)), [Some(12); 2]);
        assert_eq!(document_of(&item(name("odd"))), None);
    }
}
