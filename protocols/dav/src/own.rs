//! PUT of an object in somebody else's calendar, in which one has alarms and TRANSP of one's own (caldav-sharing-03, "Per-user Calendar Data").
//!
//! What is sent is taken apart: what is one's own is kept as such, and what is left is put if it is another than what is there. So who may only read a
//! calendar may put alarms to what is in it, and nobody else hears them. The gate says who has things of their own, and keeps them.

use crate::call::Call;
use crate::methods::put::{Sent, checked_body};
use crate::object;
use crate::path::Place;
use crate::precondition::{Current, insists_on_unchanged};
use crate::refusal::{Answer, Fault, empty};
use crate::schedule;
use http::StatusCode;
use octroi_gate::{File, FileAt, Granted, KeepOwn, Refusal, Rewrite};
use octroi_ical::{Parted, Tree, parted};

/// Who sends an object, as far as that is about what is their own.
pub(crate) enum Mine {
    /// Nothing is.
    Nothing,
    /// There is no such object yet.
    New,
    /// It is beside this one.
    Beside(Box<Granted<File, KeepOwn>>),
}

impl Mine {
    /// Of an object that may be there.
    pub(crate) async fn of(call: &Call, at: &FileAt) -> Self {
        call.session.open_own(at).await.map_or(Self::Nothing, |own| Self::Beside(Box::new(own)))
    }

    /// What was sent, taken apart; `None`: all of it is for all.
    pub(crate) async fn parted(&self, call: &Call, octets: &[u8]) -> Result<Option<Parted>, Fault> {
        let broken = |_| Fault::Gate(Refusal::Damaged, call.href());
        let sent = Tree::read(octets).map_err(broken)?;
        let parted = match self {
            Self::Nothing => return Ok(None),
            Self::New => parted(None, &sent),
            Self::Beside(own) => {
                let there = own.as_kept().await.map_err(Fault::about(&call.href()))?;
                parted(Some(&Tree::read(&there).map_err(broken)?), &sent)
            }
        };
        let max = call.config.own_alarms_bytes_max;
        if parted.own.len() as u64 > max {
            let why = format!("Your own alarms on this event take more than the {max} octets that are kept of them.");
            return Err(Fault::because("C:max-resource-size", why));
        }
        Ok(Some(parted))
    }
}

/// PUT by who may read the object and not write it: of what is their own, and nothing else.
pub(crate) async fn put_alone(mut call: Call, place: &Place, at: FileAt, own: Box<Granted<File, KeepOwn>>, sent: &Sent) -> Answer {
    call.check_write(Current::document(&own.item().etag(), own.item().date)).await?;
    schedule::manner(&call, Some(own.item()))?;
    let octets = checked_body(&mut call, place, sent).await?;
    object::check(place.area, &octets, None, None, &call.config)?;
    let mine = Mine::Beside(own);
    match (mine.parted(&call, &octets).await?, mine) {
        (Some(Parted { object: None, own: text }), Mine::Beside(own)) => keep(&call, &own, &text).await,
        // It says more than that, which is asked for as by who has nothing of their own.
        _ => Err(Fault::Gate(call.session.open(at, Rewrite).await.err().unwrap_or(Refusal::Unavailable), call.href())),
    }
}

/// Keep what is one's own. The answer has no entity tag, so that the client reads again how it is seen.
pub(crate) async fn keep(call: &Call, own: &Granted<File, KeepOwn>, text: &str) -> Answer {
    match own.keep(text).await {
        Ok(()) => Ok(empty(StatusCode::NO_CONTENT)),
        Err(refusal) => Err(Fault::Gate(moved(call, refusal), call.href())),
    }
}

/// Of a refusal because the object has moved since it was taken apart, what is told: who did not insist on its state is to try again.
pub(crate) fn moved(call: &Call, refusal: Refusal) -> Refusal {
    if refusal == Refusal::Precondition && !insists_on_unchanged(&call.headers) { Refusal::Unavailable } else { refusal }
}
