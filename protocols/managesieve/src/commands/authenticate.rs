//! AUTHENTICATE: PLAIN, EXTERNAL and both of SCRAM, with the response in the command or after a challenge.
//! RFC 5804 section 2.1, RFC 4616, RFC 4422, RFC 5802.

use crate::connection::{End, Fault};
use crate::wire::{Reply, Wire};
use data_encoding::BASE64;
use octroi_gate::{Channel, ClientCertificate, Credentials, Gate, Login, Pending, Refusal, Session};
use octroi_model::Service;
use octroi_net::Shutdown;
use octroi_sasl::{Exchange, Finished, plain, text};
use tokio::time::Instant;
use zeroize::Zeroizing;

/// Where somebody logs in.
pub(crate) struct Entrance<'a> {
    pub(crate) wire: &'a mut Wire,
    pub(crate) gate: &'a Gate,
    pub(crate) shutdown: &'a Shutdown,
    /// Log-ins that failed on this connection.
    pub(crate) failures: &'a mut u32,
    pub(crate) until: Instant,
}

/// How a client can log in here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mechanism {
    Plain,
    External,
    Scram(octroi_sasl::Mechanism),
}

/// What is offered on this connection, under TLS.
pub(crate) fn mechanisms(wire: &Wire) -> String {
    let scram = octroi_sasl::Mechanism::offered(&wire.connection.bindings()).iter().map(|mechanism| mechanism.name());
    let external = may_external(wire).then_some("EXTERNAL");
    ["PLAIN"].into_iter().chain(scram).chain(external).collect::<Vec<_>>().join(" ")
}

/// EXTERNAL is offered to whom shows a certificate that one of our authorities vouches for, and to nobody else.
// RFC 4422 appendix A.
fn may_external(wire: &Wire) -> bool {
    wire.connection.peer().certificate.is_some()
}

fn offered(wire: &Wire, name: &str) -> Option<Mechanism> {
    let named = |known: &str| name.eq_ignore_ascii_case(known);
    let scram = octroi_sasl::Mechanism::offered(&wire.connection.bindings());
    match () {
        () if named("PLAIN") => Some(Mechanism::Plain),
        () if named("EXTERNAL") && may_external(wire) => Some(Mechanism::External),
        () => scram.iter().find(|mechanism| named(mechanism.name())).map(|mechanism| Mechanism::Scram(*mechanism)),
    }
}

/// AUTHENTICATE.
pub(crate) async fn authenticate(
    mut at: Entrance<'_>,
    mechanism: &str,
    initial: Option<Zeroizing<Vec<u8>>>,
) -> Result<(Session, Reply), Fault> {
    // No password in the clear, right or wrong. RFC 5804 section 1.3.
    if !at.wire.connection.is_tls() {
        return Err(Reply::no("Start TLS first").code("ENCRYPT-NEEDED").into());
    }
    let mechanism = offered(at.wire, mechanism).ok_or_else(|| Reply::no("That mechanism is not offered"))?;
    let response = match initial {
        Some(initial) => decoded(&initial)?,
        None => at.ask(b"").await?,
    };
    let welcome = Reply::ok("Logged in");
    match mechanism {
        Mechanism::Plain => match plain(&response) {
            Some((user, secret)) => {
                let login = at.gate.login(Credentials { user, secret }, at.channel()).await;
                Ok((at.enter(login).await?, welcome))
            }
            None => Err(at.refused()),
        },
        Mechanism::External => match text(&response) {
            Some(user) => {
                let login = at.gate.login_certificate(user, at.channel()).await;
                Ok((at.enter(login).await?, welcome))
            }
            None => Err(at.refused()),
        },
        Mechanism::Scram(mechanism) => {
            let (via, bindings) = (at.channel(), at.wire.connection.bindings());
            let begun = Exchange::begin(at.gate, &via, mechanism, &bindings, &response).await;
            let (exchange, server_first) = begun.ok_or_else(|| at.refused())?;
            let last = at.ask(server_first.as_bytes()).await?;
            let Finished { login, server_final } = exchange.finish(at.gate, via, &last).await;
            let session = at.enter(login).await?;
            let server_final = server_final.ok_or_else(|| at.refused())?;
            // RFC 5804 section 2.1: what proves us comes with the reply.
            Ok((session, welcome.code(format!("SASL \"{}\"", BASE64.encode(server_final.as_bytes())))))
        }
    }
}

impl Entrance<'_> {
    /// Have the client send its response to a challenge.
    async fn ask(&mut self, challenge: &[u8]) -> Result<Zeroizing<Vec<u8>>, Fault> {
        self.wire.raw(format!("\"{}\"\r\n", BASE64.encode(challenge)).as_bytes()).await?;
        self.wire.flush().await?;
        let within = self.until.saturating_duration_since(Instant::now());
        let response = self.wire.string(within).await?.ok_or_else(|| Reply::no("A string is expected"))?;
        // RFC 5804 section 2.1: `*` gives up.
        if response.as_slice() == b"*" {
            return Err(Reply::no("Given up").into());
        }
        decoded(&response)
    }

    /// How the client comes.
    fn channel(&self) -> Channel {
        let peer = self.wire.connection.peer();
        let certificate = peer.certificate.as_ref().map(|shown| ClientCertificate::new(&shown.authorities, &shown.der));
        Channel::new(Service::Sieve, peer.addr.ip()).certificate(certificate)
    }

    /// What became of a log-in.
    async fn enter(&mut self, login: Login) -> Result<Session, Fault> {
        let opened = match login {
            Login::Open(session) => Ok(session),
            Login::NeedsSecondFactor(pending) => self.confirmed(pending).await?,
            Login::Busy => Err(Refusal::Busy),
            Login::Refused => return Err(self.refused()),
        };
        opened.map_err(|refusal| {
            if matches!(refusal, Refusal::Busy) {
                return Reply::no("Too many connections or log-ins of this account; try again later").code("TRYLATER").into();
            }
            let portal = &self.gate.organisation().portal_url;
            let text = format!("Confirm this device at {portal} or add a space and your code to the password, then try again");
            Reply::no(text).code("TRYLATER").into()
        })
    }

    /// The owner's word, unless the client hangs up or the server goes down before it comes.
    async fn confirmed(&mut self, pending: Pending) -> Result<Result<Session, Refusal>, Fault> {
        self.wire.flush().await?;
        tokio::select! {
            biased;
            opened = pending.approved() => Ok(opened),
            () = self.shutdown.triggered() => Err(End::Bye("The server is going down").into()),
            () = self.wire.hung_up() => Err(End::Gone.into()),
        }
    }

    /// The same words whatever was wrong.
    fn refused(&mut self) -> Fault {
        *self.failures += 1;
        Reply::no("The user name or the password is wrong").into()
    }
}

fn decoded(response: &[u8]) -> Result<Zeroizing<Vec<u8>>, Fault> {
    BASE64.decode(response).map(Zeroizing::new).map_err(|_| Reply::no("The response is not base64").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_somebody_else() {
        assert_eq!(plain(b"\0ana@x.example\0pw"), Some(("ana@x.example", "pw")));
        assert_eq!(plain(b"Ana@x.example\0ana@x.example\0pw 123456"), Some(("ana@x.example", "pw 123456")));
        for bad in [&b"chef@x.example\0ana@x.example\0pw"[..], b"", b"\0\0", b"\0a\0", b"\0\0pw", b"\0a\0b\0c", b"\0\xff\0pw"] {
            assert_eq!(plain(bad), None, "{bad:?}");
        }
    }
}
