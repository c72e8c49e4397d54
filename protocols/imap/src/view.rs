//! What the client has been told of the selected mailbox: its message numbers over the immutable snapshots of the store.
//!
//! Called by the commands of the selected state. Message numbers change only through [`Sight::tell`], whose updates the caller
//! sends at once, so client and server always count alike. Two snapshots are held: `shown`, whose positions are the client's
//! numbers, and `current`, where flags are read; they are the same but for expunges that may not be told yet.

use crate::state::By;
use octroi_gate::MailboxView;
use octroi_model::{Item, ModSeq, Uid, UidSet};

/// A state of a mailbox, as far as numbering needs it. Positions count from 0, uids ascend.
pub(crate) trait Snapshot: Clone {
    fn length(&self) -> usize;
    fn highest_modseq(&self) -> ModSeq;
    fn uid_at(&self, position: usize) -> Option<Uid>;
    /// The first position whose uid is at least `uid`.
    fn lower_bound(&self, uid: Uid) -> usize;
    fn uids_changed_since(&self, modseq: ModSeq) -> Vec<Uid>;
    /// Uids that went after `modseq`, in any order; nothing when that is no longer known.
    fn uids_gone_since(&self, modseq: ModSeq) -> Option<Vec<Uid>>;
}

/// May message numbers change now?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expunges {
    /// Yes.
    Told,
    /// No: the client may have sent more commands that count in the old numbers.
    Held,
}

/// Something to tell the client, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Update {
    /// The message of this number went; those behind it move up.
    Expunge(u32),
    /// The messages of these uids went (RFC 7162 section 3.2.10): for who is told by uid, in place of the former.
    Vanished(UidSet),
    /// There are so many messages now.
    Exists(u32),
    /// The flags of the message at this position changed.
    Flags(usize),
}

/// Messages whose flags the answer of the command under way tells.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) uids: UidSet,
    /// As they were then: what somebody else did to them since is news to the client.
    pub(crate) at: ModSeq,
}

/// The selected mailbox as the client knows it.
#[derive(Debug)]
pub(crate) struct Sight<S> {
    shown: S,
    current: S,
    /// Changes up to here have been told.
    told: ModSeq,
}

impl<S: Snapshot> Sight<S> {
    /// All of `snapshot` is about to be told.
    pub(crate) fn new(snapshot: S) -> Self {
        Self { told: snapshot.highest_modseq(), current: snapshot.clone(), shown: snapshot }
    }

    /// What the client counts in.
    pub(crate) fn shown(&self) -> &S {
        &self.shown
    }

    /// What is so, told or not.
    pub(crate) fn current(&self) -> &S {
        &self.current
    }

    /// The client has been told of all that was so at this modseq, and may ask for what came later when it is back.
    // RFC 7162 section 3.2: below an expunge that is held back, whatever else has been told.
    pub(crate) fn told(&self) -> ModSeq {
        self.told.min(self.shown.highest_modseq())
    }

    /// The same once it is told that these messages are gone.
    pub(crate) fn told_but_for(&self, gone: &UidSet) -> ModSeq {
        let told = self.told();
        let is_clean = self.current.uids_changed_since(told).is_empty()
            && self.current.uids_gone_since(told).is_some_and(|uids| uids.into_iter().all(|uid| gone.contains(uid)));
        if is_clean { self.current.highest_modseq() } else { told }
    }

    /// Is an expunge held back?
    pub(crate) fn withholds(&self) -> bool {
        !self.gone().is_empty()
    }

    /// Where the client counts this message.
    pub(crate) fn position(&self, uid: Uid) -> Option<usize> {
        let position = self.shown.lower_bound(uid);
        (self.shown.uid_at(position) == Some(uid)).then_some(position)
    }

    /// Take a newer snapshot; nothing is told yet.
    pub(crate) fn refresh(&mut self, fresh: S) {
        self.current = fresh;
    }

    /// Is there anything that [`Sight::tell`] might tell?
    pub(crate) fn is_behind(&self) -> bool {
        self.current.highest_modseq() != self.told || self.differs()
    }

    /// Are the two snapshots of different moments?
    fn differs(&self) -> bool {
        self.current.highest_modseq() != self.shown.highest_modseq()
    }

    /// What the client has to be told now; what went, by number or by uid. Flags are left out as they are `known`.
    pub(crate) fn tell(&mut self, expunges: Expunges, known: &Known, by: By) -> Vec<Update> {
        if !self.is_behind() {
            return Vec::new();
        }
        let gone = self.gone();
        let mut changed = self.current.uids_changed_since(self.told);
        let since_known = if known.uids.is_empty() { Vec::new() } else { self.current.uids_changed_since(known.at) };
        let is_known = |uid: Uid| known.uids.contains(uid) && since_known.binary_search(&uid).is_err();
        changed.retain(|uid| !is_known(*uid) && self.position(*uid).is_some());
        self.told = self.current.highest_modseq();
        let mut updates = Vec::with_capacity(gone.len() + changed.len() + 1);
        if gone.is_empty() || expunges == Expunges::Told {
            match by {
                // From the last to the first, so that each number is still the one the client has.
                By::Number => updates.extend(gone.iter().rev().map(|position| Update::Expunge(*position as u32 + 1))),
                By::Uid if gone.is_empty() => {}
                By::Uid => {
                    let uids = gone.iter().filter_map(|position| self.shown.uid_at(*position));
                    updates.push(Update::Vanished(UidSet::from_uids(uids)));
                }
            }
            let left = self.shown.length() - gone.len();
            self.shown = self.current.clone();
            if self.shown.length() > left {
                updates.push(Update::Exists(self.shown.length() as u32));
            }
        }
        updates.extend(changed.into_iter().filter_map(|uid| self.position(uid)).map(Update::Flags));
        updates
    }

    /// The positions shown whose messages are gone, ascending.
    fn gone(&self) -> Vec<usize> {
        if !self.differs() {
            return Vec::new();
        }
        let is_there = |uid: Uid| self.current.uid_at(self.current.lower_bound(uid)) == Some(uid);
        let mut gone: Vec<usize> = match self.current.uids_gone_since(self.shown.highest_modseq()) {
            Some(uids) => uids.into_iter().filter(|uid| !is_there(*uid)).filter_map(|uid| self.position(uid)).collect(),
            None => (0..self.shown.length()).filter(|at| self.shown.uid_at(*at).is_some_and(|uid| !is_there(uid))).collect(),
        };
        gone.sort_unstable();
        gone.dedup();
        gone
    }
}

impl Sight<MailboxView> {
    /// The message at a position shown, with its flags as they are now; the last that was seen of it if it has gone.
    pub(crate) fn item(&self, position: usize) -> Option<&Item> {
        let item = self.shown.at(position)?;
        if !self.differs() {
            return Some(item);
        }
        Some(self.current.by_uid(item.uid).unwrap_or(item))
    }
}

impl Snapshot for MailboxView {
    fn length(&self) -> usize {
        self.len()
    }
    fn highest_modseq(&self) -> ModSeq {
        self.head().modseq
    }
    fn uid_at(&self, position: usize) -> Option<Uid> {
        self.at(position).map(|item| item.uid)
    }
    fn lower_bound(&self, uid: Uid) -> usize {
        (**self).lower_bound(uid)
    }
    fn uids_changed_since(&self, modseq: ModSeq) -> Vec<Uid> {
        self.changed_since(modseq).map(|item| item.uid).collect()
    }
    fn uids_gone_since(&self, modseq: ModSeq) -> Option<Vec<Uid>> {
        // Child mailboxes leave tombstones without a uid.
        Some(self.vanished_since(modseq)?.iter().map(|tombstone| tombstone.uid).filter(|uid| uid.0 != 0).collect())
    }
}

/// The messages that this session was the first to be told of (RFC 3501 section 2.3.2).
#[derive(Debug, Default)]
pub(crate) struct Recent(Vec<(Uid, Uid)>);

impl Recent {
    /// Those from one uid to another are recent here.
    pub(crate) fn add(&mut self, from: Uid, to: Uid) {
        if from > to {
            return;
        }
        match self.0.last_mut() {
            Some(last) if from.0 <= last.1.0.saturating_add(1) => last.1 = last.1.max(to),
            _ => self.0.push((from, to)),
        }
    }

    /// Is it?
    pub(crate) fn contains(&self, uid: Uid) -> bool {
        self.0.iter().rev().any(|(from, to)| (*from..=*to).contains(&uid))
    }

    /// How many of a snapshot's messages are.
    pub(crate) fn count<S: Snapshot>(&self, view: &S) -> u32 {
        let between = |(from, to): &(Uid, Uid)| view.lower_bound(to.next()) - view.lower_bound(*from);
        self.0.iter().map(between).sum::<usize>() as u32
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::{ModSeq, Snapshot, Uid};
    use std::sync::Arc;

    /// A mailbox of nothing but uids and modseqs.
    #[derive(Debug, Clone, Default)]
    pub(crate) struct Sample {
        pub(crate) messages: Vec<(u32, u64)>,
        pub(crate) gone: Arc<Vec<(u32, u64)>>,
        pub(crate) modseq: u64,
        pub(crate) forgets: bool,
    }

    impl Sample {
        pub(crate) fn of(uids: &[u32]) -> Self {
            Self { messages: uids.iter().map(|uid| (*uid, 1)).collect(), modseq: 1, ..Self::default() }
        }
    }

    impl Snapshot for Sample {
        fn length(&self) -> usize {
            self.messages.len()
        }
        fn highest_modseq(&self) -> ModSeq {
            ModSeq(self.modseq)
        }
        fn uid_at(&self, position: usize) -> Option<Uid> {
            self.messages.get(position).map(|(uid, _)| Uid(*uid))
        }
        fn lower_bound(&self, uid: Uid) -> usize {
            self.messages.partition_point(|(u, _)| *u < uid.0)
        }
        fn uids_changed_since(&self, modseq: ModSeq) -> Vec<Uid> {
            self.messages.iter().filter(|(_, m)| *m > modseq.0).map(|(uid, _)| Uid(*uid)).collect()
        }
        fn uids_gone_since(&self, modseq: ModSeq) -> Option<Vec<Uid>> {
            (!self.forgets).then(|| self.gone.iter().filter(|(_, m)| *m > modseq.0).map(|(uid, _)| Uid(*uid)).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::Sample;
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;
    use std::sync::Arc;

    #[derive(Debug, Clone)]
    enum Event {
        Arrive,
        Expunge(usize),
        Flag(usize),
        Tell(Expunges),
    }

    fn events() -> impl Strategy<Value = Vec<Event>> {
        let event = prop_oneof![
            3 => Just(Event::Arrive),
            2 => any::<usize>().prop_map(Event::Expunge),
            2 => any::<usize>().prop_map(Event::Flag),
            1 => Just(Event::Tell(Expunges::Held)),
            2 => Just(Event::Tell(Expunges::Told)),
        ];
        proptest::collection::vec(event, 0..60)
    }

    /// What a client makes of the updates: a list of uids, and which of them it knows with their latest flags.
    struct Client {
        by: By,
        list: Vec<u32>,
        stale: BTreeSet<u32>,
    }

    impl Client {
        fn hear(&mut self, updates: &[Update], sight: &Sight<Sample>) {
            for update in updates {
                match *update {
                    Update::Vanished(ref uids) => {
                        assert_eq!(self.by, By::Uid);
                        let count = self.list.len();
                        self.list.retain(|uid| !uids.contains(Uid(*uid)));
                        assert_eq!((count - self.list.len()) as u64, uids.len(), "only what the client has vanishes");
                        self.stale.retain(|uid| !uids.contains(Uid(*uid)));
                    }
                    Update::Expunge(number) => {
                        assert_eq!(self.by, By::Number);
                        let uid = self.list.remove(number as usize - 1);
                        self.stale.remove(&uid);
                    }
                    Update::Exists(count) => {
                        assert!(count as usize > self.list.len(), "EXISTS only tells of new messages");
                        for at in self.list.len()..count as usize {
                            self.list.push(sight.shown().uid_at(at).map_or(0, |uid| uid.0));
                        }
                    }
                    Update::Flags(position) => {
                        self.stale.remove(&self.list[position]);
                    }
                }
            }
            let shown: Vec<u32> = (0..sight.shown().length()).filter_map(|at| sight.shown().uid_at(at)).map(|uid| uid.0).collect();
            assert_eq!(self.list, shown, "client and server count alike");
        }
    }

    proptest! {
        #[test]
        fn the_client_ends_with_what_is_there(events in events(), forgets: bool, by_uid: bool) {
            let mut mailbox = Sample { forgets, modseq: 1, ..Sample::default() };
            let mut sight = Sight::new(mailbox.clone());
            let by = By::from(by_uid);
            let mut client = Client { by, list: Vec::new(), stale: BTreeSet::new() };
            let mut next_uid = 1;
            let mut truth: BTreeSet<u32> = BTreeSet::new();
            for event in events.into_iter().chain([Event::Tell(Expunges::Told)]) {
                mailbox.modseq += 1;
                match event {
                    Event::Arrive => {
                        mailbox.messages.push((next_uid, mailbox.modseq));
                        truth.insert(next_uid);
                        next_uid += 1;
                    }
                    Event::Expunge(at) if !mailbox.messages.is_empty() => {
                        let (uid, _) = mailbox.messages.remove(at % mailbox.messages.len());
                        Arc::make_mut(&mut mailbox.gone).push((uid, mailbox.modseq));
                        truth.remove(&uid);
                        client.stale.remove(&uid);
                    }
                    Event::Flag(at) if !mailbox.messages.is_empty() => {
                        let at = at % mailbox.messages.len();
                        mailbox.messages[at].1 = mailbox.modseq;
                        if client.list.contains(&mailbox.messages[at].0) {
                            client.stale.insert(mailbox.messages[at].0);
                        }
                    }
                    Event::Tell(expunges) => {
                        sight.refresh(mailbox.clone());
                        let updates = sight.tell(expunges, &Known::default(), by);
                        if expunges == Expunges::Held {
                            prop_assert!(!updates.iter().any(|update| matches!(update, Update::Expunge(_) | Update::Vanished(_))));
                            prop_assert_eq!(sight.withholds(), sight.told() < sight.current().highest_modseq());
                        }
                        client.hear(&updates, &sight);
                        prop_assert!(client.stale.is_empty(), "every change of flags was told");
                        prop_assert!(sight.tell(Expunges::Held, &Known::default(), by).is_empty(), "nothing is told twice");
                    }
                    Event::Expunge(_) | Event::Flag(_) => mailbox.modseq -= 1,
                }
            }
            prop_assert_eq!(client.list, truth.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_the_command_tells_itself_is_not_repeated() {
        let mut mailbox = Sample::of(&[1, 2]);
        let mut sight = Sight::new(mailbox.clone());
        mailbox.messages = vec![(1, 2), (2, 2)];
        mailbox.modseq = 2;
        sight.refresh(mailbox);
        let known = |at| Known { uids: UidSet::from_uids([Uid(1)]), at: ModSeq(at) };
        assert_eq!(sight.tell(Expunges::Held, &known(2), By::Number), [Update::Flags(1)]);
    }

    /// Somebody else changed the message between the answer and the look that followed it: the client never heard of that.
    #[test]
    fn what_changed_after_the_command_told_it_is_told() {
        let mut mailbox = Sample::of(&[1, 2]);
        let mut sight = Sight::new(mailbox.clone());
        mailbox.messages = vec![(1, 3), (2, 2)];
        mailbox.modseq = 3;
        sight.refresh(mailbox);
        let known = Known { uids: UidSet::from_uids([Uid(1), Uid(2)]), at: ModSeq(2) };
        assert_eq!(sight.tell(Expunges::Held, &known, By::Number), [Update::Flags(0)]);
    }

    #[test]
    fn a_client_that_comes_back_misses_no_expunge() {
        let mut mailbox = Sample::of(&[1, 2, 3]);
        let mut sight = Sight::new(mailbox.clone());
        mailbox.messages = vec![(1, 3), (3, 1)];
        mailbox.gone = Arc::new(vec![(2, 2)]);
        mailbox.modseq = 3;
        sight.refresh(mailbox.clone());
        assert_eq!(sight.tell(Expunges::Held, &Known::default(), By::Uid), [Update::Flags(0)]);
        assert!(sight.withholds());
        assert_eq!(sight.told(), ModSeq(1));
        assert_eq!(sight.tell(Expunges::Told, &Known::default(), By::Uid), [Update::Vanished(UidSet::from_uids([Uid(2)]))]);
        assert_eq!(sight.told(), ModSeq(3));
        // CLOSE removes 3 as somebody changes 1, or does not.
        mailbox.messages = vec![(1, 3)];
        mailbox.gone = Arc::new(vec![(2, 2), (3, 4)]);
        mailbox.modseq = 4;
        sight.refresh(mailbox.clone());
        assert_eq!(sight.told_but_for(&UidSet::from_uids([Uid(3)])), ModSeq(4));
        mailbox.messages = vec![(1, 5)];
        mailbox.modseq = 5;
        sight.refresh(mailbox);
        assert_eq!(sight.told_but_for(&UidSet::from_uids([Uid(3)])), ModSeq(3));
    }

    #[test]
    fn recent_messages_are_counted() {
        let mut recent = Recent::default();
        recent.add(Uid(3), Uid(2));
        recent.add(Uid(3), Uid(4));
        recent.add(Uid(5), Uid(5));
        recent.add(Uid(9), Uid(9));
        assert_eq!(recent.0.len(), 2);
        assert_eq!(recent.count(&Sample::of(&[1, 3, 5, 8, 9])), 3);
        assert!(recent.contains(Uid(4)) && !recent.contains(Uid(8)));
    }
}
