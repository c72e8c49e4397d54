//! Recipients' filters at the end of a message: run over its octets, and made into what the gate is to do.
//!
//! Called by `data`, which asks the gate whether anybody has a filter; only then is anything of this done. What always holds: a
//! script that fails keeps the message; what a script wants is decided by the gate, not here; a run is on a thread that may block, and
//! what it may look at is limited.
//!
//! | file | what |
//! |---|---|
//! | `forward` | the copy that goes on, and loops |
//! | `chain` | filters of those of ours to whom a filter sends on |
//! | `answer` | automatic answers |
//! | `refused` | what a sender is told whose message is not taken |

mod answer;
mod chain;
mod forward;
mod refused;

use crate::proof::Proofs;
use crate::session::{Kind, Session};
use crate::transaction::Open;
use crate::wire::{Reply, ReversePath};
use chain::Chain;
use octroi_gate::{Content, Filter, Gate, Judged, Refusal, Told};
use octroi_mailauth::Sealable;
use octroi_model::{Address, UnixTime};
use octroi_sieve::{Action, Facts, Limits, Mailboxes, Refusing, Verdict, compile, may_answer};
use std::cell::Cell;
use std::sync::{Arc, Mutex, PoisonError};
use tracing::debug;

/// Messages up to this size are copied, so that filters run on a thread of their own; larger ones are on such a thread already.
const COPIED_BYTES_MAX: usize = 256 * 1024;

/// Addresses of one message of which it is asked whether they are the owner's.
const ASKED_MAX: usize = 100;

/// Filters with what they are to be run over.
pub(crate) struct Bench {
    /// Each with whether it can refuse in the reply: there is one for its owner alone.
    filters: Vec<(Filter, bool)>,
    about: Arc<About>,
}

/// What all of them are told.
pub(crate) struct About {
    gate: Gate,
    from: Option<Address>,
    limits: Limits,
    proofs: Proofs,
    sealable: Option<Sealable>,
}

/// What came of one filter.
pub(crate) struct Outcome {
    pub(crate) judged: Judged,
    /// The reply that this recipient's message gets.
    pub(crate) refusal: Option<Reply>,
}

/// What came of one filter, before those are run to whose owners it sends on.
struct Ran {
    judged: Judged,
    refusal: Option<Reply>,
    passing: Vec<Passing>,
}

/// A copy that goes to others of ours who have filters.
struct Passing {
    /// Its number in what is told.
    at: usize,
    to: Address,
    octets: Vec<u8>,
}

/// Where the octets or the outcomes go from within the store's own step.
#[derive(Clone, Default)]
pub(crate) struct Slot(Arc<Mutex<Option<Filled>>>);

enum Filled {
    Copied(Box<Bench>, Vec<u8>, u64),
    Done(Arc<About>, Vec<Ran>),
}

impl Bench {
    /// `None`: nobody who gets this message has a filter. `sealable`: what a seal on it says, if it has none yet.
    pub(crate) fn open(session: &Session, open: &Open, sealable: Option<Sealable>, filters: Vec<Filter>) -> Option<Self> {
        if filters.is_empty() {
            return None;
        }
        let from = match &open.from {
            ReversePath::Null => None,
            ReversePath::Mailbox(address) => Some(address.clone()),
        };
        let (gate, limits, proofs) = (session.gate.clone(), session.config.filters, session.config.proofs.clone());
        let about = Arc::new(About { gate, from, limits, proofs, sealable });
        let each = session.kind == Kind::Lmtp;
        let with_reply = |filter: Filter| {
            let replies = open.route.is_for_one() || (each && !open.route.recipients_of(&filter).is_empty());
            (filter, replies)
        };
        let filters = filters.into_iter().map(with_reply).collect();
        Some(Self { filters, about })
    }

    fn run(self, octets: &[u8], bytes: u64) -> (Arc<About>, Vec<Ran>) {
        let Self { filters, about } = self;
        let ran = filters.into_iter().map(|(filter, replies)| about.judge(filter, replies, octets, bytes)).collect();
        (about, ran)
    }
}

impl Slot {
    /// Here are the octets; `bytes` is how many there are in all.
    pub(crate) fn fill(&self, bench: Bench, octets: &[u8], bytes: u64) {
        let filled = if octets.len() <= COPIED_BYTES_MAX {
            Filled::Copied(Box::new(bench), octets.to_vec(), bytes)
        } else {
            let (about, ran) = bench.run(octets, bytes);
            Filled::Done(about, ran)
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(filled);
    }

    /// What came of all of them, and of those to whom they send on; nothing when there were none.
    pub(crate) async fn outcomes(self) -> Result<Vec<Outcome>, Refusal> {
        let filled = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (about, all) = match filled {
            None => return Ok(Vec::new()),
            Some(Filled::Done(about, ran)) => (about, ran),
            Some(Filled::Copied(bench, octets, bytes)) => {
                tokio::task::spawn_blocking(move || bench.run(&octets, bytes)).await.map_err(|_| Refusal::Unavailable)?
            }
        };
        let mut chain = Chain::new(about);
        let mut outcomes = Vec::with_capacity(all.len());
        for ran in all {
            let (judged, refusal) = chain.through(ran).await?;
            outcomes.push(Outcome { judged, refusal });
        }
        Ok(outcomes)
    }
}

/// The owner's mailboxes, asked for when a script asks.
struct Own<'f>(&'f Filter);

impl Mailboxes for Own<'_> {
    fn exists(&self, mailbox: &str) -> bool {
        self.0.mailbox_exists(mailbox)
    }
}

impl About {
    fn judge(&self, filter: Filter, replies: bool, octets: &[u8], bytes: u64) -> Ran {
        let mut passing = Vec::new();
        let verdict = {
            let own = Own(&filter);
            let facts = Facts { octets, bytes, from: self.from.as_ref(), to: filter.to(), now: UnixTime::now().0, mailboxes: &own };
            self.verdict(&filter, &facts).and_then(|verdict| self.told(&filter, replies, &facts, verdict, &mut passing))
        };
        match verdict {
            Ok((told, refusal)) => Ran { judged: Judged { filter, told, failure: None }, refusal, passing },
            Err(failure) => {
                debug!(owner = %filter.owner(), script = filter.name(), failure, "a filter failed");
                Ran { judged: Judged { filter, told: Vec::new(), failure: Some(failure) }, refusal: None, passing: Vec::new() }
            }
        }
    }

    fn verdict(&self, filter: &Filter, facts: &Facts<'_>) -> Result<Verdict, String> {
        let text = std::str::from_utf8(filter.script()).map_err(|_| "the script is not UTF-8".to_owned())?;
        let script = compile(text, &self.limits).map_err(|fault| fault.to_string())?;
        script.run(facts).map_err(|fault| fault.to_string())
    }

    /// What the gate is to do. `passing` gets the copies that go through other filters of ours first.
    fn told(
        &self,
        filter: &Filter,
        replies: bool,
        facts: &Facts<'_>,
        verdict: Verdict,
        passing: &mut Vec<Passing>,
    ) -> Result<(Vec<Told>, Option<Reply>), String> {
        let mut told = Vec::new();
        let asked = Cell::new(0);
        let is_owner = |address: &Address| {
            asked.set(asked.get() + 1);
            asked.get() <= ASKED_MAX && filter.is_owner(address)
        };
        for action in verdict.actions {
            match action {
                Action::File(filing) => {
                    told.push(Told::File { mailbox: filing.mailbox, create: filing.create, flags: filing.flags });
                }
                Action::Redirect(to) => {
                    let (forward, octets) = forward::forward(self, filter, facts, &to)?;
                    passing.extend(octets.map(|octets| Passing { at: told.len(), to, octets }));
                    told.push(forward);
                }
                Action::Refuse(refusing) => {
                    let reply = if replies { reply_of(&refusing) } else { None };
                    if reply.is_none() {
                        told.extend(refused::report(self, filter, facts, &refusing));
                    }
                    return Ok((told, reply));
                }
                Action::Answer(reply) => match may_answer(facts, is_owner, &reply) {
                    Ok(to) => told.push(answer::answer(self, filter, facts, to, &reply)),
                    Err(why) => debug!(owner = %filter.owner(), %why, "no automatic answer"),
                },
            }
        }
        Ok((told, None))
    }

    /// A message of the server itself.
    fn own(&self, octets: Vec<u8>) -> Content {
        content(&self.proofs.sign(octets))
    }

    fn is_local(&self, address: &Address) -> bool {
        self.gate.is_local_domain(address.domain())
    }

    fn hostname(&self) -> &str {
        &self.gate.organisation().hostname
    }
}

/// RFC 5429 section 2.1.2: in the reply where there is one for this recipient, and where it can say what the owner says.
fn reply_of(refusing: &Refusing) -> Option<Reply> {
    // Replies of ours are ASCII; a notice keeps the words, and a bounce need not (RFC 5429 sections 2.1 and 2.2).
    match (refusing.reason.is_ascii(), refusing.bounce) {
        (true, _) => Some(refused::reply(&refusing.reason)),
        (false, true) => Some(refused::reply("The recipient does not take this message")),
        (false, false) => None,
    }
}

fn content(octets: &[u8]) -> Content {
    let (facts, header_bytes) = octroi_mime::describe(octets);
    Content::message(&facts, octets, header_bytes)
}
