//! LOGIN. RFC 9051 section 6.2.3. What AUTHENTICATE does with a user name and a secret is here too.

use crate::reply::{Fault, Reply};
use crate::state::Visitor;
use crate::wire::Wire;
use imap_codec::imap_types::core::AString;
use imap_codec::imap_types::secret::Secret;
use octroi_gate::{Channel, ClientCertificate, Credentials, Gate, Login, Refusal, Session};
use octroi_model::Service;

/// LOGIN.
pub(crate) async fn login(
    wire: &Wire,
    gate: &Gate,
    visitor: &mut Visitor,
    user: &AString<'_>,
    secret: &Secret<AString<'_>>,
) -> Result<Session, Fault> {
    require_tls(wire)?;
    let user = std::str::from_utf8(user.as_ref());
    let secret = std::str::from_utf8(secret.declassify().as_ref());
    match (user, secret) {
        (Ok(user), Ok(secret)) => log_in(wire, gate, visitor, Credentials { user, secret }).await,
        _ => Err(refused(visitor)),
    }
}

/// No password in the clear, right or wrong.
// RFC 5530 section 3 (PRIVACYREQUIRED).
pub(crate) fn require_tls(wire: &Wire) -> Result<(), Fault> {
    if wire.connection.is_tls() { Ok(()) } else { Err(Reply::no("PRIVACYREQUIRED", "Start TLS first").into()) }
}

/// Ask the gate.
pub(crate) async fn log_in(wire: &Wire, gate: &Gate, visitor: &mut Visitor, credentials: Credentials<'_>) -> Result<Session, Fault> {
    let login = gate.login(credentials, channel(wire, visitor)).await;
    enter(gate, visitor, login).await
}

/// How the client comes.
pub(crate) fn channel(wire: &Wire, visitor: &Visitor) -> Channel {
    let peer = wire.connection.peer();
    let certificate = peer.certificate.as_ref().map(|shown| ClientCertificate::new(&shown.authorities, &shown.der));
    Channel::new(Service::Imap, peer.addr.ip()).client(visitor.client.as_deref()).certificate(certificate)
}

/// What became of a log-in.
pub(crate) async fn enter(gate: &Gate, visitor: &mut Visitor, login: Login) -> Result<Session, Fault> {
    match login {
        Login::Open(session) => Ok(session),
        // Not a failure of the password: a client that heard AUTHENTICATIONFAILED would throw it away.
        Login::NeedsSecondFactor(pending) => match pending.approved().await {
            Ok(session) => Ok(session),
            Err(Refusal::Busy) => Err(busy()),
            Err(_) => {
                let portal = &gate.organisation().portal_url;
                let text = format!("Confirm this device at {portal} or add a space and your code to the password, then try again");
                Err(Reply::no("UNAVAILABLE", text).into())
            }
        },
        Login::Busy => Err(busy()),
        Login::Refused => Err(refused(visitor)),
    }
}

fn busy() -> Fault {
    Reply::no("LIMIT", "Too many connections or log-ins of this account; try again later").into()
}

/// The same words whatever was wrong.
pub(crate) fn refused(visitor: &mut Visitor) -> Fault {
    visitor.failures += 1;
    Reply::no("AUTHENTICATIONFAILED", "The user name or the password is wrong").into()
}
