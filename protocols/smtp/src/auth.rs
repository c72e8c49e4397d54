//! AUTH (RFC 4954) for submission and only under TLS: PLAIN (RFC 4616), LOGIN, SCRAM-SHA-256 (RFC 5802) and, for whom shows a
//! certificate, EXTERNAL (RFC 4422).
//!
//! Every refused log-in gets the same words. A secret is wiped from memory when it has been used.

use crate::session::{End, Kind, Session};
use crate::wire::{Mechanism, Reply};
use data_encoding::BASE64;
use octroi_gate::{Channel, ClientCertificate, Credentials, Login, Pending, Refusal};
use octroi_model::Service;
use octroi_net::{Bindings, ReadError};
use octroi_sasl::{Exchange, Finished};
use std::borrow::Cow;
use tracing::debug;
use zeroize::Zeroizing;

/// Submission binds no proof to its connection: programs on Cyrus SASL choose the mechanism that could be bound even where they cannot
/// bind (NeoMutt), and give up instead of taking the next one.
const UNBOUND: Bindings = Bindings { exporter: None, server_end_point: None };

/// What a client says it is and knows.
#[derive(Debug, PartialEq, Eq)]
enum Claim {
    /// A name and its app password.
    Secret { user: Zeroizing<String>, secret: Zeroizing<String> },
    /// The owner of the certificate on this connection, who may be named.
    Certificate { user: Zeroizing<String> },
}

/// Somebody who is let in, or the reply to who is not.
type Entered = Result<octroi_gate::Session, Reply>;

/// Why there is no claim.
enum Unclaimed {
    /// The exchange is over, with this reply.
    Reply(Reply),
    End(End),
}

impl From<End> for Unclaimed {
    fn from(end: End) -> Self {
        Self::End(end)
    }
}

impl From<Reply> for Unclaimed {
    fn from(reply: Reply) -> Self {
        Self::Reply(reply)
    }
}

impl Session {
    pub(crate) async fn auth(&mut self, mechanism: Mechanism, initial: Option<Zeroizing<String>>) -> Result<(), End> {
        if let Err(reply) = self.check_auth() {
            return self.say(&reply).await;
        }
        let claim = match mechanism {
            Mechanism::Plain => self.claim_plain(initial).await,
            Mechanism::Login => self.claim_login(initial).await,
            Mechanism::External if self.may_external() => self.claim_certificate(initial).await,
            Mechanism::Scram(mechanism) if Self::offers(mechanism) => match self.scram(mechanism, initial).await {
                Ok(Ok(member)) => return self.welcome(member).await,
                Ok(Err(reply)) => return self.fail(reply).await,
                Err(unclaimed) => Err(unclaimed),
            },
            Mechanism::External | Mechanism::Scram(_) | Mechanism::Other => {
                Err(Unclaimed::Reply(Reply::new(504, "5.5.4", "Mechanism not offered")))
            }
        };
        match claim {
            Ok(claim) => self.log_in(&claim).await,
            Err(Unclaimed::Reply(reply)) if reply == invalid() => self.fail(reply).await,
            Err(Unclaimed::Reply(reply)) => self.say(&reply).await,
            Err(Unclaimed::End(end)) => Err(end),
        }
    }

    /// AUTH is offered and would not be refused: said in EHLO.
    pub(crate) fn may_log_in(&self) -> bool {
        self.kind == Kind::Submission && self.connection.is_tls() && self.member.is_none()
    }

    /// The line of EHLO with what is offered on this connection.
    pub(crate) fn mechanisms(&self) -> String {
        let scram = octroi_sasl::Mechanism::offered(&UNBOUND).iter().map(|mechanism| mechanism.name());
        let external = self.may_external().then_some("EXTERNAL");
        ["AUTH", "PLAIN", "LOGIN"].into_iter().chain(scram).chain(external).collect::<Vec<_>>().join(" ")
    }

    fn offers(mechanism: octroi_sasl::Mechanism) -> bool {
        octroi_sasl::Mechanism::offered(&UNBOUND).contains(&mechanism)
    }

    /// EXTERNAL is offered to whom shows a certificate that one of our authorities vouches for, and to nobody else.
    // RFC 4422 appendix A.
    pub(crate) fn may_external(&self) -> bool {
        self.connection.peer().certificate.is_some()
    }

    fn check_auth(&self) -> Result<(), Reply> {
        if self.kind != Kind::Submission {
            return Err(Reply::new(502, "5.5.1", "Nobody logs in here"));
        }
        // RFC 4954 section 4: not without TLS, so that no secret travels in the clear.
        if !self.connection.is_tls() {
            return Err(Reply::new(538, "5.7.11", "Must issue a STARTTLS command first"));
        }
        if !self.hello.as_ref().is_some_and(|hello| hello.extended) {
            return Err(Reply::new(503, "5.5.1", "Greet with EHLO first"));
        }
        // RFC 4954 section 4: once, and not within a transaction.
        if self.member.is_some() || !matches!(self.transaction, crate::transaction::Transaction::Idle) {
            return Err(Reply::new(503, "5.5.1", "Not now"));
        }
        Ok(())
    }

    async fn claim_plain(&mut self, initial: Option<Zeroizing<String>>) -> Result<Claim, Unclaimed> {
        Ok(plain(&self.first(initial, "").await?)?)
    }

    async fn claim_login(&mut self, initial: Option<Zeroizing<String>>) -> Result<Claim, Unclaimed> {
        let user = self.first(initial, "VXNlcm5hbWU6").await?;
        let secret = self.response("UGFzc3dvcmQ6").await?;
        Ok(Claim::Secret { user: text(&user)?, secret: text(&secret)? })
    }

    /// RFC 4422 appendix A.1: the authorisation identity, empty for the certificate's owner.
    async fn claim_certificate(&mut self, initial: Option<Zeroizing<String>>) -> Result<Claim, Unclaimed> {
        Ok(Claim::Certificate { user: text(&self.first(initial, "").await?)? })
    }

    /// The three messages of the client, the last of them empty: it has seen that we know it too.
    // RFC 5802 section 5, RFC 4954 section 4.
    async fn scram(&mut self, mechanism: octroi_sasl::Mechanism, initial: Option<Zeroizing<String>>) -> Result<Entered, Unclaimed> {
        let first = self.first(initial, "").await?;
        let via = self.channel();
        let begun = Exchange::begin(&self.gate, &via, mechanism, &UNBOUND, &first).await;
        let (exchange, server_first) = begun.ok_or_else(invalid)?;
        let last = self.response(BASE64.encode(server_first.as_bytes())).await?;
        let Finished { login, server_final } = exchange.finish(&self.gate, via, &last).await;
        let entered = self.opened(login).await?;
        if let (Ok(_), Some(server_final)) = (&entered, server_final) {
            let nothing = self.response(BASE64.encode(server_final.as_bytes())).await?;
            if !nothing.is_empty() {
                return Err(Unclaimed::Reply(Reply::new(501, "5.5.2", "Nothing was to follow")));
            }
        }
        Ok(entered)
    }

    /// What came with the command, decoded; else what the client answers to a challenge.
    async fn first(&mut self, initial: Option<Zeroizing<String>>, challenge: &'static str) -> Result<Zeroizing<Vec<u8>>, Unclaimed> {
        match initial {
            Some(initial) => Ok(decoded(initial.as_bytes())?),
            None => self.response(challenge).await,
        }
    }

    /// What the client answers to a challenge, decoded.
    async fn response(&mut self, challenge: impl Into<Cow<'static, str>>) -> Result<Zeroizing<Vec<u8>>, Unclaimed> {
        let line = self.answer_to(&Reply::bare(334, challenge)).await?;
        let bytes = Zeroizing::new(line.bytes);
        if line.end != octroi_net::LineEnd::CrLf {
            return Err(Unclaimed::End(End::Close(crate::refusal::of_line(&crate::wire::Fault::LineEnd))));
        }
        // RFC 4954 section 4: the client has thought better of it.
        if bytes.as_slice() == b"*" {
            return Err(Unclaimed::Reply(Reply::new(501, "5.7.0", "Cancelled")));
        }
        Ok(decoded(&bytes)?)
    }

    async fn log_in(&mut self, claim: &Claim) -> Result<(), End> {
        let login = match claim {
            Claim::Secret { user, secret } => self.gate.login(Credentials { user, secret }, self.channel()).await,
            Claim::Certificate { user } => self.gate.login_certificate(user, self.channel()).await,
        };
        match self.opened(login).await? {
            Ok(member) => self.welcome(member).await,
            Err(reply) => self.fail(reply).await,
        }
    }

    async fn welcome(&mut self, member: octroi_gate::Session) -> Result<(), End> {
        debug!(address = %member.address(), "logged in");
        self.member = Some(member);
        self.say(&Reply::new(235, "2.7.0", "Authentication successful")).await
    }

    /// How the client comes.
    fn channel(&self) -> Channel {
        let shown = self.connection.peer().certificate.as_ref();
        let certificate = shown.map(|shown| ClientCertificate::new(&shown.authorities, &shown.der));
        Channel::new(Service::Submission, self.peer()).client(self.hello.as_ref().map(|hello| &*hello.host)).certificate(certificate)
    }

    /// What became of a log-in: somebody, or the reply to its failure.
    async fn opened(&mut self, login: Login) -> Result<Entered, End> {
        let opened = match login {
            Login::Open(member) => Ok(member),
            Login::NeedsSecondFactor(pending) => self.confirmed(pending).await?,
            Login::Busy => Err(Refusal::Busy),
            Login::Refused => Err(Refusal::InvalidCode),
        };
        match opened {
            Ok(member) => Ok(Ok(member)),
            // RFC 4954 section 6: 454 keeps the client from throwing the password away.
            Err(Refusal::Unconfirmed) => {
                Ok(Err(Reply::new(454, "4.7.0", format!("Confirm this device first: {}", self.gate.organisation().portal_url))))
            }
            Err(refusal @ (Refusal::Busy | Refusal::Ended)) => Err(End::Close(crate::refusal::of_gate(&refusal))),
            Err(refusal) => Ok(Err(crate::refusal::of_gate(&refusal))),
        }
    }

    /// The owner's word, unless the client hangs up or the server goes down before it comes. No deadline of the connection runs meanwhile.
    async fn confirmed(&mut self, pending: Pending) -> Result<Result<octroi_gate::Session, Refusal>, End> {
        // What was answered before must not wait too.
        self.flush().await?;
        let shutdown = self.shutdown.clone();
        tokio::select! {
            biased;
            opened = pending.approved() => Ok(opened),
            () = shutdown.triggered() => Err(End::Close(crate::refusal::shutting_down())),
            () = self.hung_up() => Err(End::Gone),
        }
    }

    /// Resolves when the peer has hung up. It cannot be told of one that has sent something more before, which stays for later.
    async fn hung_up(&mut self) {
        while !self.connection.pending_input() {
            let more = self.connection.read_some(1, self.config.timeouts.command).await;
            if matches!(more, Err(ReadError::Closed | ReadError::Io(_))) {
                return;
            }
        }
        std::future::pending::<()>().await;
    }

    /// The log-in failed. After some of these the session ends.
    async fn fail(&mut self, reply: Reply) -> Result<(), End> {
        self.auth_failures += 1;
        if self.auth_failures >= self.config.auth_failures_max {
            self.write(&reply).await?;
            return Err(End::Close(Reply::new(421, "4.7.0", "Too many failed log-ins, closing connection")));
        }
        self.say(&reply).await
    }
}

fn invalid() -> Reply {
    Reply::new(535, "5.7.8", "Authentication credentials invalid")
}

/// RFC 4954 section 4: base64, and `=` alone for nothing.
fn decoded(response: &[u8]) -> Result<Zeroizing<Vec<u8>>, Reply> {
    if response == b"=" {
        return Ok(Zeroizing::default());
    }
    BASE64.decode(response).map(Zeroizing::new).map_err(|_| Reply::new(501, "5.5.2", "Not base64"))
}

fn text(octets: &[u8]) -> Result<Zeroizing<String>, Reply> {
    match std::str::from_utf8(octets) {
        Ok(text) if !text.contains('\0') => Ok(Zeroizing::new(text.to_owned())),
        _ => Err(Reply::new(501, "5.5.2", "Not UTF-8 text")),
    }
}

/// RFC 4616 section 2: `[authzid] NUL authcid NUL passwd`.
fn plain(message: &[u8]) -> Result<Claim, Reply> {
    let mut parts = message.split(|&octet| octet == 0);
    let (Some(authzid), Some(authcid), Some(passwd), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return Err(Reply::new(501, "5.5.2", "Not a PLAIN message"));
    };
    // A credential never opens another's account.
    if !authzid.is_empty() && !authzid.eq_ignore_ascii_case(authcid) {
        return Err(invalid());
    }
    Ok(Claim::Secret { user: text(authcid)?, secret: text(passwd)? })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn claimed(message: &[u8]) -> Result<(String, String), u16> {
        match plain(message) {
            Ok(Claim::Secret { user, secret }) => Ok((user.to_string(), secret.to_string())),
            Ok(Claim::Certificate { .. }) => panic!("PLAIN is no certificate"),
            Err(reply) => Err(reply.code()),
        }
    }

    #[test]
    fn plain_names_nobody_else() {
        let lea = Ok(("lea@x".to_owned(), "s".to_owned()));
        assert_eq!(claimed(b"\0lea@x\0s"), lea);
        assert_eq!(claimed(b"lea@x\0lea@x\0s"), lea);
        assert_eq!(claimed(b"chef@x\0lea@x\0s"), Err(535));
        for broken in [&b""[..], b"\0lea@x", b"lea@x\0s", b"\0a\0b\0c", b"\0\xff\0s"] {
            assert_ne!(claimed(broken), lea, "{broken:?}");
            assert_eq!(claimed(broken), Err(501), "{broken:?}");
        }
    }

    #[test]
    fn base64_is_strict() {
        assert_eq!(decoded(b"YWI=").unwrap().as_slice(), b"ab");
        assert!(decoded(b"=").unwrap().is_empty());
        for broken in [&b"YWI"[..], b"YW I=", b"YWJ=", b"YWI=\n", b"*"] {
            assert!(decoded(broken).is_err(), "{broken:?}");
        }
    }
}
