//! Responses. What always holds: whatever a text came from, it is one string, and ends no line that is not ours.

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    word: &'static str,
    /// Without its parentheses.
    code: String,
    text: String,
}

impl Reply {
    pub(crate) fn ok(text: impl Into<String>) -> Self {
        Self { word: "OK", code: String::new(), text: text.into() }
    }

    pub(crate) fn no(text: impl Into<String>) -> Self {
        Self { word: "NO", code: String::new(), text: text.into() }
    }

    pub(crate) fn bye(text: impl Into<String>) -> Self {
        Self { word: "BYE", code: String::new(), text: text.into() }
    }

    /// With a response code (RFC 5804 section 1.3).
    pub(crate) fn code(mut self, code: impl Into<String>) -> Self {
        self.code = code.into();
        self
    }

    pub(crate) fn octets(&self) -> Vec<u8> {
        let mut out = self.word.as_bytes().to_vec();
        if !self.code.is_empty() {
            out.extend_from_slice(format!(" ({})", self.code).as_bytes());
        }
        if !self.text.is_empty() {
            out.push(b' ');
            out.extend_from_slice(&quoted(&self.text));
        }
        out.extend_from_slice(b"\r\n");
        out
    }
}

/// A string of the server's: quoted, or a literal where that cannot be (RFC 5804 section 4).
pub(crate) fn quoted(text: &str) -> Vec<u8> {
    // A quoted string has no line ends, and clients may take no more than so many octets.
    if text.len() > 1024 || text.contains(['\r', '\n', '\0']) {
        let mut out = format!("{{{}}}\r\n", text.len()).into_bytes();
        out.extend_from_slice(text.as_bytes());
        return out;
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stays_one_string() {
        assert_eq!(Reply::ok("").octets(), b"OK\r\n");
        assert_eq!(Reply::no("a \"b\" \\").code("NONEXISTENT").octets(), b"NO (NONEXISTENT) \"a \\\"b\\\" \\\\\"\r\n");
        assert_eq!(Reply::no("a\r\nOK \"x\"").octets(), b"NO {9}\r\na\r\nOK \"x\"\r\n");
    }
}
