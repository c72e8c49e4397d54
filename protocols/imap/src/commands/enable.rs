//! ENABLE. RFC 5161: names that are not known are passed over.

use crate::reply::{Done, Reply};
use crate::state::State;
use crate::wire::Wire;

/// ENABLE.
pub(crate) async fn enable(wire: &mut Wire, state: &mut State, names: &[String]) -> Done {
    state.session()?;
    let enabled: Vec<&str> = names.iter().filter_map(|name| wire.enabled.enable(name)).collect();
    let told: String = enabled.iter().map(|name| format!(" {name}")).collect();
    wire.raw(format!("* ENABLED{told}\r\n").as_bytes()).await?;
    // RFC 7162 section 3.2.3: QRESYNC brings CONDSTORE with it.
    if enabled.iter().any(|name| matches!(*name, "CONDSTORE" | "QRESYNC")) {
        state.enable_condstore(wire).await?;
    }
    if wire.enabled.uid_only
        && let State::Selected(selected) = state
    {
        selected.contexts.name_by_uid();
    }
    Ok(Reply::ok("Done"))
}
