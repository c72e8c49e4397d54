//! A web server on loopback under a name that the tests' DNS knows, with a certificate of their authority: what it says is its user's.

use super::internet::Internet;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;

/// A connection of somebody who asks.
pub(crate) type Asker = BufReader<StreamOwned<ServerConnection, TcpStream>>;

/// Listen as `name` on an address of its own, which `records` brings into the DNS's `zone`, and answer each connection by `answer`, which gives
/// up with `None`.
pub(crate) fn serve(
    internet: &Internet,
    name: &str,
    (zone, records): (&str, impl FnOnce(Ipv4Addr) -> String),
    answer: impl Fn(&mut Asker) -> Option<()> + Clone + Send + 'static,
) -> (Ipv4Addr, u16) {
    let (config, _) = internet.certified(&[name]);
    let address = internet.address();
    internet.zone(zone, &records(address));
    let listener = TcpListener::bind((address, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    answering(listener, config, answer);
    (address, port)
}

/// Answer each connection. The thread ends with the process.
pub(crate) fn answering(
    listener: TcpListener,
    config: Arc<ServerConfig>,
    answer: impl Fn(&mut Asker) -> Option<()> + Clone + Send + 'static,
) {
    std::thread::spawn(move || {
        for tcp in listener.incoming().flatten() {
            let (config, answer) = (config.clone(), answer.clone());
            // Who looks whether somebody listens says nothing.
            std::thread::spawn(move || {
                let tls = StreamOwned::new(ServerConnection::new(config).ok()?, tcp);
                answer(&mut BufReader::new(tls))
            });
        }
    });
}

/// The lines of a request's head; `None` if it ends before.
pub(crate) fn head(asker: &mut Asker) -> Option<Vec<String>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        asker.read_line(&mut line).ok().filter(|octets| *octets > 0)?;
        match line.trim_end() {
            "" => return Some(lines),
            line => lines.push(line.to_owned()),
        }
    }
}
