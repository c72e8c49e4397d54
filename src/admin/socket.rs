//! The server's end of the admin socket.

use super::handle::Handler;
use super::progress::{EVERY, Told};
use super::protocol::{Reply, Request};
use crate::import::receive::receive;
use crate::import::wire::{Answer, tell};
use octroi_gate::Progress;
use octroi_net::Shutdown;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Take};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};

/// Longest request, in bytes.
const REQUEST_BYTES_MAX: u64 = 1 << 20;
/// How long a client may take to send it.
const REQUEST_DEADLINE: Duration = Duration::from_secs(30);

/// Listen at `path`. A socket left by a server that was killed is replaced: the store's lock says that no other one runs.
pub(crate) fn bind(path: &Path) -> io::Result<UnixListener> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Answer requests until shutdown.
pub(crate) async fn serve(listener: UnixListener, handler: Handler, shutdown: Shutdown) {
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "the admin socket did not accept");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
            () = shutdown.triggered() => return,
        };
        let handler = handler.clone();
        tokio::spawn(async move {
            if let Err(error) = answer(stream, &handler).await {
                tracing::debug!(%error, "an admin connection broke");
            }
        });
    }
}

async fn answer(stream: UnixStream, handler: &Handler) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut line = zeroize::Zeroizing::new(String::new());
    let mut reader = BufReader::new(read.take(REQUEST_BYTES_MAX));
    tokio::time::timeout(REQUEST_DEADLINE, reader.read_line(&mut line)).await.map_err(|_| io::ErrorKind::TimedOut)??;
    let reply = match serde_json::from_str::<Request>(&line) {
        Ok(request @ Request::Import { .. }) => {
            return match handler.import_order(request) {
                Ok(order) => {
                    // Batches have their own limits.
                    reader.get_mut().set_limit(u64::MAX);
                    receive(reader, write, handler.admin(), &order).await
                }
                Err(why) => tell(&mut write, &Answer::Failed(why)).await,
            };
        }
        Ok(request) => work(request, handler, &mut reader, &mut write).await,
        Err(error) => Reply::Failed(format!("not a request: {error}")),
    };
    send(&reply, &mut write).await?;
    write.shutdown().await
}

/// Do what is asked, telling how far it is; a client that goes away has what takes long end at its next step.
async fn work(request: Request, handler: &Handler, reader: &mut BufReader<Take<OwnedReadHalf>>, write: &mut OwnedWriteHalf) -> Reply {
    let progress = Arc::new(Progress::default());
    let mut work = pin!(handler.handle(request, &progress));
    let (mut there, mut last) = (true, None);
    loop {
        tokio::select! {
            reply = &mut work => return reply,
            // Nothing more is expected: what comes is the end.
            _ = reader.fill_buf(), if there => {
                progress.stop();
                there = false;
            }
            () = tokio::time::sleep(EVERY) => {
                let told = Told::of(&progress);
                if there && told != last && let Some(told) = &told {
                    // One that does not read must not hold up the work, nor go on without being looked after.
                    let sent = tokio::time::timeout(REQUEST_DEADLINE, send(&Reply::Progress(told.clone()), write)).await;
                    if !matches!(sent, Ok(Ok(()))) {
                        progress.stop();
                        there = false;
                    }
                }
                last = told;
            }
        }
    }
}

async fn send(reply: &Reply, write: &mut OwnedWriteHalf) -> io::Result<()> {
    let mut text = zeroize::Zeroizing::new(serde_json::to_string(reply)?);
    text.push('\n');
    write.write_all(text.as_bytes()).await
}
