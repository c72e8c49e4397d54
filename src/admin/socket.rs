//! The server's end of the admin socket.

use super::handle::Handler;
use super::progress::Progress;
use super::protocol::{Reply, Request};
use crate::import::receive::receive;
use crate::import::wire::{Answer, tell};
use octroi_net::Shutdown;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::OwnedWriteHalf;
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
        Ok(request) if request.is_long() => match watched(request, handler, reader, &mut write).await? {
            Some(reply) => reply,
            None => return Ok(()),
        },
        Ok(request) => handler.handle(request, &Progress::default()).await,
        Err(error) => Reply::Failed(format!("not a request: {error}")),
    };
    send(&mut write, &reply).await?;
    write.shutdown().await
}

/// Answer something long, telling how far it is; `None` when the other side is gone, and then it is given up.
async fn watched<R: AsyncRead + Unpin>(
    request: Request,
    handler: &Handler,
    mut reader: R,
    write: &mut OwnedWriteHalf,
) -> io::Result<Option<Reply>> {
    let progress = Progress::default();
    let handling = handler.handle(request, &progress);
    tokio::pin!(handling);
    let mut rest = [0; 16];
    loop {
        tokio::select! {
            reply = &mut handling => return Ok(Some(reply)),
            line = progress.next() => send(write, &Reply::Progress(line)).await?,
            // Nothing more is to come: it is the end, or nonsense.
            _ = reader.read(&mut rest) => return Ok(None),
        }
    }
}

async fn send(write: &mut OwnedWriteHalf, reply: &Reply) -> io::Result<()> {
    let mut text = zeroize::Zeroizing::new(serde_json::to_string(reply)?);
    text.push('\n');
    write.write_all(text.as_bytes()).await
}
