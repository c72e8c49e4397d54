//! A small SMTP and LMTP client, one command at a time.

use super::http::base64;
use super::server::{Person, Server};
use super::wire::Wire;
use std::io;

/// A reply: its code and all its text, lines joined by `\n`.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) code: u16,
    pub(crate) text: String,
}

/// A session.
pub(crate) struct Smtp {
    pub(crate) wire: Wire,
}

impl Smtp {
    /// Connect in the clear to `service` and say hello.
    #[track_caller]
    pub(crate) fn connect(server: &Server, service: &str) -> Self {
        Self::try_connect(server.address(service), service == "lmtp").unwrap_or_else(|e| panic!("{service}: {e}"))
    }

    /// Submission over TLS, logged in.
    pub(crate) fn submission(server: &Server, person: &Person) -> Self {
        let mut smtp = Self { wire: Wire::tls(server.address("submissions"), server.certificate()) };
        smtp.reply().unwrap();
        smtp.expect("EHLO client.test", 250);
        let plain = base64(format!("\0{}\0{}", person.address, person.app_password).as_bytes());
        smtp.expect(&format!("AUTH PLAIN {plain}"), 235);
        smtp
    }

    /// Likewise, for when the server may be away.
    pub(crate) fn try_connect(address: &str, lmtp: bool) -> io::Result<Self> {
        let mut smtp = Self { wire: Wire::try_plain(address)? };
        let hello = if lmtp { "LHLO client.test" } else { "EHLO client.test" };
        let greeting = smtp.reply()?;
        if greeting.code != 220 || smtp.try_command(hello)?.code != 250 {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(smtp)
    }

    /// Send a line and read its reply.
    #[track_caller]
    pub(crate) fn command(&mut self, command: &str) -> Reply {
        self.try_command(command).unwrap_or_else(|e| panic!("{command}: {e}"))
    }

    /// Send a line whose reply must carry that code.
    #[track_caller]
    pub(crate) fn expect(&mut self, command: &str, code: u16) -> Reply {
        let reply = self.command(command);
        assert_eq!(reply.code, code, "{command}: {}", reply.text);
        reply
    }

    pub(crate) fn try_command(&mut self, command: &str) -> io::Result<Reply> {
        self.wire.try_send(format!("{command}\r\n").as_bytes())?;
        self.reply()
    }

    /// The next reply, with all its lines.
    pub(crate) fn reply(&mut self) -> io::Result<Reply> {
        let mut lines = Vec::new();
        loop {
            let Some(line) = self.wire.try_line()? else { return Err(io::ErrorKind::UnexpectedEof.into()) };
            let code = line.get(..3).and_then(|c| c.parse().ok());
            let last = line.as_bytes().get(3) != Some(&b'-');
            lines.push(line.get(4..).unwrap_or_default().to_owned());
            if last {
                let code = code.ok_or(io::ErrorKind::InvalidData)?;
                return Ok(Reply { code, text: lines.join("\n") });
            }
        }
    }

    /// One message to one recipient; the reply that matters last.
    pub(crate) fn try_send(&mut self, from: &str, to: &str, message: &str) -> io::Result<Reply> {
        for command in [format!("MAIL FROM:<{from}>"), format!("RCPT TO:<{to}>")] {
            let reply = self.try_command(&command)?;
            if reply.code != 250 {
                return Ok(reply);
            }
        }
        let reply = self.try_command("DATA")?;
        if reply.code != 354 {
            return Ok(reply);
        }
        self.wire.try_send(message.as_bytes())?;
        self.wire.try_send(b".\r\n")?;
        self.reply()
    }
}
