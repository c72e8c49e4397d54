//! Loopback ports: the usual ones plus a thousand if they are free, others if not.

use crate::config::Listen;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

/// Choose a port for every protocol.
pub(crate) fn choose() -> Result<Listen, String> {
    let one = |usual: u16| -> Result<Vec<SocketAddr>, String> {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, usual)).or_else(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
        let address = free.and_then(|socket| socket.local_addr()).map_err(|e| format!("no free port on loopback: {e}"))?;
        Ok(vec![address])
    };
    Ok(Listen {
        imap: one(1143)?,
        imaps: one(1993)?,
        smtp: one(1025)?,
        submission: one(1587)?,
        submissions: one(1465)?,
        lmtp: one(1024)?,
        https: one(8443)?,
    })
}
