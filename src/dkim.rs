//! The server's signing keys: kept sealed in the data folder, changed by `octroi dkim`, used by the running server.
//!
//! What always holds: a key signs only after it was published, unless somebody insists; a pair that has signed is named for as long as mail
//! it signed may be under way.

use crate::files::{load_sealed, save_sealed};
use octroi_gate::Admin;
use octroi_mailauth::{KeyPair, KeySet, Keyring};
use octroi_model::UnixTime;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::Mutex;

/// Its name in the data folder.
pub(crate) const FILE: &str = "dkim.keys";
/// How long a pair is named after it has signed: mail may be tried for five days, and then lie at the other side for a while.
const KEPT_SECONDS: i64 = 9 * 86_400;

/// The keys of one data folder. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Keys {
    folder: PathBuf,
    /// What the server signs with; of a store that nobody serves, nothing looks at it.
    keyring: Keyring,
    /// One change at a time.
    turn: Arc<Mutex<()>>,
}

impl Keys {
    pub(crate) fn new(folder: &Path, keyring: Keyring) -> Self {
        Self { folder: folder.to_owned(), keyring, turn: Arc::default() }
    }

    /// Sign with what is there.
    pub(crate) fn start(&self, admin: &Admin) -> Result<(), String> {
        let keys = self.load(admin)?;
        self.keyring.replace(&keys).map_err(|e| e.to_string())
    }

    /// All pairs.
    pub(crate) fn load(&self, admin: &Admin) -> Result<KeySet, String> {
        let file = self.folder.join(FILE);
        let opened = load_sealed(&file, admin, "remove it, and make new keys with `octroi dkim generate`")?;
        let Some(opened) = opened else { return Ok(KeySet::default()) };
        KeySet::decode(&opened).map_err(|e| format!("{}: {e}", file.display()))
    }

    /// Make a pair that waits for its records.
    pub(crate) async fn generate(&self, admin: &Admin) -> Result<KeySet, String> {
        let _turn = self.turn.lock().await;
        let mut keys = self.load(admin)?;
        let now = UnixTime::now().0;
        keys.prune(now, KEPT_SECONDS);
        let day = free_day(&keys, now);
        let made = tokio::task::spawn_blocking(move || KeyPair::generate(now, &day)).await.map_err(|e| e.to_string())?;
        keys.add(made.map_err(|e| e.to_string())?).map_err(|e| e.to_string())?;
        self.save(admin, &keys)?;
        admin.note_secret("make signing keys", &named(&keys)).await;
        Ok(keys)
    }

    /// Sign with the pair that waits.
    pub(crate) async fn switch(&self, admin: &Admin) -> Result<KeySet, String> {
        let _turn = self.turn.lock().await;
        let mut keys = self.load(admin)?;
        let now = UnixTime::now().0;
        keys.switch(now).map_err(|e| e.to_string())?;
        keys.prune(now, KEPT_SECONDS);
        self.save(admin, &keys)?;
        self.keyring.replace(&keys).map_err(|e| e.to_string())?;
        admin.note_secret("sign with new keys", &named(&keys)).await;
        Ok(keys)
    }

    fn save(&self, admin: &Admin, keys: &KeySet) -> Result<(), String> {
        let octets = keys.encode().map_err(|e| e.to_string())?;
        save_sealed(&self.folder.join(FILE), admin, &octets)
    }
}

/// Today, with a letter behind it from the second pair of the day on.
fn free_day(keys: &KeySet, now: i64) -> String {
    let day = jiff::Timestamp::from_second(now).unwrap_or_default().strftime("%Y%m%d").to_string();
    let lettered = ('b'..='z').map(|letter| format!("{day}{letter}"));
    std::iter::once(day.clone()).chain(lettered).find(|day| !keys.has_day(day)).unwrap_or(day)
}

fn named(keys: &KeySet) -> String {
    let pair = keys.next().or(keys.active());
    pair.map_or_else(String::new, |pair| pair.records()[0].name.trim_end_matches("._domainkey").to_owned())
}
