//! The command's end of the admin socket; without a running server the store is opened for the one request.

use super::protocol::{Reply, Request};
use crate::cli::At;
use crate::config::Config;
use crate::server::Store;
use std::io;
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

/// Ask the server that `at` names; open its store if it does not run.
pub(crate) async fn ask(at: &At, request: Request) -> Result<Reply, String> {
    match (&at.config, &at.data) {
        (Some(file), _) => {
            let config = Config::load(file).map_err(|e| e.to_string())?;
            match over_socket(&Config::admin_socket(&config.data), &request).await {
                Err(error) if is_not_running(&error) => offline(&config, file, request).await,
                other => other.map_err(|e| e.to_string()),
            }
        }
        (None, Some(data)) => {
            let socket = Config::admin_socket(data);
            over_socket(&socket, &request).await.map_err(|e| format!("no server answers at {}: {e}", socket.display()))
        }
        (None, None) => Err("name the server with --config or --data".to_owned()),
    }
}

/// Ask `first` once, then `again` every so often, until `is_last` says of an answer that it is the last one; returns that.
pub(crate) async fn ask_until(
    at: &At,
    first: Request,
    again: impl Fn() -> Request,
    every: Duration,
    is_last: impl Fn(&Reply) -> bool,
) -> Result<Reply, String> {
    // Without a running server the store stays open in between: that is when the work is done.
    let mut store = None;
    let mut reply = match (ask_server(at, &first).await, &at.config) {
        (Err(error), Some(file)) if is_not_running(&error) => {
            let config = Config::load(file).map_err(|e| e.to_string())?;
            let opened = Store::open(&config).await?;
            let handler = super::handle::Handler::new(opened.admin.clone(), Some(file.to_owned()), config.message_bytes_max());
            let reply = handler.handle(first).await;
            store = Some((opened, handler));
            reply
        }
        (asked, _) => asked.map_err(|e| e.to_string())?,
    };
    while !is_last(&reply) {
        tokio::time::sleep(every).await;
        reply = match &store {
            Some((_, handler)) => handler.handle(again()).await,
            None => ask_server(at, &again()).await.map_err(|e| e.to_string())?,
        };
    }
    if let Some((store, _)) = store {
        store.admin.close().await;
    }
    Ok(reply)
}

/// Ask the server that `at` names, which must run.
async fn ask_server(at: &At, request: &Request) -> io::Result<Reply> {
    let data = match (&at.config, &at.data) {
        (Some(file), _) => Config::load(file).map_err(|e| io::Error::other(e.to_string()))?.data,
        (None, Some(data)) => data.clone(),
        (None, None) => return Err(io::Error::other("name the server with --config or --data")),
    };
    over_socket(&Config::admin_socket(&data), request).await
}

/// Where an import goes.
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

async fn over_socket(socket: &Path, request: &Request) -> io::Result<Reply> {
    let mut stream = UnixStream::connect(socket).await?;
    let mut text = zeroize::Zeroizing::new(serde_json::to_string(request)?);
    text.push('\n');
    stream.write_all(text.as_bytes()).await?;
    let mut answer = zeroize::Zeroizing::new(String::new());
    stream.read_to_string(&mut answer).await?;
    Ok(serde_json::from_str(&answer)?)
}

async fn offline(config: &Config, file: &Path, request: Request) -> Result<Reply, String> {
    let store = Store::open(config).await?;
    let handler = super::handle::Handler::new(store.admin.clone(), Some(file.to_owned()), config.message_bytes_max());
    let reply = handler.handle(request).await;
    store.admin.close().await;
    Ok(reply)
}
