//! FETCH and UID FETCH. RFC 9051 section 6.4.5, with RFC 3501's items.
//!
//! Messages are read in groups of a mebibyte or so and written as they come; the connection takes no more than the client reads. A large
//! message is not held: its octets go from the store to the client in pieces, unless its structure is asked for.

mod message;
mod plan;
mod section;

use crate::message_limit::{MessageLimit, Partial};
use crate::reply::{Done, End, Fault, Reply};
use crate::resync;
use crate::state::{By, Mode, Selected};
use crate::view::{Expunges, Snapshot};
use crate::wire::Wire;
use crate::wire::fetch::{Writer, write_clean};
use crate::wire::grammar::messages::{Item as Asked, Modifiers};
use crate::wire::grammar::scan::Set;
use crate::wire::numbers::{Positions, each, of_page, uids_at};
use message::Contents;
use octroi_gate::{FlagMode, Part, Refusal, Store};
use octroi_model::{Flags, Item, UidSet};
use plan::{Octets, Plan, Wanted};
pub(crate) use section::{Run, section};
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Semaphore;

/// Messages that are read at once: handing over to another thread and back costs as much as reading some ten of them.
const GROUP_MESSAGES: usize = 1024;
/// Octets after which no further message is read with the others, and the size above which a message is large.
const GROUP_BYTES: u64 = 1024 * 1024;
/// Octets of a large message that are read at once.
const PIECE_BYTES: u64 = 256 * 1024;
/// Large messages that may be whole in memory at the same time, over all connections: their structure was asked for.
static WHOLE_LARGE: Semaphore = Semaphore::const_new(4);

/// FETCH, UID FETCH.
pub(crate) async fn fetch(wire: &mut Wire, selected: &mut Selected, set: &Set, items: &[Asked], modifiers: Modifiers, by: By) -> Done {
    let limit = wire.message_limit();
    if let Some(page) = modifiers.page {
        // RFC 9738 section 3.1.
        limit.admit_count(page.span())?;
    }
    let partial = &mut None;
    let done = fetch_within(wire, selected, set, (items, modifiers, by), (limit, partial)).await;
    Partial::told(*partial, wire, done).await
}

/// Tell of messages what a client has asked to be told unasked, whatever a command may be about. NOTIFY's, and searches'.
pub(crate) async fn fetch_unasked(wire: &mut Wire, selected: &mut Selected, set: &Set, items: &[Asked]) -> Done {
    fetch_within(wire, selected, set, (items, Modifiers::default(), By::Uid), (MessageLimit::NONE, &mut None)).await
}

async fn fetch_within(
    wire: &mut Wire,
    selected: &mut Selected,
    set: &Set,
    (items, modifiers, by): (&[Asked], Modifiers, By),
    (limit, partial): (MessageLimit, &mut Option<Partial>),
) -> Done {
    let enabled = wire.enabled;
    if modifiers.vanished && !(by == By::Uid && enabled.qresync && modifiers.changed.is_some()) {
        // RFC 7162 section 3.2.6.
        return Err(Reply::bad("VANISHED goes with UID FETCH and CHANGEDSINCE, once QRESYNC is enabled").into());
    }
    // RFC 9586 section 3.3: UIDFETCH says the uid already.
    let mut plan = Plan::new(items, if enabled.uid_only { By::Number } else { by });
    plan.tells_modseq = modifiers.tells_modseq || modifiers.changed.is_some();
    if plan.tells_modseq {
        selected.enable_condstore(wire).await?;
    }
    // What has arrived is told first, so that it can be fetched.
    selected.announce(wire, Expunges::Held).await?;
    let mut positions = selected.positions(set, by)?;
    if let Some(modseq) = modifiers.changed {
        if modifiers.vanished {
            resync::tell_vanished(wire, selected.sight.shown(), modseq, &resync::listed(set, selected.sight.shown())).await?;
        }
        positions = resync::changed_since(selected, &positions, modseq);
    }
    // RFC 9394 section 3.3.
    if let Some(page) = modifiers.page {
        positions = of_page(&positions, page);
    }
    *partial = limit.cut(&mut positions, selected.sight.shown());
    let newly_seen = if plan.sets_seen { mark_seen(selected, &positions).await? } else { UidSet::default() };
    selected.announce_keywords(wire).await?;
    let answer = Answer { selected, plan: &plan, newly_seen: &newly_seen, lost: Lost::default() };
    answer.send(wire, each(&positions, partial.is_some())).await?;
    let Lost { gone, damaged, undecoded } = answer.lost;
    // Flags that were just told need not be told again.
    selected.know(if plan.tells_flags { uids_at(&positions, selected.sight.shown()) } else { newly_seen });
    // RFC 3516 section 4.3.
    if undecoded.into_inner() {
        return Err(Reply::no("UNKNOWN-CTE", "Some parts are in an encoding that is not known here").into());
    }
    // RFC 5530 section 3, for both.
    if damaged.into_inner() {
        return Err(Reply::no("CONTACTADMIN", "Some messages are damaged in the store and were left out").into());
    }
    if gone.into_inner() {
        return Err(Reply::no("EXPUNGEISSUED", "Some messages have been expunged").into());
    }
    Ok(Reply::ok("Done"))
}

/// Set `\Seen` where it is not set, if this session may; nobody is told if it may not.
// RFC 4314 section 4: FETCH without the right `s` succeeds and sets nothing.
async fn mark_seen(selected: &mut Selected, positions: &Positions) -> Result<UidSet, Fault> {
    if selected.mode == Mode::Examine || !selected.permitted().contains(Flags::SEEN) {
        return Ok(UidSet::default());
    }
    let unseen = positions.iter().cloned().flatten().filter_map(|position| selected.sight.item(position));
    let uids = UidSet::from_uids(unseen.filter(|item| !item.flags.contains(Flags::SEEN)).map(|item| item.uid));
    if uids.is_empty() {
        return Ok(uids);
    }
    let stored = match selected.session.open(&selected.mailbox, Store).await {
        Ok(mailbox) => mailbox.store(&uids, FlagMode::Add, Flags::SEEN, &[]).await,
        Err(refusal) => Err(refusal),
    };
    match stored {
        Ok(()) => {
            selected.refresh().await?;
            Ok(uids)
        }
        Err(Refusal::Ended) => Err(Refusal::Ended.into()),
        // The message can be read all the same.
        Err(_) => Ok(UidSet::default()),
    }
}

/// The response under way.
struct Answer<'a> {
    selected: &'a Selected,
    plan: &'a Plan,
    newly_seen: &'a UidSet,
    lost: Lost,
}

/// What had to be left out.
#[derive(Default)]
struct Lost {
    /// Messages were expunged so long ago that their octets are gone too.
    gone: AtomicBool,
    /// What is stored of some messages does not check.
    damaged: AtomicBool,
    /// Parts are in an encoding that nobody knows.
    undecoded: AtomicBool,
}

impl Lost {
    /// Note why a message is left out, if that is no reason to give up.
    fn note(&self, refusal: Refusal) -> Result<(), Fault> {
        match refusal {
            Refusal::Missing => self.gone.store(true, Ordering::Relaxed),
            Refusal::Damaged => self.damaged.store(true, Ordering::Relaxed),
            other => return Err(other.into()),
        }
        Ok(())
    }
}

impl Answer<'_> {
    /// While one group is made and on its way to the client, the next one is read.
    async fn send(&self, wire: &mut Wire, mut rest: impl Iterator<Item = usize>) -> Result<(), Fault> {
        let (mut group, mut large) = self.next_group(&mut rest);
        let mut read = self.read(&group).await?;
        let mut out = Vec::new();
        while !group.is_empty() || large.is_some() {
            let (next_group, next_large) = self.next_group(&mut rest);
            // Reading is begun first: it goes on in another thread while this one writes and encrypts.
            let (next_read, sent) = tokio::join!(biased; self.read(&next_group), async {
                self.write(&mut out, read);
                wire.raw(&out).await?;
                out.clear();
                match large {
                    Some(position) => self.send_large(wire, position).await,
                    None => Ok(()),
                }
            });
            sent?;
            (group, large, read) = (next_group, next_large, next_read?);
        }
        Ok(())
    }

    fn write(&self, out: &mut Vec<u8>, read: Vec<(usize, Contents)>) {
        for (position, contents) in read {
            if message::write(out, self.selected, position, self.plan, &contents, self.is_newly_seen(position)).is_err() {
                self.lost.undecoded.store(true, Ordering::Relaxed);
            }
        }
    }

    /// The messages that are read together next, and a large one behind them.
    fn next_group(&self, rest: &mut impl Iterator<Item = usize>) -> (Vec<usize>, Option<usize>) {
        let mut group = Vec::new();
        let mut group_bytes = 0;
        while group.len() < GROUP_MESSAGES && group_bytes < GROUP_BYTES {
            let Some(position) = rest.next() else { break };
            let Some(item) = self.selected.sight.item(position) else { continue };
            let cost = self.plan.cost(item);
            if cost > GROUP_BYTES {
                return (group, Some(position));
            }
            group.push(position);
            group_bytes += cost;
        }
        (group, None)
    }

    fn is_newly_seen(&self, position: usize) -> bool {
        self.selected.sight.shown().uid_at(position).is_some_and(|uid| self.newly_seen.contains(uid))
    }

    /// Read what the plan needs of these messages. Those whose octets are gone are left out.
    async fn read(&self, group: &[usize]) -> Result<Vec<(usize, Contents)>, Fault> {
        match self.read_all(group).await {
            Err(Refusal::Missing | Refusal::Damaged) => {}
            done => return Ok(done?),
        }
        let mut contents = Vec::with_capacity(group.len());
        for position in group {
            match self.read_all(&[*position]).await {
                Ok(one) => contents.extend(one),
                Err(refusal) => self.lost.note(refusal)?,
            }
        }
        Ok(contents)
    }

    async fn read_all(&self, group: &[usize]) -> Result<Vec<(usize, Contents)>, Refusal> {
        let mut wanted = Vec::new();
        for position in group {
            let Some(item) = self.selected.sight.item(*position) else { continue };
            let needs = self.plan.needs(item);
            let parts =
                [(needs.facts, Part::Facts), (needs.header, Part::Header), (needs.beginning, beginning(item)), (needs.whole, Part::Whole)];
            wanted.extend(parts.into_iter().filter(|(needed, _)| *needed).map(|(_, part)| (*position, part)));
        }
        let read = if wanted.is_empty() { Vec::new() } else { self.selected.sight.shown().read(&wanted).await? };
        let mut read = wanted.into_iter().zip(read).peekable();
        let mut contents = Vec::with_capacity(group.len());
        for position in group {
            let mut of = Contents::default();
            while let Some(((_, part), octets)) = read.next_if(|((at, _), _)| at == position) {
                match part {
                    Part::Facts => of.facts = Some(octets),
                    Part::Header => of.header = Some(octets),
                    Part::Range { .. } => of.beginning = Some(octets),
                    Part::Whole => of.whole = Some(octets),
                }
            }
            if of.whole.is_none() && of.needs_facts() {
                of.whole = self.selected.sight.shown().read(&[(*position, Part::Whole)]).await?.pop();
            }
            contents.push((*position, of));
        }
        Ok(contents)
    }

    async fn send_large(&self, wire: &mut Wire, position: usize) -> Result<(), Fault> {
        let Some(item) = self.selected.sight.item(position) else { return Ok(()) };
        if self.plan.streams() {
            return self.stream(wire, position, item).await;
        }
        let _permit = WHOLE_LARGE.acquire().await.map_err(|_| Refusal::Unavailable)?;
        let mut out = Vec::new();
        self.write(&mut out, self.read(&[position]).await?);
        Ok(wire.raw(&out).await?)
    }

    /// Send a large message piece by piece. An error in the middle of a literal can only end the connection.
    async fn stream(&self, wire: &mut Wire, position: usize, item: &Item) -> Result<(), Fault> {
        let Some(contents) = self.read_small(position, item).await? else { return Ok(()) };
        let source = message::Source::new(item, &contents);
        let mut out = Vec::new();
        let mut writer = self.selected.begin_response(&mut out, position, item.uid);
        for wanted in &self.plan.items {
            match wanted {
                Wanted::Octets(octets) => match message::run_of(item, octets) {
                    Some((from, count)) => {
                        writer.literal(&octets.label, octets.partial.map(|(origin, _)| origin), count);
                        wire.raw(&out).await?;
                        out.clear();
                        self.pass(wire, position, from, count).await.map_err(|_| End::Gone)?;
                        writer = Writer::resume(&mut out);
                    }
                    None => write_fields(&mut writer, octets, &source),
                },
                other => message::write_value(&mut writer, self.selected, item, other, &source),
            }
        }
        message::finish(writer, self.selected, item, self.plan, self.is_newly_seen(position));
        Ok(wire.raw(&out).await?)
    }

    /// Facts, header and perhaps the beginning of a message that is to be streamed; nothing when it is gone.
    async fn read_small(&self, position: usize, item: &Item) -> Result<Option<Contents>, Fault> {
        let mut wanted = vec![(position, Part::Facts), (position, Part::Header)];
        wanted.extend(self.plan.previews().then(|| (position, beginning(item))));
        match self.selected.sight.shown().read(&wanted).await {
            Ok(read) => {
                let mut read = read.into_iter();
                Ok(Some(Contents { facts: read.next(), header: read.next(), beginning: read.next(), whole: None }))
            }
            Err(refusal) => self.lost.note(refusal).map(|()| None),
        }
    }

    async fn pass(&self, wire: &mut Wire, position: usize, from: u64, count: u64) -> Result<(), Fault> {
        let mut out = Vec::new();
        let end = from + count;
        let mut offset = from;
        while offset < end {
            let bytes = (end - offset).min(PIECE_BYTES);
            let read = self.selected.sight.shown().read(&[(position, Part::Range { offset, bytes })]).await?;
            let piece = read.first().filter(|piece| piece.len() as u64 == bytes).ok_or(Refusal::Unavailable)?;
            out.clear();
            write_clean(&mut out, piece);
            wire.raw(&out).await?;
            offset += bytes;
        }
        Ok(())
    }
}

/// What a preview is made of.
fn beginning(item: &Item) -> Part {
    Part::Range { offset: 0, bytes: item.bytes().min(octroi_mime::PREVIEW_BYTES_MAX as u64) }
}

fn write_fields(writer: &mut Writer<'_>, octets: &Octets, source: &message::Source<'_>) {
    let section = source.octets(&octets.what);
    let cut = section.as_deref().map(|section| message::cut(section, octets.partial));
    writer.octets(&octets.label, octets.partial.map(|(origin, _)| origin), cut);
}
