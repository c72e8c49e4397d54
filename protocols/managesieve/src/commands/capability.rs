//! CAPABILITY, and what a client is told unasked. RFC 5804 sections 1.7 and 2.4.

use crate::config::ManageSieveConfig;
use crate::connection::Done;
use crate::wire::{Reply, Wire, quoted};
use octroi_gate::Session;

/// CAPABILITY.
pub(crate) async fn capability(wire: &mut Wire, session: Option<&Session>, config: &ManageSieveConfig) -> Done {
    let is_tls = wire.connection.is_tls();
    // RFC 5804 section 1.7: nothing is offered that would be refused.
    let mechanisms = if is_tls && session.is_none() { super::authenticate::mechanisms(wire) } else { String::new() };
    let mut lines = vec![
        ("IMPLEMENTATION", Some("Octroi".to_owned())),
        ("SASL", Some(mechanisms)),
        ("SIEVE", Some(octroi_sieve::capabilities().collect::<Vec<_>>().join(" "))),
    ];
    if wire.connection.starttls_acceptor().is_some() && !is_tls {
        lines.push(("STARTTLS", None));
    }
    lines.push(("MAXREDIRECTS", Some(config.scripts.redirects_max.to_string())));
    lines.push(("LANGUAGE", Some("en".to_owned())));
    if let Some(session) = session {
        lines.push(("OWNER", Some(session.address().to_string())));
    }
    lines.push(("UNAUTHENTICATE", None));
    lines.push(("VERSION", Some("1.0".to_owned())));
    for (name, value) in lines {
        let mut line = quoted(name);
        if let Some(value) = value {
            line.push(b' ');
            line.extend(quoted(&value));
        }
        line.extend_from_slice(b"\r\n");
        wire.raw(&line).await?;
    }
    Ok(Reply::ok("Ready"))
}
