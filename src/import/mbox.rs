//! mbox: messages one after the other in one file, each behind a line `From sender date` (RFC 4155's appendix and its relatives).
//!
//! Such a line counts only at the beginning or after an empty line, and only with a date in it, so that a sentence that begins with
//! `From ` and was not quoted by whoever wrote the file stays text. Of lines `>From `, `>>From ` and so on one `>` is taken away: that is
//! mboxrd, and right for mboxo as well but where a message itself had `>From `. Flags are `Status`, `X-Status` and `X-Keywords`, which are
//! taken out of the header: they belong to the file and not to the message. Lengths (`Content-Length`) are not believed.

use super::source::{Fault, Found, Message, Source, as_message, too_large};
use octroi_model::{Flags, UnixTime};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// A longer line is read in pieces of this many bytes, so that one without an end is not held whole.
const PIECE_BYTES: u64 = 64 * 1024;
/// Read from the file at once.
const BUFFER_BYTES: usize = 256 * 1024;
/// Header fields of the file, not of the message.
const FIELDS: [&[u8]; 3] = [b"status:", b"x-status:", b"x-keywords:"];
/// Letters of `Status` and `X-Status`, with what they are in IMAP.
const FLAGS: [(char, Flags); 5] =
    [('R', Flags::SEEN), ('A', Flags::ANSWERED), ('F', Flags::FLAGGED), ('T', Flags::DRAFT), ('D', Flags::DELETED)];

/// An mbox that is being read.
pub(crate) struct Mbox<R = File> {
    lines: Lines<R>,
    label: String,
    into: Vec<String>,
    total: u64,
    /// The `From ` line that ended the message before: where it is, and its date.
    next: Option<(u64, UnixTime)>,
    read: u64,
}

impl Mbox {
    /// Look at what is there; that reads the file once to count.
    pub(crate) fn open(file: &Path, into: &[String]) -> Result<Self, String> {
        let fail = |e: io::Error| format!("cannot read {}: {e}", file.display());
        let into = if into.is_empty() { vec!["INBOX".to_owned()] } else { into.to_vec() };
        let mut total = 0;
        let mut lines = Lines::new(File::open(file).map_err(fail)?);
        while lines.next().map_err(fail)? {
            total += u64::from(lines.separator().is_some());
        }
        Self::over(File::open(file).map_err(fail)?, file.display().to_string(), into, total)
    }
}

impl<R: Read + Send> Mbox<R> {
    fn over(file: R, label: String, into: Vec<String>, total: u64) -> Result<Self, String> {
        let mut mbox = Self { lines: Lines::new(file), label, into, total, next: None, read: 0 };
        if mbox.line()? {
            let date = mbox.lines.separator().ok_or_else(|| format!("{} is no mbox: it does not begin with a `From ` line", mbox.label))?;
            mbox.next = Some((0, date));
        }
        Ok(mbox)
    }

    fn line(&mut self) -> Result<bool, String> {
        self.lines.next().map_err(|e| format!("cannot read {}: {e}", self.label))
    }

    /// The octets up to the next `From ` line, without the empty line before it; `None` when there are too many of them.
    fn octets(&mut self, bytes_max: u64) -> Result<Option<Vec<u8>>, String> {
        let (mut octets, mut too_many) = (Vec::new(), false);
        self.next = None;
        while self.line()? {
            if let Some(date) = self.lines.separator() {
                self.next = Some((self.lines.at, date));
                break;
            }
            too_many |= (octets.len() + self.lines.unquoted().len()) as u64 > bytes_max;
            if too_many {
                octets.clear();
            } else {
                octets.extend_from_slice(self.lines.unquoted());
            }
        }
        let empty_line = if octets.ends_with(b"\n\r\n") { 2 } else { usize::from(octets.ends_with(b"\n\n") || octets == b"\n") };
        octets.truncate(octets.len() - empty_line);
        Ok((!too_many).then_some(octets))
    }
}

impl<R: Read + Send> Source for Mbox<R> {
    fn total(&self) -> u64 {
        self.total
    }

    fn next(&mut self, bytes_max: u64) -> Result<Option<Found>, String> {
        let Some((at, date)) = self.next else { return Ok(None) };
        self.read += 1;
        let label = format!("{}, message {} at byte {at}", self.label, self.read);
        let Some(octets) = self.octets(bytes_max)? else { return Ok(Some(Fault::one(label, too_large(bytes_max)))) };
        let (octets, flags, keywords) = take_fields(as_message(octets));
        if is_internal(&octets) {
            // Said, but nothing is missing without it.
            let why = "it is not mail but a note of the program that kept the file".to_owned();
            return Ok(Some(Found::Fault(Fault { label, why, messages: 0 })));
        }
        if octets.is_empty() {
            return Ok(Some(Fault::one(label, "it is empty")));
        }
        if octets.len() as u64 > bytes_max {
            return Ok(Some(Fault::one(label, too_large(bytes_max))));
        }
        Ok(Some(Found::Message(Box::new(Message { into: self.into.clone(), label, octets, flags, keywords, date }))))
    }
}

/// Lines of a file, very long ones in pieces.
struct Lines<R> {
    file: BufReader<R>,
    piece: Vec<u8>,
    /// Where the piece begins in the file.
    at: u64,
    begins_line: bool,
    after_empty: bool,
}

impl<R: Read> Lines<R> {
    fn new(file: R) -> Self {
        Self { file: BufReader::with_capacity(BUFFER_BYTES, file), piece: Vec::new(), at: 0, begins_line: true, after_empty: true }
    }

    /// Go to the next line, or to the next piece of a very long one; false at the end.
    fn next(&mut self) -> io::Result<bool> {
        if !self.piece.is_empty() {
            self.after_empty = self.begins_line && matches!(&self.piece[..], b"\n" | b"\r\n");
            self.begins_line = self.piece.ends_with(b"\n");
        }
        self.at += self.piece.len() as u64;
        self.piece.clear();
        Ok((&mut self.file).take(PIECE_BYTES).read_until(b'\n', &mut self.piece)? > 0)
    }

    /// The date of a line that begins a message.
    fn separator(&self) -> Option<UnixTime> {
        if !(self.begins_line && self.after_empty) {
            return None;
        }
        date_of(self.piece.strip_prefix(b"From ")?)
    }

    /// The line as the message has it.
    fn unquoted(&self) -> &[u8] {
        let quotes = self.piece.iter().take_while(|b| **b == b'>').count();
        let quoted = self.begins_line && quotes > 0 && self.piece[quotes..].starts_with(b"From ");
        &self.piece[usize::from(quoted)..]
    }
}

/// The date in `sender Mon Jun  1 08:00:00 2026`; a zone may stand before or after the year, without one it is UTC as RFC 4155 wants it.
fn date_of(line: &[u8]) -> Option<UnixTime> {
    let words: Vec<&str> = std::str::from_utf8(line).ok()?.split_ascii_whitespace().collect();
    let at = words.iter().rposition(|word| time_of(word).is_some())?;
    let (hour, minute, second) = time_of(words[at])?;
    let day: i8 = words.get(at.checked_sub(1)?)?.parse().ok()?;
    let name = words.get(at.checked_sub(2)?)?.get(..3)?.to_ascii_lowercase();
    let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let month = months.iter().position(|m| *m == name)? as i8 + 1;
    let rest = &words[at + 1..];
    let year: i16 = rest.iter().find(|word| word.len() == 4 && all_digits(word))?.parse().ok()?;
    let civil = jiff::civil::DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
    let seconds = civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second();
    Some(UnixTime(seconds - rest.iter().find_map(|word| zone_of(word)).unwrap_or(0)))
}

fn all_digits(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit())
}

fn time_of(word: &str) -> Option<(i8, i8, i8)> {
    let mut parts = word.split(':');
    let (hour, minute, second) = (parts.next()?, parts.next()?, parts.next().unwrap_or("0"));
    let valid = parts.next().is_none() && [hour, minute, second].iter().all(|part| part.len() <= 2 && all_digits(part));
    // RFC 5322 section 3.3 knows leap seconds; the calendar here does not.
    valid.then(|| Some((hour.parse().ok()?, minute.parse().ok()?, second.parse::<i8>().ok()?.min(59))))?
}

/// Seconds east of Greenwich in `+0200`.
fn zone_of(word: &str) -> Option<i64> {
    let sign = if word.starts_with('+') { 1 } else { -1 };
    let digits = word.strip_prefix(['+', '-']).filter(|d| d.len() == 4 && all_digits(d))?;
    let number: i64 = digits.parse().ok()?;
    Some(sign * (number / 100 * 3600 + number % 100 * 60))
}

/// The message without the file's own fields, and what they say.
fn take_fields(octets: Vec<u8>) -> (Vec<u8>, Flags, Vec<String>) {
    let header = &octets[..octroi_mime::header_length(&octets)];
    let (mut flags, mut keywords, mut taken) = (Flags::NONE, Vec::new(), Vec::new());
    let (mut at, mut inside) = (0, None);
    for line in header.split_inclusive(|b| *b == b'\n') {
        let continues = line.starts_with(b" ") || line.starts_with(b"\t");
        if !continues {
            inside = FIELDS.iter().find(|name| line.get(..name.len()).is_some_and(|l| l.eq_ignore_ascii_case(name)));
        }
        if let Some(name) = inside {
            let text = String::from_utf8_lossy(if continues { line } else { &line[name.len()..] });
            if *name == FIELDS[2] {
                keywords.extend(text.split_ascii_whitespace().map(str::to_owned));
            } else {
                flags = FLAGS.iter().filter(|(letter, _)| text.contains(*letter)).fold(flags, |sum, (_, flag)| sum | *flag);
            }
            taken.push(at..at + line.len());
        }
        at += line.len();
    }
    let mut kept = Vec::with_capacity(octets.len());
    let mut from = 0;
    for range in taken {
        kept.extend_from_slice(&octets[from..range.start]);
        from = range.end;
    }
    if from == 0 {
        return (octets, flags, keywords);
    }
    kept.extend_from_slice(&octets[from..]);
    (kept, flags, keywords)
}

/// The first message of files that UW-IMAP kept holds its counters.
fn is_internal(octets: &[u8]) -> bool {
    let header = &octets[..octroi_mime::header_length(octets)];
    let text = String::from_utf8_lossy(header);
    text.contains("Subject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA") && text.contains("X-IMAP: ")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn all(text: &str, bytes_max: u64) -> Vec<Found> {
        let mut source = Mbox::over(text.as_bytes(), "test".to_owned(), vec!["INBOX".to_owned()], 0).unwrap();
        let mut found = Vec::new();
        while let Some(next) = source.next(bytes_max).unwrap() {
            found.push(next);
        }
        found
    }

    fn texts(found: &[Found]) -> Vec<String> {
        let text = |f: &Found| match f {
            Found::Message(m) => String::from_utf8(m.octets.clone()).unwrap(),
            Found::Fault(fault) => format!("fault: {}", fault.why),
        };
        found.iter().map(text).collect()
    }

    #[test]
    fn messages_are_told_apart_and_unquoted() {
        let text = "From a@b Mon Jun  1 08:00:00 2026\nSubject: one\n\nFrom the quay.\n>From here\n>>From there\n> From\n\n\
                    From c Tue Jun  2 09:30 2026 +0200\nSubject: two\r\n\r\ntext\r\n\r\n\n\
                    From - Wed Jun  3 10:00:00 +0000 2026\nSubject: three\n\nno end";
        let found = all(text, 1000);
        assert_eq!(
            texts(&found),
            [
                "Subject: one\r\n\r\nFrom the quay.\r\nFrom here\r\n>From there\r\n> From\r\n",
                "Subject: two\r\n\r\ntext\r\n\r\n",
                "Subject: three\r\n\r\nno end"
            ]
        );
        let dates: Vec<i64> = found.iter().map(|f| if let Found::Message(m) = f { m.date.0 } else { 0 }).collect();
        assert_eq!(dates, [1_780_300_800, 1_780_385_400, 1_780_480_800]);
    }

    #[test]
    fn flags_leave_the_header() {
        let text = "From a Mon Jun  1 08:00:00 2026\nStatus: RO\nSubject: x\nX-Keywords: $Label1\n NonJunk\nx-status: AF\n\nStatus: text\n";
        let found = all(text, 1000);
        assert_eq!(texts(&found), ["Subject: x\r\n\r\nStatus: text\r\n"]);
        let Found::Message(message) = &found[0] else { panic!("{found:?}") };
        assert_eq!(message.flags, Flags::SEEN | Flags::ANSWERED | Flags::FLAGGED);
        assert_eq!(message.keywords, ["$Label1", "NonJunk"]);
    }

    #[test]
    fn what_cannot_be_imported_is_reported() {
        let (from, long) = ("From a Mon Jun  1 08:00:00 2026\n", "x".repeat(200_000));
        let text = format!("{from}Subject: a\n\n{long}\n\n{from}\n{from}Subject: b\n\ntext\n\n");
        let found = texts(&all(&text, 1000));
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[0].contains("1000 bytes") && found[1].contains("empty"), "{found:?}");
        assert_eq!(found[2], "Subject: b\r\n\r\ntext\r\n");
        assert!(all("", 10).is_empty());
        assert!(Mbox::over(&b"Subject: x\n\ntext\n"[..], "test".to_owned(), Vec::new(), 0).is_err());
    }

    #[test]
    fn the_note_of_a_mail_program_is_no_mail() {
        let text = "From MAILER-DAEMON Mon Jun  1 08:00:00 2026\nSubject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA\n\
                    X-IMAP: 0000000001 0000000002\nStatus: RO\n\nThis text is part of the internal format.\n\n\
                    From a Mon Jun  1 08:00:00 2026\nSubject: x\n\ntext\n";
        let found = all(text, 1000);
        assert!(matches!(&found[0], Found::Fault(fault) if fault.messages == 0), "{found:?}");
        assert_eq!(texts(&found)[1], "Subject: x\r\n\r\ntext\r\n");
    }

    #[test]
    fn only_a_line_with_a_date_separates() {
        for good in ["a@b Mon Jun 1 08:00:00 2026", "- Fri Jan 02 23:59:60 1998", "a b c Mon Jun 1 08:00 UTC 2026"] {
            assert!(date_of(good.as_bytes()).is_some(), "{good}");
        }
        for bad in ["", "the quay", "now on: see below", "a Mon Foo 1 08:00:00 2026", "a Mon Jun 31 08:00:00 2026", "a 08:00:00 2026"] {
            assert!(date_of(bad.as_bytes()).is_none(), "{bad}");
        }
    }
}
