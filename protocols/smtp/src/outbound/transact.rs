//! One transaction: MAIL, RCPT, DATA or BDAT (RFC 5321 section 3.3, RFC 3030), in as few round trips as the host allows.
//!
//! What always holds: the end of the data is sent only after all of it; every recipient gets an outcome of its own; from the end of the
//! data on the host may have the message, so no other host gets it in the same attempt.

use super::answer::{self, Answer};
use super::client::{Dialogue, Fault, Outcome, State};
use super::tls::Secured;
use octroi_gate::{Notify, QueueRecipient, Refusal, Ret, Terms};
use octroi_model::{Address, UnixTime};
use octroi_net::dot::DotStuffer;
use smtp_proto::{
    EXT_8BIT_MIME, EXT_CHUNKING, EXT_DELIVER_BY, EXT_DSN, EXT_MT_PRIORITY, EXT_PIPELINING, EXT_REQUIRE_TLS, EXT_SIZE, EXT_SMTP_UTF8,
};
use std::fmt::Write;

/// Octets of a message that are read from the queue at once.
pub(super) const PIECE_BYTES: u64 = 256 * 1024;
/// Recipients of one transaction (RFC 5321 section 4.5.3.1.8: a host need not take more).
pub(super) const RECIPIENTS_MAX: usize = 100;
/// Octets of a message that go out in one chunk, together with the envelope.
const CHUNK_BYTES_MAX: u64 = 64 * 1024;

/// Where the octets of a message come from.
pub(crate) trait Source: Sync {
    /// Some octets from `offset`: at least one and at most `bytes`, unless the end is reached.
    fn read(&self, offset: u64, bytes: u64) -> impl Future<Output = Result<Vec<u8>, Refusal>> + Send;
}

/// What is to be sent.
pub(crate) struct Errand<'a, S> {
    pub(crate) from: Option<&'a Address>,
    pub(crate) to: &'a [&'a QueueRecipient],
    pub(crate) terms: &'a Terms,
    pub(crate) bytes: u64,
    /// The header holds UTF-8 (RFC 6532).
    pub(crate) utf8_header: bool,
    /// Its author wants it to arrive also where TLS is broken (RFC 8689 section 3).
    pub(crate) tls_optional: bool,
    pub(crate) source: &'a S,
    pub(crate) now: UnixTime,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sent {
    /// In the order of [`Errand::to`].
    pub(crate) outcomes: Vec<Outcome>,
    /// The host knows DSN: it tells the sender of success, and we need not.
    pub(crate) dsn: bool,
    /// What it said to the end of the data, or whose words these are.
    pub(crate) host: String,
}

impl Dialogue {
    /// Try to hand a message over.
    pub(crate) async fn transact<S: Source>(&mut self, errand: &Errand<'_, S>) -> Result<Sent, Fault> {
        let sent = |dialogue: &Self, outcomes| Sent { outcomes, dsn: dialogue.offers(EXT_DSN), host: dialogue.host.clone() };
        let mail = match self.mail_line(errand).await {
            Ok(line) => line,
            Err(fault) => return fault.map(|outcome| sent(self, vec![outcome; errand.to.len()])),
        };
        self.messages += 1;
        self.state = State::Broken;
        let chunk = self.offers(EXT_CHUNKING) && errand.bytes <= CHUNK_BYTES_MAX;
        let outcomes = if self.offers(EXT_PIPELINING) {
            self.at_once(&mail, errand, chunk).await?
        } else {
            self.one_by_one(&mail, errand, chunk).await?
        };
        Ok(sent(self, outcomes))
    }

    /// Can another message follow, once something is [`Dialogue::cleared`] away?
    pub(crate) fn is_usable(&self) -> bool {
        self.state != State::Broken
    }

    /// Ready for the next message (RFC 5321 section 4.1.1.5)? After a refusal something may be left over from the last one.
    pub(crate) async fn cleared(&mut self) -> bool {
        if self.state == State::Unclear {
            let within = self.manners.timeouts.command;
            let is_clear = self.command("RSET\r\n", within).await.is_ok_and(|answer| answer.is_positive());
            self.state = if is_clear { State::Clear } else { State::Broken };
        }
        self.state == State::Clear
    }

    /// The host says that it goes (RFC 5321 section 3.8): it has nothing of this message.
    fn parting(sender: &Answer) -> Result<(), Fault> {
        if sender.code == 421 { Err(Fault::NextHost(sender.to_string())) } else { Ok(()) }
    }

    /// The line, or why this host cannot have the message.
    async fn mail_line<S: Source>(&self, errand: &Errand<'_, S>) -> Result<String, Result<Outcome, Fault>> {
        let fail = |why: String| Err(Ok(Outcome::Failed(why)));
        let mut line = match errand.from {
            Some(from) => format!("MAIL FROM:<{from}>"),
            None => "MAIL FROM:<>".to_owned(),
        };
        // RFC 1870 section 6.1.
        if self.offers(EXT_SIZE) {
            if self.bytes_max > 0 && errand.bytes > self.bytes_max {
                return fail(format!("552 5.3.4 the message has {} octets, the host takes {}", errand.bytes, self.bytes_max));
            }
            let _ = write!(line, " SIZE={}", errand.bytes);
        }
        if self.offers(EXT_8BIT_MIME) {
            // RFC 6152: true of any message we have, whether it holds such octets or not.
            line.push_str(" BODY=8BITMIME");
        } else if !is_ascii(errand).await.map_err(Err)? {
            // RFC 6152 section 3: convert or return. Converting would break every signature.
            return fail("550 5.6.3 the message has 8-bit octets, which the host does not take".to_owned());
        }
        let utf8_address =
            errand.from.into_iter().chain(errand.to.iter().map(|to| &to.address)).any(|address| !address.to_string().is_ascii());
        if self.offers(EXT_SMTP_UTF8) {
            if utf8_address || errand.utf8_header || errand.terms.utf8 {
                line.push_str(" SMTPUTF8");
            }
        } else if utf8_address || (errand.terms.utf8 && errand.utf8_header) {
            // RFC 6531 section 3.5.
            return fail("550 5.6.7 the host does not take UTF-8 addresses and headers".to_owned());
        }
        self.terms(errand, &mut line).map_err(|why| Ok(Outcome::Failed(why)))?;
        line.push_str("\r\n");
        Ok(line)
    }

    /// What was asked for at MAIL is asked for again.
    fn terms<S>(&self, errand: &Errand<'_, S>, line: &mut String) -> Result<(), String> {
        let terms = errand.terms;
        if self.offers(EXT_DSN) {
            match terms.ret {
                Some(Ret::Full) => line.push_str(" RET=FULL"),
                Some(Ret::Headers) => line.push_str(" RET=HDRS"),
                None => {}
            }
            if let Some(envid) = &terms.envid {
                let _ = write!(line, " ENVID={envid}");
            }
        }
        if terms.require_tls {
            // RFC 8689 section 4.2.1.
            if self.secured != Secured::Verified || !self.offers(EXT_REQUIRE_TLS) {
                return Err("550 5.7.30 the host does not offer REQUIRETLS over authenticated TLS".to_owned());
            }
            line.push_str(" REQUIRETLS");
        }
        if let Some(by) = terms.deliver_by {
            let left = by.at.0.saturating_sub(errand.now.0);
            let mode = if by.fails { 'R' } else { 'N' };
            if self.offers(EXT_DELIVER_BY) {
                let _ = write!(line, " BY={left};{mode}{}", if by.trace { "T" } else { "" });
            } else if by.fails {
                // RFC 2852 section 4.1.4: it could not keep what was promised.
                return Err("550 5.4.7 the host does not know of delivery in time".to_owned());
            }
        }
        if terms.priority != 0 && self.offers(EXT_MT_PRIORITY) {
            let _ = write!(line, " MT-PRIORITY={}", terms.priority);
        }
        Ok(())
    }

    fn rcpt_line(&self, to: &QueueRecipient) -> String {
        let mut line = format!("RCPT TO:<{}>", to.address);
        if self.offers(EXT_DSN) {
            let notify = to.terms.notify;
            if !notify.is_default() {
                let words =
                    [(Notify::NEVER, "NEVER"), (Notify::SUCCESS, "SUCCESS"), (Notify::FAILURE, "FAILURE"), (Notify::DELAY, "DELAY")];
                let words: Vec<&str> = words.into_iter().filter(|(one, _)| notify.0 & one.0 != 0).map(|(_, word)| word).collect();
                let _ = write!(line, " NOTIFY={}", words.join(","));
            }
            if let Some(orcpt) = &to.terms.orcpt {
                let _ = write!(line, " ORCPT={orcpt}");
            }
        }
        line.push_str("\r\n");
        line
    }

    /// RFC 2920: MAIL, all RCPTs and DATA in one go; a small message behind it, where it goes in a chunk.
    async fn at_once<S: Source>(&mut self, mail: &str, errand: &Errand<'_, S>, chunk: bool) -> Result<Vec<Outcome>, Fault> {
        let mut batch = mail.as_bytes().to_vec();
        for to in errand.to {
            batch.extend_from_slice(self.rcpt_line(to).as_bytes());
        }
        if chunk {
            batch.extend_from_slice(format!("BDAT {} LAST\r\n", errand.bytes).as_bytes());
            batch.extend_from_slice(&whole(errand).await?);
        } else {
            batch.extend_from_slice(b"DATA\r\n");
        }
        self.send(&batch).await?;
        let sender = answer::read(&mut self.connection, self.manners.timeouts.command).await?;
        Self::parting(&sender)?;
        let mut outcomes = Vec::with_capacity(errand.to.len());
        for _ in errand.to {
            outcomes.push(of_recipient(&answer::read(&mut self.connection, self.manners.timeouts.recipient).await?));
        }
        if !sender.is_positive() {
            outcomes.fill(negative(&sender));
        }
        let accepted = outcomes.contains(&Outcome::Delivered);
        if chunk {
            let end = answer::read(&mut self.connection, self.manners.timeouts.data_end).await;
            let outcomes_now = self.concluded(outcomes.clone(), end);
            return Ok(if accepted { outcomes_now } else { outcomes });
        }
        let start = answer::read(&mut self.connection, self.manners.timeouts.data_start).await?;
        match (accepted, start.code == 354) {
            (false, false) => {
                self.state = State::Unclear;
                Ok(outcomes)
            }
            // RFC 2920 section 3.1: it waits for a message for nobody.
            (false, true) => {
                if self.command(".\r\n", self.manners.timeouts.data_end).await.is_ok() {
                    self.state = State::Unclear;
                }
                Ok(outcomes)
            }
            (true, false) => {
                self.state = State::Unclear;
                Ok(with(outcomes, &negative(&start)))
            }
            (true, true) => self.data(errand, outcomes).await,
        }
    }

    async fn one_by_one<S: Source>(&mut self, mail: &str, errand: &Errand<'_, S>, chunk: bool) -> Result<Vec<Outcome>, Fault> {
        let sender = self.command(mail, self.manners.timeouts.command).await?;
        Self::parting(&sender)?;
        if !sender.is_positive() {
            self.state = State::Unclear;
            return Ok(vec![negative(&sender); errand.to.len()]);
        }
        let mut outcomes = Vec::with_capacity(errand.to.len());
        for to in errand.to {
            let line = self.rcpt_line(to);
            outcomes.push(of_recipient(&self.command(&line, self.manners.timeouts.recipient).await?));
        }
        if !outcomes.contains(&Outcome::Delivered) {
            self.state = State::Unclear;
            return Ok(outcomes);
        }
        if chunk {
            let mut octets = format!("BDAT {} LAST\r\n", errand.bytes).into_bytes();
            octets.extend_from_slice(&whole(errand).await?);
            self.send(&octets).await?;
            let end = answer::read(&mut self.connection, self.manners.timeouts.data_end).await;
            return Ok(self.concluded(outcomes, end));
        }
        let start = self.command("DATA\r\n", self.manners.timeouts.data_start).await?;
        if start.code != 354 {
            self.state = State::Unclear;
            return Ok(with(outcomes, &negative(&start)));
        }
        self.data(errand, outcomes).await
    }

    /// The message itself, after 354.
    async fn data<S: Source>(&mut self, errand: &Errand<'_, S>, outcomes: Vec<Outcome>) -> Result<Vec<Outcome>, Fault> {
        let mut stuffer = DotStuffer::new();
        let mut out = Vec::new();
        let mut offset = 0;
        while offset < errand.bytes {
            // The connection is dropped without the final dot, so that no half message is taken for a whole one.
            let piece = piece(errand, offset).await?;
            offset += piece.len() as u64;
            stuffer.push(&piece, &mut out);
            if offset < errand.bytes {
                self.send(&out).await?;
                out.clear();
            }
        }
        stuffer.finish(&mut out);
        self.send(&out).await?;
        let end = answer::read(&mut self.connection, self.manners.timeouts.data_end).await;
        Ok(self.concluded(outcomes, end))
    }

    /// From the end of the data on the host may have the message.
    fn concluded(&mut self, outcomes: Vec<Outcome>, end: Result<Answer, answer::NoAnswer>) -> Vec<Outcome> {
        match end {
            Ok(end) => {
                self.state = if end.code == 421 { State::Broken } else { State::Clear };
                if end.is_positive() { outcomes } else { with(outcomes, &negative(&end)) }
            }
            Err(error) => with(outcomes, &Outcome::Later(format!("no reply after the end of data: {error}"))),
        }
    }
}

/// Those who were accepted get this outcome.
fn with(mut outcomes: Vec<Outcome>, outcome: &Outcome) -> Vec<Outcome> {
    for accepted in outcomes.iter_mut().filter(|outcome| **outcome == Outcome::Delivered) {
        accepted.clone_from(outcome);
    }
    outcomes
}

async fn piece<S: Source>(errand: &Errand<'_, S>, offset: u64) -> Result<Vec<u8>, Fault> {
    match errand.source.read(offset, PIECE_BYTES.min(errand.bytes - offset)).await {
        Ok(piece) if !piece.is_empty() => Ok(piece),
        _ => Err(Fault::All(Outcome::Later("the message could not be read here".to_owned()))),
    }
}

async fn whole<S: Source>(errand: &Errand<'_, S>) -> Result<Vec<u8>, Fault> {
    let mut all = Vec::with_capacity(errand.bytes as usize);
    while (all.len() as u64) < errand.bytes {
        let more = piece(errand, all.len() as u64).await?;
        all.extend_from_slice(&more);
    }
    Ok(all)
}

async fn is_ascii<S: Source>(errand: &Errand<'_, S>) -> Result<bool, Fault> {
    let mut offset = 0;
    while offset < errand.bytes {
        let piece = piece(errand, offset).await?;
        if !piece.is_ascii() {
            return Ok(false);
        }
        offset += piece.len() as u64;
    }
    Ok(true)
}

fn of_recipient(answer: &Answer) -> Outcome {
    if answer.is_positive() { Outcome::Delivered } else { negative(answer) }
}

/// RFC 5321 section 4.2.1: 5xx is for good; anything else that is not success is for now.
fn negative(answer: &Answer) -> Outcome {
    if answer.is_permanent() { Outcome::Failed(answer.to_string()) } else { Outcome::Later(answer.to_string()) }
}
