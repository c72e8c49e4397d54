//! The command's end of the admin socket; without a running server the store is opened for the one request.

use super::progress::{EVERY, Line, Told};
use super::protocol::{Reply, Request};
use crate::cli::At;
use crate::config::Config;
use crate::dkim::Keys;
use crate::server::Store;
use octroi_gate::Progress;
use octroi_mailauth::Keyring;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

/// What a shell says of a program that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

/// Ask the server that `at` names; open its store if it does not run.
pub(crate) async fn ask(at: &At, request: Request) -> Result<Reply, String> {
    match reach(at).await? {
        Reached::Server(stream) => over_socket(stream, &request).await.map_err(|e| e.to_string()),
        // Opening a store and asking it is large; who only talks to a server need not carry it.
        Reached::Store(config) => Box::pin(offline(&config, at.config.as_deref(), request)).await,
    }
}

/// Several questions to one server, or to one store that is opened for them.
pub(crate) enum Conversation {
    Server(PathBuf),
    Store(Box<(Store, super::handle::Handler)>),
}

impl Conversation {
    /// Begin to ask whom `at` names.
    pub(crate) async fn begin(at: &At) -> Result<Self, String> {
        match reach(at).await? {
            Reached::Server(stream) => {
                let socket = stream.peer_addr().ok().and_then(|address| address.as_pathname().map(Path::to_owned));
                socket.map(Self::Server).ok_or_else(|| "the server's socket has no path".to_owned())
            }
            Reached::Store(config) => {
                let store = Store::open(&config).await?;
                let handler = handler(&store, &config, at.config.as_deref());
                Ok(Self::Store(Box::new((store, handler))))
            }
        }
    }

    /// Ask.
    pub(crate) async fn ask(&self, request: Request) -> Result<Reply, String> {
        match self {
            Self::Server(socket) => {
                let stream = UnixStream::connect(socket).await.map_err(|e| format!("the server does not answer any more: {e}"))?;
                over_socket(stream, &request).await.map_err(|e| e.to_string())
            }
            Self::Store(opened) => {
                let progress = Arc::new(Progress::default());
                Ok(Box::pin(watched(&progress, opened.1.handle(request, &progress))).await)
            }
        }
    }

    /// Nothing more to ask.
    pub(crate) async fn end(self) {
        if let Self::Store(opened) = self {
            opened.0.admin.close().await;
        }
    }
}

/// Whom a command talks to.
pub(crate) enum Reached {
    /// A running server's admin socket.
    Server(UnixStream),
    /// Nobody has the store of this configuration open.
    Store(Box<Config>),
}

/// Reach the server that `at` names, or its store if it does not run.
pub(crate) async fn reach(at: &At) -> Result<Reached, String> {
    let (config, data) = match (&at.config, &at.data) {
        (Some(file), _) => {
            let config = Config::load(file).map_err(|e| e.to_string())?;
            let data = config.data.clone();
            (Some(config), data)
        }
        (None, Some(data)) => (None, data.clone()),
        (None, None) => return Err("name the server with --config or --data".to_owned()),
    };
    let socket = Config::admin_socket(&data);
    match (UnixStream::connect(&socket).await, config) {
        (Ok(stream), _) => Ok(Reached::Server(stream)),
        (Err(error), Some(config)) if is_not_running(&error) => Ok(Reached::Store(Box::new(config))),
        (Err(error), _) => Err(format!("no server answers at {}: {error}", socket.display())),
    }
}

fn is_not_running(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}

async fn over_socket(mut stream: UnixStream, request: &Request) -> io::Result<Reply> {
    let mut text = zeroize::Zeroizing::new(serde_json::to_string(request)?);
    text.push('\n');
    stream.write_all(text.as_bytes()).await?;
    let mut reader = BufReader::new(stream);
    let mut terminal = Line::default();
    loop {
        let mut answer = zeroize::Zeroizing::new(String::new());
        if reader.read_line(&mut answer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match serde_json::from_str(&answer)? {
            Reply::Progress(told) => terminal.tell(&told),
            reply => {
                terminal.clear();
                return Ok(reply);
            }
        }
    }
}

/// Wait for work that tells how far it is, and have it stop on Ctrl-C.
pub(crate) async fn watched<T>(progress: &Arc<Progress>, work: impl Future<Output = T>) -> T {
    let (mut work, mut interrupt) = (pin!(work), pin!(tokio::signal::ctrl_c()));
    let (mut terminal, mut stopped) = (Line::default(), false);
    loop {
        tokio::select! {
            done = &mut work => {
                terminal.clear();
                return done;
            }
            () = tokio::time::sleep(EVERY) => {
                if let Some(told) = Told::of(progress) {
                    terminal.tell(&told);
                }
            }
            _ = &mut interrupt, if !stopped => {
                if progress.look().is_none() {
                    // It takes no notice of the progress: end as any program does.
                    std::process::exit(INTERRUPTED);
                }
                progress.stop();
                stopped = true;
            }
        }
    }
}

async fn offline(config: &Config, file: Option<&Path>, request: Request) -> Result<Reply, String> {
    let store = Store::open(config).await?;
    let handler = handler(&store, config, file);
    let progress = Arc::new(Progress::default());
    let reply = Box::pin(watched(&progress, handler.handle(request, &progress))).await;
    store.admin.close().await;
    Ok(reply)
}

/// For a store that nobody serves.
fn handler(store: &Store, config: &Config, file: Option<&Path>) -> super::handle::Handler {
    let keys = Keys::new(&config.data, Keyring::default());
    super::handle::Handler::new(store.admin.clone(), file.map(Path::to_owned), keys, config).queueing(store.queue.clone())
}
