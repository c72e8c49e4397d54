//! Who tells a domain's MTA-STS policy, in the fake internet.

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

/// Answer every request with that text. The thread ends with the process.
pub(super) fn serve(address: SocketAddr, config: Arc<ServerConfig>, policy: String) {
    let listener = TcpListener::bind(address).unwrap_or_else(|e| panic!("{address}: {e}"));
    std::thread::spawn(move || {
        for tcp in listener.incoming().flatten() {
            // Who does not like our certificate breaks off.
            let _ = answer(tcp, config.clone(), &policy);
        }
    });
}

fn answer(tcp: TcpStream, config: Arc<ServerConfig>, policy: &str) -> std::io::Result<()> {
    let mut stream = BufReader::new(StreamOwned::new(ServerConnection::new(config).unwrap(), tcp));
    let mut first = String::new();
    stream.read_line(&mut first)?;
    let mut line = first.clone();
    while line != "\r\n" {
        line.clear();
        if stream.read_line(&mut line)? == 0 {
            return Ok(());
        }
    }
    let found = first.starts_with("GET /.well-known/mta-sts.txt ");
    let (status, body) = if found { ("200 OK", policy) } else { ("404 Not Found", "") };
    let head = format!("HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.get_mut().write_all(format!("{head}{body}").as_bytes())?;
    stream.get_mut().flush()
}
