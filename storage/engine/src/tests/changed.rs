//! What changed since a modseq is found without a look at every item, and is what a look at every item finds.

use super::world::{collection, item, name};
use crate::view::{CHUNK_ITEMS_MIN, View, ViewBuilder};
use octroi_model::{CollectionKind, FlagEdit, Flags, Head, Item, ModSeq, Uid, UidSet};
use proptest::prelude::*;
use std::sync::Arc;

#[derive(Debug, Clone)]
enum Step {
    Put,
    /// A damaged journal brings a uid that is there already.
    PutAgain(u32),
    Flag(u32, u32),
    Expunge(u32, u32),
}

const MOST: u32 = CHUNK_ITEMS_MIN as u32 * 5;

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let range = || (0..MOST, 0..CHUNK_ITEMS_MIN as u32 * 2);
    let step = prop_oneof![
        4 => Just(Step::Put),
        1 => (1..MOST).prop_map(Step::PutAgain),
        3 => range().prop_map(|(low, more)| Step::Flag(low, low + more)),
        2 => range().prop_map(|(low, more)| Step::Expunge(low, low + more)),
    ];
    prop::collection::vec(step, 1..30)
}

fn thing(uid: u32, modseq: u64) -> Item {
    Item { uid: Uid(uid), modseq: ModSeq(modseq), ..item(Flags::NONE, Some(&format!("n{uid}"))) }
}

/// A view as the index gives it: a block of 64 after the other, modseqs in no order.
fn loaded(items: u32) -> View {
    let mut folder = collection(1, None, "folder", CollectionKind::Folder);
    folder.head = Head { items, modseq: ModSeq(u64::from(items)), ..Head::default() };
    let mut builder = ViewBuilder::new(&folder);
    let all: Vec<Item> = (1..=items).map(|uid| thing(uid, u64::from(uid * 7 % items + 1))).collect();
    all.chunks(64).for_each(|block| builder.extend(block.to_vec()));
    builder.finish(Vec::new(), ModSeq(0))
}

fn act(view: &mut View, step: &Step, next: &mut u32) {
    let modseq = ModSeq(view.head().modseq.0 + 1);
    let head = |items: usize| Head { items: items as u32, modseq, ..Head::default() };
    let set = |low: u32, high: u32| UidSet::from_ranges([(Uid(low.max(1)), Uid(high.max(1)))]);
    match step {
        Step::Put => {
            view.put(&thing(*next, modseq.0), head(view.len() + 1));
            *next += 1;
        }
        Step::PutAgain(uid) => {
            let more = usize::from(view.by_uid(Uid(*uid)).is_none());
            if *uid < *next {
                view.put(&thing(*uid, modseq.0), head(view.len() + more));
            }
        }
        Step::Flag(low, high) => view.flag(&set(*low, *high), FlagEdit::add(Flags::SEEN), modseq, head(view.len())),
        Step::Expunge(low, high) => {
            let gone = set(*low, *high);
            let goes = view.items().filter(|item| gone.contains(item.uid)).count();
            view.expunge(&gone, modseq, head(view.len() - goes));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn is_what_a_look_at_every_item_finds(items in 1..MOST, steps in steps()) {
        let (mut view, mut next) = (loaded(items), items + 1);
        for step in &steps {
            act(&mut view, step, &mut next);
            prop_assert_eq!(view.items().count(), view.len());
            let now = view.head().modseq.0;
            for since in [0, u64::from(items) / 2, u64::from(items) - 1, now.saturating_sub(3), now - 1, now] {
                let found: Vec<u32> = view.changed_since(ModSeq(since)).map(|item| item.uid.0).collect();
                let sought: Vec<u32> = view.items().filter(|item| item.modseq.0 > since).map(|item| item.uid.0).collect();
                prop_assert_eq!(found, sought, "since {}", since);
            }
        }
    }
}

#[test]
fn passes_over_what_did_not_change() {
    let mut view = loaded(MOST);
    let since = view.head().modseq;
    let head = Head { items: MOST, modseq: ModSeq(since.0 + 1), ..Head::default() };
    view.flag(&UidSet::from_uids([Uid(40)]), FlagEdit::add(Flags::SEEN), head.modseq, head);
    assert_eq!(view.changed_chunks(since).count(), 1);
    assert_eq!(view.changed_since(since).map(|item| item.name.clone()).collect::<Vec<_>>(), [Some(name("n40"))]);
}

/// Somebody holds the view as it was: what is in memory twice after one flag is one small chunk.
#[test]
fn a_change_copies_little_of_a_small_mailbox() {
    let mut view = loaded(1_000);
    let (held, head) = (view.clone(), view.head());
    view.flag(&UidSet::from_uids([Uid(500)]), FlagEdit::add(Flags::SEEN), ModSeq(head.modseq.0 + 1), head);
    let copied = view.chunks.iter().zip(&held.chunks).filter(|(one, other)| !Arc::ptr_eq(one, other));
    assert_eq!(copied.map(|(chunk, _)| chunk.len()).collect::<Vec<_>>(), [CHUNK_ITEMS_MIN]);
}
