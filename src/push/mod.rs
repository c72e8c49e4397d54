//! Wakes programs: hears that a collection has changed and has a push service tell who registered at it (Web Push, RFC 8030).
//!
//! Started by `server`, which hands it the gate's [`Pushes`], and ended with it. A task looks after each collection at which somebody is
//! registered (`collection`), `deliver` sends one message, `crate::reach` knows where to. What always holds: nobody who changes something waits for it;
//! what is sent was allowed when it was sent; all that waits is bounded by the registrations, of which there is a limit.
//!
//! Known limits: what waits is in memory, so of a change just before the server ends nobody may hear; programs look now and then in any case.

mod collection;
mod deliver;

use crate::config::Config;
use crate::files::{load_sealed, save_sealed};
use deliver::Delivery;
use octroi_dns::Resolver;
use octroi_gate::{Admin, PushLook, Pushes, Seen};
use octroi_model::CollectionId;
use octroi_net::Shutdown;
use octroi_webpush::Vapid;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

/// The key pair's name in the data folder: sealed. Programs subscribe for its public key, so it has to stay.
pub(crate) const FILE: &str = "push.key";
/// How often it is looked what is over, and whether some collection is not looked after.
const SWEEP_EVERY: Duration = Duration::from_hours(1);

/// See the module.
pub(crate) struct Herald {
    pushes: Pushes,
    delivery: Arc<Delivery>,
    /// Collections that are looked after, and what has registered at them since.
    running: HashMap<CollectionId, Option<Seen>>,
    tasks: JoinSet<CollectionId>,
}

impl Herald {
    /// As the configuration says; `None`: nobody is to be woken.
    pub(crate) fn new(config: &Config, resolver: Resolver, admin: &Admin, pushes: Pushes) -> Result<Option<Self>, String> {
        if !config.push.enabled {
            return Ok(None);
        }
        let vapid = key(&config.data, admin)?;
        let delivery = Arc::new(Delivery::new(config, resolver, vapid)?);
        let reaches = delivery.clone();
        pushes.offer(&delivery.public_key(), move |url| reaches.could_reach(url));
        Ok(Some(Self { pushes, delivery, running: HashMap::new(), tasks: JoinSet::new() }))
    }

    /// Until the server ends.
    pub(crate) async fn run(mut self, shutdown: Shutdown) {
        let look = self.pushes.look();
        let mut sweep = tokio::time::interval(SWEEP_EVERY);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = shutdown.triggered() => break,
                begun = self.pushes.begun() => match begun {
                    Some((collection, seen)) => self.look_after(&look, collection, seen),
                    None => break,
                },
                Some(ended) = self.tasks.join_next() => {
                    if let Ok(collection) = ended {
                        self.ended(&look, collection);
                    }
                }
                _ = sweep.tick() => {
                    let gone = look.sweep().await;
                    if gone > 0 {
                        tracing::info!(gone, "push registrations are over");
                    }
                    for (collection, seen) in look.all() {
                        self.look_after(&look, collection, seen);
                    }
                }
            }
        }
        self.tasks.shutdown().await;
    }

    fn look_after(&mut self, look: &PushLook, collection: CollectionId, seen: Seen) {
        if let Some(since) = self.running.get_mut(&collection) {
            since.get_or_insert(seen);
            return;
        }
        self.running.insert(collection, None);
        self.tasks.spawn(collection::look_after(look.clone(), self.delivery.clone(), collection, seen));
    }

    /// Nobody was registered any more; by now somebody may be again.
    fn ended(&mut self, look: &PushLook, collection: CollectionId) {
        let since = self.running.remove(&collection).flatten();
        if let Some(seen) = since.filter(|_| look.is_watched(collection)) {
            self.look_after(look, collection, seen);
        }
    }
}

/// The key pair of the data folder; it is made when there is none.
fn key(folder: &Path, admin: &Admin) -> Result<Vapid, String> {
    let file = folder.join(FILE);
    if let Some(opened) = load_sealed(&file, admin, "remove it, and programs will register anew")? {
        return Vapid::from_bytes(&opened).map_err(|e| format!("{}: {e}", file.display()));
    }
    let made = Vapid::generate().map_err(|e| e.to_string())?;
    save_sealed(&file, admin, &*made.to_bytes())?;
    Ok(made)
}
