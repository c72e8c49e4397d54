//! A mail transaction (RFC 5321 section 3.3) as a variant per state, each holding what its commands need.

use crate::arrival::Teller;
use crate::data::Reception;
use crate::filter::Outcome;
use crate::refusal;
use crate::spam::Suspect;
use crate::wire::{Reply, ReversePath};
use octroi_gate::{Arrival, Content, Envelope, Filter, Finished, Internet, MemberEnvelope, RecipientTerms, Refusal, Report, Terms, Upload};
use octroi_mailauth::SenderChecks;
use octroi_model::Address;

/// Where a transaction stands.
#[derive(Default)]
pub(crate) enum Transaction {
    /// No MAIL yet.
    #[default]
    Idle,
    /// MAIL was accepted, and perhaps recipients.
    Open(Box<Open>),
    /// The first chunk has come (RFC 3030): nothing but BDAT and RSET may follow.
    Chunking(Box<Open>, Box<Reception>),
}

/// What MAIL and RCPT have said.
pub(crate) struct Open {
    pub(crate) route: Route,
    pub(crate) from: ReversePath,
    /// SMTPUTF8 was asked for.
    pub(crate) utf8: bool,
    /// BINARYMIME was asked for: any octets, by BDAT only.
    pub(crate) binary: bool,
    /// RCPTs that were accepted, one named twice counted twice: LMTP answers each (RFC 2033 section 4.2).
    pub(crate) accepted: usize,
    /// What is being found out about the sender, if it is one to be checked.
    pub(crate) sender: Option<SenderChecks>,
    /// ENVID.
    pub(crate) envid: Option<String>,
    /// What others think of it, being asked.
    pub(crate) suspect: Option<Suspect>,
    /// Whether DMARC vouches for it, once that is known.
    pub(crate) authentic: Option<bool>,
    /// It is not Junk, once that is known.
    pub(crate) believed: bool,
}

/// The envelope; what it lets through depends on who opened it, and the gate holds to that.
pub(crate) enum Route {
    /// From anybody, to our people only.
    Inbound(Envelope<Internet>),
    /// From one of ours.
    Submitted(Envelope<MemberEnvelope>),
}

impl Route {
    pub(crate) async fn add(&mut self, to: &Address, terms: RecipientTerms) -> Result<(), Refusal> {
        match self {
            Self::Inbound(envelope) => envelope.add_under(to, terms).await,
            Self::Submitted(envelope) => envelope.add_under(to, terms).await,
        }
    }

    pub(crate) fn recipients(&self) -> &[Address] {
        match self {
            Self::Inbound(envelope) => envelope.recipients(),
            Self::Submitted(envelope) => envelope.recipients(),
        }
    }

    /// The message cannot be sent to other servers as it is.
    pub(crate) fn staying(self) -> Self {
        match self {
            Self::Inbound(envelope) => Self::Inbound(envelope.staying()),
            Self::Submitted(envelope) => Self::Submitted(envelope.staying()),
        }
    }

    /// Does the message go to other servers too?
    pub(crate) fn leaves(&self) -> bool {
        match self {
            Self::Inbound(envelope) => envelope.leaves(),
            Self::Submitted(envelope) => envelope.leaves(),
        }
    }

    pub(crate) async fn upload(&self) -> Result<Upload, Refusal> {
        match self {
            Self::Inbound(envelope) => envelope.upload().await,
            Self::Submitted(envelope) => envelope.upload().await,
        }
    }

    /// It is not believed.
    pub(crate) fn file_as_junk(&mut self) {
        if let Self::Inbound(envelope) = self {
            envelope.file_as_junk();
        }
    }

    /// May this sender be named as an author?
    pub(crate) fn may_author(&self, from: &Address) -> Result<(), Refusal> {
        match self {
            Self::Inbound(_) => Ok(()),
            Self::Submitted(envelope) => envelope.may_send_header_from(from),
        }
    }

    /// Octets that one attachment may have.
    pub(crate) fn attachment_bytes_max(&self) -> Result<Option<u64>, Refusal> {
        match self {
            Self::Inbound(_) => Ok(None),
            Self::Submitted(envelope) => envelope.attachment_bytes_max(),
        }
    }

    /// What leaves travels under these terms.
    pub(crate) fn under(self, terms: Terms) -> Self {
        match self {
            Self::Inbound(envelope) => Self::Inbound(envelope.under(terms)),
            Self::Submitted(envelope) => Self::Submitted(envelope.under(terms)),
        }
    }

    /// The filters of those recipients who have one.
    pub(crate) async fn filters(&self) -> Result<Vec<Filter>, Refusal> {
        match self {
            Self::Inbound(envelope) => envelope.filters().await,
            Self::Submitted(envelope) => envelope.filters().await,
        }
    }

    /// The recipients that a filter answers for, by their number.
    pub(crate) fn recipients_of(&self, filter: &Filter) -> Vec<usize> {
        match self {
            Self::Inbound(envelope) => envelope.recipients_of(filter),
            Self::Submitted(envelope) => envelope.recipients_of(filter),
        }
    }

    /// One of our people gets this message and nobody else, however often they were named.
    pub(crate) fn is_for_one(&self) -> bool {
        match self {
            Self::Inbound(envelope) => envelope.deliveries().len() == 1 && !envelope.leaves(),
            Self::Submitted(envelope) => envelope.deliveries().len() == 1 && !envelope.leaves(),
        }
    }

    /// May there be something to tell the sender when it has arrived?
    pub(crate) fn may_tell(&self) -> bool {
        match self {
            Self::Inbound(envelope) => envelope.may_report(),
            Self::Submitted(envelope) => envelope.may_report(),
        }
    }

    /// Durable when this returns `Ok`, and not before.
    pub(crate) async fn complete(self, content: Content, outcomes: Vec<Outcome>, teller: Option<&Teller>) -> Result<(), Reply> {
        // Who alone gets it refuses it for good.
        if let Some(reply) = outcomes.iter().find_map(|outcome| outcome.refusal.clone()) {
            return Err(reply);
        }
        let report = teller.map(|teller| |arrivals: &[Arrival<'_>]| teller.reports(arrivals));
        let message = finished(content, outcomes, report.as_ref().map(|report| report as &Report<'_>));
        let done = match self {
            Self::Inbound(envelope) => envelope.deliver(message).await,
            Self::Submitted(envelope) => envelope.send(message).await,
        };
        done.map_err(|refused| refusal::of_gate(&refused))
    }

    /// The same with an outcome for each recipient (RFC 2033 section 4.2): a full mailbox keeps the message from nobody else.
    pub(crate) async fn complete_each(self, content: Content, outcomes: Vec<Outcome>, teller: Option<&Teller>) -> Vec<Result<(), Reply>> {
        let count = self.recipients().len();
        let mut refusals: Vec<(usize, Reply)> = Vec::new();
        for outcome in &outcomes {
            let reply = outcome
                .refusal
                .iter()
                .flat_map(|reply| self.recipients_of(&outcome.judged.filter).into_iter().map(|at| (at, reply.clone())));
            refusals.extend(reply);
        }
        let report = teller.map(|teller| |arrivals: &[Arrival<'_>]| teller.reports(arrivals));
        let message = finished(content, outcomes, report.as_ref().map(|report| report as &Report<'_>));
        let delivered = match self {
            Self::Inbound(envelope) => envelope.deliver_each(message).await,
            Self::Submitted(envelope) => envelope.send(message).await.map(|()| vec![Ok(()); count]),
        };
        let mut replies: Vec<Result<(), Reply>> = match delivered {
            Ok(each) => each.into_iter().map(|outcome| outcome.map_err(|refused| refusal::of_gate(&refused))).collect(),
            Err(refused) => return vec![Err(refusal::of_gate(&refused)); count],
        };
        for (at, reply) in refusals {
            if let Some(outcome) = replies.get_mut(at) {
                *outcome = Err(reply);
            }
        }
        replies
    }
}

fn finished<'r>(content: Content, outcomes: Vec<Outcome>, report: Option<&'r Report<'r>>) -> Finished<'r> {
    Finished { content, judged: outcomes.into_iter().map(|outcome| outcome.judged).collect(), report }
}
