//! THREAD and UID THREAD. RFC 5256, section 3 and the command `THREAD` of it.
//!
//! Whatever messages refer to, nothing here recurses, and all takes about as long as sorting.

mod forest;
mod ordered;
mod references;

use crate::commands::search::{admit_search, matching, number, prepare};
use crate::commands::sort::{Key, messages};
use crate::progress::Progress;
use crate::reply::{Done, Reply};
use crate::state::{By, Selected};
use crate::wire::Wire;
use crate::wire::grammar::search::Program;
use imap_codec::imap_types::core::Tag;
use imap_codec::imap_types::extensions::thread::ThreadingAlgorithm;
use octroi_gate::Refusal;
use tokio::task::spawn_blocking;

/// THREAD, UID THREAD.
pub(crate) async fn thread(
    wire: &mut Wire,
    selected: &mut Selected,
    algorithm: &ThreadingAlgorithm<'_>,
    program: &Program,
    by: By,
    tag: &Tag<'_>,
) -> Done {
    let plant = match algorithm {
        ThreadingAlgorithm::OrderedSubject => ordered::plant,
        ThreadingAlgorithm::References => references::plant,
        ThreadingAlgorithm::Other(_) => return Err(Reply::bad("The algorithm is not offered").into()),
    };
    prepare(wire, selected, program).await?;
    admit_search(wire, selected, program)?;
    let found = matching(selected.ground(), program, &mut Progress::new(wire, tag)).await?;
    let numbers: Vec<u32> = found.iter().map(|position| number(selected.sight.shown(), *position, by).unwrap_or_default()).collect();
    let messages = messages(selected.sight.shown(), found, &[Key::Subject, Key::Date]).await?;
    // Threading is work for the processor: other connections must not wait for it.
    let written = spawn_blocking(move || {
        let mut out = Vec::new();
        plant(&messages).write(&mut out, &numbers);
        out
    });
    let out = written.await.map_err(|_| Refusal::Unavailable)?;
    wire.raw(&out).await?;
    Ok(Reply::ok("Done"))
}
