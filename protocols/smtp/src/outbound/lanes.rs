//! What waits, by where it goes: a lane per destination, each with its own pace. In memory only; made anew at start from the queue.
//!
//! What always holds: an entry is in one worker's hands at most per lane; a lane has no more workers than it may; a destination that
//! cannot be reached costs nothing but its own time. Jobs are hints: whether there is something to do says the entry, which a worker looks
//! at before it begins, so a job may stand here twice or for nothing.
//!
//! A waiting job takes 16 bytes and its share of a tree.

use super::resolve::Hop;
use octroi_model::Uid;
use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// How long a destination is left alone after the first time that no host of it could be reached; doubled with each further time.
const DOWN_FIRST: Duration = Duration::from_secs(30);
/// Workers for a destination that was not reached yet.
const FIRST_WORKERS: usize = 2;
/// The longest such time.
const DOWN_MAX: Duration = Duration::from_mins(30);

/// Number of a lane.
pub(super) type LaneId = u64;

/// Everything that waits.
pub(super) struct Lanes {
    inner: Mutex<Inner>,
    /// Somebody may be started.
    pub(super) news: Notify,
    per_lane_max: usize,
}

#[derive(Default)]
struct Inner {
    lanes: HashMap<LaneId, Lane>,
    by_hop: HashMap<Hop, LaneId>,
    next: LaneId,
    /// When a lane is to be looked at, at most once per lane.
    timers: BTreeSet<(i64, LaneId)>,
    /// Lanes that could use a worker; they are looked at again before they get one.
    ready: VecDeque<LaneId>,
    in_hand: HashSet<(Uid, LaneId)>,
}

struct Lane {
    hop: Hop,
    /// Priority (the higher is the smaller here), time, entry.
    due: BTreeSet<(i8, i64, Uid)>,
    /// Time, priority, entry.
    later: BTreeSet<(i64, i8, Uid)>,
    timer: Option<i64>,
    is_ready: bool,
    workers: usize,
    /// Workers that have not taken anything yet.
    starting: usize,
    /// Workers with an open connection and nothing to do.
    idle: usize,
    wake: Arc<Notify>,
    down_until: Option<Instant>,
    /// How often it could not be reached since it could.
    down_count: u32,
    /// It was reached since it is known.
    is_known: bool,
}

/// A worker's place in a lane; left when dropped.
pub(super) struct Place {
    lanes: Arc<Lanes>,
    lane: LaneId,
    pub(super) hop: Hop,
    wake: Arc<Notify>,
    is_starting: AtomicBool,
}

/// An entry in a worker's hands; laid down when dropped.
pub(super) struct InHand {
    lanes: Arc<Lanes>,
    lane: LaneId,
    pub(super) id: Uid,
}

impl Lanes {
    pub(super) fn new(per_lane_max: usize) -> Self {
        Self { inner: Mutex::default(), news: Notify::new(), per_lane_max: per_lane_max.max(1) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something is to be tried there from `at` (seconds since 1970) on.
    pub(super) fn file(&self, hop: &Hop, id: Uid, at: i64, priority: i8, now: i64) {
        let mut inner = self.lock();
        let lane = inner.lane_of(hop);
        let Some(found) = inner.lanes.get_mut(&lane) else { return };
        let priority = priority.saturating_neg();
        if at > now {
            found.later.insert((at, priority, id));
            inner.set_timer(lane);
            return;
        }
        found.due.insert((priority, at, id));
        if found.idle > 0 {
            found.wake.notify_one();
        } else {
            inner.offer(lane, self.per_lane_max);
            self.news.notify_one();
        }
    }

    /// Move what has become due.
    pub(super) fn promote(&self, now: i64) {
        let mut inner = self.lock();
        while let Some(&(at, lane)) = inner.timers.first().filter(|(at, _)| *at <= now) {
            inner.timers.remove(&(at, lane));
            if let Some(found) = inner.lanes.get_mut(&lane) {
                found.timer = None;
                while let Some((at, priority, id)) = found.later.first().copied().filter(|(at, ..)| *at <= now) {
                    found.later.remove(&(at, priority, id));
                    found.due.insert((priority, at, id));
                }
                if found.idle > 0 && !found.due.is_empty() {
                    found.wake.notify_one();
                }
            }
            inner.offer(lane, self.per_lane_max);
            inner.set_timer(lane);
        }
    }

    /// When [`Lanes::promote`] is next of use.
    pub(super) fn next_event(&self) -> Option<i64> {
        self.lock().timers.first().map(|(at, _)| *at)
    }

    /// A lane that can use a worker.
    pub(super) fn place(self: &Arc<Self>) -> Option<Place> {
        let mut inner = self.lock();
        loop {
            let lane = inner.ready.pop_front()?;
            let Some(found) = inner.lanes.get_mut(&lane) else { continue };
            found.is_ready = false;
            if !found.wants_worker(self.per_lane_max) {
                continue;
            }
            found.workers += 1;
            found.starting += 1;
            let is_starting = AtomicBool::new(true);
            let place = Place { lanes: self.clone(), lane, hop: found.hop.clone(), wake: found.wake.clone(), is_starting };
            inner.offer(lane, self.per_lane_max);
            return Some(place);
        }
    }

    /// Is this entry in somebody's hands for that destination?
    pub(super) fn is_in_hand(&self, id: Uid, hop: &Hop) -> bool {
        let inner = self.lock();
        inner.by_hop.get(hop).is_some_and(|lane| inner.in_hand.contains(&(id, *lane)))
    }

    /// Forget that anybody could not be reached.
    pub(super) fn forgive(&self) {
        let mut inner = self.lock();
        let lanes: Vec<LaneId> = inner.lanes.keys().copied().collect();
        for lane in lanes {
            if let Some(found) = inner.lanes.get_mut(&lane) {
                found.down_until = None;
            }
            inner.offer(lane, self.per_lane_max);
        }
        self.news.notify_one();
    }

    /// Destinations, and jobs in all of them.
    #[cfg(test)]
    fn counts(&self) -> (usize, usize) {
        let inner = self.lock();
        (inner.lanes.len(), inner.lanes.values().map(|lane| lane.due.len() + lane.later.len()).sum())
    }
}

impl Inner {
    fn lane_of(&mut self, hop: &Hop) -> LaneId {
        if let Some(&known) = self.by_hop.get(hop) {
            return known;
        }
        self.next += 1;
        self.by_hop.insert(hop.clone(), self.next);
        let lane = Lane {
            hop: hop.clone(),
            due: BTreeSet::new(),
            later: BTreeSet::new(),
            timer: None,
            is_ready: false,
            workers: 0,
            starting: 0,
            idle: 0,
            wake: Arc::default(),
            down_until: None,
            down_count: 0,
            is_known: false,
        };
        self.lanes.insert(self.next, lane);
        self.next
    }

    fn offer(&mut self, lane: LaneId, per_lane_max: usize) {
        if let Some(found) = self.lanes.get_mut(&lane)
            && !found.is_ready
            && found.wants_worker(per_lane_max)
        {
            found.is_ready = true;
            self.ready.push_back(lane);
        }
    }

    /// At the time of the first job that is not due.
    fn set_timer(&mut self, lane: LaneId) {
        let Some(found) = self.lanes.get_mut(&lane) else { return };
        let wanted = found.later.first().map(|(at, ..)| *at);
        if found.timer == wanted {
            return;
        }
        if let Some(old) = std::mem::replace(&mut found.timer, wanted) {
            self.timers.remove(&(old, lane));
        }
        if let Some(at) = wanted {
            self.timers.insert((at, lane));
        }
    }

    /// Lanes in which nothing is known to be are forgotten.
    fn tidy(&mut self, lane: LaneId) {
        let is_over = self.lanes.get(&lane).is_some_and(|found| {
            found.workers == 0
                && found.due.is_empty()
                && found.later.is_empty()
                && found.down_until.is_none_or(|until| until <= Instant::now())
        });
        if is_over && let Some(gone) = self.lanes.remove(&lane) {
            self.by_hop.remove(&gone.hop);
        }
    }
}

impl Lane {
    fn wants_worker(&self, per_lane_max: usize) -> bool {
        // After a time in which it could not be reached, one tries first; and a few where nobody has been: many silent destinations
        // must not have all the workers.
        let most = match (self.down_count, self.is_known) {
            (0, true) => per_lane_max,
            (0, false) => per_lane_max.min(FIRST_WORKERS),
            _ => 1,
        };
        self.due.len() > self.idle + self.starting && self.workers < most && self.down_until.is_none_or(|until| until <= Instant::now())
    }
}

impl Place {
    /// The next job, if there is one now.
    pub(super) fn take(&self) -> Option<InHand> {
        let mut inner = self.lanes.lock();
        let lane = self.lane;
        self.started(inner.lanes.get_mut(&lane)?);
        loop {
            let found = inner.lanes.get_mut(&lane)?;
            if found.down_until.is_some_and(|until| until > Instant::now()) {
                return None;
            }
            let (_, _, id) = found.due.pop_first()?;
            // Whoever has it looks at all of it that is due when they lay it down.
            if inner.in_hand.insert((id, lane)) {
                return Some(InHand { lanes: self.lanes.clone(), lane, id });
            }
        }
    }

    fn started(&self, lane: &mut Lane) {
        if self.is_starting.swap(false, Ordering::Relaxed) {
            lane.starting -= 1;
        }
    }

    /// The same, waiting a little: for a worker with an open connection.
    pub(super) async fn take_within(&self, within: Duration) -> Option<InHand> {
        let deadline = Instant::now() + within;
        loop {
            if let Some(taken) = self.take() {
                return Some(taken);
            }
            let idle = Idle::new(self);
            // What was filed before we were counted as idle woke nobody.
            if let Some(taken) = self.take() {
                return Some(taken);
            }
            let woken = tokio::time::timeout_at(deadline, self.wake.notified()).await;
            drop(idle);
            if woken.is_err() {
                return self.take();
            }
        }
    }

    /// Nobody there could be reached. `chance` spreads the next try.
    pub(super) fn down(&self, chance: u64) {
        let mut inner = self.lanes.lock();
        if let Some(found) = inner.lanes.get_mut(&self.lane) {
            let pause = DOWN_FIRST.saturating_mul(1 << found.down_count.min(10)).min(DOWN_MAX);
            // 80 % to 120 %.
            let pause = pause.mul_f64((800 + chance % 401) as f64 / 1000.0);
            found.down_count += 1;
            found.down_until = Some(Instant::now() + pause);
            let (lanes, lane) = (self.lanes.clone(), self.lane);
            tokio::spawn(async move {
                tokio::time::sleep(pause).await;
                let mut inner = lanes.lock();
                inner.offer(lane, lanes.per_lane_max);
                inner.tidy(lane);
                drop(inner);
                lanes.news.notify_one();
            });
        }
    }

    /// Somebody there has answered.
    pub(super) fn up(&self) {
        let mut inner = self.lanes.lock();
        if let Some(found) = inner.lanes.get_mut(&self.lane)
            && (found.down_count > 0 || !found.is_known)
        {
            (found.down_count, found.down_until, found.is_known) = (0, None, true);
            inner.offer(self.lane, self.lanes.per_lane_max);
            self.lanes.news.notify_one();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut inner = self.lanes.lock();
        if let Some(found) = inner.lanes.get_mut(&self.lane) {
            found.workers -= 1;
            self.started(found);
        }
        inner.offer(self.lane, self.lanes.per_lane_max);
        inner.tidy(self.lane);
        self.lanes.news.notify_one();
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        self.lanes.lock().in_hand.remove(&(self.id, self.lane));
    }
}

/// Counts a worker as idle while it lives.
struct Idle<'a>(&'a Place);

impl<'a> Idle<'a> {
    fn new(place: &'a Place) -> Self {
        if let Some(found) = place.lanes.lock().lanes.get_mut(&place.lane) {
            found.idle += 1;
        }
        Self(place)
    }
}

impl Drop for Idle<'_> {
    fn drop(&mut self) {
        let mut inner = self.0.lanes.lock();
        if let Some(found) = inner.lanes.get_mut(&self.0.lane) {
            found.idle -= 1;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn hop(name: &str) -> Hop {
        Hop::Domain(name.to_owned())
    }

    fn lanes(per_lane_max: usize) -> Arc<Lanes> {
        Arc::new(Lanes::new(per_lane_max))
    }

    #[tokio::test(start_paused = true)]
    async fn each_destination_has_its_own_workers() {
        let lanes = lanes(2);
        for id in 1..=5 {
            lanes.file(&hop("a"), Uid(id), 0, 0, 0);
        }
        lanes.file(&hop("b"), Uid(1), 0, 0, 0);
        let places: Vec<Place> = std::iter::from_fn(|| lanes.place()).collect();
        let names: Vec<&Hop> = places.iter().map(|place| &place.hop).collect();
        assert_eq!(names.iter().filter(|name| ***name == hop("a")).count(), 2);
        assert_eq!(names.len(), 3);
        let taken: Vec<Uid> = places.iter().map(|place| place.take().unwrap().id).collect();
        assert_eq!(taken.len(), 3);
        drop(places);
        assert!(lanes.place().is_some(), "more waits in a");
    }

    #[tokio::test(start_paused = true)]
    async fn where_nobody_has_been_a_few_go_first() {
        let lanes = lanes(4);
        for id in 1..=9 {
            lanes.file(&hop("a"), Uid(id), 0, 0, 0);
        }
        let first: Vec<Place> = std::iter::from_fn(|| lanes.place()).collect();
        assert_eq!(first.len(), FIRST_WORKERS);
        first[0].up();
        assert_eq!(std::iter::from_fn(|| lanes.place()).map(std::mem::forget).count(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn an_entry_is_in_one_pair_of_hands() {
        let lanes = lanes(4);
        lanes.file(&hop("a"), Uid(1), 0, 0, 0);
        let place = lanes.place().unwrap();
        let held = place.take().unwrap();
        lanes.file(&hop("a"), Uid(1), 0, 0, 0);
        assert!(lanes.is_in_hand(Uid(1), &hop("a")) && !lanes.is_in_hand(Uid(1), &hop("b")));
        assert!(place.take().is_none());
        drop(held);
        lanes.file(&hop("a"), Uid(1), 0, 0, 0);
        assert!(place.take().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn the_more_urgent_and_then_the_older_goes_first() {
        let lanes = lanes(1);
        for (id, at, priority) in [(1, 5, 0), (2, 3, 0), (3, 9, 4), (4, 1, -4)] {
            lanes.file(&hop("a"), Uid(id), at, priority, 10);
        }
        let place = lanes.place().unwrap();
        let order: Vec<u32> = std::iter::from_fn(|| place.take()).map(|taken| taken.id.0).collect();
        assert_eq!(order, [3, 2, 1, 4]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_for_later_waits() {
        let lanes = lanes(1);
        lanes.file(&hop("a"), Uid(1), 100, 0, 0);
        lanes.file(&hop("a"), Uid(2), 50, 0, 0);
        assert!(lanes.place().is_none());
        assert_eq!(lanes.next_event(), Some(50));
        lanes.promote(60);
        assert_eq!(lanes.next_event(), Some(100));
        let place = lanes.place().unwrap();
        assert_eq!(place.take().unwrap().id, Uid(2));
        assert!(place.take().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_down_is_left_alone_and_then_tried_by_one() {
        let lanes = lanes(4);
        for id in 1..=9 {
            lanes.file(&hop("a"), Uid(id), 0, 0, 0);
        }
        let place = lanes.place().unwrap();
        drop(place.take());
        place.down(200);
        assert!(place.take().is_none());
        drop(place);
        assert!(lanes.place().is_none());
        tokio::time::sleep(DOWN_FIRST + Duration::from_secs(1)).await;
        let probe = lanes.place().expect("its time is over");
        assert!(lanes.place().is_none(), "one is enough");
        assert!(probe.take().is_some());
        probe.up();
        assert!(lanes.place().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_worker_gets_what_comes() {
        let lanes = lanes(4);
        lanes.file(&hop("a"), Uid(1), 0, 0, 0);
        let place = lanes.place().unwrap();
        drop(place.take());
        let filing = lanes.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            filing.file(&hop("a"), Uid(2), 0, 0, 0);
        });
        let taken = place.take_within(Duration::from_secs(2)).await.unwrap();
        assert_eq!(taken.id, Uid(2));
        assert!(lanes.place().is_none(), "no second worker was needed");
        drop(taken);
        assert!(place.take_within(Duration::from_secs(2)).await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn empty_lanes_are_forgotten() {
        let lanes = lanes(1);
        for number in 0..1000 {
            lanes.file(&hop(&number.to_string()), Uid(1), 0, 0, 0);
            let place = lanes.place().unwrap();
            drop(place.take());
        }
        assert_eq!(lanes.counts(), (0, 0));
    }
}
