//! A section of one message for somebody else than the client. Called by CATENATE.

use super::message::{Contents, Source, cut, run_of};
use super::plan::{Octets, What, what_of};
use super::{GROUP_BYTES, WHOLE_LARGE};
use imap_codec::imap_types::fetch::Section;
use octroi_gate::{MailboxView, Part, Refusal};
use tokio::sync::SemaphorePermit;

/// Where the octets of a section are.
pub(crate) enum Run {
    /// In the message, to be read piece by piece.
    At { from: u64, count: u64 },
    /// Here. The permit is for having read a large message.
    Octets { octets: Vec<u8>, permit: Option<SemaphorePermit<'static>> },
}

/// Find a section, as FETCH BODY\[…\]<…> would send it; nothing when the message has no such part.
pub(crate) async fn section(
    view: &MailboxView,
    position: usize,
    section: Option<&Section<'_>>,
    partial: Option<(u32, u32)>,
) -> Result<Option<Run>, Refusal> {
    let item = view.at(position).ok_or(Refusal::Missing)?;
    let wanted = Octets { label: Vec::new(), what: what_of(section), partial };
    if let Some((from, count)) = run_of(item, &wanted) {
        return Ok(Some(Run::At { from, count }));
    }
    let mut contents = Contents::default();
    let mut permit = None;
    if matches!(wanted.what, What::Fields { .. }) {
        contents.header = view.read(&[(position, Part::Header)]).await?.pop();
    } else {
        if item.bytes() > GROUP_BYTES {
            permit = Some(WHOLE_LARGE.acquire().await.map_err(|_| Refusal::Unavailable)?);
        }
        contents.whole = view.read(&[(position, Part::Whole)]).await?.pop();
    }
    let octets = Source::new(item, &contents).octets(&wanted.what).map(|octets| cut(&octets, partial).to_vec());
    Ok(octets.map(|octets| Run::Octets { octets, permit }))
}
