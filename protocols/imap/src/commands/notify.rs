//! NOTIFY. RFC 5465.

use crate::notification::{Notification, offered};
use crate::reply::{Fault, Reply};
use crate::state::State;
use crate::wire::Wire;
use crate::wire::grammar::notify::Notify;

/// NOTIFY: what is in force afterwards, and the answer.
pub(crate) async fn notify(wire: &mut Wire, state: &State, command: Notify) -> Result<(Option<Notification>, Reply), Fault> {
    let session = state.session()?;
    let Notify::Set { status, groups } = command else { return Ok((None, Reply::ok("Nothing more is told unasked"))) };
    if groups.iter().any(|group| group.events.others) {
        // RFC 5465 section 5.
        return Err(Reply::no(format!("BADEVENT ({})", offered()), "There are no such events here").into());
    }
    let notification = Notification::begin(session, groups).await;
    if status {
        notification.tell_all(wire, state.selected_id()).await?;
    }
    Ok((Some(notification), Reply::ok("Changes are told")))
}
