//! IDLE. RFC 2177.

use crate::config::ImapConfig;
use crate::notification::{self, Notification};
use crate::reply::{Done, End, Fault, Reply};
use crate::state::State;
use crate::view::Expunges;
use crate::wire::{Trust, Wire, encode};
use octroi_gate::Session;
use octroi_model::ModSeq;
use octroi_net::{ReadError, Shutdown};
use tokio::sync::watch;
use tokio::time::Instant;

/// IDLE: changes are told as they happen, until `DONE`.
pub(crate) async fn idle(
    wire: &mut Wire,
    session: &Session,
    state: &mut State,
    notification: &mut Option<Notification>,
    shutdown: &Shutdown,
    config: &ImapConfig,
) -> Done {
    wire.raw(b"+ idling\r\n").await?;
    let until = Instant::now() + config.idle_timeout;
    let mut changes = state.selected().ok().map(|selected| selected.changes.clone());
    let is_open = changes.is_some();
    let mut rights = session.watch_rights();
    let ended = session.ended();
    tokio::pin!(ended);
    let mut notice_at = Instant::now() + config.idle_notice;
    loop {
        // Before the rest: new messages may have been asked for with what is in them.
        notification::tell(notification, wire, state).await?;
        if let State::Selected(selected) = state {
            selected.refresh().await?;
            selected.announce(wire, Expunges::Told).await?;
        }
        wire.flush().await?;
        tokio::select! {
            biased;
            () = shutdown.triggered() => return Err(bye("The server is going down")),
            () = &mut ended => return Err(bye("The session has ended")),
            line = wire.line(Trust::Member, until.min(notice_at).saturating_duration_since(Instant::now())) => match line {
                Ok(line) if line.bytes.eq_ignore_ascii_case(b"DONE") => return Ok(Reply::ok("No longer idle")),
                Ok(_) => return Err(Reply::bad("IDLE ends with DONE").into()),
                Err(ReadError::Timeout) if Instant::now() < until => {
                    wire.raw(b"* OK Still here\r\n").await?;
                    notice_at = Instant::now() + config.idle_notice;
                }
                Err(error) => return Err(End::from(error).into()),
            },
            () = changed(&mut changes) => {}
            // A right that was taken away shows at the next look.
            Ok(()) = rights.changed(), if is_open => {}
            () = notification::changed(notification, state) => {}
        }
    }
}

fn bye(text: &'static str) -> Fault {
    Fault::End(End::Bye(Some(encode::code("UNAVAILABLE")), text))
}

/// Resolves on the next change; never without a mailbox.
async fn changed(changes: &mut Option<watch::Receiver<ModSeq>>) {
    let Some(receiver) = changes else { return std::future::pending().await };
    if receiver.changed().await.is_err() {
        // The mailbox was removed: the look that follows notices.
        *changes = None;
    }
}
