//! THREAD and UID THREAD. RFC 5256, section 3 and the command `THREAD` of it.
//!
//! Whatever messages refer to, nothing here recurses, and all takes about as long as sorting.

mod forest;
mod ordered;
mod references;

use crate::commands::search::{matching, number};
use crate::commands::sort::{Key, messages};
use crate::reply::{Done, Reply};
use crate::state::{By, Selected};
use crate::view::Expunges;
use crate::wire::Wire;
use crate::wire::grammar::search::Program;
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
) -> Done {
    let plant = match algorithm {
        ThreadingAlgorithm::OrderedSubject => ordered::plant,
        ThreadingAlgorithm::References => references::plant,
        ThreadingAlgorithm::Other(_) => return Err(Reply::bad("The algorithm is not offered").into()),
    };
    // What has arrived is told first, so that it can be found.
    selected.announce(wire, Expunges::Held).await?;
    let found = matching(selected, program).await?;
    let numbers: Vec<u32> = found.iter().map(|position| number(selected, *position, by).unwrap_or_default()).collect();
    let messages = messages(selected, found, &[Key::Subject, Key::Date]).await?;
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
