//! Loopback ports above 1024: like the usual ones if they are free, others if not.

use crate::config::Listen;
use crate::server::Sockets;
use std::net::{Ipv4Addr, SocketAddr};
use tokio::net::TcpListener;

/// Take a port for every protocol and keep it: another demo may be starting at the same moment.
pub(crate) async fn claim() -> Result<(Listen, Sockets), String> {
    let sockets = Sockets {
        imap: one(1143).await?,
        imaps: one(1993).await?,
        smtp: one(1025).await?,
        submission: one(1587).await?,
        submissions: one(1465).await?,
        lmtp: one(2424).await?,
        lmtp_socket: None,
        managesieve: one(4190).await?,
        https: one(8443).await?,
    };
    let listen = Listen {
        imap: bound(&sockets.imap),
        imaps: bound(&sockets.imaps),
        smtp: bound(&sockets.smtp),
        submission: bound(&sockets.submission),
        submissions: bound(&sockets.submissions),
        lmtp: bound(&sockets.lmtp),
        managesieve: bound(&sockets.managesieve),
        https: bound(&sockets.https),
        ..Listen::default()
    };
    Ok((listen, sockets))
}

async fn one(usual: u16) -> Result<Vec<TcpListener>, String> {
    let claimed = match TcpListener::bind((Ipv4Addr::LOCALHOST, usual)).await {
        Ok(socket) => Ok(socket),
        Err(_) => TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await,
    };
    claimed.map(|socket| vec![socket]).map_err(|e| format!("no free port on loopback: {e}"))
}

fn bound(sockets: &[TcpListener]) -> Vec<SocketAddr> {
    sockets.iter().filter_map(|socket| socket.local_addr().ok()).collect()
}
