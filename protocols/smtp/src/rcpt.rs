//! RCPT (RFC 5321 section 4.1.1.3): one more recipient.

use crate::guard::Guessing;
use crate::refusal;
use crate::session::{End, Kind, Session};
use crate::transaction::Transaction;
use crate::wire::{ForwardPath, Reply, ReversePath};
use octroi_gate::{RecipientTerms, Refusal};
use octroi_model::Address;

impl Session {
    pub(crate) async fn rcpt(&mut self, to: ForwardPath, terms: RecipientTerms) -> Result<(), End> {
        match self.add(to, terms).await {
            Ok(()) => self.say(&Reply::new(250, "2.1.5", "Recipient accepted")).await,
            Err(Refused::Here(reply)) => self.say(&reply).await,
            Err(Refused::ByGate(refused)) => {
                if self.kind != Kind::Lmtp && matches!(refused, Refusal::UnknownRecipient | Refusal::NotRelay) {
                    self.slow_down().await?;
                }
                self.say(&refusal::of_gate(&refused)).await
            }
        }
    }

    async fn add(&mut self, to: ForwardPath, terms: RecipientTerms) -> Result<(), Refused> {
        if terms != RecipientTerms::default() && !crate::terms::has_dsn(self.kind) {
            return Err(Refused::Here(refusal::of_line(&crate::wire::Fault::UnsupportedParameter)));
        }
        let postmaster = self.gate.organisation().domains.first().and_then(|domain| Address::new("postmaster", domain).ok());
        let peer = self.peer();
        let Transaction::Open(open) = &mut self.transaction else {
            return Err(Refused::Here(Reply::new(503, "5.5.1", "No message is under way that could take a recipient")));
        };
        let to = match to {
            ForwardPath::Mailbox(address) => address,
            ForwardPath::Postmaster => postmaster.ok_or(Refused::ByGate(Refusal::UnknownRecipient))?,
        };
        // RFC 6531 section 3.5.
        if !open.utf8 && !to.to_string().is_ascii() {
            return Err(Refused::Here(refusal::of_line(&crate::wire::Fault::NeedsUtf8)));
        }
        if open.accepted >= self.config.recipients_max {
            return Err(Refused::ByGate(Refusal::Limit("recipients")));
        }
        // RFC 5321 section 4.5.5: a notification is for one; what more recipients want with it is another transaction.
        if self.kind == Kind::Inbound && open.from == ReversePath::Null && open.accepted > 0 {
            return Err(Refused::ByGate(Refusal::Limit("recipients")));
        }
        if self.stranger {
            let (guard, limits) = (&self.config.guard, &self.config.strangers);
            guard
                .recipient(peer, &open.from, limits)
                .and_then(|()| guard.greylisted(peer, &open.from, &to, limits))
                .map_err(Refused::Here)?;
        }
        open.route.add(&to, terms).await.map_err(Refused::ByGate)?;
        open.accepted += 1;
        Ok(())
    }

    /// Who tries many addresses that do not exist is looking for some that do: on this connection, or on several of one network.
    async fn slow_down(&mut self) -> Result<(), End> {
        let guessing = if self.stranger { self.config.guard.guessed(self.peer(), &self.config.strangers) } else { Guessing::Seldom };
        self.unknown_recipients += 1;
        if self.unknown_recipients > self.config.unknown_recipients_max || guessing == Guessing::TooOften {
            return Err(End::Close(Reply::new(421, "4.7.0", "Too many unknown recipients, closing connection")));
        }
        if self.unknown_recipients > self.config.unknown_recipients_quick || guessing == Guessing::Often {
            self.linger(self.config.unknown_recipient_delay).await?;
        }
        Ok(())
    }
}

enum Refused {
    Here(Reply),
    ByGate(Refusal),
}
