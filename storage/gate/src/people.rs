//! The organisation's directory as an address book: kept up by the program, seen by whom their profile shows it.
//!
//! Each profile that sees anybody has a real collection of nobody's, so entity tags, counters, synchronising and every report are those of any
//! other address book; a session finds it in its home by the name [`DIRECTORY`]. What always holds: nobody writes it but
//! [`Admin::keep_directory`]; who may look is the profile's business alone ([`octroi_policy::Directory`]), narrowed by the app password as everything
//! is. The gate knows no vCard: whoever keeps it makes the cards.

use crate::acts::file::document;
use crate::acts::folder::DISPLAY_NAME;
use crate::admin::Admin;
use crate::gate::{Gate, SYSTEM, new_collection};
use crate::kept::versions::expunge;
use crate::refusal::Refusal;
use crate::session::Session;
use crate::tree::{self, Node};
use data_encoding::HEXLOWER;
use octroi_engine::{Batch, Body, Change, hash_of};
use octroi_model::{Account, Address, Collection, CollectionId, CollectionKind, Item, Name, Path, Rights, UidSet};
use octroi_policy::{Area, Directory};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher};
use std::sync::Arc;
use tokio::sync::watch;

/// What the directory is called among a person's address books.
pub const DIRECTORY: &str = "~directory";
/// The name of the collection that holds the books.
const HOME: &str = "directory";
/// Cards of one commit: others wait no longer for it than for one large write.
const TOGETHER: usize = 200;
const MEDIA_TYPE: &str = "text/vcard; charset=utf-8";

/// Whom a card is of.
#[derive(Debug, Clone, Copy)]
pub enum Listed<'a> {
    /// Somebody.
    Person {
        /// A UUID that stays, whatever else changes.
        uid: &'a str,
        /// Their address.
        address: &'a Address,
        /// Their name for people; may be empty.
        display_name: &'a str,
    },
    /// A group.
    Group {
        /// As of a person.
        uid: &'a str,
        /// Its name.
        name: &'a str,
        /// The UIDs of those of its members that are in the book.
        members: &'a [String],
    },
}

/// A card as it is to be.
struct Card {
    name: Name,
    octets: Vec<u8>,
}

impl Admin {
    /// Wakes when people, groups or profiles may be others; of an account that was added it does not hear.
    pub fn watch_people(&self) -> watch::Receiver<u64> {
        self.gate.engine().watch_generation()
    }

    /// A number that is another when the directory is to be.
    pub fn people(&self) -> u64 {
        let engine = self.gate.engine();
        let mut hasher = DefaultHasher::new();
        for account in engine.accounts() {
            (account.id, account.address.key(), &account.display_name, &account.profile).hash(&mut hasher);
        }
        for group in engine.groups() {
            (group.id, &group.name, &group.members).hash(&mut hasher);
        }
        let policy = self.gate.policy();
        for name in policy.names() {
            (name, policy.profile(name).map(octroi_policy::Profile::directory)).hash(&mut hasher);
        }
        hasher.finish()
    }

    /// Bring the books up to who there is; `write` makes a card. Returns how many cards came, changed or went.
    pub async fn keep_directory(&self, write: impl Fn(Listed<'_>) -> Vec<u8>) -> Result<usize, Refusal> {
        let (gate, policy) = (&self.gate, self.gate.policy());
        let accounts = gate.engine().accounts();
        let seers: BTreeMap<&str, &Directory> = policy
            .names()
            .filter_map(|name| Some((name, policy.profile(name)?.directory())))
            .filter(|(_, of)| of.shows_anything())
            .collect();
        let Some(home) = self.directory_home(!seers.is_empty()).await? else { return Ok(0) };
        let mut changed = 0;
        for book in gate.engine().children(home).iter().filter(|book| !seers.contains_key(book.name.as_str())) {
            let mut batch = Batch::new();
            batch.push(Change::RemoveCollection { collection: book.id, parent_head: None });
            gate.engine().commit(batch).await?;
            changed += book.head.items as usize;
        }
        for (profile, directory) in seers {
            let cards = gate.cards(&accounts, directory, &write);
            let book = self.book(home, profile).await?;
            changed += self.fill(book, cards).await?;
        }
        Ok(changed)
    }

    /// The collection of the books; it is made if `wanted`.
    async fn directory_home(&self, wanted: bool) -> Result<Option<CollectionId>, Refusal> {
        let engine = self.gate.engine();
        if let Some(home) = tree::home(engine, SYSTEM, Area::Contacts) {
            return Ok(Some(home.id));
        }
        if !wanted {
            return Ok(None);
        }
        let name = Name::new(HOME).map_err(|_| Refusal::Unsupported)?;
        let home = new_collection(engine, None, name, CollectionKind::AddressbookHome, SYSTEM);
        Ok(Some(self.make(home).await?))
    }

    async fn book(&self, home: CollectionId, profile: &str) -> Result<CollectionId, Refusal> {
        let engine = self.gate.engine();
        let name = Name::new(profile).map_err(|_| Refusal::Unsupported)?;
        if let Some(book) = engine.child(home, &name) {
            return Ok(book.id);
        }
        let book = new_collection(engine, Some(home), name, CollectionKind::Addressbook, SYSTEM);
        let properties = vec![(Arc::from(DISPLAY_NAME), Arc::from(self.gate.organisation().name.as_str()))];
        self.make(Collection { properties, ..book }).await
    }

    async fn make(&self, collection: Collection) -> Result<CollectionId, Refusal> {
        let id = collection.id;
        let mut batch = Batch::new();
        batch.push(Change::CreateCollection { collection, parent_head: None });
        self.gate.engine().commit(batch).await?;
        Ok(id)
    }

    /// Make a book hold these cards. What is as it was is not touched.
    async fn fill(&self, book: CollectionId, cards: Vec<Card>) -> Result<usize, Refusal> {
        let engine = self.gate.engine();
        let view = engine.view(book).await?;
        let wanted: BTreeSet<&Name> = cards.iter().map(|card| &card.name).collect();
        let is_gone = |item: &&Item| item.name.as_ref().is_none_or(|name| !wanted.contains(name));
        let gone = UidSet::from_uids(view.items().filter(is_gone).map(|item| item.uid));
        let mut changed = gone.len() as usize;
        if !gone.is_empty() {
            let mut batch = Batch::new();
            batch.push(expunge(book, gone));
            engine.commit(batch).await?;
        }
        let mut fresh = Vec::new();
        for card in cards {
            if view.by_name(&card.name).is_none_or(|item| item.hash != hash_of(&card.octets)) {
                fresh.push((document(card.name, Some(MEDIA_TYPE))?, Body::document(&card.octets)));
            }
        }
        changed += fresh.len();
        while !fresh.is_empty() {
            let mut batch = Batch::new();
            for (item, body) in fresh.drain(..fresh.len().min(TOGETHER)) {
                let body = batch.body(body);
                batch.put(book, item, body);
            }
            engine.commit(batch).await?;
        }
        Ok(changed)
    }
}

impl Gate {
    fn cards(&self, accounts: &[Arc<Account>], directory: &Directory, write: &impl Fn(Listed<'_>) -> Vec<u8>) -> Vec<Card> {
        let mut cards = Vec::new();
        let mut card = |uid: &str, listed: Listed<'_>| {
            let name = Name::new(&format!("{uid}.vcf"));
            cards.extend(name.ok().map(|name| Card { name, octets: write(listed) }));
        };
        let shown: BTreeMap<_, String> = accounts
            .iter()
            .filter(|account| directory.shows(&account.profile))
            .map(|account| (account.id, self.listed_uid("account", account.id.0)))
            .collect();
        for account in accounts {
            let Some(uid) = shown.get(&account.id) else { continue };
            card(uid, Listed::Person { uid, address: &account.address, display_name: &account.display_name });
        }
        for group in self.engine().groups().iter().filter(|_| directory.shows_groups()) {
            let uid = self.listed_uid("group", group.id.0);
            let members: Vec<String> = group.members.iter().filter_map(|member| shown.get(member).cloned()).collect();
            card(&uid, Listed::Group { uid: &uid, name: &group.name, members: &members });
        }
        cards
    }

    /// A UUID (RFC 9562 section 5.8) of somebody's: it stays, and tells nothing.
    fn listed_uid(&self, kind: &str, id: u64) -> String {
        let hash = self.0.key.hash_topic(format!("{kind} {id}").as_bytes());
        let mut octets = [0; 16];
        octets.copy_from_slice(&hash.as_bytes()[..16]);
        octets[6] = octets[6] & 0x0f | 0x80;
        octets[8] = octets[8] & 0x3f | 0x80;
        let hex = HEXLOWER.encode(&octets);
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }
}

impl Session {
    /// What the directory is called among the session's address books, if its profile shows it one.
    pub fn directory(&self) -> Option<Path> {
        let node = self.directory_node()?;
        let visible = self.rights_beyond(&node).is_ok_and(|rights| rights.contains(Rights::LOOKUP));
        visible.then_some(node.path)
    }

    /// The book of the account's profile, in its own home.
    pub(crate) fn directory_node(&self) -> Option<Node> {
        let engine = self.gate().engine();
        let profile = engine.account(self.account())?.profile.clone();
        self.sees(&profile)?;
        let home = tree::home(engine, SYSTEM, Area::Contacts)?;
        let book = engine.child(home.id, &Name::new(&profile).ok()?)?;
        Node::directory(book)
    }

    /// What a profile leaves of the rights on a book: only people of the profile that it is for have any.
    pub(crate) fn directory_rights(&self, book: &Collection, profile: &str) -> Rights {
        let is_theirs = book.kind == CollectionKind::Addressbook && book.name.as_str() == profile && self.sees(profile).is_some();
        if is_theirs { Rights::LOOKUP | Rights::READ } else { Rights::NONE }
    }

    /// Does the session's profile show it people of that profile, alone or in a group?
    pub(crate) fn is_shown(&self, profile: &str) -> bool {
        self.shown(|directory| directory.shows(profile))
    }

    /// Does it show it groups?
    pub(crate) fn is_shown_groups(&self) -> bool {
        self.shown(Directory::shows_groups)
    }

    fn shown(&self, what: impl Fn(&Directory) -> bool) -> bool {
        let policy = self.gate().policy();
        self.with_circumstances(|who| policy.profile(who.profile).is_some_and(|profile| what(profile.directory()))).unwrap_or(false)
    }

    fn sees(&self, profile: &str) -> Option<()> {
        self.gate().policy().profile(profile)?.directory().shows_anything().then_some(())
    }
}
