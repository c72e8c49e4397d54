//! AUTHENTICATE: PLAIN, LOGIN, EXTERNAL and both of SCRAM, with the response in the command (SASL-IR, RFC 4959) or after a `+`.
//! RFC 9051 section 6.2.2, RFC 4616, RFC 4422, RFC 5802.

use super::login::Entrance;
use crate::reply::{End, Fault, Reply};
use crate::wire::{Trust, Wire};
use data_encoding::BASE64;
use imap_codec::AuthenticateDataCodec;
use imap_codec::decode::Decoder;
use imap_codec::imap_types::auth::{AuthMechanism, AuthenticateData};
use imap_codec::imap_types::secret::Secret;
use octroi_gate::{Credentials, Login, Session};
use octroi_sasl::{Exchange, Finished, plain, text};
use std::borrow::Cow;
use std::time::Duration;
use tokio::time::Instant;
use zeroize::Zeroizing;

/// For the empty message by which a client says that it has seen our proof; waiting for a confirmation may have used up all other time.
const LAST_WORD: Duration = Duration::from_secs(30);

/// How a client can log in here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mechanism {
    Plain,
    Login,
    External,
    Scram(octroi_sasl::Mechanism),
}

/// AUTHENTICATE. `within`: how long the client may take for its response.
pub(crate) async fn authenticate(
    mut at: Entrance<'_>,
    mechanism: &AuthMechanism<'_>,
    initial: Option<Secret<Cow<'_, [u8]>>>,
    within: Duration,
) -> Result<Session, Fault> {
    at.require_tls()?;
    let until = Instant::now() + within;
    let bindings = at.wire.connection.bindings();
    let scram = octroi_sasl::Mechanism::offered(&bindings);
    let mechanism = offered(mechanism, may_external(at.wire), scram).ok_or_else(|| Reply::no("CANNOT", "That mechanism is not offered"))?;
    let response = match initial {
        Some(initial) => Zeroizing::new(initial.declassify().to_vec()),
        None if mechanism == Mechanism::Login => ask(at.wire, b"Username:", until).await?,
        None => ask(at.wire, b"", until).await?,
    };
    match mechanism {
        Mechanism::Plain => match plain(&response) {
            Some((user, secret)) => at.log_in(Credentials { user, secret }).await,
            None => Err(at.refused()),
        },
        Mechanism::Login => {
            let secret = ask(at.wire, b"Password:", until).await?;
            match (text(&response), text(&secret)) {
                (Some(user), Some(secret)) => at.log_in(Credentials { user, secret }).await,
                _ => Err(at.refused()),
            }
        }
        Mechanism::External => match external(&response) {
            Some(user) => at.log_in_by_certificate(user).await,
            None => Err(at.refused()),
        },
        Mechanism::Scram(mechanism) => {
            let via = at.channel();
            let Some((exchange, server_first)) = Exchange::begin(at.gate, &via, mechanism, &bindings, &response).await else {
                return Err(at.refused());
            };
            let response = ask(at.wire, server_first.as_bytes(), until).await?;
            let Finished { login, server_final } = exchange.finish(at.gate, via, &response).await;
            prove(at, login, server_final).await
        }
    }
}

/// Once somebody is let in, show that we know them too; the client has nothing to add.
// RFC 5802 section 5, RFC 4422 section 3.4: IMAP has no place for it but a challenge with an empty response.
async fn prove(mut at: Entrance<'_>, login: Login, server_final: Option<String>) -> Result<Session, Fault> {
    let session = at.enter(login).await?;
    let server_final = server_final.ok_or_else(|| at.refused())?;
    let response = ask(at.wire, server_final.as_bytes(), Instant::now() + LAST_WORD).await?;
    if response.is_empty() { Ok(session) } else { Err(Reply::bad("Nothing was to follow").into()) }
}

/// EXTERNAL is offered to whom shows a certificate that one of our authorities vouches for, and to nobody else.
// RFC 4422 appendix A.
pub(crate) fn may_external(wire: &Wire) -> bool {
    wire.connection.peer().certificate.is_some()
}

/// By name: imap-codec has no value for EXTERNAL.
fn offered(mechanism: &AuthMechanism<'_>, may_external: bool, scram: &[octroi_sasl::Mechanism]) -> Option<Mechanism> {
    let named = |name: &str| mechanism.as_ref().eq_ignore_ascii_case(name);
    match mechanism {
        AuthMechanism::Plain => Some(Mechanism::Plain),
        AuthMechanism::Login => Some(Mechanism::Login),
        _ if may_external && named("EXTERNAL") => Some(Mechanism::External),
        _ => scram.iter().find(|offered| named(offered.name())).map(|offered| Mechanism::Scram(*offered)),
    }
}

/// Have the client send its response to a challenge.
async fn ask(wire: &mut Wire, challenge: &[u8], until: Instant) -> Result<Zeroizing<Vec<u8>>, Fault> {
    wire.raw(format!("+ {}\r\n", BASE64.encode(challenge)).as_bytes()).await?;
    wire.flush().await?;
    let within = until.saturating_duration_since(Instant::now());
    let mut line = Zeroizing::new(wire.line(Trust::Anyone, within).await.map_err(End::from)?.bytes);
    line.extend_from_slice(b"\r\n");
    match AuthenticateDataCodec::new().decode(&line) {
        Ok((b"", AuthenticateData::Continue(response))) => Ok(Zeroizing::new(response.declassify().to_vec())),
        // RFC 9051 section 6.2.2: `*` gives up.
        Ok((b"", AuthenticateData::Cancel)) => Err(Reply::bad("Given up").into()),
        _ => Err(Reply::bad("The response is not base64").into()),
    }
}

/// The authorisation identity, empty for the certificate's owner. Whether it may be anybody else is the gate's to say: never.
// RFC 4422 appendix A.1.
fn external(response: &[u8]) -> Option<&str> {
    text(response)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::wire::grammar::{self, Request};
    use imap_codec::imap_types::command::CommandBody;

    #[test]
    fn what_is_offered_is_taken_and_nothing_else() {
        use octroi_sasl::Mechanism::{ScramSha256, ScramSha256Plus};
        let mechanism = |name: &'static str| AuthMechanism::try_from(name).unwrap();
        assert_eq!(offered(&mechanism("external"), true, &[]), Some(Mechanism::External));
        assert_eq!(offered(&mechanism("EXTERNAL"), false, &[]), None);
        for certificate in [true, false] {
            assert_eq!(offered(&mechanism("PLAIN"), certificate, &[]), Some(Mechanism::Plain));
            assert_eq!(offered(&mechanism("login"), certificate, &[]), Some(Mechanism::Login));
            for other in ["SCRAM-SHA-1", "SCRAM-SHA-256-PLUS", "EXTERNALS", "X"] {
                assert_eq!(offered(&mechanism(other), certificate, &[ScramSha256]), None, "{other}");
            }
            for (name, is) in [("SCRAM-SHA-256", ScramSha256), ("scram-sha-256-plus", ScramSha256Plus)] {
                let taken = offered(&mechanism(name), certificate, &[ScramSha256Plus, ScramSha256]);
                assert_eq!(taken, Some(Mechanism::Scram(is)));
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
