//! Calendars of the web that people have subscribed to: fetched when they are due, and laid into their calendars.
//!
//! Started by `server` and ended with it. The gate says what is due and keeps what comes of it (`octroi_gate::DueSubscription`), `fetch` asks the web,
//! `cut` makes objects of what it answers. What always holds: nothing of a person goes out with a request; a URL is in no log; so many are fetched
//! at once and no more; whatever fails, what was there stays, and the person is told.

mod cut;
mod fetch;

use crate::config::{Config, Subscriptions};
use cut::{Bounds, Cut};
use fetch::{Answer, Fetcher};
use octroi_dav::DavConfig;
use octroi_dns::Resolver;
use octroi_gate::{Admin, DueSubscription, Refreshed, Settled, SubscriptionFault};
use octroi_model::{CollectionId, UnixTime};
use octroi_net::Shutdown;
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

/// How often it is looked what is due, if nothing is due sooner again.
const LOOK_EVERY: Duration = Duration::from_secs(20);

/// See the module.
pub(crate) struct Subscriber {
    work: Arc<Work>,
}

struct Work {
    admin: Admin,
    fetcher: Fetcher,
    settings: Subscriptions,
    /// What calendars take.
    dav: DavConfig,
}

impl Subscriber {
    /// As the configuration says. From now on people may subscribe.
    pub(crate) fn new(config: &Config, resolver: Resolver, admin: Admin) -> Result<Self, String> {
        let fetcher = Fetcher::new(&config.subscriptions, resolver)?;
        let reaches = fetcher.clone();
        admin.offer_subscriptions(move |url| reaches.could_fetch(url));
        let dav = config.limits.dav.over(DavConfig::default());
        let work = Arc::new(Work { admin, fetcher, settings: config.subscriptions.clone(), dav });
        Ok(Self { work })
    }

    /// Until the server ends.
    pub(crate) async fn run(self, shutdown: Shutdown) {
        let mut tasks: JoinSet<CollectionId> = JoinSet::new();
        let mut running: HashSet<CollectionId> = HashSet::new();
        let mut waiting: VecDeque<DueSubscription> = VecDeque::new();
        let mut look = tokio::time::interval(LOOK_EVERY.min(Duration::from_secs(u64::from(self.work.settings.refresh_seconds_min))));
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            while running.len() < self.work.settings.fetches_max {
                let Some(due) = waiting.pop_front() else { break };
                if running.insert(due.collection) {
                    let (work, collection) = (self.work.clone(), due.collection);
                    tasks.spawn(async move {
                        work.refresh(&due).await;
                        collection
                    });
                }
            }
            tokio::select! {
                () = shutdown.triggered() => break,
                () = self.work.admin.subscription_begun() => waiting = self.due(&running),
                _ = look.tick() => waiting = self.due(&running),
                Some(ended) = tasks.join_next() => match ended {
                    Ok(collection) => _ = running.remove(&collection),
                    // Which one it was is not known.
                    Err(error) => {
                        tracing::error!(%error, "a subscription could not be looked after");
                        tasks.shutdown().await;
                        running.clear();
                    }
                },
            }
        }
        tasks.shutdown().await;
    }

    /// What is due and not being fetched.
    fn due(&self, running: &HashSet<CollectionId>) -> VecDeque<DueSubscription> {
        self.work.admin.due_subscriptions(UnixTime::now()).into_iter().filter(|due| !running.contains(&due.collection)).collect()
    }
}

impl Work {
    async fn refresh(self: &Arc<Self>, due: &DueSubscription) {
        let mut said = None;
        let refreshed = match self.fetcher.fetch(due).await {
            Err(fault) => Refreshed::Fault(fault),
            Ok(Answer::Same) => Refreshed::Same,
            Ok(Answer::Whole(feed)) => {
                let (work, alarms) = (self.clone(), due.alarms);
                let time = Duration::from_secs(self.settings.fetch_seconds_max);
                let bounds = Bounds { objects_max: self.settings.objects_max, time };
                let cutting = move || cut::cut(feed, alarms, bounds, &work.dav);
                match tokio::task::spawn_blocking(cutting).await {
                    Ok(Ok(Cut { fetched, refresh_seconds })) => {
                        said = refresh_seconds;
                        Refreshed::Whole(fetched)
                    }
                    Ok(Err(fault)) => Refreshed::Fault(fault),
                    Err(_) => Refreshed::Fault(SubscriptionFault::NotCalendar),
                }
            }
        };
        let after = match refreshed {
            Refreshed::Fault(_) => self.settings.after_fault(due.failures),
            _ => self.settings.after(said),
        };
        let again = i64::try_from(after.as_secs()).unwrap_or(i64::MAX);
        let collection = due.collection.0;
        match self.admin.settle_subscription(due, refreshed, again).await {
            Ok(Some(Settled { fault: Some(fault), .. })) => {
                tracing::info!(collection, ?fault, "a calendar of the web could not be fetched");
            }
            Ok(Some(Settled { changed, .. })) => tracing::debug!(collection, changed, "a calendar of the web was fetched"),
            Ok(None) => {}
            Err(refusal) => tracing::warn!(collection, %refusal, "a calendar of the web could not be kept"),
        }
    }
}
