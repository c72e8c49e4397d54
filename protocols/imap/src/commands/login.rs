//! LOGIN. RFC 9051 section 6.2.3. What AUTHENTICATE does with a user name and a secret is here too.

use crate::reply::{End, Fault, Reply};
use crate::state::Visitor;
use crate::wire::{Wire, encode};
use imap_codec::imap_types::core::AString;
use imap_codec::imap_types::secret::Secret;
use octroi_gate::{Channel, ClientCertificate, Credentials, Gate, Login, Pending, Refusal, Session};
use octroi_model::Service;
use octroi_net::Shutdown;

/// Where somebody logs in.
pub(crate) struct Entrance<'a> {
    pub(crate) wire: &'a mut Wire,
    pub(crate) gate: &'a Gate,
    pub(crate) visitor: &'a mut Visitor,
    pub(crate) shutdown: &'a Shutdown,
}

/// LOGIN.
pub(crate) async fn login(mut at: Entrance<'_>, user: &AString<'_>, secret: &Secret<AString<'_>>) -> Result<Session, Fault> {
    at.require_tls()?;
    let user = std::str::from_utf8(user.as_ref());
    let secret = std::str::from_utf8(secret.declassify().as_ref());
    match (user, secret) {
        (Ok(user), Ok(secret)) => at.log_in(Credentials { user, secret }).await,
        _ => Err(at.refused()),
    }
}

impl Entrance<'_> {
    /// No password in the clear, right or wrong.
    // RFC 5530 section 3 (PRIVACYREQUIRED).
    pub(crate) fn require_tls(&self) -> Result<(), Fault> {
        if self.wire.connection.is_tls() { Ok(()) } else { Err(Reply::no("PRIVACYREQUIRED", "Start TLS first").into()) }
    }

    /// Ask the gate.
    pub(crate) async fn log_in(&mut self, credentials: Credentials<'_>) -> Result<Session, Fault> {
        let login = self.gate.login(credentials, self.channel()).await;
        self.enter(login).await
    }

    /// Ask the gate whose certificate the client has shown; `user` is whom it says it is, or empty.
    pub(crate) async fn log_in_by_certificate(&mut self, user: &str) -> Result<Session, Fault> {
        let login = self.gate.login_certificate(user, self.channel()).await;
        self.enter(login).await
    }

    /// How the client comes.
    pub(crate) fn channel(&self) -> Channel {
        let peer = self.wire.connection.peer();
        let certificate = peer.certificate.as_ref().map(|shown| ClientCertificate::new(&shown.authorities, &shown.der));
        Channel::new(Service::Imap, peer.addr.ip()).client(self.visitor.client.as_deref()).certificate(certificate)
    }

    /// What became of a log-in.
    pub(crate) async fn enter(&mut self, login: Login) -> Result<Session, Fault> {
        let opened = match login {
            Login::Open(session) => Ok(session),
            Login::NeedsSecondFactor(pending) => self.confirmed(pending).await?,
            Login::Busy => Err(Refusal::Busy),
            Login::Refused => return Err(self.refused()),
        };
        opened.map_err(|refusal| {
            if matches!(refusal, Refusal::Busy) {
                return Reply::no("LIMIT", "Too many connections or log-ins of this account; try again later").into();
            }
            // Not a failure of the password: a client that heard AUTHENTICATIONFAILED would throw it away.
            let portal = &self.gate.organisation().portal_url;
            let text = format!("Confirm this device at {portal} or add a space and your code to the password, then try again");
            Reply::no("UNAVAILABLE", text).into()
        })
    }

    /// The owner's word, unless the client hangs up or the server goes down before it comes. No deadline of the connection runs meanwhile:
    /// the gate's own is the shorter one, or was made longer on purpose.
    async fn confirmed(&mut self, pending: Pending) -> Result<Result<Session, Refusal>, Fault> {
        // What was answered before must not wait too.
        self.wire.flush().await?;
        tokio::select! {
            biased;
            opened = pending.approved() => Ok(opened),
            () = self.shutdown.triggered() => Err(End::Bye(Some(encode::code("UNAVAILABLE")), "The server is going down").into()),
            () = self.wire.hung_up() => Err(End::Gone.into()),
        }
    }

    /// The same words whatever was wrong.
    pub(crate) fn refused(&mut self) -> Fault {
        self.visitor.failures += 1;
        Reply::no("AUTHENTICATIONFAILED", "The user name or the password is wrong").into()
    }
}
