//! Blocks in memory: which documents each has, and the dictionaries that were asked for. Bounded; what was used last stays.

use super::block::{Key, Section};
use super::file::{Listed, SearchFile};
use super::terms::Terms;
use super::{Search, lock};
use octroi_model::AccountId;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, OnceLock};

/// Octets of all blocks in memory; the account that was asked for last stays whatever it takes.
const HELD_BYTES_MAX: u64 = 128 << 20;
/// What a document takes in memory: its key, and its place in the table of a block.
const DOCUMENT_BYTES: u64 = 48;
/// Loads of an account's blocks before one is used that is not kept, since others write all the time.
const LOADS_MAX: u32 = 3;

/// A block in memory.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) id: u64,
    /// As it is written.
    pub(crate) bytes: u64,
    pub(crate) keys: Vec<Key>,
    /// By the first half of the key.
    numbers: HashMap<u64, u32, BuildHasherDefault<Itself>>,
    /// By [`Section`].
    terms: [OnceLock<Terms>; 2],
}

/// Keys are hashes already.
#[derive(Debug, Default)]
struct Itself(u64);

impl Hasher for Itself {
    fn write(&mut self, octets: &[u8]) {
        for octet in octets {
            self.0 = self.0 << 8 | u64::from(*octet);
        }
    }
    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
    fn finish(&self) -> u64 {
        self.0
    }
}

fn half(key: &Key) -> u64 {
    u128::from_le_bytes(*key) as u64
}

impl Block {
    pub(crate) fn new(Listed { block, bytes, keys }: Listed) -> Self {
        // Of two that share this half, one is not found: it is scanned.
        let numbers = keys.iter().zip(0..).map(|(key, number)| (half(key), number)).collect();
        Self { id: block, bytes, keys, numbers, terms: Default::default() }
    }

    /// The number of a document.
    pub(crate) fn number(&self, key: &Key) -> Option<u32> {
        self.numbers.get(&half(key)).copied().filter(|number| self.keys.get(*number as usize) == Some(key))
    }

    /// The dictionary of a section, from the file the first time.
    pub(crate) async fn terms(&self, section: Section, file: &SearchFile) -> Result<&Terms, sqlx::Error> {
        let terms = &self.terms[section as usize];
        if let Some(terms) = terms.get() {
            return Ok(terms);
        }
        let loaded = Terms::new(file.terms(self.id, section).await?);
        Ok(terms.get_or_init(|| loaded))
    }

    fn held_bytes(&self) -> u64 {
        let terms: u64 = self.terms.iter().filter_map(OnceLock::get).map(Terms::bytes).sum();
        self.keys.len() as u64 * DOCUMENT_BYTES + terms
    }
}

/// An account's blocks, the largest first.
pub(crate) type Blocks = Arc<Vec<Arc<Block>>>;

/// Accounts whose blocks are in memory.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    held: HashMap<AccountId, (Blocks, u64)>,
    clock: u64,
    /// How often what is written has changed.
    changes: u64,
}

impl Cache {
    fn look(&mut self, account: AccountId) -> Option<Blocks> {
        self.clock += 1;
        let (blocks, used) = self.held.get_mut(&account)?;
        *used = self.clock;
        Some(blocks.clone())
    }

    fn insert(&mut self, account: AccountId, mut blocks: Vec<Arc<Block>>) -> Blocks {
        self.clock += 1;
        blocks.sort_by_key(|block| std::cmp::Reverse(block.keys.len()));
        let blocks = Arc::new(blocks);
        self.held.insert(account, (blocks.clone(), self.clock));
        blocks
    }

    /// Let go of what was not used for longest.
    fn shrink(&mut self) {
        let size = |blocks: &Blocks| blocks.iter().map(|block| block.held_bytes()).sum::<u64>();
        let mut sizes: Vec<_> = self.held.iter().map(|(account, (blocks, used))| (*used, *account, size(blocks))).collect();
        let mut all: u64 = sizes.iter().map(|(_, _, bytes)| bytes).sum();
        if all <= HELD_BYTES_MAX {
            return;
        }
        sizes.sort_unstable_by_key(|(used, ..)| *used);
        sizes.pop();
        for (_, account, bytes) in sizes {
            if all <= HELD_BYTES_MAX {
                break;
            }
            self.held.remove(&account);
            all -= bytes;
        }
    }
}

impl Search {
    /// The blocks of an account.
    pub(super) async fn blocks_of(&self, account: AccountId, file: &SearchFile) -> Result<Blocks, sqlx::Error> {
        for _ in 0..LOADS_MAX {
            let changes = {
                let mut cache = lock(&self.cache);
                if let Some(blocks) = cache.look(account) {
                    return Ok(blocks);
                }
                cache.changes
            };
            let blocks: Vec<_> = file.blocks(account).await?.into_iter().map(|listed| Arc::new(Block::new(listed))).collect();
            let mut cache = lock(&self.cache);
            if cache.changes == changes {
                return Ok(cache.insert(account, blocks));
            }
        }
        let mut blocks: Vec<_> = file.blocks(account).await?.into_iter().map(|listed| Arc::new(Block::new(listed))).collect();
        blocks.sort_by_key(|block| std::cmp::Reverse(block.keys.len()));
        Ok(Arc::new(blocks))
    }

    /// Let others see what was written.
    pub(super) fn publish(&self, added: Vec<(AccountId, Block)>, removed: &[u64]) {
        let mut cache = lock(&self.cache);
        cache.changes += 1;
        let mut changed: HashMap<AccountId, Vec<Arc<Block>>> = HashMap::new();
        if !removed.is_empty() {
            for (account, (blocks, _)) in &cache.held {
                if blocks.iter().any(|block| removed.contains(&block.id)) {
                    changed.insert(*account, blocks.iter().filter(|block| !removed.contains(&block.id)).cloned().collect());
                }
            }
        }
        for (account, block) in added {
            let held = cache.held.get(&account).map(|(blocks, _)| blocks.clone());
            // An account that is not held is loaded when it is asked for.
            let Some(held) = held else { continue };
            changed.entry(account).or_insert_with(|| held.to_vec()).push(Arc::new(block));
        }
        for (account, blocks) in changed {
            cache.insert(account, blocks);
        }
        cache.shrink();
    }

    /// Keep memory bounded after dictionaries were read.
    pub(super) fn settle(&self) {
        lock(&self.cache).shrink();
    }

    /// Forget all that is in memory: the file is another one.
    pub(super) fn forget(&self) {
        let mut cache = lock(&self.cache);
        cache.changes += 1;
        cache.held.clear();
    }
}
