//! Carries what the gate wants brought to people: notices into their own mailboxes, and codes to their devices.
//!
//! Started by `server`, which hands it the gate's errands, and ended with it. `text` has the words, `mail` makes messages of them, and
//! `message` gives a text to the configured command or webhook. What always holds: a code is in no log and is wiped after use; a device
//! or gateway that does not answer holds up nobody's notice.
//!
//! Known limits: what cannot be brought is logged and not tried again, for a code can be asked for again and a notice stands in the
//! portal; a mail to an address elsewhere lies in the queue, in the journal too, until it has left, and by then its code counts no longer.

mod mail;
mod message;
#[cfg(test)]
mod tests;
mod text;

use crate::config::{Config, SecondFactor};
use message::Messenger;
use octroi_gate::{Content, Errand, Errands, Gate, JudgedMessage, Notice, Queue, Refusal, ReturnPath};
use octroi_mailauth::{Keyring, Signing};
use octroi_model::{Address, Reach, UnixTime};
use octroi_net::Shutdown;
use octroi_smtp::{Learn, Rspamd};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;
use text::Letter;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use zeroize::Zeroizing;

/// Messages that are with the command or the webhook at the same time.
const SENDING_MAX: usize = 16;
/// Messages that wait for their turn; what comes beyond is dropped.
const WAITING_MAX: usize = 256;
/// How long it is looked for errands that wait already when the server ends.
const LAST_LOOK: Duration = Duration::from_millis(50);

/// Are these a way to send messages, or none at all?
pub(crate) fn check(config: &SecondFactor) -> Result<(), String> {
    Messenger::new(config).map(|_| ())
}

/// Brings what it is given.
pub(crate) struct Courier {
    gate: Gate,
    queue: Queue,
    messenger: Option<Arc<Messenger>>,
    keyring: Keyring,
    rspamd: Option<Rspamd>,
    turns: Arc<Semaphore>,
}

impl Courier {
    /// One that sends messages as the configuration says.
    pub(crate) fn new(config: &Config, gate: Gate, queue: Queue, keyring: Keyring) -> Result<Self, String> {
        let messenger = Messenger::new(&config.second_factor)?.map(Arc::new);
        let rspamd = config.spam.rspamd()?;
        Ok(Self { gate, queue, messenger, keyring, rspamd, turns: Arc::new(Semaphore::new(SENDING_MAX)) })
    }

    /// Carry errands until the server ends; what waits then is brought still, if that needs nobody else.
    pub(crate) async fn carry(self, mut errands: Errands, shutdown: Shutdown) {
        let mut sending = JoinSet::new();
        loop {
            tokio::select! {
                errand = errands.next() => match errand {
                    Some(errand) => self.bring(errand, Some(&mut sending)).await,
                    None => break,
                },
                Some(_) = sending.join_next() => {}
                () = shutdown.triggered() => break,
            }
        }
        while let Ok(Some(errand)) = tokio::time::timeout(LAST_LOOK, errands.next()).await {
            self.bring(errand, None).await;
        }
        // Ends the command, too.
        sending.shutdown().await;
    }

    /// `sending`: where messages go on by themselves; `None`: no more of them.
    async fn bring(&self, errand: Errand, sending: Option<&mut JoinSet<()>>) {
        match errand {
            Errand::Notice { to, at, notice } => self.notice(&to, at, &notice).await,
            Errand::Judged(message) => self.teach(message, sending),
            Errand::Code { of, reach: Reach::Mail(address), code, minutes } => {
                if let Err(error) = self.mail_code(&of, &address, &code, minutes).await {
                    tracing::warn!(%of, %error, "a code could not be queued");
                }
            }
            Errand::Code { of, reach: Reach::Message(number), code, minutes } => match (&self.messenger, sending) {
                (None, _) => tracing::warn!(%of, "a code for a number could not be sent: [second_factor] names no command and no webhook"),
                (_, None) => tracing::info!(%of, "a code was not sent: the server ends"),
                (_, Some(sending)) if sending.len() >= WAITING_MAX => tracing::warn!(%of, "a code was not sent: too many wait"),
                (Some(messenger), Some(sending)) => {
                    let (messenger, turns) = (messenger.clone(), self.turns.clone());
                    let text = text::message(&self.gate.organisation().name, &code, minutes);
                    sending.spawn(async move {
                        // Nobody closes it.
                        let _turn = turns.acquire().await;
                        if let Err(error) = messenger.send(&number, &text).await {
                            tracing::warn!(%of, %error, "a code could not be sent");
                        }
                    });
                }
            },
        }
    }

    /// Have rspamd learn; what it does not hear of is lost, and nobody waits for it.
    fn teach(&self, message: JudgedMessage, sending: Option<&mut JoinSet<()>>) {
        let (Some(rspamd), Some(sending)) = (&self.rspamd, sending) else { return };
        if sending.len() >= WAITING_MAX {
            return tracing::warn!("rspamd was not told of a message: too many wait");
        }
        let (rspamd, turns) = (rspamd.clone(), self.turns.clone());
        sending.spawn(async move {
            // Nobody closes it.
            let _turn = turns.acquire().await;
            let what = if message.spam { Learn::Spam } else { Learn::Ham };
            let learnt = match message.octets().await {
                Ok(octets) => rspamd.learn(what, octets).await,
                Err(refused) => Err(refused.to_string()),
            };
            if let Err(error) = learnt {
                tracing::warn!(error, "rspamd did not learn a message");
            }
        });
    }

    async fn notice(&self, to: &Address, at: UnixTime, notice: &Notice) {
        let letter = text::notice(notice, at, &self.gate.organisation().portal_url);
        if let Err(error) = self.deliver(to, at, &letter).await {
            tracing::warn!(%to, %error, "a notice could not be delivered");
        }
    }

    async fn deliver(&self, to: &Address, at: UnixTime, letter: &Letter) -> Result<(), Error> {
        let octets = mail::compose(self.gate.organisation(), to, at, letter)?;
        let mut envelope = self.gate.inbound(ReturnPath::Null, IpAddr::V4(Ipv4Addr::LOCALHOST));
        envelope.add(to).await?;
        Ok(envelope.deliver(self.content(&octets)).await?)
    }

    async fn mail_code(&self, of: &Address, to: &Address, code: &str, minutes: u64) -> Result<(), Error> {
        let letter = text::code(&self.gate.organisation().name, of, code, minutes);
        let octets = mail::compose(self.gate.organisation(), to, UnixTime::now(), &letter)?;
        Ok(self.queue.send(to, self.content(&octets)).await?)
    }

    /// A letter as it is kept, signed like all mail of ours.
    fn content(&self, octets: &Zeroizing<Vec<u8>>) -> Content {
        let signed = Signing::signed(&self.keyring, octets).map_or_else(
            |error| {
                tracing::warn!(error, "a letter is not signed");
                octets.clone()
            },
            Zeroizing::new,
        );
        let octets = &signed;
        let (facts, header_bytes) = octroi_mime::describe(octets);
        Content::message(&facts, octets, header_bytes)
    }
}

/// Why a mail was not brought.
#[derive(Debug)]
enum Error {
    /// It could not be made.
    Compose(std::io::Error),
    /// The gate did not take it.
    Refused(Refusal),
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self::Compose(error)
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Compose(error) => write!(f, "it could not be made: {error}"),
            Self::Refused(refusal) => refusal.fmt(f),
        }
    }
}
