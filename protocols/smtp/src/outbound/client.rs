//! One transaction with one host: greeting, EHLO, STARTTLS, MAIL, RCPT, DATA (RFC 5321 section 3).
//!
//! What always holds: after STARTTLS nothing that was said before counts, and octets that stand before the handshake end the
//! delivery; the end of the data is sent only after all of it; every recipient gets an outcome of its own.

use super::answer::{self, Answer, NoAnswer};
use super::tls::TlsConfigs;
use crate::config::{ClientTimeouts, OutboundTls};
use octroi_gate::Refusal;
use octroi_model::Address;
use octroi_net::dot::DotStuffer;
use octroi_net::{Connection, StartTlsError, WriteError};
use rustls::pki_types::ServerName;
use smtp_proto::{EXT_8BIT_MIME, EXT_PIPELINING, EXT_SIZE, EXT_SMTP_UTF8, EXT_START_TLS};
use std::fmt::Write;
use std::net::SocketAddr;
use std::time::Duration;
use tracing::debug;

/// Octets of a message that are read from the queue at once.
const PIECE_BYTES: u64 = 256 * 1024;

/// Where the octets of a message come from.
pub(crate) trait Source: Sync {
    /// Some octets from `offset`: at least one and at most `bytes`, unless the end is reached.
    fn read(&self, offset: u64, bytes: u64) -> impl Future<Output = Result<Vec<u8>, Refusal>> + Send;
}

/// What is to be sent.
pub(crate) struct Errand<'a, S> {
    pub(crate) from: Option<&'a Address>,
    pub(crate) to: &'a [Address],
    pub(crate) bytes: u64,
    /// The header holds UTF-8 (RFC 6532).
    pub(crate) utf8_header: bool,
    pub(crate) source: &'a S,
}

/// One address of one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Host {
    pub(crate) name: String,
    pub(crate) address: SocketAddr,
    pub(crate) tls: OutboundTls,
}

/// How we call ourselves and how long we wait.
#[derive(Debug, Clone)]
pub(crate) struct Manners {
    pub(crate) hostname: String,
    pub(crate) timeouts: ClientTimeouts,
    pub(crate) tls: TlsConfigs,
}

/// What became of a recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The other side has it.
    Delivered,
    /// Try again; why.
    Later(String),
    /// Do not; why.
    Failed(String),
    /// It was not tried, as others had their turn.
    Untried,
}

/// Why there was no transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Another host may do better.
    NextHost(String),
    /// So may this one without TLS, if that is allowed.
    Tls(String),
    /// None will: an outcome for all.
    All(Outcome),
}

impl From<NoAnswer> for Fault {
    fn from(error: NoAnswer) -> Self {
        Self::NextHost(error.to_string())
    }
}

impl From<WriteError> for Fault {
    fn from(error: WriteError) -> Self {
        Self::NextHost(error.to_string())
    }
}

/// A host that has answered EHLO.
struct Dialogue<'a> {
    connection: Connection,
    manners: &'a Manners,
    /// `EXT_…` of `smtp-proto`.
    extensions: u32,
    /// What SIZE said; 0 is no limit.
    bytes_max: u64,
}

/// Try to hand a message over. The outcomes are in the order of `errand.to`. Without `starttls` none is asked for.
pub(crate) async fn deliver<S: Source>(
    host: &Host,
    errand: &Errand<'_, S>,
    manners: &Manners,
    starttls: bool,
) -> Result<Vec<Outcome>, Fault> {
    let mut dialogue = Dialogue::open(host, manners).await?;
    if starttls {
        dialogue = dialogue.secured(host).await?;
    }
    let outcomes = dialogue.transact(errand).await;
    if outcomes.is_ok() {
        tokio::spawn(dialogue.quit());
    }
    outcomes
}

impl<'a> Dialogue<'a> {
    async fn open(host: &Host, manners: &'a Manners) -> Result<Self, Fault> {
        let connection = Connection::connect(host.address, manners.timeouts.connect).await;
        let connection = connection.map_err(|error| Fault::NextHost(format!("no connection: {error}")))?;
        let mut dialogue = Self { connection, manners, extensions: 0, bytes_max: 0 };
        let greeting = answer::read(&mut dialogue.connection, manners.timeouts.greeting).await?;
        match greeting.code {
            220 => dialogue.hello().await?,
            // RFC 7504 section 3: this host takes no mail, and will not.
            521 | 556 => return Err(Fault::All(Outcome::Failed(greeting.to_string()))),
            _ => return Err(Fault::NextHost(greeting.to_string())),
        }
        Ok(dialogue)
    }

    async fn hello(&mut self) -> Result<(), Fault> {
        let hello = self.command(&format!("EHLO {}\r\n", self.manners.hostname), self.manners.timeouts.command).await?;
        (self.extensions, self.bytes_max) = (0, 0);
        if hello.is_positive() {
            if let Some(told) = hello.extensions() {
                (self.extensions, self.bytes_max) = (told.capabilities, told.size as u64);
            }
            return Ok(());
        }
        // RFC 5321 section 3.2: an old server.
        if matches!(hello.code, 500 | 502 | 550) {
            let hello = self.command(&format!("HELO {}\r\n", self.manners.hostname), self.manners.timeouts.command).await?;
            if hello.is_positive() {
                return Ok(());
            }
            return Err(Fault::NextHost(hello.to_string()));
        }
        Err(Fault::NextHost(hello.to_string()))
    }

    /// The dialogue under TLS, if the host offers it.
    async fn secured(mut self, host: &Host) -> Result<Self, Fault> {
        if !self.offers(EXT_START_TLS) {
            return match host.tls {
                OutboundTls::Opportunistic => Ok(self),
                OutboundTls::Verified => Err(Fault::NextHost("it offers no TLS".to_owned())),
            };
        }
        let manners = self.manners;
        let ready = self.command("STARTTLS\r\n", manners.timeouts.command).await?;
        if ready.code != 220 {
            return Err(Fault::Tls(ready.to_string()));
        }
        // In a certificate and in SNI (RFC 6066 section 3) a name has no dot at its end.
        let name = ServerName::try_from(host.name.trim_end_matches('.').to_owned());
        let (config, name) = match host.tls {
            OutboundTls::Opportunistic => (&manners.tls.opportunistic, name.unwrap_or_else(|_| host.address.ip().into())),
            OutboundTls::Verified => (&manners.tls.verified, name.map_err(|_| Fault::Tls("its name is none that TLS knows".to_owned()))?),
        };
        match self.connection.start_tls_as_client(config.clone(), name, manners.timeouts.command).await {
            Ok(connection) => {
                // RFC 3207 section 4.2: what was said in the clear is forgotten.
                let mut dialogue = Self { connection, manners, extensions: 0, bytes_max: 0 };
                dialogue.hello().await?;
                Ok(dialogue)
            }
            // Somebody between us and the host has put words in its mouth (CVE-2021-38371).
            Err(StartTlsError::PendingInput) => Err(Fault::All(Outcome::Later("replies stood before the TLS handshake".to_owned()))),
            Err(error) => Err(Fault::Tls(error.to_string())),
        }
    }

    /// MAIL, RCPT and DATA.
    async fn transact<S: Source>(&mut self, errand: &Errand<'_, S>) -> Result<Vec<Outcome>, Fault> {
        let mail = self.mail_line(errand).map_err(Fault::All)?;
        let outcomes = if self.offers(EXT_PIPELINING) {
            self.envelope_at_once(&mail, errand.to).await?
        } else {
            self.envelope(&mail, errand.to).await?
        };
        let (mut outcomes, accepted) = match outcomes {
            Envelope::Refused(refused) => return Ok(vec![refused; errand.to.len()]),
            Envelope::Recipients(outcomes) => {
                let accepted = outcomes.contains(&Outcome::Delivered);
                (outcomes, accepted)
            }
        };
        if !accepted {
            return Ok(outcomes);
        }
        let result = self.data(errand).await?;
        for outcome in outcomes.iter_mut().filter(|outcome| **outcome == Outcome::Delivered) {
            *outcome = result.clone();
        }
        Ok(outcomes)
    }

    fn mail_line<S>(&self, errand: &Errand<'_, S>) -> Result<String, Outcome> {
        let mut line = match errand.from {
            Some(from) => format!("MAIL FROM:<{from}>"),
            None => "MAIL FROM:<>".to_owned(),
        };
        // RFC 1870 section 6.1.
        if self.offers(EXT_SIZE) {
            if self.bytes_max > 0 && errand.bytes > self.bytes_max {
                return Err(Outcome::Failed(format!(
                    "552 5.3.4 the message has {} octets, the host takes {}",
                    errand.bytes, self.bytes_max
                )));
            }
            let _ = write!(line, " SIZE={}", errand.bytes);
        }
        // RFC 6152: true of any message we have, whether it holds such octets or not.
        if self.offers(EXT_8BIT_MIME) {
            line.push_str(" BODY=8BITMIME");
        }
        let utf8_address = errand.from.into_iter().chain(errand.to).any(|address| !address.to_string().is_ascii());
        if self.offers(EXT_SMTP_UTF8) {
            if utf8_address || errand.utf8_header {
                line.push_str(" SMTPUTF8");
            }
        } else if utf8_address {
            // RFC 6531 section 3.5.
            return Err(Outcome::Failed("550 5.6.7 the host does not take UTF-8 addresses".to_owned()));
        }
        line.push_str("\r\n");
        Ok(line)
    }

    /// RFC 2920: MAIL and all RCPTs in one go.
    async fn envelope_at_once(&mut self, mail: &str, to: &[Address]) -> Result<Envelope, Fault> {
        let mut batch = mail.to_owned();
        for address in to {
            let _ = write!(batch, "RCPT TO:<{address}>\r\n");
        }
        self.send(batch.as_bytes()).await?;
        let sender = answer::read(&mut self.connection, self.manners.timeouts.command).await?;
        let mut outcomes = Vec::with_capacity(to.len());
        for _ in to {
            outcomes.push(of_recipient(&answer::read(&mut self.connection, self.manners.timeouts.recipient).await?));
        }
        Ok(if sender.is_positive() { Envelope::Recipients(outcomes) } else { Envelope::Refused(negative(&sender)) })
    }

    async fn envelope(&mut self, mail: &str, to: &[Address]) -> Result<Envelope, Fault> {
        let sender = self.command(mail, self.manners.timeouts.command).await?;
        if !sender.is_positive() {
            return Ok(Envelope::Refused(negative(&sender)));
        }
        let mut outcomes = Vec::with_capacity(to.len());
        for address in to {
            let line = format!("RCPT TO:<{address}>\r\n");
            outcomes.push(of_recipient(&self.command(&line, self.manners.timeouts.recipient).await?));
        }
        Ok(Envelope::Recipients(outcomes))
    }

    async fn data<S: Source>(&mut self, errand: &Errand<'_, S>) -> Result<Outcome, Fault> {
        let start = self.command("DATA\r\n", self.manners.timeouts.data_start).await?;
        if start.code != 354 {
            return Ok(negative(&start));
        }
        let mut stuffer = DotStuffer::new();
        let mut out = Vec::new();
        let mut offset = 0;
        while offset < errand.bytes {
            let piece = errand.source.read(offset, PIECE_BYTES.min(errand.bytes - offset)).await;
            // The connection is dropped without the final dot, so that no half message is taken for a whole one.
            let piece = match piece {
                Ok(piece) if !piece.is_empty() => piece,
                _ => return Err(Fault::All(Outcome::Later("the message could not be read here".to_owned()))),
            };
            offset += piece.len() as u64;
            out.clear();
            stuffer.push(&piece, &mut out);
            self.connection.write(&out).await?;
            self.connection.flush(self.manners.timeouts.data_block).await?;
        }
        out.clear();
        stuffer.finish(&mut out);
        self.send(&out).await?;
        // From here on the host may have the message, so no other host gets it in this attempt.
        match answer::read(&mut self.connection, self.manners.timeouts.data_end).await {
            Ok(end) if end.is_positive() => Ok(Outcome::Delivered),
            Ok(end) => Ok(negative(&end)),
            Err(error) => Ok(Outcome::Later(format!("no reply after the end of data: {error}"))),
        }
    }

    async fn command(&mut self, line: &str, within: Duration) -> Result<Answer, Fault> {
        self.send(line.as_bytes()).await?;
        Ok(answer::read(&mut self.connection, within).await?)
    }

    async fn send(&mut self, octets: &[u8]) -> Result<(), Fault> {
        self.connection.write(octets).await?;
        Ok(self.connection.flush(self.manners.timeouts.data_block).await?)
    }

    fn offers(&self, extension: u32) -> bool {
        self.extensions & extension != 0
    }

    /// RFC 5321 section 4.1.1.10. Nobody waits for it.
    fn quit(self) -> impl Future<Output = ()> + Send + 'static {
        let (mut connection, within) = (self.connection, self.manners.timeouts.quit);
        async move {
            if connection.write(b"QUIT\r\n").await.is_ok() && connection.flush(within).await.is_ok() {
                match answer::read(&mut connection, within).await {
                    Ok(_) => connection.close().await,
                    Err(error) => debug!(%error, "no reply to QUIT"),
                }
            }
        }
    }
}

/// What MAIL and RCPT came to; `Delivered` stands for an accepted recipient.
enum Envelope {
    Refused(Outcome),
    Recipients(Vec<Outcome>),
}

fn of_recipient(answer: &Answer) -> Outcome {
    if answer.is_positive() { Outcome::Delivered } else { negative(answer) }
}

/// RFC 5321 section 4.2.1: 5xx is for good; anything else that is not success is for now.
fn negative(answer: &Answer) -> Outcome {
    if answer.is_permanent() { Outcome::Failed(answer.to_string()) } else { Outcome::Later(answer.to_string()) }
}
