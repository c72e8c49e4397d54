//! RCPT (RFC 5321 section 4.1.1.3): one more recipient.

use crate::refusal;
use crate::session::{End, Kind, Session};
use crate::transaction::Transaction;
use crate::wire::{ForwardPath, Reply};
use octroi_gate::Refusal;
use octroi_model::Address;

impl Session {
    pub(crate) async fn rcpt(&mut self, to: ForwardPath) -> Result<(), End> {
        match self.add(to).await {
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

    async fn add(&mut self, to: ForwardPath) -> Result<(), Refused> {
        let postmaster = self.gate.organisation().domains.first().and_then(|domain| Address::new("postmaster", domain).ok());
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
        open.route.add(&to).await.map_err(Refused::ByGate)?;
        open.accepted += 1;
        Ok(())
    }

    /// Who tries many addresses that do not exist is looking for some that do.
    async fn slow_down(&mut self) -> Result<(), End> {
        self.unknown_recipients += 1;
        if self.unknown_recipients > self.config.unknown_recipients_max {
            return Err(End::Close(Reply::new(421, "4.7.0", "Too many unknown recipients, closing connection")));
        }
        if self.unknown_recipients > self.config.unknown_recipients_quick {
            self.linger(self.config.unknown_recipient_delay).await?;
        }
        Ok(())
    }
}

enum Refused {
    Here(Reply),
    ByGate(Refusal),
}
