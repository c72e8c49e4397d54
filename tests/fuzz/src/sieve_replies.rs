//! What a ManageSieve server may say, by the form alone (RFC 5804 section 4): words, strings and one code, line by line.
//!
//! Called with all that one connection has been told. What is checked catches what injection would do: a text that ends its string or its
//! line, and more answers than there were lines that could ask for one.

/// Fail if an answer is malformed. `sent` is all that the client has sent.
pub(crate) fn check(answers: &[u8], sent: &[u8]) {
    let mut ends = 0;
    let mut rest = answers;
    while !rest.is_empty() {
        // Cut off, when the client had gone.
        let Some((is_end, after)) = line(rest) else { return };
        ends += usize::from(is_end);
        rest = after;
    }
    let lines = sent.split(|octet| *octet == b'\n').count();
    assert!(ends <= 2 + lines, "{ends} answers to {lines} lines");
}

/// One line of the server's with its literals: is it the end of an answer, and what follows. `None` if it is not whole.
fn line(octets: &[u8]) -> Option<(bool, &[u8])> {
    let what = || panic!("malformed: {}", octets[..octets.len().min(200)].escape_ascii());
    let (mut rest, mut is_end, mut first) = (octets, false, true);
    loop {
        match rest.first()? {
            b'"' => rest = quoted(rest)?,
            b'{' => rest = literal(rest)?,
            b'(' if is_end => {
                rest = code(&rest[1..])?;
            }
            b'A'..=b'Z' => {
                let length = rest.iter().position(|octet| !octet.is_ascii_uppercase())?;
                let word = &rest[..length];
                is_end |= first && matches!(word, b"OK" | b"NO" | b"BYE");
                if !is_end && (first || word != b"ACTIVE") {
                    what();
                }
                rest = &rest[length..];
            }
            _ => what(),
        }
        first = false;
        match rest {
            [] | [b'\r'] => return None,
            [b'\r', b'\n', after @ ..] => return Some((is_end, after)),
            [b' ', after @ ..] => rest = after,
            _ => what(),
        }
    }
}

/// What follows a code: words, and strings as elsewhere.
fn code(octets: &[u8]) -> Option<&[u8]> {
    let mut rest = octets;
    loop {
        match rest.first()? {
            b')' => return Some(&rest[1..]),
            b'"' => rest = quoted(rest)?,
            b'{' => rest = literal(rest)?,
            octet => {
                assert!((b' '..=b'~').contains(octet), "a code is one line");
                rest = &rest[1..];
            }
        }
    }
}

/// What follows a quoted string.
fn quoted(octets: &[u8]) -> Option<&[u8]> {
    let mut at = 1;
    loop {
        match octets.get(at)? {
            b'"' => return Some(&octets[at + 1..]),
            b'\\' => {
                assert!(matches!(octets.get(at + 1)?, b'"' | b'\\'), "only these are escaped");
                at += 2;
            }
            octet => {
                assert!(!matches!(octet, b'\r' | b'\n' | 0), "a quoted string is one line");
                at += 1;
            }
        }
    }
}

/// What follows a literal.
fn literal(octets: &[u8]) -> Option<&[u8]> {
    let close = octets.iter().position(|octet| *octet == b'}')?;
    let digits = std::str::from_utf8(&octets[1..close]).unwrap();
    let size: usize = digits.parse().unwrap_or_else(|_| panic!("{digits:?} is no size"));
    octets.get(close + 1..)?.strip_prefix(b"\r\n").unwrap_or_else(|| panic!("a literal begins on a line of its own")).get(size..)
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn a_text_is_one_string() {
        check(
            b"\"IMPLEMENTATION\" \"x\"\r\n\"STARTTLS\"\r\nOK\r\nNO (QUOTA/MAXSIZE) \"a \\\"b\\\\\"\r\nNO {4}\r\na\r\nb\r\n",
            b"A\r\nB\r\n",
        );
        check(b"OK (TAG \")\") \"Done\"\r\n\"a\" ACTIVE\r\n{3}\r\n{4}\r\nOK \"x\"\r\nBYE", b"A\r\n");
        for bad in ["hello\r\n", "OK x\r\n", "NO \"a\nb\"\r\n", "\"a\"\"b\"\r\n", "OK\n", "OK\r\nOK\r\nOK\r\nOK\r\n", "NO \"\\n\"\r\n"] {
            assert!(std::panic::catch_unwind(|| check(bad.as_bytes(), b"NOOP")).is_err(), "{bad:?}");
        }
    }
}
