//! One collection at which somebody is registered: its changes become messages, a few in a row one.
//!
//! Each registration has one message at most that waits, into which later ones go, and one at most on its way; a service that does not take
//! what it is sent is left alone for longer each time, and the others of the collection do not wait for it.

use super::deliver::{Delivery, Fate};
use octroi_gate::{Push, PushLook, Seen};
use octroi_model::{AccountId, CollectionId};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// It is told when nothing has changed for so long, but no later than that after the first change.
const QUIET: Duration = Duration::from_secs(1);
const QUIET_MAX: Duration = Duration::from_secs(5);
/// How long a service is left alone after its first refusal, and at most. Each further one doubles it.
const BACK_OFF: Duration = Duration::from_secs(30);
const BACK_OFF_MAX: Duration = Duration::from_hours(1);
/// Refusals in a row after which nobody is taken to listen there: about seven hours.
const FAILURES_MAX: u32 = 14;

/// A registration, among those of its collection.
type Key = (AccountId, Arc<str>);

/// What waits for one registration.
struct Slot {
    waits: Option<Push>,
    flies: bool,
    failures: u32,
    not_before: Instant,
}

/// Look after it for as long as somebody is registered. Returns its number.
pub(super) async fn look_after(look: PushLook, delivery: Arc<Delivery>, id: CollectionId, mut seen: Seen) -> CollectionId {
    let mut changes = look.watch(id);
    let mut slots: HashMap<Key, Slot> = HashMap::new();
    let mut flights: JoinSet<(Push, Fate)> = JoinSet::new();
    // Since `seen` something may have happened already.
    let mut changed = Some((Instant::now(), Instant::now()));
    loop {
        let looks_at = changed.map(|(first, last)| (last + QUIET).min(first + QUIET_MAX));
        let sends_at = slots.values().filter(|slot| slot.waits.is_some() && !slot.flies).map(|slot| slot.not_before).min();
        tokio::select! {
            moved = changes.changed() => {
                if moved.is_err() {
                    return id;
                }
                let now = Instant::now();
                changed = Some((changed.map_or(now, |(first, _)| first), now));
            }
            Some(landed) = flights.join_next() => {
                if let Ok((push, fate)) = landed
                    && (fate == Fate::Gone || land(&mut slots, &push, fate))
                {
                    slots.remove(&push.key());
                    look.end(&push).await;
                }
            }
            () = until(looks_at) => {
                changed = None;
                for push in look.due(id, &mut seen).await {
                    wait(&mut slots, push);
                }
            }
            () = until(sends_at) => {}
        }
        let now = Instant::now();
        for slot in slots.values_mut().filter(|slot| !slot.flies && slot.not_before <= now) {
            if let Some(push) = slot.waits.take() {
                slot.flies = true;
                let (delivery, look) = (delivery.clone(), look.clone());
                flights.spawn(async move {
                    let fate = delivery.send(&push, &look).await;
                    (push, fate)
                });
            }
        }
        // Who was refused before keeps the place: or else the next change would forget how long to wait.
        slots.retain(|_, slot| slot.flies || slot.waits.is_some() || slot.failures > 0);
        if changed.is_none() && flights.is_empty() && !look.is_watched(id) {
            return id;
        }
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// One more to be told.
fn wait(slots: &mut HashMap<Key, Slot>, push: Push) {
    let fresh = || Slot { waits: None, flies: false, failures: 0, not_before: Instant::now() };
    let slot = slots.entry(push.key()).or_insert_with(fresh);
    slot.waits = Some(match slot.waits.take() {
        Some(earlier) => push.after(&earlier),
        None => push,
    });
}

/// A message has come to an end. `true`: nobody is taken to listen there any more.
fn land(slots: &mut HashMap<Key, Slot>, push: &Push, fate: Fate) -> bool {
    let Some(slot) = slots.get_mut(&push.key()) else { return false };
    slot.flies = false;
    let Fate::Later(after) = fate else {
        slot.failures = 0;
        return false;
    };
    slot.failures += 1;
    slot.not_before = Instant::now() + after.unwrap_or_else(|| back_off(slot.failures)).clamp(QUIET, BACK_OFF_MAX);
    slot.waits = Some(match slot.waits.take() {
        Some(later) => later.after(push),
        None => push.clone(),
    });
    slot.failures >= FAILURES_MAX
}

fn back_off(failures: u32) -> Duration {
    BACK_OFF.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_left_alone_for_longer_each_time() {
        assert_eq!([1, 2, 3].map(back_off), [30, 60, 120].map(Duration::from_secs));
        assert!(back_off(u32::MAX) > BACK_OFF_MAX);
        let all: Duration = (1..FAILURES_MAX).map(|failures| back_off(failures).min(BACK_OFF_MAX)).sum();
        assert!((6..9).contains(&(all.as_secs() / 3600)), "{all:?}");
    }
}
