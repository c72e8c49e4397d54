//! SEARCH and UID SEARCH. RFC 9051 section 6.4.4; without RETURN, and before IMAP4rev2 is enabled, answered as RFC 3501 section 7.2.5 says.

mod answer;
mod context;
mod matching;

pub(crate) use answer::{Answer, number};
pub(crate) use context::{Contexts, follow, refuse as refuse_update};
pub(crate) use matching::{Ground, matching};

use crate::message_limit::Partial;
use crate::progress::Progress;
use crate::reply::{Done, End, Fault, Reply};
use crate::state::Selected;
use crate::view::{Expunges, Snapshot};
use crate::wire::Wire;
use crate::wire::grammar::returns::Returns;
use crate::wire::grammar::search::Program;
use imap_codec::imap_types::response::StatusKind;
use octroi_model::UidSet;

/// Ranges of uids that `$` may stand for, in each session; at eight octets each.
const SAVED_RANGES_MAX: usize = 64 * 1024;

/// SEARCH, UID SEARCH.
pub(crate) async fn search(wire: &mut Wire, selected: &mut Selected, program: &Program, mut answer: Answer<'_>) -> Done {
    // RFC 9051 section 6.4.4.
    if answer.returns.is_none() && wire.enabled.rev2 {
        answer.returns = Some(Returns::all());
    }
    let done = find(wire, selected, program, &answer).await;
    forget_if_refused(selected, &answer, &done);
    done
}

/// What comes before a search. SEARCH, SORT and THREAD.
pub(crate) async fn prepare(wire: &mut Wire, selected: &mut Selected, program: &Program) -> Result<(), End> {
    // RFC 7162 section 3.1: who asks for modseqs is told them from here on, first that of the mailbox.
    if program.names_modseq() {
        selected.enable_condstore(wire).await?;
    }
    // What has arrived is told first, so that it can be found.
    selected.announce(wire, Expunges::Held).await
}

/// A search whose answer is of no use unless it looked at all that it should look at. SORT and THREAD.
// RFC 9738 section 3.3.
pub(crate) fn admit_search(wire: &Wire, selected: &Selected, program: &Program) -> Result<(), Fault> {
    match wire.message_limit().narrow(program, selected.sight.shown(), &selected.saved).1 {
        Some(partial) => Err(partial.of_several().refusal("Too many messages; UIDAFTER and UIDBEFORE say of which")),
        None => Ok(()),
    }
}

async fn find(wire: &mut Wire, selected: &mut Selected, program: &Program, answer: &Answer<'_>) -> Done {
    prepare(wire, selected, program).await?;
    selected.admit_update(answer)?;
    let (program, partial) = wire.message_limit().narrow(program, selected.sight.shown(), &selected.saved);
    let found = matching(selected.ground(), &program, &mut Progress::new(wire, answer.tag)).await?;
    save(selected, answer, &found)?;
    let mut out = Vec::new();
    answer.write(&mut out, "SEARCH", &selected.sight, &found);
    selected.keep_updated(&mut out, (&program, None), answer, "", &found);
    wire.raw(&out).await?;
    Partial::told(partial, wire, Ok(Reply::ok("Done"))).await
}

/// What was found becomes `$`, if the client wants that. SEARCH and SORT.
// RFC 5182 section 2.1.
pub(crate) fn save(selected: &mut Selected, answer: &Answer<'_>, found: &[usize]) -> Result<(), Fault> {
    let Some(returns) = answer.returns.as_ref().filter(|returns| returns.save) else { return Ok(()) };
    let shown = selected.sight.shown();
    let uids = returns.concerned(found).into_iter().filter_map(|position| shown.uid_at(position));
    let saved = UidSet::from_uids(uids);
    if saved.ranges().count() > SAVED_RANGES_MAX {
        // RFC 5182 section 2.1 (NOTSAVED).
        return Err(Reply::no("NOTSAVED", "Too much was found to remember it").into());
    }
    selected.saved = saved;
    Ok(())
}

/// A search that should be remembered and is refused leaves nothing remembered. SEARCH and SORT.
// RFC 5182 section 2.1: after NO; a BAD leaves what there was.
pub(crate) fn forget_if_refused(selected: &mut Selected, answer: &Answer<'_>, done: &Done) {
    let is_refused = match done {
        Err(Fault::Reply(reply)) => reply.kind == StatusKind::No,
        Err(Fault::Refused(_)) => true,
        Ok(_) | Err(Fault::End(_)) => false,
    };
    if is_refused && answer.returns.as_ref().is_some_and(|returns| returns.save) {
        selected.saved = UidSet::default();
    }
}
