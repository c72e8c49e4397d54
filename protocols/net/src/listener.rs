//! The accept loop: accept, count, shake hands, hand over. One call of [`serve`] per listening socket.

use crate::slots::{Slot, Slots};
use crate::{Acceptor, Connection, Hold, Shutdown};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tracing::{debug, warn};

/// How long accepting rests after an error that the next call would meet again, such as having no file descriptor left.
const ACCEPT_BACK_OFF: Duration = Duration::from_millis(100);
/// Connections over a limit that are being told so at the same time, per listener; any more are just dropped, as telling costs a
/// task and perhaps a handshake.
const REFUSALS_MAX: usize = 64;
/// How long a connection over a limit may take to be told so.
const REFUSAL_DEADLINE: Duration = Duration::from_secs(5);

/// How TLS comes about on a listener.
#[derive(Debug, Clone)]
pub enum TlsMode {
    /// Not at all: loopback, or a protocol that goes without.
    None,
    /// In the clear until the handler calls [`Connection::start_tls`] with this.
    Offered(Acceptor),
    /// From the first byte.
    Implicit(Acceptor),
}

/// Settings of one listener.
#[derive(Debug, Clone)]
pub struct ListenerOptions {
    /// For the log: `imaps`, `submission`, …
    pub name: &'static str,
    /// Whether and when TLS.
    pub tls: TlsMode,
    /// Connections at the same time, in all.
    pub connections_max: usize,
    /// Connections at the same time from one IPv4 address or IPv6 /64.
    pub connections_per_peer_max: usize,
    /// The whole of the TLS handshake.
    pub handshake_timeout: Duration,
}

/// Accept connections and run `handler` on each, in a task of its own, until `shutdown`; then return at once, leaving the
/// running handlers to end by themselves (they should watch `shutdown`; [`Shutdown::ended`] waits for them).
///
/// `busy` says what a connection over a limit is told before it is closed, e.g. `* BYE [LIMIT] …`; `None`: nothing.
pub async fn serve<B, H, F>(listener: TcpListener, options: ListenerOptions, shutdown: Shutdown, busy: B, handler: H)
where
    B: Fn(&crate::Peer) -> Option<Vec<u8>>,
    H: Fn(Connection) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let handler = Arc::new(handler);
    let options = Arc::new(options);
    let slots = Slots::new(options.connections_max, options.connections_per_peer_max);
    let refusals = Arc::new(Semaphore::new(REFUSALS_MAX));
    while let Some((tcp, address)) = accept(&listener, &options, &shutdown).await {
        let connection = Connection::plain(tcp, address);
        let hold = shutdown.hold();
        if let Some(slot) = slots.take(address.ip()) {
            tokio::spawn(run(connection, options.clone(), handler.clone(), slot, hold));
            continue;
        }
        debug!(listener = options.name, peer = %address, "over a connection limit");
        let Some(text) = busy(connection.peer()) else { continue };
        if let Ok(permit) = refusals.clone().try_acquire_owned() {
            let options = options.clone();
            tokio::spawn(async move {
                let _ = tokio::time::timeout(REFUSAL_DEADLINE, refuse(connection, &options, &text)).await;
                drop((permit, hold));
            });
        }
    }
}

/// The next connection; `None` after the shutdown.
async fn accept(listener: &TcpListener, options: &ListenerOptions, shutdown: &Shutdown) -> Option<(TcpStream, std::net::SocketAddr)> {
    loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.triggered() => return None,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok(pair) => return Some(pair),
            Err(error) if ended_before_accept(&error) => {}
            // EMFILE, ENFILE, ENOBUFS, ENOMEM: the connection stays in the backlog, so trying again at once would spin.
            Err(error) => {
                warn!(listener = options.name, %error, "cannot accept a connection");
                tokio::select! {
                    () = shutdown.triggered() => return None,
                    () = tokio::time::sleep(ACCEPT_BACK_OFF) => {}
                }
            }
        }
    }
}

/// The peer gave up while it stood in the backlog.
fn ended_before_accept(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}

async fn run<H, F>(connection: Connection, options: Arc<ListenerOptions>, handler: Arc<H>, slot: Slot, hold: Hold)
where
    H: Fn(Connection) -> F,
    F: Future<Output = ()>,
{
    if let Some(connection) = secure(connection, &options).await {
        drop(options);
        handler(connection).await;
    }
    drop((slot, hold));
}

async fn refuse(connection: Connection, options: &ListenerOptions, text: &[u8]) {
    let Some(mut connection) = secure(connection, options).await else { return };
    if connection.write(text).await.is_ok() {
        connection.close().await;
    }
}

/// Bring TLS up if it comes first.
async fn secure(connection: Connection, options: &ListenerOptions) -> Option<Connection> {
    match &options.tls {
        TlsMode::None => Some(connection),
        TlsMode::Offered(acceptor) => Some(connection.offering(acceptor.clone())),
        TlsMode::Implicit(acceptor) => {
            let peer = connection.peer().addr;
            match connection.start_tls(acceptor, options.handshake_timeout).await {
                Ok(connection) => Some(connection),
                Err(error) => {
                    debug!(listener = options.name, %peer, %error, "no TLS");
                    None
                }
            }
        }
    }
}
