//! ENABLE. RFC 5161: names that are not known are passed over.

use crate::reply::{Done, Reply};
use crate::wire::Wire;
use octroi_gate::Session;

/// ENABLE.
pub(crate) async fn enable(wire: &mut Wire, _: &Session, names: &[String]) -> Done {
    let enabled: String = names.iter().filter_map(|name| wire.enabled.enable(name)).map(|name| format!(" {name}")).collect();
    wire.raw(format!("* ENABLED{enabled}\r\n").as_bytes()).await?;
    Ok(Reply::ok("Done"))
}
