//! A message on its way in, by DATA or BDAT: checked and streamed into the store as it comes.
//!
//! What always holds: whatever is wrong with a message, it is read to its real end before it is refused; nothing of a refused
//! message is kept; nothing is acknowledged before the gate said that it is durable.

use crate::arrival::Teller;
use crate::config::SmtpConfig;
use crate::filter::{Bench, Outcome, Slot};
use crate::guard;
use crate::header::{self, Plan};
use crate::intake::Copies;
use crate::proof::{Proof, Proofs};
use crate::refusal;
use crate::session::{End, Kind, Session};
use crate::transaction::{Open, Route, Transaction};
use crate::wire::Reply;
use octroi_gate::{Content, DESCRIBED_BYTES_MAX, Refusal, Upload};
use octroi_mailauth::Sealable;
use octroi_net::READ_BYTES_MAX;
use octroi_net::dot::{DotReceiver, Violation};
use octroi_reports::Reports;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use tracing::{debug, info};

/// A message half-way in.
pub(crate) struct Reception {
    id: String,
    plan: Plan,
    kind: Kind,
    proofs: Proofs,
    reports: Reports,
    /// Its sender is one to be checked.
    checked: bool,
    proof: Proof,
    body: Body,
    /// Octets that have come, without dots and trace fields.
    bytes: u64,
    bytes_max: u64,
    header_bytes_max: usize,
    /// The octet before the next one: for BDAT, where no end-of-data rule looks at them.
    last: u8,
    /// BINARYMIME: only the header has lines.
    binary: bool,
    /// For what the sender is told: its header, if something may be told.
    told: Option<Vec<u8>>,
    /// Its place among the messages that are under way, until it is on disk.
    place: guard::Reception,
}

enum Body {
    /// The header is not whole yet.
    Header { upload: Upload, head: Vec<u8> },
    /// It is in the store already, rewritten.
    Text { upload: Upload },
    /// The rest is read for nothing.
    Refused(Reply),
}

impl Reception {
    /// Right before the first octet.
    pub(crate) async fn begin(id: String, kind: Kind, open: &Open, plan: Plan, config: &SmtpConfig) -> Result<Self, Refusal> {
        let place = config.guard.reception(config.receptions_max).ok_or(Refusal::Limit("messages under way"))?;
        let upload = open.route.upload().await?;
        Ok(Self {
            id,
            plan,
            kind,
            proofs: config.proofs.clone(),
            reports: config.reports.clone(),
            checked: open.sender.is_some(),
            proof: Proof::None,
            body: Body::Header { upload, head: Vec::new() },
            bytes: 0,
            bytes_max: config.message_bytes_max,
            header_bytes_max: config.header_bytes_max,
            last: 0,
            binary: open.binary,
            told: open.route.may_tell().then(Vec::new),
            place,
        })
    }

    /// Take in octets of the message.
    async fn push(&mut self, octets: &[u8], route: &Route) {
        self.bytes += octets.len() as u64;
        if self.bytes > self.bytes_max {
            // RFC 1870 section 6.3.
            return self.refuse(Reply::new(552, "5.3.4", "Message too big"));
        }
        let written = match &mut self.body {
            Body::Refused(_) => return,
            Body::Text { upload } => {
                self.proof.body(octets);
                upload.write(octets).await
            }
            Body::Header { head, .. } => {
                let searched = head.len();
                head.extend_from_slice(octets);
                match header::end(head, searched) {
                    Some(end) => return self.open_body(end, route).await,
                    None if head.len() > self.header_bytes_max => return self.refuse(header_too_big()),
                    None => Ok(()),
                }
            }
        };
        if let Err(refused) = written {
            self.refuse(refusal::of_gate(&refused));
        }
    }

    /// The header is whole and ends at `end`: judge it, and pass it and what followed it on.
    async fn open_body(&mut self, end: usize, route: &Route) {
        let body = std::mem::replace(&mut self.body, Body::Refused(refusal::of_gate(&Refusal::Unavailable)));
        self.body = match body {
            Body::Header { head, .. } if self.binary && violation(0, &head[..end]).is_some() => Body::Refused(header_not_lines()),
            Body::Header { upload, head } => match self.begin_body(upload, &head, end, route).await {
                Ok(upload) => Body::Text { upload },
                Err(reply) => Body::Refused(reply),
            },
            begun => begun,
        };
    }

    async fn begin_body(&mut self, mut upload: Upload, head: &[u8], end: usize, route: &Route) -> Result<Upload, Reply> {
        if end > self.header_bytes_max {
            return Err(header_too_big());
        }
        let rewritten = header::rewrite(&head[..end], &self.plan, |from| route.may_author(from))?;
        self.proof = self.proofs.begin(self.kind, self.checked, route.leaves(), &head[..end], &rewritten);
        self.proof.body(&head[end..]);
        if let Some(told) = &mut self.told {
            told.clone_from(&rewritten);
        }
        upload.write(&rewritten).await.map_err(|refused| refusal::of_gate(&refused))?;
        upload.write(&head[end..]).await.map_err(|refused| refusal::of_gate(&refused))?;
        Ok(upload)
    }

    /// Take in octets of a chunk, which no end-of-data rule has looked at.
    async fn push_chunk(&mut self, octets: &[u8], route: &Route) {
        // RFC 3030 section 3: of a binary message only the header must be lines, which is looked at when it is whole.
        if !self.binary
            && let Some(violation) = violation(self.last, octets)
        {
            self.refuse(refusal::of_data(violation));
        }
        self.last = octets.last().copied().unwrap_or(self.last);
        self.push(octets, route).await;
    }

    /// Keep nothing, and answer this. The first reason stays.
    fn refuse(&mut self, reply: Reply) {
        if !self.is_refused() {
            self.body = Body::Refused(reply);
        }
    }

    fn is_refused(&self) -> bool {
        matches!(self.body, Body::Refused(_))
    }

    /// The whole message is here, with what was found out about it. Its place is given up by the caller, when it is on disk.
    async fn finish(mut self, open: &mut Open) -> (Result<Proved, Reply>, guard::Reception) {
        if let Body::Header { head, .. } = &self.body {
            let end = head.len();
            self.open_body(end, &open.route).await;
        }
        let proved = match self.body {
            Body::Refused(reply) => Err(reply),
            Body::Text { upload } | Body::Header { upload, .. } => {
                proven(upload, self.proof, (&self.id, &self.plan.trace), &self.reports, open).await
            }
        };
        (proved.map(|proved| Proved { told: self.told.filter(|_| proved.believed), ..proved }), self.place)
    }
}

/// A message that is all here.
struct Proved {
    upload: Upload,
    /// It is what it claims to be, as far as anybody knows.
    believed: bool,
    sealable: Option<Sealable>,
    /// Its header, for what its sender is told.
    told: Option<Vec<u8>>,
}

/// The message with what was found out about it above it; refused or filed elsewhere, if that is what follows from it.
async fn proven(mut upload: Upload, proof: Proof, (id, trace): (&str, &str), reports: &Reports, open: &mut Open) -> Result<Proved, Reply> {
    let mut proven = proof.finish(open.sender.take()).await;
    proven.count(reports, open.route.recipients());
    open.authentic = proven.authentic;
    if let Some(suspect) = open.suspect.take() {
        proven = proven.suspected(suspect, id, open.route.recipients(), trace, upload.in_memory()).await;
    }
    upload.head(proven.top(trace));
    if let Some(reply) = proven.refused {
        return Err(reply);
    }
    open.believed = !proven.junk;
    if proven.junk {
        open.route.file_as_junk();
    }
    Ok(Proved { upload, believed: !proven.junk, sealable: proven.sealable, told: None })
}

/// The message as it is to be kept; one with too large an attachment is not.
async fn described(upload: Upload, route: &Route, bench: Option<Bench>, copies: Copies) -> Result<(Content, Vec<Outcome>), Reply> {
    let of_gate = |refused: Refusal| refusal::of_gate(&refused);
    let (slot, bytes) = (Slot::default(), upload.bytes());
    let into = slot.clone();
    let describe = move |octets: &[u8]| {
        if let Some(bench) = bench {
            into.fill(bench, octets, bytes);
        }
        copies.copy(octets);
        octroi_mime::describe(octets)
    };
    let content = match route.attachment_bytes_max().map_err(of_gate)? {
        None => upload.finish_message(describe).await.map_err(of_gate)?,
        Some(attachment_bytes_max) => limited(upload, attachment_bytes_max, describe).await?,
    };
    Ok((content, slot.outcomes().await.map_err(of_gate)?))
}

async fn limited(
    upload: Upload,
    attachment_bytes_max: u64,
    describe: impl FnOnce(&[u8]) -> (Vec<u8>, usize) + Send + 'static,
) -> Result<Content, Reply> {
    // Of what is too large to be looked through, that is known already.
    if upload.bytes() > DESCRIBED_BYTES_MAX && upload.bytes() > attachment_bytes_max {
        return Err(attachment_too_big());
    }
    let largest = Arc::new(AtomicU64::new(0));
    let found = largest.clone();
    let measured = move |octets: &[u8]| {
        found.store(octroi_mime::largest_attachment(octets), Ordering::Release);
        describe(octets)
    };
    let content = upload.finish_message(measured).await.map_err(|refused| refusal::of_gate(&refused))?;
    if largest.load(Ordering::Acquire) > attachment_bytes_max { Err(attachment_too_big()) } else { Ok(content) }
}

/// RFC 3463 section 3.4, X.3.4: of this sender's profile.
fn attachment_too_big() -> Reply {
    Reply::new(552, "5.3.4", "An attachment is larger than you may send")
}

fn header_too_big() -> Reply {
    Reply::new(552, "5.3.4", "Header too big")
}

/// RFC 3030 section 3.
fn header_not_lines() -> Reply {
    Reply::new(550, "5.6.0", "Message refused: its header is not made of lines")
}

/// The first thing in `octets`, which follow `last`, that RFC 5321 section 2.3.8 forbids.
fn violation(last: u8, octets: &[u8]) -> Option<Violation> {
    let mut before = last;
    let mut rest = octets;
    loop {
        if before == b'\r' && rest.first().is_some_and(|&octet| octet != b'\n') {
            return Some(Violation::BareCr);
        }
        let at = memchr::memchr3(b'\r', b'\n', 0, rest)?;
        let previous = if at == 0 { before } else { rest[at - 1] };
        match rest[at] {
            0 => return Some(Violation::Nul),
            b'\n' if previous != b'\r' => return Some(Violation::BareLf),
            octet => before = octet,
        }
        rest = &rest[at + 1..];
    }
}

impl Session {
    /// DATA (RFC 5321 section 4.1.1.4).
    pub(crate) async fn data(&mut self) -> Result<(), End> {
        let open = match std::mem::take(&mut self.transaction) {
            Transaction::Open(open) if open.accepted > 0 && !open.binary => open,
            other => {
                let is_binary = matches!(&other, Transaction::Open(open) if open.binary);
                self.transaction = other;
                let binary = Reply::new(503, "5.5.1", "A binary message comes by BDAT");
                return self.say(&if is_binary { binary } else { out_of_order() }).await;
            }
        };
        let mut reception = match self.begin(&open).await {
            Ok(reception) => reception,
            Err(refused) => return self.say(&refusal::of_gate(&refused)).await,
        };
        self.say(&Reply::bare(354, "Start mail input, end with <CR LF>.<CR LF>")).await?;
        self.receive_dotted(&mut reception, &open.route).await?;
        self.complete(*open, reception).await
    }

    /// BDAT (RFC 3030 section 2).
    pub(crate) async fn bdat(&mut self, bytes: u64, last: bool) -> Result<(), End> {
        let (open, mut reception) = match std::mem::take(&mut self.transaction) {
            Transaction::Chunking(open, reception) => (open, reception),
            Transaction::Open(open) if open.accepted > 0 => match self.begin(&open).await {
                Ok(reception) => (open, Box::new(reception)),
                Err(refused) => {
                    self.discard(bytes).await?;
                    return self.say(&refusal::of_gate(&refused)).await;
                }
            },
            // RFC 3030 section 4.2: the octets come whatever we think of them, pipelined behind the command.
            other => {
                self.discard(bytes).await?;
                self.transaction = other;
                return self.say(&out_of_order()).await;
            }
        };
        self.receive_chunk(bytes, &mut reception, &open.route).await?;
        if last {
            if reception.last == b'\r' && !reception.binary {
                reception.refuse(refusal::of_data(Violation::BareCr));
            }
            return self.complete(*open, *reception).await;
        }
        if let Body::Refused(reply) = reception.body {
            // The transaction is gone: further chunks are read and answered with 503.
            return self.say(&reply).await;
        }
        let reply = Reply::new(250, "2.0.0", format!("{bytes} octets received"));
        self.transaction = Transaction::Chunking(open, reception);
        self.say(&reply).await
    }

    async fn begin(&mut self, open: &Open) -> Result<Reception, Refusal> {
        let id = crate::stamp::unique_id();
        let plan = self.plan(open, &id);
        Reception::begin(id, self.kind, open, plan, &self.config).await
    }

    async fn receive_dotted(&mut self, reception: &mut Reception, route: &Route) -> Result<(), End> {
        let deadline = Instant::now() + self.config.timeouts.message;
        let mut dots = DotReceiver::new();
        let mut meant = Vec::with_capacity(READ_BYTES_MAX + 1);
        let mut discarded = 0;
        loop {
            let octets = self.more(READ_BYTES_MAX, deadline).await?;
            let progress = dots.push(octets, &mut meant);
            self.connection.consume(progress.consumed);
            if let Some(violation) = dots.violation() {
                reception.refuse(refusal::of_data(violation));
            }
            reception.push(&meant, route).await;
            meant.clear();
            if progress.ended {
                return Ok(());
            }
            if reception.is_refused() {
                discarded += progress.consumed as u64;
                self.limit_discarded(discarded)?;
            }
        }
    }

    async fn receive_chunk(&mut self, bytes: u64, reception: &mut Reception, route: &Route) -> Result<(), End> {
        if bytes > self.config.message_bytes_max.saturating_sub(reception.bytes) {
            reception.refuse(Reply::new(552, "5.3.4", "Message too big"));
        }
        let deadline = Instant::now() + self.config.timeouts.message;
        let mut left = bytes;
        while left > 0 && !reception.is_refused() {
            let max = usize::try_from(left).unwrap_or(usize::MAX).min(READ_BYTES_MAX);
            let octets = self.more(max, deadline).await?;
            let count = octets.len();
            reception.push_chunk(octets, route).await;
            self.connection.consume(count);
            left -= count as u64;
        }
        self.discard(left).await
    }

    /// Read octets for nothing.
    async fn discard(&mut self, bytes: u64) -> Result<(), End> {
        self.limit_discarded(bytes)?;
        let deadline = Instant::now() + self.config.timeouts.message;
        let mut left = bytes;
        while left > 0 {
            let max = usize::try_from(left).unwrap_or(usize::MAX).min(READ_BYTES_MAX);
            let count = self.more(max, deadline).await?.len();
            self.connection.consume(count);
            left -= count as u64;
        }
        Ok(())
    }

    fn limit_discarded(&self, bytes: u64) -> Result<(), End> {
        if bytes > self.config.discarded_bytes_max {
            return Err(End::Close(Reply::new(421, "4.3.4", "Far too big, closing connection")));
        }
        Ok(())
    }

    /// The message as it is to be kept, and what came of the filters of those who have one.
    async fn filtered(
        &mut self,
        upload: Upload,
        sealable: Option<Sealable>,
        open: &Open,
        copies: Copies,
    ) -> Result<(Content, Vec<Outcome>), Reply> {
        let filters = open.route.filters().await.map_err(|refused| refusal::of_gate(&refused))?;
        described(upload, &open.route, Bench::open(self, open, sealable, filters), copies).await
    }

    /// Hand the message to the gate and answer.
    async fn complete(&mut self, mut open: Open, reception: Reception) -> Result<(), End> {
        let (id, bytes, accepted) = (reception.id.clone(), reception.bytes, open.accepted);
        let (finished, place) = reception.finish(&mut open).await;
        let copies = Copies::of(self, &open, bytes);
        let finished = match finished {
            Ok(Proved { upload, sealable, told, .. }) => {
                self.filtered(upload, sealable, &open, copies.clone()).await.map(|(content, filtered)| (content, filtered, told))
            }
            Err(reply) => Err(reply),
        };
        let outcomes = match finished {
            Ok((content, filtered, told)) => {
                let teller = Teller::of(self, &open, told, &filtered);
                if self.kind == Kind::Lmtp {
                    open.route.complete_each(content, filtered, teller.as_ref()).await
                } else {
                    vec![open.route.complete(content, filtered, teller.as_ref()).await]
                }
            }
            Err(reply) => vec![Err(reply); self.kind.final_replies(accepted)],
        };
        drop(place);
        let refused = outcomes.iter().filter(|outcome| outcome.is_err()).count();
        if let Some(reply) = outcomes.iter().find_map(|outcome| outcome.as_ref().err()) {
            debug!(id, bytes, refused, code = reply.code(), peer = %self.peer(), "message refused");
        }
        if refused < outcomes.len() {
            info!(id, bytes, recipients = accepted - refused, peer = %self.peer(), "message accepted");
            self.commands = 0;
            copies.take_in(&id);
        }
        let mut replies: Vec<Reply> = outcomes
            .into_iter()
            .map(|outcome| outcome.err().unwrap_or_else(|| Reply::new(250, "2.0.0", format!("Accepted as {id}"))))
            .collect();
        // One message is one error, however many replies it gets.
        let Some(last) = replies.pop() else { return Ok(()) };
        for reply in &replies {
            self.write(reply).await?;
        }
        self.say(&last).await
    }
}

/// RFC 5321 section 4.1.4; RFC 2033 section 4.2 wants 503 when no recipient was accepted.
fn out_of_order() -> Reply {
    Reply::new(503, "5.5.1", "No valid recipients, or another message is under way")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_cr_lf_ends_a_line_in_a_chunk() {
        for (last, octets, expected) in [
            (b'\n', "a\r\nb\r\n".as_bytes(), None),
            (b'a', b"\nb", Some(Violation::BareLf)),
            (b'\r', b"\nb", None),
            (b'\r', b"b", Some(Violation::BareCr)),
            (b'\r', b"\r\n", Some(Violation::BareCr)),
            (0, b"\n", Some(Violation::BareLf)),
            (0, b"a\r\n\0.\r\n", Some(Violation::Nul)),
            (0, b"a\r\r\n", Some(Violation::BareCr)),
            (0, b"a\r", None),
            (0, b"", None),
        ] {
            assert_eq!(violation(last, octets), expected, "{octets:?} after {last}");
        }
    }

    proptest! {
        #[test]
        fn cutting_hides_no_violation(octets in proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'a'), Just(0)], 0..12), cut in 0usize..12) {
            let cut = cut.min(octets.len());
            let (first, second) = octets.split_at(cut);
            let whole = violation(0, &octets).is_some();
            let parts = violation(0, first).is_some() || violation(first.last().copied().unwrap_or(0), second).is_some();
            prop_assert_eq!(whole, parts);
        }
    }
}
