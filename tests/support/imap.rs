//! A small IMAP client: tagged commands, untagged answers with their literals.

use super::server::{Person, Server};
use super::wire::Wire;
use std::io;

/// All that came in answer to one command.
#[derive(Debug)]
pub(crate) struct Reply {
    /// Untagged responses, literals put in place of their `{n}` announcement's line end.
    pub(crate) untagged: Vec<Vec<u8>>,
    /// The tagged line without its tag: `OK …`, `NO …`, `BAD …`.
    pub(crate) status: String,
}

impl Reply {
    pub(crate) fn is_ok(&self) -> bool {
        self.status.starts_with("OK")
    }

    /// The untagged responses as text.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.untagged.iter().map(|l| String::from_utf8_lossy(l).into_owned()).collect()
    }

    /// All text in one piece.
    pub(crate) fn text(&self) -> String {
        format!("{}\r\n{}", self.lines().join("\r\n"), self.status)
    }

    /// The number that follows `key` anywhere: `number("UIDNEXT")`.
    pub(crate) fn number(&self, key: &str) -> Option<u32> {
        let text = self.text();
        let (_, rest) = text.split_once(&format!("{key} "))?;
        rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    }

    /// The numbers of `* n EXISTS`-like lines, the last one counts.
    pub(crate) fn exists(&self) -> Option<u32> {
        let lines = self.lines();
        let line = lines.iter().rev().find(|l| l.ends_with(" EXISTS"))?;
        line.split(' ').nth(1)?.parse().ok()
    }
}

/// A session.
pub(crate) struct Imap {
    pub(crate) wire: Wire,
    next_tag: u32,
}

impl Imap {
    /// Connect with implicit TLS and read the greeting.
    #[track_caller]
    pub(crate) fn connect(server: &Server) -> Self {
        Self::try_connect(server).unwrap_or_else(|e| panic!("imaps: {e}"))
    }

    fn try_connect(server: &Server) -> io::Result<Self> {
        let mut wire = Wire::try_tls(server.address("imaps"), server.certificate())?;
        match wire.try_line()? {
            Some(greeting) if greeting.starts_with("* OK") => Ok(Self { wire, next_tag: 1 }),
            other => Err(io::Error::other(other.unwrap_or_default())),
        }
    }

    /// Connect and log in with the app password.
    #[track_caller]
    pub(crate) fn login(server: &Server, person: &Person) -> Self {
        Self::try_login(server, &person.address, &person.app_password).unwrap_or_else(|status| panic!("{}: {status}", person.address))
    }

    /// Connect and log in; a refusal is the tagged line, or why there is none.
    pub(crate) fn try_login(server: &Server, user: &str, secret: &str) -> Result<Self, String> {
        let mut imap = Self::try_connect(server).map_err(|e| e.to_string())?;
        let reply = imap.try_command(&format!("LOGIN \"{user}\" \"{secret}\"")).map_err(|e| e.to_string())?;
        if reply.is_ok() { Ok(imap) } else { Err(reply.status) }
    }

    /// Send a command and read up to its tagged answer.
    #[track_caller]
    pub(crate) fn command(&mut self, command: &str) -> Reply {
        self.try_command(command).unwrap_or_else(|e| panic!("{command}: {e}"))
    }

    /// Send a command that must be answered with OK.
    #[track_caller]
    pub(crate) fn ok(&mut self, command: &str) -> Reply {
        let reply = self.command(command);
        assert!(reply.is_ok(), "{command}: {}", reply.text());
        reply
    }

    /// Like [`Imap::command`], for when the server may go away.
    pub(crate) fn try_command(&mut self, command: &str) -> io::Result<Reply> {
        let tag = self.tag();
        self.wire.try_send(format!("{tag} {command}\r\n").as_bytes())?;
        self.answer(&tag)
    }

    /// APPEND with a non-synchronising literal (RFC 7888).
    pub(crate) fn try_append(&mut self, mailbox: &str, flags: &str, message: &[u8]) -> io::Result<Reply> {
        let tag = self.tag();
        let mut octets = format!("{tag} APPEND \"{mailbox}\" ({flags}) {{{}+}}\r\n", message.len()).into_bytes();
        octets.extend_from_slice(message);
        octets.extend_from_slice(b"\r\n");
        self.wire.try_send(&octets)?;
        self.answer(&tag)
    }

    /// IDLE for that long, and all that came meanwhile.
    pub(crate) fn idle(&mut self, length: std::time::Duration) -> Reply {
        let tag = self.tag();
        self.wire.send(format!("{tag} IDLE\r\n"));
        std::thread::sleep(length);
        self.wire.send("DONE\r\n");
        self.answer(&tag).unwrap()
    }

    fn tag(&mut self) -> String {
        let tag = format!("t{}", self.next_tag);
        self.next_tag += 1;
        tag
    }

    fn answer(&mut self, tag: &str) -> io::Result<Reply> {
        let mut untagged = Vec::new();
        loop {
            let response = self.response()?;
            let text = String::from_utf8_lossy(&response);
            if let Some(status) = text.strip_prefix(tag).and_then(|rest| rest.strip_prefix(' ')) {
                return Ok(Reply { status: status.to_owned(), untagged });
            }
            untagged.push(response);
        }
    }

    /// One whole response, with its literals.
    pub(crate) fn response(&mut self) -> io::Result<Vec<u8>> {
        let mut response = Vec::new();
        loop {
            let Some(line) = self.wire.try_line()? else { return Err(io::ErrorKind::UnexpectedEof.into()) };
            response.extend_from_slice(line.as_bytes());
            let Some(count) = literal(&line) else { return Ok(response) };
            response.extend_from_slice(b"\r\n");
            let octets = self.wire.try_octets(count)?;
            response.extend_from_slice(&octets);
        }
    }

    /// The octets of a message by uid.
    #[track_caller]
    pub(crate) fn body(&mut self, uid: u32) -> Vec<u8> {
        let reply = self.ok(&format!("UID FETCH {uid} (BODY.PEEK[])"));
        let response = reply.untagged.iter().find(|l| l.windows(8).any(|w| w == b"BODY[] {")).unwrap_or_else(|| panic!("no uid {uid}"));
        let start = response.windows(2).position(|w| w == b"\r\n").unwrap() + 2;
        let count = literal(&String::from_utf8_lossy(&response[..start - 2])).unwrap();
        response[start..start + count].to_vec()
    }

    /// Uids of the messages whose subject contains `subject`.
    #[track_caller]
    pub(crate) fn search_subject(&mut self, subject: &str) -> Vec<u32> {
        let reply = self.ok(&format!("UID SEARCH SUBJECT \"{subject}\""));
        let lines = reply.lines();
        let line = lines.iter().find(|l| l.starts_with("* SEARCH")).expect("a SEARCH response");
        line.split(' ').skip(2).filter_map(|n| n.parse().ok()).collect()
    }
}

/// The count of a literal that the line announces at its end.
fn literal(line: &str) -> Option<usize> {
    let (_, count) = line.strip_suffix('}')?.rsplit_once('{')?;
    count.parse().ok()
}
