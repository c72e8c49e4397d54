//! Replies of the other side, read with `smtp-proto` within limits of our own.

use crate::wire::printable;
use octroi_net::{Connection, ReadError};
use smtp_proto::EhloResponse;
use smtp_proto::response::parser::ResponseReceiver;
use std::fmt;
use std::time::{Duration, Instant};

/// Octets of one reply line. RFC 5321 section 4.5.3.1.5 says 512; some say more.
const LINE_BYTES_MAX: usize = 2048;
/// Lines of one reply: EHLO's is the longest, with one per extension.
const LINES_MAX: usize = 128;
/// Octets of a reply that are understood; `smtp-proto` takes no more than 4096.
const TEXT_BYTES_MAX: usize = 3000;
/// Octets of a reply that are repeated to the author of a message.
const SHOWN_BYTES_MAX: usize = 400;

/// A reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) code: u16,
    /// Enhanced code (RFC 3463); zeros when none was given.
    pub(crate) status: [u8; 3],
    text: String,
    /// As it came, for EHLO.
    raw: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum NoAnswer {
    /// It is no SMTP.
    Nonsense(&'static str),
    /// None came.
    Read(ReadError),
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nonsense(why) => write!(f, "it does not speak SMTP: {why}"),
            Self::Read(error) => error.fmt(f),
        }
    }
}

/// In one line of printable ASCII.
impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        let [class, subject, detail] = self.status;
        if class != 0 {
            write!(f, " {class}.{subject}.{detail}")?;
        }
        let text = self.text.replace('\n', " ");
        write!(f, " {}", printable(text.trim(), SHOWN_BYTES_MAX))
    }
}

impl Answer {
    /// 2xx.
    pub(crate) fn is_positive(&self) -> bool {
        self.code / 100 == 2
    }

    /// 5xx.
    pub(crate) fn is_permanent(&self) -> bool {
        self.code / 100 == 5
    }

    /// The text of a challenge or greeting.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// What EHLO told, if this answers it.
    pub(crate) fn extensions(&self) -> Option<EhloResponse<String>> {
        EhloResponse::parse(&mut self.raw.iter()).ok()
    }
}

/// The next reply, whole, within `within`.
pub(crate) async fn read(connection: &mut Connection, within: Duration) -> Result<Answer, NoAnswer> {
    let deadline = Instant::now() + within;
    let mut lines = Lines::default();
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let line = connection.read_line(LINE_BYTES_MAX, left).await.map_err(NoAnswer::Read)?.bytes;
        if let Some(answer) = lines.push(&line)? {
            return Ok(answer);
        }
    }
}

/// The replies in these octets, up to the first that is none. For the fuzz target; what comes of it does not matter.
#[cfg(feature = "fuzzing")]
pub(crate) fn read_octets(octets: &[u8]) -> Vec<Answer> {
    let mut answers = Vec::new();
    let mut lines = Lines::default();
    for line in octets.split(|octet| *octet == b'\n') {
        match lines.push(&line[..line.len().min(LINE_BYTES_MAX)]) {
            Ok(None) => {}
            Ok(Some(answer)) => {
                answers.push(answer);
                lines = Lines::default();
            }
            Err(_) => break,
        }
    }
    answers
}

/// The lines of a reply so far.
#[derive(Default)]
struct Lines {
    raw: Vec<u8>,
    code: Option<u16>,
    count: usize,
}

impl Lines {
    /// The reply, if this line ends it.
    fn push(&mut self, line: &[u8]) -> Result<Option<Answer>, NoAnswer> {
        self.count += 1;
        if self.count > LINES_MAX {
            return Err(NoAnswer::Nonsense("a reply without end"));
        }
        let (code, more) = head(line)?;
        // RFC 5321 section 4.2.1: the code is the same on each line.
        if *self.code.get_or_insert(code) != code {
            return Err(NoAnswer::Nonsense("the code changes within a reply"));
        }
        if !more || self.raw.len() + line.len() < TEXT_BYTES_MAX {
            self.raw.extend_from_slice(&line[..line.len().min(TEXT_BYTES_MAX / 3)]);
            self.raw.extend_from_slice(b"\r\n");
        }
        if more { Ok(None) } else { parse(std::mem::take(&mut self.raw)).map(Some) }
    }
}

/// Code and whether more lines follow.
fn head(line: &[u8]) -> Result<(u16, bool), NoAnswer> {
    let digits = line.get(..3).filter(|digits| digits.iter().all(u8::is_ascii_digit));
    let code = digits.map(|digits| digits.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0')));
    let code = code.filter(|code| (200..600).contains(code)).ok_or(NoAnswer::Nonsense("no reply code"))?;
    match line.get(3) {
        Some(b'-') => Ok((code, true)),
        Some(b' ') | None => Ok((code, false)),
        Some(_) => Err(NoAnswer::Nonsense("no reply code")),
    }
}

fn parse(raw: Vec<u8>) -> Result<Answer, NoAnswer> {
    let response = ResponseReceiver::default().parse(&mut raw.iter()).map_err(|_| NoAnswer::Nonsense("a reply that cannot be read"))?;
    Ok(Answer { code: response.code, status: response.esc, text: response.message, raw })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn heads() {
        assert_eq!(head(b"250-x").unwrap(), (250, true));
        assert_eq!(head(b"250 x").unwrap(), (250, false));
        assert_eq!(head(b"250").unwrap(), (250, false));
        for bad in [&b""[..], b"25", b"2x0 a", b"250x", b"100 a", b"650 a", b"HTTP/1.1 400", b"999-"] {
            assert!(head(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_reply_is_shown_in_one_clean_line() {
        let answer = parse(b"550-5.1.1 No such\r\n550 5.1.1 user\x1b[1m h\xc3\xa9re\r\n".to_vec()).unwrap();
        assert_eq!((answer.code, answer.status), (550, [5, 1, 1]));
        assert_eq!(answer.to_string(), "550 5.1.1 No such user?[1m h??re");
        let bare = parse(b"421\r\n".to_vec()).unwrap();
        assert_eq!(bare.to_string().trim(), "421");
    }
}
