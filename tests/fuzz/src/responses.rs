//! What a server may say, by the form alone: lines with literals, each untagged, a continuation, or the answer to a tag that was sent.
//!
//! Called with all that one connection has been told. What is checked catches what injection would do: a quote, a parenthesis or a line
//! that does not end where it should, and answers to commands that nobody gave.

/// Fail if a response is malformed. `sent` is all that the client has sent.
pub(crate) fn check(answers: &[u8], sent: &[u8]) {
    let mut rest = answers;
    while !rest.is_empty() {
        let response = Response::read(rest);
        let (whole, after) = rest.split_at(response.length);
        response.check(sent).unwrap_or_else(|why| panic!("{why}: {}", whole.escape_ascii()));
        // What comes after it is compressed.
        if response.is_answer_to(b"COMPRESS", sent) {
            return;
        }
        rest = after;
    }
}

/// One response.
struct Response<'a> {
    /// Its lines without their ends; between two of them stood a literal.
    lines: Vec<&'a [u8]>,
    /// Octets of all of it.
    length: usize,
    /// It ends with CRLF.
    is_whole: bool,
}

impl<'a> Response<'a> {
    fn read(octets: &'a [u8]) -> Self {
        let mut lines = Vec::new();
        let mut length = 0;
        loop {
            let rest = &octets[length..];
            let Some(end) = rest.windows(2).position(|window| window == b"\r\n") else {
                lines.push(rest);
                return Self { lines, length: octets.len(), is_whole: false };
            };
            let line = &rest[..end];
            lines.push(line);
            length += end + 2;
            let has_text = is_status(lines[0]);
            let Some(bytes) = announced(line).filter(|_| !has_text) else { return Self { lines, length, is_whole: true } };
            if octets.len() - length < bytes {
                return Self { lines, length: octets.len(), is_whole: false };
            }
            length += bytes;
        }
    }

    fn check(&self, sent: &[u8]) -> Result<(), &'static str> {
        if !self.is_whole {
            return Err("a response that does not end");
        }
        if self.lines.iter().any(|line| line.iter().any(|octet| matches!(octet, b'\r' | b'\n' | 0))) {
            return Err("a bare CR, LF or NUL");
        }
        let first = self.lines[0];
        if first == b"+" || first.starts_with(b"+ ") {
            return Ok(());
        }
        let Some(at) = first.iter().position(|octet| *octet == b' ') else { return Err("neither tagged nor untagged") };
        let (mark, data) = (&first[..at], &first[at + 1..]);
        if mark != b"*" {
            let is_answer = [&b"OK "[..], b"NO ", b"BAD "].iter().any(|kind| data.starts_with(kind));
            // A tag stands at the beginning of a line, or where an octet of a literal could have been taken for it.
            let was_sent =
                sent.windows(mark.len() + 1).any(|window| window.starts_with(mark) && matches!(window[mark.len()], b' ' | b'\r' | b'\n'));
            return if is_answer && was_sent { Ok(()) } else { Err("answers nothing that was asked") };
        }
        if !data.first().is_some_and(u8::is_ascii_alphanumeric) {
            return Err("an untagged response that says nothing");
        }
        if is_status(first) { Ok(()) } else { balanced(&self.lines) }
    }

    /// A tagged OK to a command of that name.
    fn is_answer_to(&self, command: &[u8], sent: &[u8]) -> bool {
        let Some(at) = self.lines[0].windows(4).position(|window| window == b" OK ") else { return false };
        let wanted = [&self.lines[0][..at], b" ", command].concat();
        sent.windows(wanted.len()).any(|window| window.eq_ignore_ascii_case(&wanted))
    }
}

/// Its text is for people: quotes and braces mean nothing in it.
fn is_status(line: &[u8]) -> bool {
    let Some(at) = line.iter().position(|octet| *octet == b' ') else { return false };
    [&b"OK "[..], b"NO ", b"BAD ", b"BYE ", b"PREAUTH "].iter().any(|kind| line[at + 1..].starts_with(kind)) || line.starts_with(b"+ ")
}

/// The octets that `{n}` at the end of a line announces.
fn announced(line: &[u8]) -> Option<usize> {
    let line = std::str::from_utf8(&line[line.iter().rposition(|octet| *octet == b'{')?..]).ok()?;
    line.strip_prefix('{')?.strip_suffix('}')?.parse().ok()
}

/// Quotes and parentheses are closed, each in its turn.
fn balanced(lines: &[&[u8]]) -> Result<(), &'static str> {
    let mut depth = 0_usize;
    for line in lines {
        let mut octets = line.iter();
        while let Some(octet) = octets.next() {
            match octet {
                b'"' => loop {
                    match octets.next() {
                        Some(b'"') => break,
                        Some(b'\\') if !matches!(octets.next(), Some(b'"' | b'\\')) => return Err("escapes what needs no escape"),
                        Some(_) => {}
                        None => return Err("a quote that is not closed"),
                    }
                },
                b'(' => depth += 1,
                b')' => depth = depth.checked_sub(1).ok_or("one parenthesis too many")?,
                _ => {}
            }
        }
    }
    if depth == 0 { Ok(()) } else { Err("a parenthesis that is not closed") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(answers: &str) -> bool {
        std::panic::catch_unwind(|| check(answers.as_bytes(), b"a NOOP\r\nb COMPRESS DEFLATE\r\n")).is_ok()
    }

    #[test]
    fn good_responses_pass_and_bad_ones_do_not() {
        for good in [
            "* OK [CAPABILITY IMAP4rev1] It's \"here\r\na OK Done\r\n",
            "* 1 FETCH (BODY[] {4}\r\n\"(\r\n UID 3)\r\n+ \r\n+\r\n",
            "* LIST (\\Noselect) \"/\" \"a \\\"b\\\\(\"\r\n* BAD {3}\r\nb NO no\r\n",
            "b OK on\r\n\0\r",
        ] {
            assert!(passes(good), "{good:?}");
        }
        for bad in [
            "* OK",
            "a OK\r\n",
            "c OK Done\r\n",
            "* 1 FETCH (UID 3\r\n",
            "* 1 FETCH UID 3)\r\n",
            "* LIST () \"/ x\r\n",
            "* \r\n",
            "*\r\n",
            "* 1 FETCH (BODY[] {40}\r\nxx)\r\n",
            "* OK a\rb\r\n",
            "hello\r\n",
            "* LIST () \"\\x\" y\r\n",
        ] {
            assert!(!passes(bad), "{bad:?}");
        }
    }
}
