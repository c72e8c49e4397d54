//! What an SMTP server may say, by the form alone: lines of printable ASCII, each a code and text; the lines of one reply have one code.
//!
//! Called with all that one connection has been told. What is checked catches what injection would do: a line that is not ours, and more
//! replies than there were lines that could ask for one.

/// Fail if a reply is malformed. `sent` is all that the client has sent.
pub(crate) fn check(answers: &[u8], sent: &[u8]) {
    let mut replies = 0;
    let mut open: Option<&[u8]> = None;
    let mut rest = answers;
    while !rest.is_empty() {
        let Some(end) = rest.windows(2).position(|window| window == b"\r\n") else {
            // Cut off, when the client had gone.
            return;
        };
        let line = &rest[..end];
        let what = || format!("malformed: {}", line.escape_ascii());
        assert!(line.len() <= 510 && line.iter().all(|octet| (b' '..=b'~').contains(octet)), "{}", what());
        let (code, more) = (line.get(..3).unwrap_or_else(|| panic!("{}", what())), line.get(3));
        assert!(matches!(code[0], b'2'..=b'5') && code[1..].iter().all(u8::is_ascii_digit), "{}", what());
        assert!(open.is_none_or(|open| open == code), "{}", what());
        match more {
            Some(b'-') => open = Some(code),
            Some(b' ') => {
                open = None;
                replies += 1;
            }
            _ => panic!("{}", what()),
        }
        rest = &rest[end + 2..];
    }
    assert!(open.is_none(), "a reply does not end");
    // The greeting, one for each line, the one before hanging up; over LMTP one message has as many as it has recipients, each of which was a
    // line of its own.
    let lines = sent.split(|octet| *octet == b'\n').count();
    assert!(replies <= 2 + 2 * lines, "{replies} replies to {lines} lines");
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn replies_are_lines_of_their_own() {
        check(b"220 x\r\n250-a\r\n250 b\r\n221 2.0.0 x\r\n", b"EHLO x\r\nQUIT\r\n");
        for bad in [
            "220 a\nb\r\n",
            "hello\r\n",
            "250-a\r\n251 b\r\n",
            "250-a\r\n",
            "250 \x7f\r\n",
            "250\r\n",
            "250 a\r\n250 b\r\n250 c\r\n250 d\r\n250 e\r\n",
        ] {
            assert!(std::panic::catch_unwind(|| check(bad.as_bytes(), b"NOOP")).is_err(), "{bad:?}");
        }
    }
}
