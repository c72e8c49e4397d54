//! AUTHENTICATE PLAIN, with the response in the command (SASL-IR, RFC 4959) or after a `+`. RFC 9051 section 6.2.2, RFC 4616.

use super::login::{log_in, refused, require_tls};
use crate::reply::{End, Fault, Reply};
use crate::state::Visitor;
use crate::wire::{Trust, Wire};
use imap_codec::AuthenticateDataCodec;
use imap_codec::decode::Decoder;
use imap_codec::imap_types::auth::{AuthMechanism, AuthenticateData};
use imap_codec::imap_types::secret::Secret;
use octroi_gate::{Credentials, Gate, Session};
use std::borrow::Cow;
use std::time::Duration;
use zeroize::Zeroizing;

/// AUTHENTICATE. `within`: how long the client may take for its response.
pub(crate) async fn authenticate(
    wire: &mut Wire,
    gate: &Gate,
    visitor: &mut Visitor,
    mechanism: &AuthMechanism<'_>,
    initial: Option<Secret<Cow<'_, [u8]>>>,
    within: Duration,
) -> Result<Session, Fault> {
    require_tls(wire)?;
    if *mechanism != AuthMechanism::Plain {
        return Err(Reply::no("CANNOT", "Only PLAIN is offered").into());
    }
    let response = match initial {
        Some(initial) => Zeroizing::new(initial.declassify().to_vec()),
        None => ask(wire, within).await?,
    };
    let Some((user, secret)) = plain(&response) else { return Err(refused(visitor)) };
    log_in(wire, gate, visitor, Credentials { user, secret }).await
}

/// Have the client send its response.
async fn ask(wire: &mut Wire, within: Duration) -> Result<Zeroizing<Vec<u8>>, Fault> {
    wire.raw(b"+ \r\n").await?;
    wire.flush().await?;
    let mut line = Zeroizing::new(wire.line(Trust::Anyone, within).await.map_err(End::from)?.bytes);
    line.extend_from_slice(b"\r\n");
    match AuthenticateDataCodec::new().decode(&line) {
        Ok((b"", AuthenticateData::Continue(response))) => Ok(Zeroizing::new(response.declassify().to_vec())),
        // RFC 9051 section 6.2.2: `*` gives up.
        Ok((b"", AuthenticateData::Cancel)) => Err(Reply::bad("Given up").into()),
        _ => Err(Reply::bad("The response is not base64").into()),
    }
}

/// User name and secret of RFC 4616's `[authzid] NUL authcid NUL passwd`. Nobody acts for somebody else, so an authorisation identity
/// may only repeat the user name.
fn plain(response: &[u8]) -> Option<(&str, &str)> {
    let text = std::str::from_utf8(response).ok()?;
    let mut parts = text.split('\0');
    let (identity, user, secret) = (parts.next()?, parts.next()?, parts.next()?);
    let own = identity.is_empty() || identity.eq_ignore_ascii_case(user);
    (parts.next().is_none() && own && !user.is_empty() && !secret.is_empty()).then_some((user, secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_somebody_else() {
        assert_eq!(plain(b"\0ana@x.example\0pw"), Some(("ana@x.example", "pw")));
        assert_eq!(plain(b"Ana@x.example\0ana@x.example\0pw 123456"), Some(("ana@x.example", "pw 123456")));
        for bad in
            [&b"chef@x.example\0ana@x.example\0pw"[..], b"", b"\0", b"\0\0", b"\0a\0", b"\0\0pw", b"a\0b", b"\0a\0b\0c", b"\0\xff\0pw"]
        {
            assert_eq!(plain(bad), None, "{bad:?}");
        }
    }
}
