//! AUTHENTICATE PLAIN and EXTERNAL, with the response in the command (SASL-IR, RFC 4959) or after a `+`. RFC 9051 section 6.2.2,
//! RFC 4616, RFC 4422.

use super::login::Entrance;
use crate::reply::{End, Fault, Reply};
use crate::wire::{Trust, Wire};
use imap_codec::AuthenticateDataCodec;
use imap_codec::decode::Decoder;
use imap_codec::imap_types::auth::{AuthMechanism, AuthenticateData};
use imap_codec::imap_types::secret::Secret;
use octroi_gate::{Credentials, Session};
use std::borrow::Cow;
use std::time::Duration;
use zeroize::Zeroizing;

/// How a client can log in here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mechanism {
    Plain,
    External,
}

/// AUTHENTICATE. `within`: how long the client may take for its response.
pub(crate) async fn authenticate(
    mut at: Entrance<'_>,
    mechanism: &AuthMechanism<'_>,
    initial: Option<Secret<Cow<'_, [u8]>>>,
    within: Duration,
) -> Result<Session, Fault> {
    at.require_tls()?;
    let mechanism = offered(mechanism, may_external(at.wire)).ok_or_else(|| Reply::no("CANNOT", "That mechanism is not offered"))?;
    let response = match initial {
        Some(initial) => Zeroizing::new(initial.declassify().to_vec()),
        None => ask(at.wire, within).await?,
    };
    match mechanism {
        Mechanism::Plain => match plain(&response) {
            Some((user, secret)) => at.log_in(Credentials { user, secret }).await,
            None => Err(at.refused()),
        },
        Mechanism::External => match external(&response) {
            Some(user) => at.log_in_by_certificate(user).await,
            None => Err(at.refused()),
        },
    }
}

/// EXTERNAL is offered to whom shows a certificate that one of our authorities vouches for, and to nobody else.
// RFC 4422 appendix A.
pub(crate) fn may_external(wire: &Wire) -> bool {
    wire.connection.peer().certificate.is_some()
}

/// imap-codec has no value for EXTERNAL.
fn offered(mechanism: &AuthMechanism<'_>, may_external: bool) -> Option<Mechanism> {
    match mechanism {
        AuthMechanism::Plain => Some(Mechanism::Plain),
        other if may_external && other.as_ref().eq_ignore_ascii_case("EXTERNAL") => Some(Mechanism::External),
        _ => None,
    }
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

/// The authorisation identity, empty for the certificate's owner. Whether it may be anybody else is the gate's to say: never.
// RFC 4422 appendix A.1.
fn external(response: &[u8]) -> Option<&str> {
    std::str::from_utf8(response).ok().filter(|identity| !identity.contains('\0'))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::wire::grammar::{self, Request};
    use imap_codec::imap_types::command::CommandBody;

    #[test]
    fn external_is_for_certificates_only() {
        let mechanism = |name: &'static str| AuthMechanism::try_from(name).unwrap();
        assert_eq!(offered(&mechanism("external"), true), Some(Mechanism::External));
        assert_eq!(offered(&mechanism("EXTERNAL"), false), None);
        for certificate in [true, false] {
            assert_eq!(offered(&mechanism("PLAIN"), certificate), Some(Mechanism::Plain));
            for other in ["LOGIN", "SCRAM-SHA-256", "EXTERNALS", "X"] {
                assert_eq!(offered(&mechanism(other), certificate), None, "{other}");
            }
        }
        assert_eq!(external(b""), Some(""));
        assert_eq!(external(b"ana@x.example"), Some("ana@x.example"));
        assert_eq!(external(b"ana@x.example\0pw"), None);
        assert_eq!(external(b"\xff"), None);
    }

    /// RFC 4959 section 3: `=` is an empty initial response, which is not the same as none.
    #[test]
    fn an_empty_response_is_told_from_none() {
        let initial = |line: &'static [u8]| match grammar::command(line, false) {
            Ok((_, Request::Codec(CommandBody::Authenticate { initial_response, .. }))) => {
                initial_response.map(|response| response.declassify().to_vec())
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(initial(b"a AUTHENTICATE EXTERNAL =\r\n"), Some(Vec::new()));
        assert_eq!(initial(b"a AUTHENTICATE EXTERNAL YQ==\r\n"), Some(b"a".to_vec()));
        assert_eq!(initial(b"a AUTHENTICATE EXTERNAL\r\n"), None);
    }

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
