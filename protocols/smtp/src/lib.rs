//! SMTP, submission, LMTP and the outbound queue.
//!
//! Called by the program: [`serve`] for each connection of a listener, [`run_queue`] once. Speaks to the gate only, which decides who
//! may send what to whom; nothing is acknowledged before the gate said that it is on disk.
//!
//! | module | |
//! |---|---|
//! | `wire` | grammar: lines to commands, replies to lines |
//! | `session` | the command loop |
//! | `mail`, `rcpt`, `data`, `auth` | a file per command |
//! | `transaction` | what a transaction holds at each step |
//! | `inbound`, `submission`, `lmtp` | what is special to each of the three |
//! | `header`, `stamp` | what becomes of a message's header |
//! | `proof` | theirs is checked, ours is signed (`octroi-mailauth`) |
//! | `guard` | what is asked of strangers |
//! | `terms` | what travels with a message |
//! | `refusal` | faults and refusals to replies |
//! | `spam` | lists of addresses, rspamd |
//! | `outbound` | the queue's runner and its client |
//! | `dsn` | notifications of what became of a message |
//! | `intake`, `meeting` | reports of other servers and mail about meetings, taken in |
//! | `arrival`, `told` | what a sender is told when a message arrives, and how often |
//! | `filter/` | recipients' filters, run at the end of a message |

mod arrival;
mod auth;
mod config;
mod data;
mod dsn;
mod filter;
mod guard;
mod header;
mod inbound;
mod intake;
mod lmtp;
mod mail;
mod meeting;
mod outbound;
mod proof;
mod rcpt;
mod refusal;
mod session;
mod spam;
mod stamp;
mod submission;
mod terms;
mod told;
mod transaction;
mod wire;

pub use config::{ClientTimeouts, HostPort, Login, OutboundTls, QueueConfig, ServerTimeouts, SmtpConfig, StrangerLimits};
pub use guard::Guard;
pub use proof::Proofs;
pub use session::Kind;
pub use spam::{Learn, Rspamd, SpamConfig, SpamHooks};
pub use told::Told;

use octroi_dns::Resolver;
use octroi_gate::{Gate, Queue};
use octroi_net::{Connection, Shutdown};
use std::sync::Arc;

/// Serve one connection until it ends. TLS is up already (465) or offered by the connection's listener (25, 587), or neither (LMTP
/// on loopback).
pub async fn serve(kind: Kind, connection: Connection, gate: Gate, config: Arc<SmtpConfig>, shutdown: Shutdown) {
    session::run(kind, connection, gate, config, shutdown).await;
}

/// Run the outbound queue until `shutdown`.
pub async fn run_queue(queue: Queue, gate: Gate, resolver: Resolver, config: Arc<SmtpConfig>, shutdown: Shutdown) {
    outbound::run(queue, gate, resolver, config, shutdown).await;
}

/// What is read out of the replies of another server, and what is written of them into a notification. For the fuzz target; that it holds
/// together is checked here.
#[cfg(feature = "fuzzing")]
pub fn fuzz_replies(octets: &[u8]) {
    outbound::fuzz(octets);
}

/// What a peer is told that has too many connections (RFC 5321 section 3.8), for the listener.
pub fn busy(hostname: &str) -> Vec<u8> {
    let mut out = Vec::new();
    wire::Reply::new(421, "4.7.0", format!("{hostname} Too many connections, try again later")).write(&mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both must be fit for `tokio::spawn`; it does not compile otherwise.
    #[allow(dead_code)]
    fn can_be_spawned(
        connection: Connection,
        gate: &Gate,
        queue: Queue,
        resolver: &Resolver,
        config: &Arc<SmtpConfig>,
        shutdown: &Shutdown,
    ) {
        fn sendable(_: impl Send) {}
        sendable(serve(Kind::Inbound, connection, gate.clone(), config.clone(), shutdown.clone()));
        sendable(run_queue(queue, gate.clone(), resolver.clone(), config.clone(), shutdown.clone()));
    }

    #[test]
    fn too_many_connections_are_told_in_one_line() {
        assert_eq!(busy("mail.example"), b"421 4.7.0 mail.example Too many connections, try again later\r\n");
    }
}
