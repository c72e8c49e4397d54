//! Forms that send files (`multipart/form-data`, RFC 7578), read as they come: what is in memory is one piece of the body and the head of one
//! part, however large the files are.
//!
//! Called by the page that takes documents. A small reader of our own: the libraries read ahead for as long as something is there to be read,
//! or wait for the end of a part's head without a limit. Browsers write these forms in one way, which the HTML standard describes.

use axum::body::Body;
use bytes::{Buf, Bytes, BytesMut};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http_body_util::BodyExt;
use memchr::memmem;
use zeroize::Zeroizing;

/// Octets of a boundary (RFC 2046 section 5.1.1).
const BOUNDARY_BYTES_MAX: usize = 70;
/// Octets of a part's head: a name of 255 octets fits many times over.
pub(crate) const HEAD_BYTES_MAX: usize = 4 * 1024;
/// What a delimiter begins with.
const LINE_END: &str = "\r\n";
/// What a part's head ends with.
const HEAD_END: &[u8] = b"\r\n\r\n";
/// Octets before the first part; browsers send none.
const PREAMBLE_BYTES_MAX: usize = 1024;
/// Parts of one form.
pub(crate) const PARTS_MAX: usize = 256;

/// Why a form cannot be read (further).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It did not come whole: hardly anybody hears this.
    Broken,
    /// It is no such form, or goes over a limit.
    Malformed,
}

/// What stands above a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    /// The field's name.
    pub name: String,
    /// Of a file, its name as the browser tells it; empty if none was chosen.
    pub file: Option<String>,
    /// What the browser takes the file for.
    pub media_type: Option<String>,
}

/// Where the reader is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Preamble,
    /// After a delimiter.
    Between,
    Content,
    End,
}

/// A form on its way in.
pub(crate) struct Multipart {
    body: Body,
    buffer: BytesMut,
    /// With the line end before it, which belongs to it.
    delimiter: Vec<u8>,
    at: At,
    parts: usize,
    received: u64,
}

/// The boundary of such a form; `None` if it is another kind of body.
pub(crate) fn boundary(headers: &HeaderMap) -> Option<String> {
    let (kind, parameters) = headers.get(CONTENT_TYPE)?.to_str().ok()?.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameter(parameters, "boundary")?;
    let fits = (1..=BOUNDARY_BYTES_MAX).contains(&boundary.len()) && boundary.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    fits.then_some(boundary)
}

impl Multipart {
    /// Of a body with that boundary.
    pub(crate) fn new(body: Body, boundary: &str) -> Self {
        // The first delimiter has no line before it.
        let buffer = BytesMut::from(&b"\r\n"[..]);
        Self { body, buffer, delimiter: format!("\r\n--{boundary}").into_bytes(), at: At::Preamble, parts: 0, received: 0 }
    }

    /// The next part, past what is left of this one; `None` at the end.
    pub(crate) async fn next_part(&mut self) -> Result<Option<Head>, Fault> {
        let mut passed = 0;
        while matches!(self.at, At::Preamble | At::Content) {
            let preamble = self.at == At::Preamble;
            while let Some(piece) = self.piece().await? {
                passed += piece.len();
                if preamble && passed > PREAMBLE_BYTES_MAX {
                    return Err(Fault::Malformed);
                }
            }
        }
        if self.at == At::End {
            return Ok(None);
        }
        self.parts += 1;
        if self.parts > PARTS_MAX {
            return Err(Fault::Malformed);
        }
        // RFC 2046 section 5.1.1: two hyphens after the last delimiter, blanks after any.
        while self.buffer.len() < 2 {
            self.fill().await?;
        }
        if self.buffer.starts_with(b"--") {
            self.at = At::End;
            return Ok(None);
        }
        let end = loop {
            if let Some(end) = memmem::find(&self.buffer, HEAD_END) {
                break end;
            }
            // With the end of a head of that length it would have been found.
            if self.buffer.len() >= HEAD_BYTES_MAX + HEAD_END.len() {
                return Err(Fault::Malformed);
            }
            self.fill().await?;
        };
        if end > HEAD_BYTES_MAX {
            return Err(Fault::Malformed);
        }
        let lines = self.buffer.split_to(end);
        self.buffer.advance(HEAD_END.len());
        // A head that does not end takes the next one in, and a delimiter without the line end before it would be content: either way the next
        // part would be lost.
        if memmem::find(&lines, &self.delimiter).is_some() || self.begins_with_delimiter().await? {
            return Err(Fault::Malformed);
        }
        self.at = At::Content;
        head(&lines).map(Some).ok_or(Fault::Malformed)
    }

    /// Does what comes next look like a delimiter at the beginning of a line?
    async fn begins_with_delimiter(&mut self) -> Result<bool, Fault> {
        let line = self.delimiter.len() - LINE_END.len();
        while self.buffer.len() < line && self.delimiter[LINE_END.len()..].starts_with(&self.buffer) {
            self.fill().await?;
        }
        Ok(self.buffer.starts_with(&self.delimiter[LINE_END.len()..]))
    }

    /// The next piece of this part; `None` at its end.
    pub(crate) async fn piece(&mut self) -> Result<Option<Bytes>, Fault> {
        loop {
            match memmem::find(&self.buffer, &self.delimiter) {
                Some(0) => {
                    self.buffer.advance(self.delimiter.len());
                    self.at = At::Between;
                    return Ok(None);
                }
                Some(end) => return Ok(Some(self.buffer.split_to(end).freeze())),
                // The end may be the beginning of a delimiter.
                None if self.buffer.len() >= self.delimiter.len() => {
                    let sure = self.buffer.len() - (self.delimiter.len() - 1);
                    return Ok(Some(self.buffer.split_to(sure).freeze()));
                }
                None => self.fill().await?,
            }
        }
    }

    /// The whole of this part, of at most `bytes_max` octets.
    pub(crate) async fn text(&mut self, bytes_max: usize) -> Result<Zeroizing<String>, Fault> {
        let mut octets = Zeroizing::new(Vec::new());
        while let Some(piece) = self.piece().await? {
            if octets.len() + piece.len() > bytes_max {
                return Err(Fault::Malformed);
            }
            octets.extend_from_slice(&piece);
        }
        std::str::from_utf8(&octets).map(|text| Zeroizing::new(text.to_owned())).map_err(|_| Fault::Malformed)
    }

    /// Octets of the body so far.
    pub(crate) fn received(&self) -> u64 {
        self.received
    }

    /// Some more of the body.
    async fn fill(&mut self) -> Result<(), Fault> {
        loop {
            match self.body.frame().await {
                None | Some(Err(_)) => return Err(Fault::Broken),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.received += data.len() as u64;
                        self.buffer.extend_from_slice(&data);
                        return Ok(());
                    }
                }
            }
        }
    }
}

/// What a part's head says. It begins with what is left of the delimiter's line.
fn head(lines: &[u8]) -> Option<Head> {
    let text = std::str::from_utf8(lines).ok()?;
    let (blank, fields) = text.split_once("\r\n")?;
    if !blank.trim_matches([' ', '\t']).is_empty() {
        return None;
    }
    let field = |wanted: &str| {
        let named = fields.split("\r\n").filter_map(|line| line.split_once(':'));
        named.filter(|(name, _)| name.trim().eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim()).next()
    };
    let (kind, parameters) = field("content-disposition")?.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("form-data") {
        return None;
    }
    let name = parameter(parameters, "name")?;
    Some(Head { name, file: parameter(parameters, "filename"), media_type: field("content-type").map(str::to_owned) })
}

/// A parameter, perhaps in quotes. Browsers write a quote within as `%22` and line ends as `%0D` and `%0A`, and nothing else in another way
/// (HTML, "multipart/form-data encoding algorithm"); some programs put a backslash before a quote.
fn parameter(text: &str, wanted: &str) -> Option<String> {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ';']);
        let (name, after) = rest.split_once('=')?;
        let (value, left) = if let Some(quoted) = after.strip_prefix('"') {
            quoted_value(quoted)?
        } else {
            let end = after.find(';').unwrap_or(after.len());
            (after[..end].trim().to_owned(), &after[end..])
        };
        if name.trim().eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        rest = left;
    }
}

fn quoted_value(text: &str) -> Option<(String, &str)> {
    let (mut end, mut escaped) = (None, false);
    for (at, byte) in text.bytes().enumerate() {
        if byte == b'"' && !escaped {
            end = Some(at);
            break;
        }
        escaped = byte == b'\\' && text.as_bytes().get(at + 1) == Some(&b'"') && text[at + 2..].contains('"');
    }
    let (value, rest) = text.split_at(end?);
    let value = value.replace("\\\"", "\"").replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n");
    Some((value, &rest[1..]))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use octroi_http::produce;
    use proptest::prelude::*;

    /// A body that comes in pieces of a certain size.
    fn frames(octets: &[u8], size: usize) -> Body {
        let pieces: Vec<Bytes> = octets.chunks(size).map(Bytes::copy_from_slice).collect();
        produce(None, async move |sink| {
            for piece in pieces {
                if sink.send(piece).await.is_err() {
                    return;
                }
            }
        })
    }

    fn form(parts: &[(&str, Option<&str>, &[u8])]) -> Vec<u8> {
        let mut out = Vec::new();
        for (name, file, content) in parts {
            let file = file.map(|file| format!("; filename=\"{}\"\r\nContent-Type: text/plain", file.replace('"', "%22")));
            out.extend_from_slice(
                format!("--BoundAry\r\nContent-Disposition: form-data; name=\"{name}\"{}\r\n\r\n", file.unwrap_or_default()).as_bytes(),
            );
            out.extend_from_slice(content);
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b"--BoundAry--\r\n");
        out
    }

    async fn read(octets: &[u8], size: usize) -> Result<Vec<(String, Option<String>, Vec<u8>)>, Fault> {
        let mut reader = Multipart::new(frames(octets, size), "BoundAry");
        let mut found = Vec::new();
        while let Some(head) = reader.next_part().await? {
            let mut content = Vec::new();
            while let Some(piece) = reader.piece().await? {
                content.extend_from_slice(&piece);
            }
            found.push((head.name, head.file, content));
        }
        Ok(found)
    }

    #[test]
    fn only_such_forms_have_a_boundary() {
        let of = |value: &str| boundary(&[(CONTENT_TYPE, value.parse().unwrap())].into_iter().collect());
        assert_eq!(of("multipart/form-data; boundary=----WebKitFormBoundaryABC").as_deref(), Some("----WebKitFormBoundaryABC"));
        assert_eq!(of("Multipart/Form-Data; charset=utf-8; boundary=\"a b\"").as_deref(), Some("a b"));
        for other in ["multipart/mixed; boundary=a", "multipart/form-data", "multipart/form-data; boundary=", "text/plain; boundary=a"] {
            assert_eq!(of(other), None, "{other}");
        }
        assert_eq!(of(&format!("multipart/form-data; boundary={}", "a".repeat(71))), None);
        assert_eq!(boundary(&HeaderMap::new()), None);
    }

    #[tokio::test]
    async fn names_are_read_as_browsers_write_them() {
        for (written, name) in [
            ("été.txt", "été.txt"),
            ("a%22b%0D%0A.txt", "a\"b\r\n.txt"),
            ("a;b=c", "a;b=c"),
            ("C:\\x", "C:\\x"),
            ("a\\\"b", "a\"b"),
            ("", ""),
        ] {
            let octets = format!(
                "--BoundAry \r\ncontent-type: x/y\r\nCONTENT-DISPOSITION: form-data; filename=\"{written}\"; name=f\r\n\r\n1\r\n--BoundAry--"
            );
            let mut reader = Multipart::new(frames(octets.as_bytes(), 7), "BoundAry");
            let head = reader.next_part().await.unwrap().unwrap();
            assert_eq!(head, Head { name: "f".into(), file: Some(name.into()), media_type: Some("x/y".into()) });
        }
    }

    #[tokio::test]
    async fn what_has_no_end_is_broken_and_what_goes_over_a_limit_malformed() {
        let whole = form(&[("a", None, b"1"), ("f", Some("x"), b"22\r\n--BoundAr\r\n")]);
        for length in 0..whole.len() - 4 {
            assert_eq!(read(&whole[..length], 5).await, Err(Fault::Broken), "{length}");
        }
        let long = format!("--BoundAry\r\nX: {}", "x".repeat(100_000));
        assert_eq!(read(long.as_bytes(), 1000).await, Err(Fault::Malformed), "a head without an end");
        assert_eq!(read("x".repeat(100_000).as_bytes(), 1000).await, Err(Fault::Malformed), "nothing but a preamble");
        let many: Vec<(&str, Option<&str>, &[u8])> = vec![("a", None, b""); PARTS_MAX + 1];
        assert_eq!(read(&form(&many), 1000).await, Err(Fault::Malformed));
        for bad in [
            "--BoundAry\r\n\r\n\r\n1\r\n--BoundAry--",
            "--BoundAry\r\nContent-Disposition: attachment; name=a\r\n\r\n1\r\n--BoundAry--",
            "--BoundAryX\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--BoundAry--",
            // The head of one part and the delimiter of the next: that one was read as a part of the first.
            "--BoundAry\r\nContent-Disposition: form-data; name=a\r\n--BoundAry\r\nContent-Disposition: form-data; name=b\r\n\r\n1\r\n--BoundAry--",
            "--BoundAry\r\n--BoundAry\r\nContent-Disposition: form-data; name=b\r\n\r\n1\r\n--BoundAry--",
            "--BoundAry\r\nContent-Disposition: form-data; name=a\r\n\r\n--BoundAry\r\nContent-Disposition: form-data; name=b\r\n\r\n1\r\n--BoundAry--",
        ] {
            for size in [1, 9, 1000] {
                assert_eq!(read(bad.as_bytes(), size).await, Err(Fault::Malformed), "{bad}");
            }
        }
        let almost = form(&[("a", None, b"--BoundAr"), ("b", None, b"-")]);
        assert_eq!(read(&almost, 4).await.unwrap().len(), 2);
        let mut reader = Multipart::new(frames(&form(&[("a", None, b"12345")]), 3), "BoundAry");
        reader.next_part().await.unwrap();
        assert_eq!(reader.text(4).await.err(), Some(Fault::Malformed));
    }

    proptest! {
        #[test]
        fn every_content_comes_back_however_it_is_cut(contents in prop::collection::vec(prop::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'-'), Just(b'B'), any::<u8>()], 0..60), 0..5), size in 1_usize..40) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let parts: Vec<(&str, Option<&str>, &[u8])> = contents.iter().map(|content| ("f", Some("a\"b"), content.as_slice())).collect();
            let read = runtime.block_on(read(&form(&parts), size)).unwrap();
            let expected: Vec<_> = contents.iter().map(|content| ("f".to_owned(), Some("a\"b".to_owned()), content.clone())).collect();
            prop_assert_eq!(read, expected);
        }

        #[test]
        fn nothing_panics(octets in "(--BoundAry(--)?|\r\n|Content-Disposition: form-data; name=\"?|filename=\"|\\\\\"|;|é|\\PC){0,30}", size in 1_usize..20) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let _ = runtime.block_on(read(octets.as_bytes(), size));
        }
    }
}
