//! A name server on loopback that knows a table: for tests only, here and of the whole program.
//!
//! It speaks just as much DNS (RFC 1035) as a resolver that asks for one name at a time needs.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};

/// What a name has.
#[derive(Debug, Clone)]
#[allow(dead_code)]
pub(crate) enum Data {
    /// A text of any length.
    Txt(String),
    /// An address.
    Ip(IpAddr),
    /// A mail exchanger.
    Mx(u16, String),
    /// Another name.
    Ptr(String),
    /// A port of a host.
    Srv(u16, u16, u16, String),
    /// Another name for it.
    Cname(String),
    /// Nobody answers.
    Silence,
}

/// A running server; it goes when the test ends.
#[derive(Clone)]
pub(crate) struct FakeDns {
    /// Where it answers.
    pub(crate) address: SocketAddr,
    table: Arc<Mutex<HashMap<String, Vec<Data>>>>,
}

impl FakeDns {
    /// Start one.
    pub(crate) fn start() -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let dns = Self { address: socket.local_addr().unwrap(), table: Arc::default() };
        let table = dns.table.clone();
        std::thread::spawn(move || {
            let mut query = [0; 1500];
            while let Ok((length, from)) = socket.recv_from(&mut query) {
                if let Some(answer) = answer(&query[..length], &table.lock().unwrap()) {
                    let _ = socket.send_to(&answer, from);
                }
            }
        });
        dns
    }

    /// Give a name something more.
    pub(crate) fn add(&self, name: &str, data: Data) -> &Self {
        self.table.lock().unwrap().entry(name.to_lowercase()).or_default().push(data);
        self
    }

    /// Give a name a text.
    pub(crate) fn txt(&self, name: &str, text: &str) -> &Self {
        self.add(name, Data::Txt(text.to_owned()))
    }

    /// Give a name an address.
    pub(crate) fn ip(&self, name: &str, ip: &str) -> &Self {
        self.add(name, Data::Ip(ip.parse().unwrap()))
    }

    /// Take all from a name.
    #[allow(dead_code)]
    pub(crate) fn clear(&self, name: &str) -> &Self {
        self.table.lock().unwrap().remove(&name.to_lowercase());
        self
    }
}

/// RFC 1035 section 4.1.
fn answer(query: &[u8], table: &HashMap<String, Vec<Data>>) -> Option<Vec<u8>> {
    let mut at = 12;
    let mut labels = Vec::new();
    while query[at] > 0 {
        let end = at + 1 + usize::from(query[at]);
        labels.push(String::from_utf8_lossy(&query[at + 1..end]).to_lowercase());
        at = end;
    }
    let kind = u16::from_be_bytes([query[at + 1], query[at + 2]]);
    let question = &query[12..at + 5];
    let name = labels.join(".");
    let all = table.get(&name).map(Vec::as_slice).unwrap_or_default();
    if all.iter().any(|data| matches!(data, Data::Silence)) {
        return None;
    }
    let found: Vec<(u16, Vec<u8>)> = all.iter().map(encoded).filter(|(of, _)| *of == kind || *of == 5).collect();
    // A name exists if it has anything or something is below it.
    let below = format!(".{name}");
    let code = if all.is_empty() && !table.keys().any(|known| known.ends_with(&below)) { 3 } else { 0 };
    let mut out = vec![query[0], query[1], 0x85, 0x80 | code, 0, 1];
    out.extend((found.len() as u16).to_be_bytes());
    out.extend([0, 0, 0, 0]);
    out.extend(question);
    for (kind, data) in found {
        out.extend([0xc0, 12]);
        out.extend(kind.to_be_bytes());
        out.extend([0, 1, 0, 0, 0, 60]);
        out.extend((data.len() as u16).to_be_bytes());
        out.extend(data);
    }
    Some(out)
}

fn encoded(data: &Data) -> (u16, Vec<u8>) {
    match data {
        Data::Txt(text) => (16, text.as_bytes().chunks(255).flat_map(|part| [&[part.len() as u8], part].concat()).collect()),
        Data::Ip(IpAddr::V4(ip)) => (1, ip.octets().to_vec()),
        Data::Ip(IpAddr::V6(ip)) => (28, ip.octets().to_vec()),
        Data::Mx(preference, host) => (15, [preference.to_be_bytes().to_vec(), name(host)].concat()),
        Data::Ptr(host) => (12, name(host)),
        Data::Srv(priority, weight, port, host) => {
            (33, [priority.to_be_bytes(), weight.to_be_bytes(), port.to_be_bytes()].concat().into_iter().chain(name(host)).collect())
        }
        Data::Cname(host) => (5, name(host)),
        Data::Silence => (0, Vec::new()),
    }
}

fn name(text: &str) -> Vec<u8> {
    let mut out: Vec<u8> = text.split('.').flat_map(|label| [&[label.len() as u8], label.as_bytes()].concat()).collect();
    out.push(0);
    out
}
