//! A mail host of the fake internet: takes what comes and keeps it, or behaves as a test tells it to.

use crate::support::sink::Received;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What a host says other than what it would say by itself.
#[derive(Debug, Clone)]
pub(crate) enum Say {
    /// These octets, instead.
    This(&'static str),
    /// These, made up on the spot.
    That(String),
    /// What it would say, so much later.
    Late(Duration),
    /// Nothing any more.
    Hang,
}

/// Decides on a line of the dialogue (a command that the host knows in capitals, all else as it came), `""` for the connection itself and
/// `"."` for the end of data; `None` lets things go their way.
pub(crate) type Whim = Arc<dyn Fn(&str) -> Option<Say> + Send + Sync>;

/// How a host behaves.
#[derive(Clone)]
pub(crate) struct Manner {
    /// What EHLO offers, STARTTLS aside.
    pub(crate) extensions: Vec<&'static str>,
    /// With this STARTTLS is offered.
    pub(crate) tls: Option<Arc<ServerConfig>>,
    pub(crate) whim: Option<Whim>,
}

impl Default for Manner {
    fn default() -> Self {
        Self { extensions: vec!["PIPELINING", "8BITMIME", "SIZE 10485760", "ENHANCEDSTATUSCODES"], tls: None, whim: None }
    }
}

impl Manner {
    /// Offers TLS.
    pub(crate) fn tls(config: Arc<ServerConfig>) -> Self {
        Self { tls: Some(config), ..Self::default() }
    }

    /// Answers every line that begins so (in capitals) with that.
    pub(crate) fn says(start: &'static str, answer: &'static str) -> Self {
        Self::by(move |line| line.starts_with(start).then_some(Say::This(answer)))
    }

    /// Behaves on a whim.
    pub(crate) fn by(whim: impl Fn(&str) -> Option<Say> + Send + Sync + 'static) -> Self {
        Self { whim: Some(Arc::new(whim)), ..Self::default() }
    }

    /// Offers this too.
    #[must_use]
    pub(crate) fn offering(mut self, extension: &'static str) -> Self {
        self.extensions.push(extension);
        self
    }
}

/// A running host; it stops listening when it is dropped.
pub(crate) struct Host {
    address: SocketAddr,
    heard: Arc<Heard>,
    stopped: Arc<AtomicBool>,
}

#[derive(Default)]
struct Heard {
    messages: Mutex<Vec<Received>>,
    lines: Mutex<Vec<String>>,
    connections: AtomicUsize,
    open: AtomicUsize,
    most_open: AtomicUsize,
    /// Messages that came under TLS.
    secured: AtomicUsize,
}

impl Host {
    pub(super) fn start(address: SocketAddr, manner: Manner) -> Self {
        let listener = TcpListener::bind(address).unwrap_or_else(|e| panic!("{address}: {e}"));
        let heard = Arc::new(Heard::default());
        let stopped = Arc::new(AtomicBool::new(false));
        let (kept, ended) = (Arc::clone(&heard), Arc::clone(&stopped));
        std::thread::spawn(move || {
            for tcp in listener.incoming().flatten() {
                if ended.load(Ordering::Acquire) {
                    return;
                }
                let (heard, manner) = (Arc::clone(&kept), manner.clone());
                std::thread::spawn(move || {
                    heard.connections.fetch_add(1, Ordering::AcqRel);
                    let open = heard.open.fetch_add(1, Ordering::AcqRel) + 1;
                    heard.most_open.fetch_max(open, Ordering::AcqRel);
                    // A peer that breaks off has said what it had to say.
                    let _ = talk(tcp, &manner, &heard);
                    heard.open.fetch_sub(1, Ordering::AcqRel);
                });
            }
        });
        Self { address, heard, stopped }
    }

    pub(crate) fn ip(&self) -> IpAddr {
        self.address.ip()
    }

    /// Messages so far.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.heard.messages.lock().unwrap().clone()
    }

    /// Commands so far, of all connections.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.heard.lines.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.heard.connections.load(Ordering::Acquire)
    }

    /// How many connections were open at once.
    pub(crate) fn most_open(&self) -> usize {
        self.heard.most_open.load(Ordering::Acquire)
    }

    /// How many of the messages came under TLS.
    pub(crate) fn secured(&self) -> usize {
        self.heard.secured.load(Ordering::Acquire)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Release);
        // Wakes the one who listens.
        let _ = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
    }
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
}

impl Read for Stream {
    fn read(&mut self, octets: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.read(octets),
            Self::Tls(tls) => tls.read(octets),
        }
    }
}

impl Stream {
    fn say(&mut self, octets: &[u8]) -> std::io::Result<()> {
        match self {
            Self::Plain(tcp) => tcp.write_all(octets),
            Self::Tls(tls) => {
                tls.write_all(octets)?;
                tls.flush()
            }
        }
    }
}

/// Answer, by whim if there is one; `false` when it says no more.
fn answer(stream: &mut BufReader<Stream>, manner: &Manner, line: &str, usual: &str) -> std::io::Result<bool> {
    match manner.whim.as_ref().and_then(|whim| whim(line)) {
        None => stream.get_mut().say(usual.as_bytes())?,
        Some(Say::This(octets)) => {
            stream.get_mut().say(octets.as_bytes())?;
            return Ok(octets == usual);
        }
        Some(Say::That(octets)) => {
            stream.get_mut().say(octets.as_bytes())?;
            return Ok(octets == usual);
        }
        Some(Say::Late(by)) => {
            std::thread::sleep(by);
            stream.get_mut().say(usual.as_bytes())?;
        }
        Some(Say::Hang) => {
            // Until the other side has had enough.
            let _ = std::io::copy(stream, &mut std::io::sink());
            return Err(std::io::ErrorKind::ConnectionAborted.into());
        }
    }
    Ok(true)
}

fn talk(tcp: TcpStream, manner: &Manner, heard: &Heard) -> std::io::Result<()> {
    tcp.set_nodelay(true)?;
    let mut stream = BufReader::new(Stream::Plain(tcp));
    let (mut from, mut to) = (String::new(), Vec::new());
    answer(&mut stream, manner, "", "220 host.test ESMTP\r\n")?;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let command = line.trim_end().to_ascii_uppercase();
        heard.lines.lock().unwrap().push(line.trim_end().to_owned());
        let address = || line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
        let secured = matches!(stream.get_ref(), Stream::Tls(_));
        if command.starts_with("EHLO") {
            let mut offered = manner.extensions.clone();
            if manner.tls.is_some() && !secured {
                offered.push("STARTTLS");
            }
            let rest: String = offered
                .iter()
                .rev()
                .enumerate()
                .map(|(at, word)| format!("250{}{word}\r\n", if at + 1 == offered.len() { " " } else { "-" }))
                .collect();
            let greeting = if offered.is_empty() { "250 host.test\r\n".to_owned() } else { format!("250-host.test\r\n{rest}") };
            answer(&mut stream, manner, &command, &greeting)?;
        } else if command == "STARTTLS" && manner.tls.is_some() {
            if !answer(&mut stream, manner, &command, "220 go on\r\n")? {
                continue;
            }
            let config = manner.tls.clone().unwrap();
            let Stream::Plain(tcp) = stream.into_inner() else { return Ok(()) };
            stream = BufReader::new(Stream::Tls(Box::new(StreamOwned::new(ServerConnection::new(config).unwrap(), tcp))));
        } else if command.starts_with("MAIL FROM:") {
            (from, to) = (address(), Vec::new());
            answer(&mut stream, manner, &command, "250 2.1.0 fine\r\n")?;
        } else if command.starts_with("RCPT TO:") {
            if answer(&mut stream, manner, &command, "250 2.1.5 fine\r\n")? {
                to.push(address());
            }
        } else if command == "DATA" && !to.is_empty() {
            if !answer(&mut stream, manner, &command, "354 go on\r\n")? {
                continue;
            }
            let data = dotted(&mut stream)?;
            take(&mut stream, manner, heard, Received { from: from.clone(), to: std::mem::take(&mut to), data })?;
        } else if let Some(size) = command.strip_prefix("BDAT ") {
            let (size, last) = size.split_once(' ').map_or((size, false), |(size, last)| (size, last == "LAST"));
            let mut data = vec![0; size.parse().unwrap()];
            stream.read_exact(&mut data)?;
            assert!(last, "the hosts take a message in one chunk");
            take(&mut stream, manner, heard, Received { from: from.clone(), to: std::mem::take(&mut to), data })?;
        } else if command == "QUIT" {
            return stream.get_mut().say(b"221 2.0.0 bye\r\n");
        } else if command == "RSET" || command == "NOOP" {
            answer(&mut stream, manner, &command, "250 2.0.0 fine\r\n")?;
        } else {
            answer(&mut stream, manner, line.trim_end(), "503 5.5.1 no\r\n")?;
        }
    }
}

/// What is acknowledged is kept, and only that.
fn take(stream: &mut BufReader<Stream>, manner: &Manner, heard: &Heard, message: Received) -> std::io::Result<()> {
    let secured = matches!(stream.get_ref(), Stream::Tls(_));
    // First kept, then said: whoever saw the reply finds the message.
    heard.messages.lock().unwrap().push(message);
    if !answer(stream, manner, ".", "250 2.0.0 taken\r\n")? {
        heard.messages.lock().unwrap().pop();
    } else if secured {
        heard.secured.fetch_add(1, Ordering::AcqRel);
    }
    Ok(())
}

fn dotted(stream: &mut impl BufRead) -> std::io::Result<Vec<u8>> {
    let mut data = Vec::new();
    while !data.ends_with(b"\r\n.\r\n") && data != b".\r\n" {
        if stream.read_until(b'\n', &mut data)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    data.truncate(data.len() - b".\r\n".len());
    Ok(data)
}
