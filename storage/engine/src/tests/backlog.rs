//! The backlog between the journal and the index: a load under way finds all in it that the index had not got when it began.

use super::world::{collection, create, expunge, item, uids};
use crate::change::Change;
use crate::journal::Position;
use crate::state::{Applied, Entry, State};
use crate::view::{View, ViewBuilder};
use octroi_model::{CollectionId, CollectionKind, Flags, Head, ModSeq, Uid};

const BOX: CollectionId = CollectionId(1);

fn at(offset: u64) -> Position {
    Position { segment: 1, offset }
}

fn commit(state: &mut State, end: u64, change: Change) {
    let mut applied = Applied::default();
    state.apply(&change, &mut applied);
    state.remember(Entry { end: at(end), changes: [change].into(), sides: applied.sides.into(), bytes: 10 });
}

fn put(uid: u32) -> Change {
    let mut item = item(Flags::NONE, None);
    (item.uid, item.modseq) = (Uid(uid), ModSeq(u64::from(uid) + 1));
    let head = Head { uid_next: Uid(uid + 1), modseq: item.modseq, items: uid, ..Head::default() };
    Change::Put { collection: BOX, item, head }
}

/// A view as the index would give it at the beginning, when it had only the collection.
fn empty(state: &State) -> View {
    ViewBuilder::new(&state.collections[&BOX]).finish(Vec::new(), ModSeq(0))
}

fn uids_of(view: &View) -> Vec<u32> {
    view.items().map(|item| item.uid.0).collect()
}

#[test]
fn a_load_keeps_what_it_may_need() {
    let mut state = State::default();
    commit(&mut state, 10, create(collection(1, None, "INBOX", CollectionKind::Mailbox)));
    state.forget(1);
    let view = empty(&state);
    let load = state.begin_load();
    for uid in 1..=3 {
        commit(&mut state, 10 * (u64::from(uid) + 1), put(uid));
    }
    // The index overtakes the load.
    state.forget(2);
    assert_eq!((state.projected, state.backlog_changes, state.unwritten().count()), (at(30), 1, 1));
    let adopted = state.adopt(view, at(10), 100).map(|loaded| uids_of(&loaded.view));
    assert_eq!(adopted, Some(vec![1, 2, 3]));
    state.end_load(load);
    assert_eq!(state.end(), at(40));
    state.views.clear();
    // Now it is gone, and who comes with so old a view is told.
    let old = empty(&state);
    assert!(state.adopt(old, at(10), 100).is_none());
}

#[test]
fn what_the_index_had_is_not_applied_again() {
    let mut state = State::default();
    commit(&mut state, 10, create(collection(1, None, "Files", CollectionKind::Folder)));
    let load = state.begin_load();
    commit(&mut state, 20, create(collection(2, Some(1), "a", CollectionKind::Folder)));
    let parent_head = Some(Head { uid_next: Uid(1), modseq: ModSeq(3), ..Head::default() });
    commit(&mut state, 30, Change::RemoveCollection { collection: CollectionId(2), parent_head });
    commit(&mut state, 40, expunge(1, uids(&[])));
    state.forget(3);
    // As the index has it at 30: with the tombstone of the child.
    let tombstone = octroi_model::Tombstone { uid: Uid(0), modseq: ModSeq(3), name: Some(super::world::name("a")) };
    let view = ViewBuilder::new(&state.collections[&BOX]).finish(vec![tombstone], ModSeq(0));
    let loaded = state.adopt(view, at(30), 100).unwrap();
    assert_eq!(loaded.view.vanished_since(ModSeq(0)).unwrap().len(), 1);
    state.end_load(load);
}
