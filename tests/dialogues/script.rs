//! Plays a dialogue. A file is a list of lines:
//!
//! ```text
//! # a remark
//! @ imap          connect to that service in the clear (imaps, submissions, https: with TLS)
//! TLS             shake hands on the open connection
//! C: a NOOP       send the line and CRLF
//! C- a NO         send the text as it is; \r \n \0 \\ \xHH stand for octets
//! C1 a NOOP\r\n   likewise, every octet in a write of its own
//! B: <x/>\n       the body of a request, after its length and the end of its head; likewise
//! S: a OK …       the next line must be that; … stands for anything, also for nothing
//! S+ a OK …       some line from here on must be that; those before it do not matter
//! S! * …          like S+, and no line before it may be like the S! lines that stand directly above it
//! R: 207          an HTTP response with that status must come now; it is read whole
//! R+ etag: …      some line of its head (names in lower case) or of its body must be that; R! none
//! EOF             the server must close the connection now; lines before that do not matter
//! ```
//!
//! `$u1` is an address of the running server, `$u1.app` its app password, `$u1.main` its main password, `$u1.files` its document root;
//! likewise for `$agent`, `$operator`, `$manager`, `$lead`. `$plain(u1)` is SASL PLAIN's answer for it, `$plain(u2,u1)` the one that asks
//! to act as u2, `$mainplain(u1)` the one with the main password; `$basic(u1)` is HTTP's. `$domain` is the accounts' domain, `$unique` a
//! word for this run, `$token` the `Lock-Token` that was given last and `$token(2)` the second of all, `$etag` and `$etag(2)` likewise, `$sync` the `sync-token` that stood last in a body, `$base64(text)` that text in base64 (`$u1` may stand in it), `$x(5000)` that many letters, `$repeat(9,NOT )` that text nine times.

use crate::support::http::{self, base64};
use crate::support::wire::Wire;
use crate::support::{Person, Server, shared, unique};
use std::path::Path;

/// Play the file against the shared server; the test fails at the line that went otherwise.
#[track_caller]
pub(super) fn play(file: &str) {
    play_against(shared(), file);
}

/// Play the file against that server.
#[track_caller]
pub(super) fn play_against(server: &Server, file: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/dialogues").join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{file}: {e}"));
    if let Err(why) = Player::new(server).all(&text) {
        panic!("{file}:{why}");
    }
}

struct Player<'a> {
    server: &'a Server,
    wire: Option<Wire>,
    unique: String,
    /// Each `Lock-Token` that the server gave.
    tokens: Vec<String>,
    /// Each entity tag that it gave in a header.
    etags: Vec<String>,
    /// The last `sync-token` of the last body that had any.
    sync: Option<String>,
    /// The method of the request that was sent last.
    method: String,
    /// The lines of the response that was read last.
    response: Vec<String>,
    /// Patterns that no line may match until the next one that is awaited.
    forbidden: Vec<String>,
    /// What was said, for the report.
    heard: Vec<String>,
}

impl<'a> Player<'a> {
    fn new(server: &'a Server) -> Self {
        Self {
            server,
            wire: None,
            unique: unique("word"),
            tokens: Vec::new(),
            etags: Vec::new(),
            sync: None,
            method: String::new(),
            response: Vec::new(),
            forbidden: Vec::new(),
            heard: Vec::new(),
        }
    }

    fn all(&mut self, text: &str) -> Result<(), String> {
        for (index, line) in text.lines().enumerate() {
            let line = line.trim_end();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            self.step(line).map_err(|why| format!("{}: {line}\n{why}\nheard so far:\n{}", index + 1, self.heard.join("\n")))?;
        }
        Ok(())
    }

    fn step(&mut self, line: &str) -> Result<(), String> {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rest = self.expand(rest)?;
        match verb {
            "@" => {
                self.connect(&rest);
                Ok(())
            }
            "TLS" => {
                let wire = self.wire.take().ok_or("no connection")?;
                self.wire = Some(wire.secure(self.server.certificate()));
                Ok(())
            }
            "C:" => {
                if rest.ends_with(" HTTP/1.1") {
                    rest.split(' ').next().unwrap_or_default().clone_into(&mut self.method);
                }
                self.send(format!("{rest}\r\n").as_bytes())
            }
            "C-" => self.send(&unescape(&rest)),
            "B:" => {
                let body = unescape(&rest);
                let end = format!("Content-Length: {}\r\n\r\n", body.len());
                self.send(&[end.as_bytes(), &body].concat())
            }
            "C1" => unescape(&rest).iter().try_for_each(|octet| self.send(&[*octet])),
            "S:" => self.next(&rest),
            "S+" => self.find(&rest),
            "S!" => {
                self.forbidden.push(rest);
                Ok(())
            }
            "R:" => self.respond(&rest),
            "R+" | "R!" => {
                let found = self.response.iter().any(|line| matches(&rest, line));
                if found == (verb == "R+") { Ok(()) } else { Err(format!("the response was\n{}", self.response.join("\n"))) }
            }
            "EOF" => self.end(),
            _ => Err("not a line of a dialogue".to_owned()),
        }
    }

    fn connect(&mut self, service: &str) {
        let address = self.server.address(service);
        self.wire = Some(match service {
            "imaps" | "submissions" | "https" => Wire::tls(address, self.server.certificate()),
            _ => Wire::plain(address),
        });
        self.heard.clear();
    }

    fn send(&mut self, octets: &[u8]) -> Result<(), String> {
        let wire = self.wire.as_mut().ok_or("no connection")?;
        // The server may have closed already; what it said before tells whether it was right to.
        let _ = wire.try_send(octets);
        Ok(())
    }

    fn hear(&mut self) -> Result<Option<String>, String> {
        let line = self.wire.as_mut().ok_or("no connection")?.try_line().map_err(|e| format!("no line came: {e}"))?;
        if let Some(line) = &line {
            self.heard.push(format!("  {line}"));
            learn(&mut self.tokens, line.strip_prefix("lock-token: "));
            if let Some(pattern) = self.forbidden.iter().find(|pattern| matches(pattern, line)) {
                return Err(format!("the server said what it must not ({pattern}): {line}"));
            }
        }
        Ok(line)
    }

    fn respond(&mut self, status: &str) -> Result<(), String> {
        let wire = self.wire.as_mut().ok_or("no connection")?;
        let response = http::respond(wire, &self.method).map_err(|e| format!("no response came: {e}"))?;
        self.response = response.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        learn(&mut self.tokens, response.header("lock-token"));
        learn(&mut self.etags, response.header("etag"));
        let text = response.text();
        let sync = text.rsplit_once("</D:sync-token>").and_then(|(before, _)| before.rsplit_once("<D:sync-token>"));
        self.sync = sync.map(|(_, token)| token.to_owned()).or(self.sync.take());
        self.response.extend(text.lines().map(str::to_owned));
        self.heard.push(format!("  {} {}", response.status, self.response.join("\n  ")));
        if response.status.to_string() == status { Ok(()) } else { Err(format!("the server said: {}", response.status)) }
    }

    fn next(&mut self, pattern: &str) -> Result<(), String> {
        let line = self.hear()?.ok_or("the server closed the connection")?;
        self.forbidden.clear();
        if matches(pattern, &line) { Ok(()) } else { Err(format!("the server said: {line}")) }
    }

    fn find(&mut self, pattern: &str) -> Result<(), String> {
        loop {
            let line = self.hear()?.ok_or("the server closed the connection")?;
            if matches(pattern, &line) {
                self.forbidden.clear();
                return Ok(());
            }
            // Another answer to the same command: the one that is awaited will not come.
            let first_word = |text: &str| text.split(' ').next().unwrap_or_default().to_owned();
            if first_word(pattern) == first_word(&line) && line.starts_with(|c: char| c.is_ascii_alphanumeric()) {
                return Err(format!("the server said: {line}"));
            }
        }
    }

    fn end(&mut self) -> Result<(), String> {
        while self.hear()?.is_some() {}
        self.forbidden.clear();
        Ok(())
    }

    /// Put in what the running server says of itself. A `$` before anything else stays.
    fn expand(&self, text: &str) -> Result<String, String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            out.push_str(before);
            let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '.').unwrap_or(after.len());
            let name = after[..end].trim_end_matches('.');
            let mut used = name.len();
            let mut argument = "";
            if let Some(inner) = after[used..].strip_prefix('(')
                && let Some((inside, _)) = inner.split_once(')')
            {
                argument = inside;
                used += inside.len() + 2;
            }
            if let Some(value) = self.value(name, argument)? {
                out.push_str(&value);
                rest = &after[used..];
            } else {
                out.push('$');
                rest = after;
            }
        }
        out.push_str(rest);
        Ok(out)
    }

    fn value(&self, name: &str, argument: &str) -> Result<Option<String>, String> {
        let plain = |authzid: &str, person: &Person, secret: &str| base64(format!("{authzid}\0{}\0{secret}", person.address).as_bytes());
        let somebody = |name: &str| self.person(name).ok_or_else(|| format!("nobody is called {name}"));
        Ok(Some(match name {
            "domain" => crate::support::server::DOMAIN.to_owned(),
            "unique" => self.unique.clone(),
            "token" => of(&self.tokens, argument)?,
            "etag" => of(&self.etags, argument)?,
            "sync" => self.sync.clone().ok_or("the server has not given it yet")?,
            "x" => "x".repeat(argument.parse().map_err(|_| "$x needs a number")?),
            "repeat" => {
                let (count, text) = argument.split_once(',').ok_or("$repeat needs a number and a text")?;
                text.repeat(count.parse().map_err(|_| "$repeat needs a number")?)
            }
            "base64" => base64(self.expand(argument)?.as_bytes()),
            "mainplain" => {
                let person = somebody(argument)?;
                plain("", person, &person.password)
            }
            "plain" => match argument.split_once(',') {
                Some((authzid, who)) => {
                    let person = somebody(who)?;
                    plain(&somebody(authzid)?.address, person, &person.app_password)
                }
                None => plain("", somebody(argument)?, &somebody(argument)?.app_password),
            },
            "basic" => {
                let person = somebody(argument)?;
                base64(format!("{}:{}", person.address, person.app_password).as_bytes())
            }
            "mainbasic" => {
                let person = somebody(argument)?;
                base64(format!("{}:{}", person.address, person.password).as_bytes())
            }
            _ => {
                let (who, what) = name.split_once('.').unwrap_or((name, "address"));
                let Some(person) = self.person(who) else { return Ok(None) };
                match what {
                    "address" => person.address.clone(),
                    "length" => person.address.len().to_string(),
                    "app" => person.app_password.clone(),
                    "main" => person.password.clone(),
                    "files" => person.files.clone(),
                    "calendars" => person.calendars.clone(),
                    _ => return Ok(None),
                }
            }
        }))
    }

    fn person(&self, name: &str) -> Option<&'a Person> {
        match name {
            "agent" | "operator" => Some(self.server.with_profile(name)),
            "manager" => Some(self.server.with_profile("document-manager")),
            "lead" => Some(self.server.with_profile("team-lead")),
            _ => {
                let number = name.strip_prefix('u')?.parse().ok()?;
                Some(self.server.user(number))
            }
        }
    }
}

/// Keep what was given, unless it is known.
fn learn(known: &mut Vec<String>, given: Option<&str>) {
    if let Some(given) = given
        && !known.iter().any(|one| one == given)
    {
        known.push(given.to_owned());
    }
}

/// The one with that number from 1 on, or the last.
fn of(given: &[String], number: &str) -> Result<String, String> {
    let found = match number.parse::<usize>() {
        Ok(number) => given.get(number.wrapping_sub(1)),
        Err(_) => given.last(),
    };
    found.cloned().ok_or_else(|| "the server has not given it yet".to_owned())
}

/// `…` stands for anything, also for nothing; the rest must be there as it is.
fn matches(pattern: &str, line: &str) -> bool {
    let mut parts = pattern.split('…');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = line.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// `\r \n \0 \\ \xHH` to octets.
fn unescape(text: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&octet, after)) = rest.split_first() {
        rest = after;
        if octet != b'\\' {
            octets.push(octet);
            continue;
        }
        let Some((&escape, after)) = rest.split_first() else { break };
        rest = after;
        match escape {
            b'r' => octets.push(b'\r'),
            b'n' => octets.push(b'\n'),
            b'0' => octets.push(0),
            b'x' => {
                let digits = std::str::from_utf8(&rest[..2]).unwrap();
                octets.push(u8::from_str_radix(digits, 16).unwrap());
                rest = &rest[2..];
            }
            other => octets.push(other),
        }
    }
    octets
}

#[test]
fn patterns_match_as_they_say() {
    assert!(matches("a OK …", "a OK done") && matches("…", "") && matches("* … FETCH …", "* 1 FETCH (UID 1)"));
    assert!(!matches("a OK", "a OK done") && !matches("a OK …", "a NO done") && !matches("250 …x", "250 y"));
    assert_eq!(unescape("a\\r\\n\\0\\x41\\\\"), b"a\r\n\0A\\");
}

#[test]
fn a_dialogue_can_fail() {
    for wrong in ["@ imap\nS: * BYE …", "@ imap\nS! * OK …\nS+ …", "@ imap\nS: …\nC: a LOGOUT\nS+ never …", "@ imap\nwhat"] {
        assert!(Player::new(shared()).all(wrong).is_err(), "{wrong}");
    }
    Player::new(shared()).all("@ imap\nS: * OK …\nC: a LOGOUT\nS: * BYE …\nS: a OK …\nEOF").unwrap();
}
