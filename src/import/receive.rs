//! The server's end of an import: takes batches, describes the messages, commits each batch, answers.
//!
//! Three things go on at once: the next batch is read, the one before it is described (off the async threads), and the one before that is
//! committed. What the sender claims is checked against the limits; it is an administrator, but a mistake must not take the memory.

use super::source::too_large;
use super::wire::{Answer, BATCH_BYTES, BATCH_MESSAGES_MAX, Batch, HELD_BYTES_MAX, Head, Taken, hear, tell};
use octroi_gate::{Admin, Content, Draft, Import, Present, Refusal};
use octroi_model::{Address, Flags, Path, SpecialUse, UnixTime};
use std::io;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// What other programs call the mailboxes that have a special use (RFC 6154), in lower case.
const CUSTOMARY: [(&str, SpecialUse); 13] = [
    ("archive", SpecialUse::Archive),
    ("archives", SpecialUse::Archive),
    ("drafts", SpecialUse::Drafts),
    ("junk", SpecialUse::Junk),
    ("junk e-mail", SpecialUse::Junk),
    ("spam", SpecialUse::Junk),
    ("sent", SpecialUse::Sent),
    ("sent items", SpecialUse::Sent),
    ("sent messages", SpecialUse::Sent),
    ("sent-mail", SpecialUse::Sent),
    ("trash", SpecialUse::Trash),
    ("deleted items", SpecialUse::Trash),
    ("deleted messages", SpecialUse::Trash),
];

/// What was asked for.
pub(crate) struct Order {
    pub(crate) owner: Address,
    pub(crate) present: Present,
    /// Octets that a message may have.
    pub(crate) message_bytes_max: u64,
}

/// A batch under way to its commit.
struct Prepared {
    into: Vec<String>,
    drafts: JoinHandle<Vec<Draft>>,
}

/// Serve one import to its end.
pub(crate) async fn receive(
    mut reader: impl AsyncBufRead + Unpin,
    mut writer: impl AsyncWrite + Unpin,
    admin: &Admin,
    order: &Order,
) -> io::Result<()> {
    tell(&mut writer, &Answer::Ready { message_bytes_max: order.message_bytes_max }).await?;
    let (give, mut given) = mpsc::channel(1);
    let reading = async {
        loop {
            let next = read(&mut reader, admin, order.message_bytes_max).await;
            let ends = !matches!(next, Ok(Some(_)));
            if give.send(next).await.is_err() || ends {
                break;
            }
        }
        drop(give);
    };
    let committing = async {
        let mut open = None;
        let mut outcome = Ok(());
        while let Some(next) = given.recv().await {
            let taken = match next {
                Ok(None) => break,
                Ok(Some(batch)) => commit(&mut open, batch, admin, order).await,
                Err(why) => Err(why),
            };
            let failed = taken.is_err();
            outcome = tell(&mut writer, &taken.map_or_else(Answer::Failed, Answer::Taken)).await;
            if failed || outcome.is_err() {
                break;
            }
        }
        // The reader must not wait for somebody to take its batch.
        drop(given);
        if let Some((_, import)) = open {
            import.finish(admin).await;
        }
        outcome
    };
    // When the committer gives up, what may still come is not waited for.
    let outcome = tokio::select! {
        biased;
        outcome = committing => outcome,
        () = async { reading.await; std::future::pending().await } => Ok(()),
    };
    writer.shutdown().await?;
    outcome
}

/// Read a batch with its octets and set off its description.
async fn read(reader: &mut (impl AsyncBufRead + Unpin), admin: &Admin, message_bytes_max: u64) -> Result<Option<Prepared>, String> {
    let broken = |e: io::Error| format!("a batch did not come whole: {e}");
    let Some(batch) = hear::<Batch>(reader).await.map_err(broken)? else { return Ok(None) };
    let held: u64 = batch.messages.iter().map(|m| m.bytes).filter(|bytes| *bytes <= HELD_BYTES_MAX).sum();
    if batch.messages.len() > BATCH_MESSAGES_MAX || held > BATCH_BYTES + HELD_BYTES_MAX {
        return Err("a batch has more than a batch may have".to_owned());
    }
    if batch.messages.iter().any(|m| m.bytes > message_bytes_max) {
        return Err(format!("a message was sent although {}", too_large(message_bytes_max)));
    }
    let mut pieces = Vec::with_capacity(batch.messages.len());
    for head in batch.messages {
        let piece = if head.bytes > HELD_BYTES_MAX {
            Piece::Stored(Box::new(upload(reader, admin, head.bytes).await?))
        } else {
            let mut octets = vec![0; head.bytes as usize];
            reader.read_exact(&mut octets).await.map_err(broken)?;
            Piece::Octets(octets)
        };
        pieces.push((head, piece));
    }
    let drafts = tokio::task::spawn_blocking(move || pieces.into_iter().map(|(head, piece)| draft(head, piece)).collect());
    Ok(Some(Prepared { into: batch.into, drafts }))
}

enum Piece {
    Octets(Vec<u8>),
    /// It was too large to be held.
    Stored(Box<Content>),
}

/// To the disk as it comes.
async fn upload(reader: &mut (impl AsyncBufRead + Unpin), admin: &Admin, bytes: u64) -> Result<Content, String> {
    let mut upload = admin.upload().await.map_err(|r| r.to_string())?;
    while upload.bytes() < bytes {
        let octets = reader.fill_buf().await.map_err(|e| e.to_string())?;
        if octets.is_empty() {
            return Err("a message did not come whole".to_owned());
        }
        let count = octets.len().min((bytes - upload.bytes()) as usize);
        upload.write(&octets[..count]).await.map_err(|r| r.to_string())?;
        reader.consume(count);
    }
    upload.finish_message(octroi_mime::describe).await.map_err(|r| r.to_string())
}

fn draft(head: Head, piece: Piece) -> Draft {
    let content = match piece {
        Piece::Stored(content) => *content,
        Piece::Octets(octets) => {
            let (facts, header_bytes) = octroi_mime::describe(&octets);
            Content::message(&facts, &octets, header_bytes)
        }
    };
    Draft { content, flags: Flags(head.flags).without(Flags::all_keywords()), keywords: head.keywords, date: UnixTime(head.date) }
}

/// Commit a batch into its mailbox, which is opened if it is another one than before.
async fn commit(open: &mut Option<(Vec<String>, Import)>, batch: Prepared, admin: &Admin, order: &Order) -> Result<Taken, String> {
    let shown = batch.into.join("/");
    if open.as_ref().is_none_or(|(into, _)| *into != batch.into) {
        if let Some((_, import)) = open.take() {
            import.finish(admin).await;
        }
        let path = Path::parse(&shown, '/').map_err(|e| format!("`{shown}`: {e}"))?;
        let customary = path.names().first().map(|name| name.as_str().to_lowercase()).unwrap_or_default();
        let special_use = CUSTOMARY.iter().find(|(name, _)| *name == customary).map(|(_, special_use)| *special_use);
        let import = admin.import(&order.owner, &path, special_use, order.present).await.map_err(|r| say(r, &shown))?;
        *open = Some((batch.into, import));
    }
    let drafts = batch.drafts.await.map_err(|_| "a batch could not be described".to_owned())?;
    let Some((_, import)) = open else { return Err("no mailbox is open".to_owned()) };
    let done = import.append(drafts).await.map_err(|r| say(r, &shown))?;
    Ok(Taken { added: done.added, present: done.present, keywords_lost: done.keywords_lost })
}

fn say(refusal: Refusal, mailbox: &str) -> String {
    match refusal {
        Refusal::UnknownRecipient => "there is no such account".to_owned(),
        Refusal::Missing => format!("{mailbox} cannot be found; was it removed meanwhile?"),
        other => format!("{mailbox}: {other}"),
    }
}
