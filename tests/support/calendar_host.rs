//! A web server on loopback that has calendars, under a name that the tests' DNS knows and with a certificate of their authority.

use super::https_host::{Asker, head, serve};
use super::internet::Internet;
use std::collections::HashMap;
use std::io::Write;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

/// Its name.
const HOST: &str = "www.calendars.example";

/// What is said to who asks for a path: what stands behind `HTTP/1.1`, further lines, the body.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

#[derive(Default)]
struct Inner {
    said: HashMap<String, Said>,
    /// Heads of requests, by path.
    asked: HashMap<String, Vec<String>>,
}

/// See the module.
pub(crate) struct CalendarHost {
    address: Ipv4Addr,
    port: u16,
    inner: Arc<Mutex<Inner>>,
}

impl CalendarHost {
    pub(crate) fn start(internet: &Internet) -> Self {
        let inner = Arc::<Mutex<Inner>>::default();
        let kept = inner.clone();
        let records = |address| format!("www A {address}\ninner A 10.1.2.3");
        let (address, port) = serve(internet, HOST, ("calendars.example", records), move |asker| answer(asker, &kept));
        Self { address, port, inner }
    }

    /// For the configuration of a server that may ask it, and `more` of its section.
    pub(crate) fn settings(&self, internet: &Internet, more: &str) -> String {
        let authority = internet.authority();
        let own = format!("[subscriptions]\nnetworks = [\"{}\"]\nauthority = \"{}\"\n{more}\n", self.address, authority.display());
        format!("{own}[dns]\nservers = [\"{}\"]\n", internet.dns())
    }

    /// A URL of it.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://{HOST}:{}{path}", self.port)
    }

    /// The port that it listens on.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// From now on that path is answered so.
    pub(crate) fn say(&self, path: &str, head: &str, body: &str) {
        let said = Said { head: head.to_owned(), body: body.as_bytes().to_vec() };
        self.inner.lock().unwrap().said.insert(path.to_owned(), said);
    }

    /// The heads of the requests to a path so far.
    pub(crate) fn asked(&self, path: &str) -> Vec<String> {
        self.inner.lock().unwrap().asked.get(path).cloned().unwrap_or_default()
    }
}

fn answer(asker: &mut Asker, kept: &Mutex<Inner>) -> Option<()> {
    let head = head(asker)?.join("\r\n");
    let path = head.strip_prefix("GET ")?.split(' ').next()?.to_owned();
    let missing = || Said { head: "404 Not Found".to_owned(), body: Vec::new() };
    let said = {
        let mut inner = kept.lock().unwrap();
        let said = inner.said.get(&path).cloned().unwrap_or_else(missing);
        inner.asked.entry(path).or_default().push(head);
        said
    };
    let stream = asker.get_mut();
    let head = format!("HTTP/1.1 {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", said.head, said.body.len());
    stream.write_all(&[head.as_bytes(), &said.body].concat()).ok()?;
    stream.flush().ok()
}
