//! The outbound queue: shown, and steered by hand.
//!
//! Called by `handle`. Every act leaves an audit line, in the commit that does it.

use super::handle::{Handler, say, time};
use super::protocol::{QueueAct, QueueLine, QueueOrder, QueueRecipientLine, Reply};
use octroi_gate::{Queue, Queued, RecipientState, Refusal};
use octroi_model::Uid;
use tokio::task::JoinSet;

/// Messages that are told of in one answer.
const PORTION: usize = 500;
/// Messages that are steered at the same time, so that they share their commits.
const TOGETHER: usize = 64;

impl Handler {
    fn queue(&self) -> Result<&Queue, String> {
        self.queue.as_ref().ok_or_else(|| "no queue is served here".to_owned())
    }

    /// One portion of the queue.
    pub(super) async fn queue_list(&self, after: u32, domain: Option<&str>) -> Result<Reply, String> {
        let queue = self.queue()?;
        let (entries, next) = queue.after(Uid(after), PORTION).await.map_err(|r| say(r, "the queue"))?;
        let mut lines: Vec<QueueLine> = entries.iter().filter(|queued| concerns(queued, domain)).map(line).collect();
        if after == 0 && domain.is_none() {
            let unreadable = queue.unreadable(PORTION).await.map_err(|r| say(r, "the queue"))?;
            lines.extend(unreadable.into_iter().map(of_another_version));
        }
        Ok(Reply::Queue { lines, next: next.map(|id| id.0) })
    }

    pub(super) async fn queue_show(&self, id: u32) -> Result<Reply, String> {
        let found = self.queue()?.get(Uid(id)).await.map_err(|r| say(r, "the queue"))?;
        let queued = found.ok_or_else(|| format!("there is no message {id} in the queue"))?;
        Ok(Reply::Queue { lines: vec![line(&queued)], next: None })
    }

    pub(super) async fn queue_steer(&self, order: QueueOrder) -> Result<Reply, String> {
        let queue = self.queue()?;
        let ids = match (order.ids.is_empty(), order.all || order.domain.is_some()) {
            (false, false) => order.ids.iter().copied().map(Uid).collect(),
            (true, true) => all(queue, order.domain.as_deref()).await.map_err(|r| say(r, "the queue"))?,
            _ => return Err("name messages, or --domain, or --all".to_owned()),
        };
        let by_name = !order.ids.is_empty();
        let mut done = 0;
        for portion in ids.chunks(TOGETHER) {
            let mut under_way = JoinSet::new();
            for &id in portion {
                let queue = queue.clone();
                under_way.spawn(async move { (id, act(&queue, order.act, id).await) });
            }
            while let Some(joined) = under_way.join_next().await {
                match joined {
                    Ok((_, Ok(()))) => done += 1,
                    // It has left meanwhile, unless it was named.
                    Ok((_, Err(Refusal::Missing))) if !by_name => {}
                    Ok((id, Err(Refusal::Missing))) => return Err(format!("there is no message {id} in the queue")),
                    Ok((id, Err(refusal))) => return Err(say(refusal, &format!("message {id}"))),
                    Err(error) => return Err(error.to_string()),
                }
            }
        }
        Ok(Reply::Text(format!("{done} {}", if done == 1 { "message" } else { "messages" })))
    }
}

async fn act(queue: &Queue, act: QueueAct, id: Uid) -> Result<(), Refusal> {
    match act {
        QueueAct::Retry => queue.retry(id).await,
        QueueAct::Hold => queue.hold(id, true).await,
        QueueAct::Release => queue.hold(id, false).await,
        QueueAct::Drop => queue.discard(id).await,
    }
}

async fn all(queue: &Queue, domain: Option<&str>) -> Result<Vec<Uid>, Refusal> {
    let mut ids = Vec::new();
    let mut after = Some(Uid(0));
    while let Some(id) = after {
        let (entries, next) = queue.after(id, PORTION).await?;
        ids.extend(entries.iter().filter(|queued| concerns(queued, domain)).map(|queued| queued.id));
        after = next;
    }
    Ok(ids)
}

/// Does somebody of that domain wait for it?
fn concerns(queued: &Queued, domain: Option<&str>) -> bool {
    domain.is_none_or(|domain| queued.entry.waiting().any(|recipient| recipient.address.domain().eq_ignore_ascii_case(domain)))
}

/// What nothing more is known of: it can be dropped.
fn of_another_version(id: Uid) -> QueueLine {
    let from = "of another version of octroi, cannot be sent by this one".to_owned();
    QueueLine { id: id.0, from, held: true, ..QueueLine::default() }
}

fn line(queued: &Queued) -> QueueLine {
    let entry = &queued.entry;
    let recipient = |one: &octroi_gate::QueueRecipient| QueueRecipientLine {
        address: one.address.to_string(),
        state: match &one.state {
            RecipientState::Waiting => "waiting".to_owned(),
            RecipientState::Delivered => "delivered".to_owned(),
            RecipientState::Failed(_) => "failed".to_owned(),
        },
        attempts: one.attempts,
        next_try: one.is_waiting().then(|| time(one.next_try)),
        last_error: one.last_error.clone(),
    };
    QueueLine {
        id: queued.id.0,
        from: entry.from.as_ref().map(ToString::to_string).unwrap_or_default(),
        bytes: queued.bytes,
        queued: time(entry.queued),
        held: entry.held,
        next_try: entry.next_try().map(time),
        priority: entry.terms.priority,
        require_tls: entry.terms.require_tls,
        recipients: entry.recipients.iter().map(recipient).collect(),
    }
}
