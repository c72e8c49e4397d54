//! Somebody else's mail server: takes what our queue sends, or refuses it as it is told to, and keeps the octets.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A message as it came.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    /// Data up to the end of data, dots still stuffed.
    pub(crate) data: Vec<u8>,
}

/// How RCPT is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// 250.
    Kind,
    /// 451, then 250 for whoever comes again.
    BusyAtFirst,
    /// 550.
    Unwilling,
}

/// A running sink. Its thread ends with the process.
pub(crate) struct Sink {
    port: u16,
    received: Arc<Mutex<Vec<Received>>>,
    busy: Arc<Mutex<bool>>,
}

impl Sink {
    pub(crate) fn start(mood: Mood) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let received = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&received);
        let busy = Arc::new(Mutex::new(mood == Mood::BusyAtFirst));
        let still = Arc::clone(&busy);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (kept, busy) = (Arc::clone(&kept), Arc::clone(&still));
                // A peer that breaks off has said what it had to say.
                std::thread::spawn(move || talk(&stream, mood, &busy, &kept));
            }
        });
        Self { port, received, busy }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Has it not yet put anybody off?
    pub(crate) fn is_busy(&self) -> bool {
        *self.busy.lock().unwrap()
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

fn talk(stream: &TcpStream, mood: Mood, busy: &Mutex<bool>, kept: &Mutex<Vec<Received>>) -> std::io::Result<()> {
    let mut input = BufReader::new(stream.try_clone()?);
    let mut output = stream;
    let (mut from, mut to) = (String::new(), Vec::new());
    output.write_all(b"220 sink.test ESMTP\r\n")?;
    loop {
        let mut line = String::new();
        if input.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let command = line.trim_end().to_ascii_uppercase();
        let address = || line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
        let reply: &[u8] = if command.starts_with("EHLO") {
            b"250-sink.test\r\n250-PIPELINING\r\n250 8BITMIME\r\n"
        } else if command.starts_with("MAIL FROM:") {
            (from, to) = (address(), Vec::new());
            b"250 2.1.0 fine\r\n"
        } else if command.starts_with("RCPT TO:") {
            if std::mem::take(&mut *busy.lock().unwrap()) {
                b"451 4.3.0 not now\r\n"
            } else if mood == Mood::Unwilling {
                b"550 5.1.1 never heard of\r\n"
            } else {
                to.push(address());
                b"250 2.1.5 fine\r\n"
            }
        } else if command == "DATA" && !to.is_empty() {
            output.write_all(b"354 go on\r\n")?;
            let data = data(&mut input)?;
            kept.lock().unwrap().push(Received { from: from.clone(), to: to.clone(), data });
            b"250 2.0.0 taken\r\n"
        } else if command == "QUIT" {
            output.write_all(b"221 2.0.0 bye\r\n")?;
            return Ok(());
        } else if command == "RSET" || command == "NOOP" {
            b"250 2.0.0 fine\r\n"
        } else {
            b"503 5.5.1 no\r\n"
        };
        output.write_all(reply)?;
    }
}

fn data(input: &mut impl BufRead) -> std::io::Result<Vec<u8>> {
    let mut data = Vec::new();
    while !data.ends_with(b"\r\n.\r\n") {
        if input.read_until(b'\n', &mut data)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    data.truncate(data.len() - b".\r\n".len());
    Ok(data)
}
