//! What a sender is told once a message has arrived: that it has, where that was asked for (RFC 3461 section 5.2.7), and that somebody behind
//! a group's or an alias's address has no room for it.
//!
//! Called at the end of a message; the gate asks for it with the outcome of each recipient and puts it into the same commit. What always
//! holds: nothing is told to `<>`, nor of mail that is not believed, nor to anybody more often than may be within an hour; who is behind an
//! address stands in none of it.

use crate::config::SmtpConfig;
use crate::dsn::{Concerned, News, Report, compose};
use crate::filter::Outcome;
use crate::session::Session;
use crate::stamp::unique_id;
use crate::transaction::Open;
use crate::wire::ReversePath;
use octroi_gate::{Arrival, Content, Fate, Notify, Sending};
use octroi_model::{Address, UnixTime};
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use tracing::warn;

/// What is said of a group of which one mailbox is full.
const FULL: &str = "552 5.2.2 The mailbox of somebody behind this address is full; the others have the message";

/// Whoever tells the sender of one message.
pub(crate) struct Teller {
    config: Arc<SmtpConfig>,
    hostname: String,
    peer: IpAddr,
    stranger: bool,
    to: Address,
    envid: Option<String>,
    /// The message's header.
    header: Vec<u8>,
    /// Recipients whose own filters refuse it in their reply, by their number.
    refused: Vec<usize>,
    /// Is the sender told at all? Asked once, since it is counted.
    may: OnceLock<bool>,
}

impl Teller {
    /// `None`: there is nobody to tell, or nothing.
    pub(crate) fn of(session: &Session, open: &Open, header: Option<Vec<u8>>, outcomes: &[Outcome]) -> Option<Self> {
        let ReversePath::Mailbox(to) = &open.from else { return None };
        let refusing = outcomes.iter().filter(|outcome| outcome.refusal.is_some());
        Some(Self {
            config: session.config.clone(),
            hostname: session.hostname().to_owned(),
            peer: session.peer(),
            stranger: session.stranger,
            to: to.clone(),
            envid: open.envid.clone(),
            header: header?,
            refused: refusing.flat_map(|outcome| open.route.recipients_of(&outcome.judged.filter)).collect(),
            may: OnceLock::new(),
        })
    }

    /// The reports on what becomes of the message.
    pub(crate) fn reports(&self, arrivals: &[Arrival<'_>]) -> Vec<Sending> {
        let told = |news: News, wish: Notify, fate: Fate, reason| {
            let each = arrivals.iter().enumerate().filter(|(at, _)| !self.refused.contains(at)).map(|(_, arrival)| arrival);
            let concerned: Vec<Concerned<'_>> = each
                .filter(|arrival| arrival.fate == fate && arrival.terms.notify.wants(wish))
                .map(|arrival| Concerned { address: arrival.to, orcpt: arrival.terms.orcpt.as_deref(), reason })
                .collect();
            (news, concerned)
        };
        let all = [
            told(News::Failed, Notify::FAILURE, Fate::InPart, FULL),
            told(News::Delivered, Notify::SUCCESS, Fate::Delivered, "it is in the mailbox"),
            told(News::Expanded, Notify::SUCCESS, Fate::Expanded, "it is with everybody behind this address, or on its way there"),
        ];
        let wanted = all.iter().filter(|(_, concerned)| !concerned.is_empty());
        wanted.filter(|_| self.may_tell()).map(|(news, concerned)| self.report(*news, concerned)).collect()
    }

    fn may_tell(&self) -> bool {
        *self.may.get_or_init(|| {
            let config = &self.config;
            let may = config.told.may_tell(&self.to.key(), config.queue.notifications_max, UnixTime::now())
                && (!self.stranger || config.guard.report(self.peer, &config.strangers));
            if !may {
                warn!(to = %self.to, "not told how a message arrived, for too much is told");
            }
            may
        })
    }

    fn report(&self, news: News, recipients: &[Concerned<'_>]) -> Sending {
        let now = UnixTime::now();
        let octets = compose(&Report {
            hostname: &self.hostname,
            to: &self.to,
            news,
            recipients,
            envid: self.envid.as_deref(),
            arrived: now,
            until: now,
            now,
            id: &unique_id(),
            original: &self.header,
            whole: false,
        });
        let octets = self.config.proofs.sign(octets);
        let (facts, header_bytes) = octroi_mime::describe(&octets);
        Sending::plain(self.to.clone(), Content::message(&facts, &octets, header_bytes))
    }
}
