//! What each filter may, decided once and for all: whom it may send to is counted.

use super::delivery::Delivery;
use super::memory::Memory;
use super::{Filter, Judged, Sending, Told};
use crate::envelope::ReturnPath;
use crate::refusal::Refusal;
use octroi_engine::BodyIndex;
use octroi_model::Address;

/// What a filter wants, as far as it is decided once and for all.
pub(super) enum Step {
    File { mailbox: Option<String>, create: bool, flags: Vec<String> },
    Send { letter: Letter, memory: Option<Memory>, or_keep: bool },
}

/// A message that a filter or the server itself sends.
pub(super) struct Letter {
    pub(super) from: Option<Address>,
    pub(super) to: Address,
    pub(super) body: BodyIndex,
    pub(super) bytes: u64,
    /// The filters of those of ours whom it reaches, by their share's number.
    pub(super) shares: Vec<usize>,
}

impl Step {
    fn keep() -> Self {
        Self::File { mailbox: None, create: false, flags: Vec::new() }
    }
}

/// One filter's part.
pub(super) struct Share {
    pub(super) filter: Filter,
    /// What it was run over.
    pub(super) message: BodyIndex,
    pub(super) steps: Vec<Step>,
    /// What the owner is to be told.
    pub(super) failure: Option<String>,
    /// What was refused at once.
    pub(super) refused: Vec<Refused>,
}

/// For the audit trail, once the message is delivered.
pub(super) struct Refused {
    pub(super) act: &'static str,
    pub(super) subject: String,
    pub(super) why: String,
}

impl<Kind: Sync> Delivery<'_, Kind> {
    /// The number of the share that it becomes.
    pub(super) async fn decide(&mut self, judged: Judged, message: BodyIndex, original: &ReturnPath) -> Result<usize, Refusal> {
        let Judged { filter, told, failure } = judged;
        let mut share = Share { filter, message, steps: Vec::new(), failure, refused: Vec::new() };
        if share.failure.is_some() {
            share.steps.push(Step::keep());
        } else {
            for told in told {
                match told {
                    Told::File { mailbox, create, flags } => share.steps.push(Step::File { mailbox, create, flags }),
                    Told::Forward(Sending { to, .. }) if to.key() == share.filter.owner().key() => share.steps.push(Step::keep()),
                    Told::Forward(sending) => self.forward(&mut share, sending, original).await?,
                    Told::Answer { sending, seconds, handle } => self.answer(&mut share, sending, seconds, &handle).await?,
                    Told::Report(sending) => {
                        let step = self.courtesy(sending, None);
                        share.steps.push(step);
                    }
                }
            }
        }
        self.shares.push(share);
        Ok(self.shares.len() - 1)
    }

    async fn forward(&mut self, share: &mut Share, sending: Sending, original: &ReturnPath) -> Result<(), Refusal> {
        let Sending { to, content, judged } = sending;
        let is_nobody = self.gate.is_local_domain(to.domain()) && self.gate.reach(&to, Some(share.filter.account.id)).is_err();
        let may = if is_nobody {
            Err("there is no such recipient here".to_owned())
        } else if self.onward.stays && !self.gate.is_local_domain(to.domain()) {
            Err("the message cannot be sent to other servers as it is".to_owned())
        } else {
            share.filter.send_to(&to)
        };
        if let Err(why) = may {
            share.refused.push(Refused { act: "filter forward", subject: to.to_string(), why });
            share.steps.push(Step::keep());
            return Ok(());
        }
        let bytes = content.bytes();
        let body = self.whole.body(content.body);
        let mut shares = Vec::with_capacity(judged.len());
        for judged in judged {
            // Whoever ran them has set the depth.
            shares.push(Box::pin(self.decide(judged, body, original)).await?);
        }
        let letter = Letter { from: self.gate.forwarding_path(original), to, body, bytes, shares };
        share.steps.push(Step::Send { letter, memory: None, or_keep: true });
        Ok(())
    }

    async fn answer(&mut self, share: &mut Share, sending: Sending, seconds: u64, handle: &str) -> Result<(), Refusal> {
        let memory = Memory::new(handle, &sending.to, seconds);
        // Who was answered counts no second time among the recipients of an hour.
        if let Some(memory) = &memory
            && memory.is_kept(&share.filter, self.gate.engine()).await?
        {
            return Ok(());
        }
        match share.filter.send_to(&sending.to) {
            Ok(()) => {
                let step = self.courtesy(sending, memory);
                share.steps.push(step);
            }
            Err(why) => share.refused.push(Refused { act: "filter answer", subject: sending.to.to_string(), why }),
        }
        Ok(())
    }

    fn courtesy(&mut self, sending: Sending, memory: Option<Memory>) -> Step {
        Step::Send { letter: Letter::of_ours(&mut self.whole, sending), memory, or_keep: false }
    }
}

impl Letter {
    /// From nobody, so that nothing answers it.
    pub(super) fn of_ours(batch: &mut octroi_engine::Batch, sending: Sending) -> Self {
        let Sending { to, content, .. } = sending;
        let bytes = content.bytes();
        Self { from: None, to, body: batch.body(content.body), bytes, shares: Vec::new() }
    }
}
