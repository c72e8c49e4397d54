//! A small HTTP client over TLS: one request on one connection.

use super::server::{Person, Server};
use super::wire::Wire;
use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;

/// A response.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Somebody's access to a server.
pub(crate) struct Http {
    address: String,
    certificate: PathBuf,
    authorization: Option<String>,
}

impl Http {
    /// As that person, with the app password.
    pub(crate) fn new(server: &Server, person: &Person) -> Self {
        Self::with(server, &person.address, &person.app_password)
    }

    /// With that name and secret.
    pub(crate) fn with(server: &Server, user: &str, secret: &str) -> Self {
        let authorization = format!("Basic {}", base64(format!("{user}:{secret}").as_bytes()));
        Self { authorization: Some(authorization), ..Self::anonymous(server) }
    }

    /// Without credentials.
    pub(crate) fn anonymous(server: &Server) -> Self {
        let address = format!("127.0.0.1:{}", server.port("https"));
        Self { address, certificate: server.certificate().to_path_buf(), authorization: None }
    }

    /// One request. `target` goes onto the wire as it is.
    #[track_caller]
    pub(crate) fn request(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        self.try_request(method, target, headers, body).unwrap_or_else(|e| panic!("{method} {target}: {e}"))
    }

    /// Likewise, for when the server may go away.
    pub(crate) fn try_request(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<Response> {
        let mut wire = Wire::try_tls(&self.address, &self.certificate)?;
        let mut head = format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
        if let Some(authorization) = &self.authorization {
            let _ = write!(head, "Authorization: {authorization}\r\n");
        }
        for (name, value) in headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        head.push_str("\r\n");
        wire.try_send(head.as_bytes())?;
        // A server may refuse by the head alone and close: then the answer is there although the body could not go.
        let _ = wire.try_send(body);
        respond(&mut wire, method)
    }
}

/// The next response on a connection.
pub(crate) fn respond(wire: &mut Wire, method: &str) -> io::Result<Response> {
    let status_line = wire.try_line()?.ok_or(io::ErrorKind::UnexpectedEof)?;
    let status = status_line.split(' ').nth(1).and_then(|s| s.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
    let mut headers = Vec::new();
    loop {
        let line = wire.try_line()?.ok_or(io::ErrorKind::UnexpectedEof)?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').ok_or(io::ErrorKind::InvalidData)?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut response = Response { status, headers, body: Vec::new() };
    if method == "HEAD" || status < 200 || status == 204 || status == 304 {
        return Ok(response);
    }
    response.body = if response.header("transfer-encoding").is_some_and(|e| e.eq_ignore_ascii_case("chunked")) {
        chunked(wire)?
    } else if let Some(length) = response.header("content-length") {
        wire.try_octets(length.parse().map_err(|_| io::ErrorKind::InvalidData)?)?
    } else {
        wire.rest()?
    };
    Ok(response)
}

fn chunked(wire: &mut Wire) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let size = wire.try_line()?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let size = usize::from_str_radix(size.split(';').next().unwrap_or_default().trim(), 16).map_err(|_| io::ErrorKind::InvalidData)?;
        body.extend(wire.try_octets(size)?);
        wire.try_line()?;
        if size == 0 {
            return Ok(body);
        }
    }
}

/// RFC 4648 section 4.
pub(crate) fn base64(octets: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in octets.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, octet| bits << 8 | u32::from(*octet)) << (8 * (3 - chunk.len()));
        for index in 0..4 {
            let letter = ALPHABET[(bits >> (18 - 6 * index)) as usize & 63] as char;
            text.push(if index <= chunk.len() { letter } else { '=' });
        }
    }
    text
}
