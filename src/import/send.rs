//! The command's end of an import: reads the source on a thread of its own, sends batches, and counts what the answers say.
//!
//! Two batches may be without an answer, so that neither end waits for the other.

use super::source::{Fault, Found, Message, Source};
use super::wire::{Answer, BATCH_BYTES, BATCH_MESSAGES_MAX, Batch, Head, Taken, hear, tell};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::io::{AsyncBufRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;

/// Batches that were sent and not answered.
const UNANSWERED_MAX: usize = 2;

/// What an import has done.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    pub(crate) taken: Taken,
    /// Stepped over.
    pub(crate) faults: u64,
    /// How many there were to begin with.
    pub(crate) total: u64,
    /// It was stopped before the end.
    pub(crate) stopped: bool,
}

impl Summary {
    /// Messages that nothing is left to do for.
    pub(crate) fn done(&self) -> u64 {
        self.taken.added + self.taken.present + self.faults
    }
}

/// What happens on the way.
pub(crate) trait Watch {
    /// Something was stepped over.
    fn fault(&mut self, fault: &Fault);
    /// A batch is on disk.
    fn step(&mut self, so_far: &Summary);
}

/// One piece of work for the writer.
enum Work {
    Batch(Vec<Message>),
    Fault(Fault),
    /// The source cannot be read further.
    Broken(String),
}

/// Send everything that the source has, or until `stop` is set. An error comes with what was done before it.
pub(crate) async fn send(
    mut reader: impl AsyncBufRead + Unpin,
    mut writer: impl AsyncWrite + Unpin,
    source: Box<dyn Source>,
    stop: Arc<AtomicBool>,
    watch: &mut dyn Watch,
) -> (Summary, Result<(), String>) {
    let mut summary = Summary { total: source.total(), ..Summary::default() };
    let bytes_max = match hear(&mut reader).await {
        Ok(Some(Answer::Ready { message_bytes_max })) => message_bytes_max,
        Ok(Some(Answer::Failed(why))) => return (summary, Err(why)),
        other => return (summary, Err(lost(other.err()))),
    };
    let (give, mut given) = mpsc::channel(1);
    let reading = tokio::task::spawn_blocking(move || read(source, bytes_max, &stop, &give));
    // Its capacity is the window: a place is taken before a batch is sent and given back once its answer is awaited.
    let (sent, mut awaited) = mpsc::channel::<Option<Fault>>(UNANSWERED_MAX - 1);
    let writing = async {
        while let Some(work) = given.recv().await {
            match work {
                Work::Broken(why) => return Err(why),
                Work::Fault(fault) => {
                    if sent.send(Some(fault)).await.is_err() {
                        break;
                    }
                }
                Work::Batch(messages) => {
                    if sent.send(None).await.is_err() {
                        break;
                    }
                    // What went wrong the answers tell, or that there are none.
                    if put(&mut writer, messages).await.is_err() {
                        break;
                    }
                }
            }
        }
        // The end of the stream is the end of the import.
        let _ = writer.shutdown().await;
        drop((sent, given));
        Ok(())
    };
    let answers = async {
        while let Some(entry) = awaited.recv().await {
            if let Some(fault) = entry {
                summary.faults += fault.messages;
                watch.fault(&fault);
                continue;
            }
            match hear(&mut reader).await {
                Ok(Some(Answer::Taken(taken))) => {
                    summary.taken.added += taken.added;
                    summary.taken.present += taken.present;
                    summary.taken.keywords_lost += taken.keywords_lost;
                }
                Ok(Some(Answer::Failed(why))) => return Err(why),
                other => return Err(lost(other.err())),
            }
            watch.step(&summary);
        }
        Ok(())
    };
    let outcome = both(writing, answers).await;
    // After an error nobody takes the reader's batches any more, and it ends by itself.
    summary.stopped = outcome.is_ok() && !reading.await.unwrap_or(false);
    (summary, outcome)
}

/// Wait for both ends; when the answers end in an error, not for the writer. A source that broke counts once all is answered.
async fn both(writing: impl Future<Output = Result<(), String>>, answers: impl Future<Output = Result<(), String>>) -> Result<(), String> {
    tokio::pin!(writing, answers);
    let mut written = None;
    loop {
        tokio::select! {
            done = &mut writing, if written.is_none() => written = Some(done),
            done = &mut answers => {
                done?;
                return match written { Some(done) => done, None => writing.await };
            }
        }
    }
}

async fn put(writer: &mut (impl AsyncWrite + Unpin), messages: Vec<Message>) -> io::Result<()> {
    let into = messages.first().map(|m| m.into.clone()).unwrap_or_default();
    let head = |m: &Message| Head { bytes: m.octets.len() as u64, flags: m.flags.0, keywords: m.keywords.clone(), date: m.date.0 };
    tell(writer, &Batch { into, messages: messages.iter().map(head).collect() }).await?;
    for message in &messages {
        writer.write_all(&message.octets).await?;
    }
    writer.flush().await
}

/// Read the source and make batches of it; returns whether it came to the end.
fn read(mut source: Box<dyn Source>, bytes_max: u64, stop: &AtomicBool, give: &mpsc::Sender<Work>) -> bool {
    let (mut batch, mut bytes): (Vec<Message>, u64) = (Vec::new(), 0);
    let (mut last, mut whole) = (None, false);
    while !stop.load(Ordering::Relaxed) {
        let message = match source.next(bytes_max) {
            Ok(Some(Found::Message(message))) => *message,
            Ok(Some(Found::Fault(fault))) => {
                if give.blocking_send(Work::Fault(fault)).is_err() {
                    return false;
                }
                continue;
            }
            Ok(None) => {
                whole = true;
                break;
            }
            Err(why) => {
                last = Some(Work::Broken(why));
                break;
            }
        };
        let size = message.octets.len() as u64;
        let other = batch.first().is_some_and(|first| first.into != message.into);
        if !batch.is_empty() && (other || bytes + size > BATCH_BYTES || batch.len() == BATCH_MESSAGES_MAX) {
            if give.blocking_send(Work::Batch(std::mem::take(&mut batch))).is_err() {
                return false;
            }
            bytes = 0;
        }
        bytes += size;
        batch.push(message);
    }
    // Also when it was stopped: what was read already may as well arrive.
    let rest = (!batch.is_empty()).then_some(Work::Batch(batch));
    for work in rest.into_iter().chain(last) {
        if give.blocking_send(work).is_err() {
            return false;
        }
    }
    whole
}

fn lost(error: Option<io::Error>) -> String {
    let why = error.map_or_else(|| "it closed the connection".to_owned(), |e| e.to_string());
    format!("the server is gone ({why})")
}
