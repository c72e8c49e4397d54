//! What goes over the socket once an import was asked for: `send` speaks, `receive` answers each batch.
//!
//! A batch is a line of JSON ([`Batch`]) and then the octets of its messages, one after the other. The end is the end of the stream.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Octets of the messages of one batch: enough that the sync of a commit no longer counts, few enough to be held several times over.
pub(crate) const BATCH_BYTES: u64 = 4 << 20;
/// Messages of one batch; a commit is stamped under one lock, and other people's mail waits behind it.
pub(crate) const BATCH_MESSAGES_MAX: usize = 1000;
/// A larger message is a batch of its own and goes to disk as it comes.
pub(crate) const HELD_BYTES_MAX: u64 = 1 << 20;
/// Longest line, in bytes: the head of a batch with a hundred keywords on each message.
const LINE_BYTES_MAX: u64 = 8 << 20;

/// The head of a batch. All its messages go to one mailbox.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Batch {
    /// The mailbox's names from the top down.
    pub(crate) into: Vec<String>,
    pub(crate) messages: Vec<Head>,
}

/// What is known of a message besides its octets.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Head {
    pub(crate) bytes: u64,
    /// System flags, as in [`octroi_model::Flags`].
    pub(crate) flags: u64,
    pub(crate) keywords: Vec<String>,
    /// Seconds since 1970.
    pub(crate) date: i64,
}

/// What the server says: `Ready` first, then `Taken` for each batch, in order; `Failed` ends it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Answer {
    /// Batches may come.
    Ready { message_bytes_max: u64 },
    /// A batch is on disk.
    Taken(Taken),
    /// Nothing of this batch and of what follows was done.
    Failed(String),
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Taken {
    pub(crate) added: u64,
    /// They were there already.
    pub(crate) present: u64,
    pub(crate) keywords_lost: u64,
}

/// Write a value as a line.
pub(crate) async fn tell<T: Serialize>(writer: &mut (impl AsyncWrite + Unpin), value: &T) -> io::Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    writer.write_all(&line).await
}

/// Read a line; `None` at the end of the stream.
pub(crate) async fn hear<T: DeserializeOwned>(reader: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<T>> {
    let mut line = Vec::new();
    let mut limited = reader.take(LINE_BYTES_MAX);
    limited.read_until(b'\n', &mut line).await?;
    if line.is_empty() {
        return Ok(None);
    }
    if !line.ends_with(b"\n") {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(serde_json::from_slice(&line)?))
}
