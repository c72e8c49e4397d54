//! The messages of a command on their way in. Called by APPEND and REPLACE.
//!
//! No message is whole in memory: the reader leaves its octets on the connection, and they go from there to the store in pieces, as do
//! those that a URL leads to. What always holds: a command that fails has been read to its end as far as it is under way; what was taken
//! of it is thrown away when the drafts are dropped.

use super::url;
use crate::commands::fetch::{Run, section};
use crate::commands::store::decode;
use crate::config::ImapConfig;
use crate::message_limit::MessageLimit;
use crate::reply::{End, Fault, Reply};
use crate::state::State;
use crate::wire::grammar::append::{self as grammar, Line, Place, Step, Then};
use crate::wire::grammar::scan::NOT_UNDERSTOOD;
use crate::wire::literal::{Literal, announced};
use crate::wire::{Trust, Wire, date};
use imap_codec::imap_types::response::{Code, StatusKind};
use octroi_gate::{Append, Draft, Granted, Mailbox, MailboxView, Part, Refusal, Upload};
use octroi_model::UnixTime;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};

/// For what stands behind a message.
const REST_DEADLINE: Duration = Duration::from_mins(1);
/// Octets that go from a message in the store to a new one at once.
const PIECE_BYTES: u64 = 256 * 1024;
/// URLs in one command: each may cost the reading of a large message.
const URLS_MAX: usize = 256;
/// Of one message, the store keeps so much in memory until it is committed.
const HELD_BYTES_MAX: u64 = 1024 * 1024;
/// Octets that wait in memory for the other messages of their command, over all connections, in KiB.
static HELD: Semaphore = Semaphore::const_new(64 * 1024);

/// Take all messages of a command, which frees so many octets. When that fails, nothing is left of them.
pub(crate) async fn receive(
    wire: &mut Wire,
    state: &State,
    target: &Granted<Mailbox, Append>,
    upload: &grammar::Upload,
    freed: u64,
    config: &ImapConfig,
) -> Result<Vec<Draft>, Fault> {
    let mut receipt =
        Receipt { state, target, config, freed, drafts: Vec::new(), current: None, urls: 0, bytes: 0, text_bytes: 0, held: Vec::new() };
    let mut line = upload.line.clone();
    loop {
        let done = match receipt.follow(&line.steps).await {
            Ok(()) => receipt.check(&line.then, wire.enabled.utf8()),
            failed => failed,
        };
        if let Err(fault) = done {
            return Err(refuse(wire, &line.then, fault).await?);
        }
        let Then::Octets { literal, place } = line.then else { return Ok(receipt.drafts) };
        wire.invite(literal).await?;
        let taken = receipt.take(wire, literal.bytes).await?;
        line = receipt.behind(wire, taken, place, &upload.verb).await?;
    }
}

/// Deal with the octets that a refused command announces; returns why it was refused.
pub(crate) async fn refuse(wire: &mut Wire, then: &Then, fault: Fault) -> Result<Fault, End> {
    if let Then::Octets { literal, .. } = then {
        wire.refuse_literal(*literal, Trust::Member).await?;
    }
    Ok(fault)
}

/// What has come so far.
struct Receipt<'a> {
    state: &'a State,
    target: &'a Granted<Mailbox, Append>,
    config: &'a ImapConfig,
    /// Octets that go when these come.
    freed: u64,
    drafts: Vec<Draft>,
    current: Option<Current>,
    /// URLs that were followed.
    urls: usize,
    /// Octets of all messages.
    bytes: u64,
    /// Octets of all that stands between them.
    text_bytes: usize,
    /// For what waits in memory; the first message apart, as if it were alone.
    held: Vec<SemaphorePermit<'static>>,
}

/// The message under way.
struct Current {
    upload: Upload,
    keywords: Vec<String>,
    flags: octroi_model::Flags,
    date: UnixTime,
}

impl Receipt<'_> {
    async fn follow(&mut self, steps: &[Step]) -> Result<(), Fault> {
        for step in steps {
            match step {
                Step::Begin { flags, date } => {
                    // RFC 9738 section 3.1.
                    MessageLimit::new(self.config.messages_per_command_max).admit_count(self.drafts.len() + 1)?;
                    if self.drafts.len() >= self.config.append_messages_max {
                        return Err(Reply::no("LIMIT", format!("At most {} messages at once", self.config.append_messages_max)).into());
                    }
                    let (flags, keywords) = decode(flags)?;
                    let keywords = keywords.into_iter().map(str::to_owned).collect();
                    let date = date.as_ref().map_or_else(UnixTime::now, date::instant_of);
                    self.current = Some(Current { upload: self.target.upload().await?, flags, keywords, date });
                }
                Step::Url(url) => self.copy(url).await?,
                Step::End => self.finish().await?,
            }
        }
        Ok(())
    }

    /// The message is whole.
    async fn finish(&mut self) -> Result<(), Fault> {
        let Some(Current { upload, flags, keywords, date }) = self.current.take() else { return Ok(()) };
        if upload.bytes() == 0 {
            return Err(empty());
        }
        let content = upload.finish_message(octroi_mime::describe).await?;
        self.drafts.push(Draft { content, flags, keywords, date });
        Ok(())
    }

    /// Refuse announced octets that would not fit.
    fn check(&mut self, then: &Then, utf8: bool) -> Result<(), Fault> {
        let Then::Octets { literal, place } = then else { return Ok(()) };
        if matches!(place, Place::Utf8 | Place::Utf8Part) && !utf8 {
            return Err(Reply::bad("UTF8=ACCEPT has to be enabled first").into());
        }
        // RFC 3502 section 6.3.11: a client that gives up announces nothing.
        if literal.bytes == 0 && place.is_message() {
            return Err(empty());
        }
        self.admit(literal.bytes)
    }

    /// So many octets more of the message under way.
    fn admit(&mut self, bytes: u64) -> Result<(), Fault> {
        let message = self.current.as_ref().map_or(0, |current| current.upload.bytes()).saturating_add(bytes);
        self.bytes = self.bytes.saturating_add(bytes);
        if message > self.config.append_bytes_max {
            return Err(too_big(format!("A message may have {} octets", self.config.append_bytes_max)));
        }
        if self.bytes > self.config.append_bytes_max.max(self.config.append_command_bytes_max) {
            return Err(too_big(format!("All messages together may have {} octets", self.config.append_command_bytes_max)));
        }
        if !self.drafts.is_empty() {
            let kibibytes = bytes.min(HELD_BYTES_MAX).div_ceil(1024) as u32;
            self.held.push(HELD.try_acquire_many(kibibytes).map_err(|_| Refusal::Unavailable)?);
        }
        Ok(self.target.room_for(self.bytes.saturating_sub(self.freed))?)
    }

    /// From the connection to the store. The octets are read to their end even if the store gives up on them.
    async fn take(&mut self, wire: &mut Wire, bytes: u64) -> Result<Result<(), Fault>, End> {
        let mut taken = Ok(());
        let mut countdown = wire.countdown(bytes);
        while let Some((want, within)) = countdown.next_piece() {
            let octets = wire.connection.read_some(want, within).await?;
            let count = octets.len();
            if let (Ok(()), Some(current)) = (&taken, &mut self.current) {
                taken = current.upload.write(octets).await.map_err(Fault::from);
            }
            wire.connection.consume(count);
            countdown.took(count);
        }
        Ok(taken)
    }

    /// What stands behind octets. If they were not taken or if it cannot be meant, it is read past.
    async fn behind(&mut self, wire: &mut Wire, taken: Result<(), Fault>, place: Place, verb: &grammar::Verb) -> Result<Line, Fault> {
        let mut text = wire.line(Trust::Member, REST_DEADLINE).await.map_err(End::from)?.bytes;
        let mut last = 0;
        let fault = loop {
            self.text_bytes += text.len() - last;
            if let Err(fault) = taken {
                break fault;
            }
            if self.text_bytes > self.config.command_bytes_max {
                break too_big("The command is too large".to_owned());
            }
            match grammar::line(&text, place, verb, wire.enabled.utf8()) {
                Ok(Some(line)) => return Ok(line),
                Ok(None) => {}
                Err(why) => break Reply::bad(why).into(),
            }
            // A URL that is a literal.
            let Some(literal) = announced(&text[last..]) else { break Reply::bad(NOT_UNDERSTOOD).into() };
            if !self.gather(wire, &mut text, literal).await? {
                break too_big("The literal is too large".to_owned());
            }
            last = text.len();
            text.extend_from_slice(&wire.line(Trust::Member, REST_DEADLINE).await.map_err(End::from)?.bytes);
        };
        wire.skip(&text[last..], Trust::Member).await?;
        Err(fault)
    }

    /// Append the octets of a literal behind its announcement, unless it is too large.
    async fn gather(&mut self, wire: &mut Wire, text: &mut Vec<u8>, literal: Literal) -> Result<bool, End> {
        if literal.bytes > self.config.literal_bytes_max || self.text_bytes as u64 + literal.bytes > self.config.command_bytes_max as u64 {
            return Ok(false);
        }
        text.extend_from_slice(b"\r\n");
        self.text_bytes += literal.bytes as usize;
        wire.invite(literal).await?;
        wire.read_literal(text, literal.bytes).await?;
        Ok(true)
    }

    /// Octets of a message that is there already.
    async fn copy(&mut self, text: &str) -> Result<(), Fault> {
        self.urls += 1;
        if self.urls > URLS_MAX {
            return Err(Reply::no("LIMIT", format!("At most {URLS_MAX} URLs at once")).into());
        }
        let source = url::find(self.state, text).await?;
        let run = match section(&source.view, source.position, source.section.as_ref(), source.partial).await {
            Ok(run) => run.ok_or_else(|| url::bad(text, "There is no such part"))?,
            Err(Refusal::Missing) => return Err(url::bad(text, "There is no such message")),
            Err(other) => return Err(other.into()),
        };
        match run {
            Run::Octets { octets, permit: _permit } => {
                self.admit(octets.len() as u64)?;
                match &mut self.current {
                    Some(current) => Ok(current.upload.write(&octets).await?),
                    None => Ok(()),
                }
            }
            Run::At { from, count } => {
                self.admit(count)?;
                self.copy_run(&source.view, source.position, from, from + count).await
            }
        }
    }

    async fn copy_run(&mut self, view: &MailboxView, position: usize, from: u64, end: u64) -> Result<(), Fault> {
        let Some(current) = &mut self.current else { return Ok(()) };
        let mut offset = from;
        while offset < end {
            let bytes = (end - offset).min(PIECE_BYTES);
            let read = view.read(&[(position, Part::Range { offset, bytes })]).await?;
            let piece = read.first().filter(|piece| piece.len() as u64 == bytes).ok_or(Refusal::Damaged)?;
            current.upload.write(piece).await?;
            offset += bytes;
        }
        Ok(())
    }
}

fn empty() -> Fault {
    Reply::no("CANNOT", "A message has at least one octet").into()
}

// RFC 4469 section 4, RFC 7889 section 4.
fn too_big(text: String) -> Fault {
    Fault::Reply(Reply { kind: StatusKind::No, code: Some(Code::TooBig), text: text.into() })
}
