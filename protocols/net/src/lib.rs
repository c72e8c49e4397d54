//! Everything between a listening socket and a protocol: accept loops, TLS and STARTTLS, deadlines, framing, limits, shutdown.
//!
//! Called by `imap`, `smtp` and `http`; started by the program. Knows no protocol, no account and no store. What always holds:
//! every wait for the peer stands under a deadline counted from its start, so sending one byte per interval defeats none;
//! what a peer can make us hold is bounded; nothing read before a TLS handshake survives it ([`Connection::start_tls`]); where a
//! peer comes from is what the socket says, unless the socket's other end is a listed proxy.
//!
//! | file | what |
//! |---|---|
//! | `listener` | [`serve`]: accept, limit, handshake, hand over |
//! | `connection` | [`Connection`]: lines, literals and output over TCP or TLS |
//! | `acceptor` | [`Acceptor`]: certificates, exchangeable while serving |
//! | `authority` | [`Authority`]: who vouches for clients' certificates |
//! | `challenge` | [`Challenges`]: answers to a certificate authority that asks whether a name is ours |
//! | `binding` | [`Bindings`]: what a log-in can be bound to |
//! | `proxy` | the PROXY protocol, for listed proxies |
//! | `networks` | [`Networks`]: lists of proxies |
//! | `shutdown` | [`Shutdown`]: one signal, and waiting until all have ended |
//! | `slots` | connection limits, in all and per peer |
//! | `socket` | what TLS reads from: ahead, while much comes |
//! | `stream` | TCP or TLS as one type |
//! | `raw` | a connection as a stream of octets |
//! | `deflate` | compression of a connection, and how many may have it |
//! | `dot` | SMTP's end-of-data rule, both ways |
//!
//! Known limits: those of `authority` and `proxy`; a listed proxy must send a header on every connection.

mod acceptor;
mod authority;
mod binding;
mod challenge;
mod connection;
mod deflate;
pub mod dot;
mod error;
mod listener;
mod networks;
mod proxy;
mod raw;
mod shutdown;
mod slots;
mod socket;
mod stream;

pub use acceptor::{Acceptor, CertificateError};
pub use authority::{Authority, PeerCertificate};
pub use binding::{Bindings, TLS_EXPORTER_BYTES};
pub use challenge::{ACME_TLS_ALPN, Challenges};
pub use connection::{Connection, Line, LineEnd, Peer, READ_BYTES_MAX, SPILL_BYTES};
pub use deflate::{DeflateLimit, DeflateSlot, STATE_BYTES as DEFLATE_STATE_BYTES};
pub use error::{ReadError, StartTlsError, WriteError};
pub use listener::{ListenerOptions, TlsMode, serve, serve_local};
pub use networks::{NetworkError, Networks};
pub use shutdown::{Hold, Shutdown};
