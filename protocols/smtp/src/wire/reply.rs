//! Replies to a client: a code, an enhanced code (RFC 2034) and text. Whatever the text came from, a reply is printable ASCII in
//! lines that are ended here and nowhere else.

use std::borrow::Cow;

/// Octets of text per line, so that the line stays within the 512 of RFC 5321 section 4.5.3.1.5.
const TEXT_BYTES_MAX: usize = 480;

/// A reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    code: u16,
    /// Enhanced code, or empty where RFC 2034 section 4 wants none (greeting, EHLO, 3xx).
    status: &'static str,
    text: Cow<'static, str>,
    /// Lines after the first.
    more: Vec<Cow<'static, str>>,
}

impl Reply {
    /// One line with an enhanced code.
    pub(crate) fn new(code: u16, status: &'static str, text: impl Into<Cow<'static, str>>) -> Self {
        Self { code, status, text: text.into(), more: Vec::new() }
    }

    /// One line without an enhanced code.
    pub(crate) fn bare(code: u16, text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(code, "", text)
    }

    /// The same with one more line.
    #[must_use]
    pub(crate) fn line(mut self, text: impl Into<Cow<'static, str>>) -> Self {
        self.more.push(text.into());
        self
    }

    /// The code.
    pub(crate) fn code(&self) -> u16 {
        self.code
    }

    /// 5xx: what was asked will not do later either.
    pub(crate) fn is_error(&self) -> bool {
        self.code >= 500
    }

    /// Append the reply as it goes over the wire.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let mut lines = std::iter::once(&self.text).chain(&self.more).peekable();
        while let Some(text) = lines.next() {
            out.extend_from_slice(&digits(self.code));
            out.push(if lines.peek().is_some() { b'-' } else { b' ' });
            if !self.status.is_empty() {
                out.extend_from_slice(self.status.as_bytes());
                out.push(b' ');
            }
            out.extend(text.bytes().take(TEXT_BYTES_MAX).map(printable_octet));
            out.extend_from_slice(b"\r\n");
        }
    }
}

/// Text from a peer in printable ASCII, at most `bytes_max` octets of it: for replies, logs and notifications.
pub(crate) fn printable(text: &str, bytes_max: usize) -> String {
    text.bytes().take(bytes_max).map(|octet| char::from(printable_octet(octet))).collect()
}

fn printable_octet(octet: u8) -> u8 {
    if (0x20..0x7f).contains(&octet) { octet } else { b'?' }
}

fn digits(code: u16) -> [u8; 3] {
    [code / 100 % 10, code / 10 % 10, code % 10].map(|digit| b'0' + digit as u8)
}
