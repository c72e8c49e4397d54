//! The accept loop: accept, count, hear a proxy out, shake hands, hand over. One call of [`serve`] or [`serve_local`] per listening
//! socket.

use crate::slots::{Slot, Slots};
use crate::{Acceptor, Connection, Hold, Networks, Shutdown, proxy};
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream, UnixListener};
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
    /// The whole of the TLS handshake; before it, the whole of a PROXY header.
    pub handshake_timeout: Duration,
    /// Proxies: whoever connects from there must begin with a header of the PROXY protocol (version 1 or 2), and is whom it names.
    /// From anybody else such a header is what it is to the protocol: garbage.
    pub proxies: Networks,
}

/// Accept connections and run `handler` on each, in a task of its own, until `shutdown`; then return at once, leaving the
/// running handlers to end by themselves (they should watch `shutdown`; [`Shutdown::ended`] waits for them).
///
/// `busy` says what a connection over a limit is told before it is closed, e.g. `* BYE [LIMIT] …`; `None`: nothing.
pub async fn serve<B, H, F>(listener: TcpListener, options: ListenerOptions, shutdown: Shutdown, busy: B, handler: H)
where
    B: Fn(&crate::Peer) -> Option<Vec<u8>> + Send + Sync + 'static,
    H: Fn(Connection) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let slots = Slots::new(options.connections_max, options.connections_per_peer_max);
    let refusals = Arc::new(Semaphore::new(REFUSALS_MAX));
    let listening = Arc::new(Listening { options, refusals, busy, handler });
    while let Some((tcp, address)) = accept(|cx| listener.poll_accept(cx), &listening.options, &shutdown).await {
        let hold = shutdown.hold();
        let proxied = listening.options.proxies.contains(address.ip());
        // A proxy's connection counts as the proxy's own until its header has come: headers that are awaited are bounded too.
        match slots.take(address.ip()) {
            Some(slot) if proxied => drop(tokio::spawn(listening.clone().hear_out(tcp, address, slot, hold))),
            Some(slot) => drop(tokio::spawn(listening.clone().run(Connection::plain(tcp, address), slot, hold))),
            // It is not known yet who should be told.
            None if proxied => debug!(listener = listening.options.name, proxy = %address, "over a connection limit"),
            None => listening.clone().refuse(Connection::plain(tcp, address), hold),
        }
    }
}

/// The same for a socket in the file system: all who connect are one peer, at the loopback address, and there are no proxies.
pub async fn serve_local<B, H, F>(listener: UnixListener, options: ListenerOptions, shutdown: Shutdown, busy: B, handler: H)
where
    B: Fn(&crate::Peer) -> Option<Vec<u8>> + Send + Sync + 'static,
    H: Fn(Connection) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let slots = Slots::new(options.connections_max, options.connections_max);
    let refusals = Arc::new(Semaphore::new(REFUSALS_MAX));
    let listening = Arc::new(Listening { options, refusals, busy, handler });
    while let Some((stream, _)) = accept(|cx| listener.poll_accept(cx), &listening.options, &shutdown).await {
        let hold = shutdown.hold();
        let connection = match Connection::local(stream) {
            Ok(connection) => connection,
            Err(error) => {
                warn!(listener = listening.options.name, %error, "a local connection is closed");
                continue;
            }
        };
        match slots.take(connection.peer().addr.ip()) {
            Some(slot) => drop(tokio::spawn(listening.clone().run(connection, slot, hold))),
            None => listening.clone().refuse(connection, hold),
        }
    }
}

/// The next connection; `None` after the shutdown.
async fn accept<T>(
    mut poll: impl FnMut(&mut Context<'_>) -> Poll<io::Result<T>>,
    options: &ListenerOptions,
    shutdown: &Shutdown,
) -> Option<T> {
    loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.triggered() => return None,
            accepted = poll_fn(&mut poll) => accepted,
        };
        match accepted {
            Ok(accepted) => return Some(accepted),
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

/// What the connections of one listener have in common.
struct Listening<B, H> {
    options: ListenerOptions,
    refusals: Arc<Semaphore>,
    busy: B,
    handler: H,
}

impl<B, H, F> Listening<B, H>
where
    B: Fn(&crate::Peer) -> Option<Vec<u8>> + Send + Sync + 'static,
    H: Fn(Connection) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    /// Read the header of a listed proxy, then go on with whom it names.
    async fn hear_out(self: Arc<Self>, mut tcp: TcpStream, proxy: SocketAddr, slot: Slot, hold: Hold) {
        let source = match proxy::read_header(&mut tcp, self.options.handshake_timeout).await {
            Ok(source) => source,
            Err(error) => {
                debug!(listener = self.options.name, %proxy, %error, "a proxy's connection is closed");
                return;
            }
        };
        let address = source.unwrap_or(proxy);
        let connection = Connection::plain(tcp, address);
        match slot.move_to(address.ip()) {
            Some(slot) => self.run(connection, slot, hold).await,
            None => self.refuse(connection, hold),
        }
    }

    async fn run(self: Arc<Self>, connection: Connection, slot: Slot, hold: Hold) {
        if let Some(connection) = secure(connection, &self.options).await {
            (self.handler)(connection).await;
        }
        drop((slot, hold));
    }

    /// Tell a connection over a limit that it is, if there is time for it.
    fn refuse(self: Arc<Self>, mut connection: Connection, hold: Hold) {
        debug!(listener = self.options.name, peer = %connection.peer().addr, "over a connection limit");
        let Some(text) = (self.busy)(connection.peer()) else { return };
        let Ok(permit) = self.refusals.clone().try_acquire_owned() else { return };
        tokio::spawn(async move {
            let telling = async {
                connection = secure(connection, &self.options).await?;
                connection.write(&text).await.ok()?;
                connection.close().await;
                Some(())
            };
            let _ = tokio::time::timeout(REFUSAL_DEADLINE, telling).await;
            drop((permit, hold));
        });
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
