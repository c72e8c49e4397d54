//! The way to hosts that are not there: an HTTP proxy that takes every CONNECT to port 443 to one server, and notes what was asked for.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A proxy that runs until the tests end.
pub(super) struct Proxy {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// All that is asked for is at `target`.
    pub(super) fn to(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (noted, target) = (Arc::clone(&asked), target.to_owned());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (noted, target) = (Arc::clone(&noted), target.clone());
                // Who breaks off has what it wanted.
                std::thread::spawn(move || carry(&stream, &target, &noted));
            }
        });
        Self { port, asked }
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// The hosts with their ports, in the order of asking.
    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn carry(client: &TcpStream, target: &str, noted: &Mutex<Vec<String>>) -> io::Result<()> {
    let mut input = BufReader::new(client.try_clone()?);
    let mut request = String::new();
    input.read_line(&mut request)?;
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        if input.read_line(&mut line)? == 0 {
            return Ok(());
        }
    }
    let mut words = request.split(' ');
    let wanted = match (words.next(), words.next()) {
        (Some("CONNECT"), Some(host)) if host.ends_with(":443") => host.to_owned(),
        _ => return (&mut &*client).write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"),
    };
    noted.lock().unwrap().push(wanted);
    let server = TcpStream::connect(target)?;
    (&mut &*client).write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
    let (mut to, mut from, mut back) = (server.try_clone()?, server, client.try_clone()?);
    std::thread::spawn(move || {
        let _ = io::copy(&mut input, &mut to);
        to.shutdown(Shutdown::Write)
    });
    io::copy(&mut from, &mut back)?;
    back.shutdown(Shutdown::Write)
}
