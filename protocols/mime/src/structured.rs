//! Structured MIME fields: a value and its parameters (RFC 2045 section 5.1, RFC 2183). Used by the structure parser.
//!
//! Lenient: an unquoted value may hold spaces, quotes may stay open. RFC 2231's continuations are joined, which its section 6
//! asks of IMAP servers; its character encoding stays for the client to decode.

use crate::limits::PARAMS_MAX;
use crate::message::{MediaType, Param};

/// `value; name=value; …` without comments and quotes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Structured {
    pub(crate) value: Vec<u8>,
    pub(crate) params: Vec<Param>,
}

/// Takes a field's raw value apart.
pub(crate) fn structured(raw: &[u8]) -> Structured {
    let mut scanner = Scanner { raw, at: 0 };
    let value = scanner.segment().concat();
    let mut params = Vec::new();
    while scanner.at < raw.len() && params.len() < PARAMS_MAX {
        let [mut name, value] = scanner.segment().0;
        if !name.is_empty() {
            name.make_ascii_uppercase();
            params.push(Param { name, value });
        }
    }
    Structured { value, params: joined(params) }
}

/// Puts the segments of each parameter together, `name*0*=…; name*1=…` to `name*=…` (RFC 2231 sections 3 and 4.1), where the
/// first stands. Segments that are not whole, or that would need a charset and name none, stay as they were sent.
fn joined(params: Vec<Param>) -> Vec<Param> {
    if !params.iter().any(|param| param.name.contains(&b'*')) {
        return params;
    }
    let mut out: Vec<Param> = Vec::with_capacity(params.len());
    let mut done: Vec<&[u8]> = Vec::new();
    for param in &params {
        let Some(first) = segment_of(param) else {
            out.push(param.clone());
            continue;
        };
        if done.contains(&first.base) {
            continue;
        }
        let mut segments: Vec<_> = params.iter().filter_map(segment_of).filter(|segment| segment.base == first.base).collect();
        segments.sort_by_key(|segment| segment.number);
        let is_whole = segments.iter().zip(0..).all(|(segment, number)| segment.number == number);
        let is_encoded = segments.iter().any(|segment| segment.is_encoded);
        if is_whole && is_encoded == segments[0].is_encoded {
            let name = if is_encoded { [first.base, b"*"].concat() } else { first.base.to_vec() };
            out.push(Param { name, value: segments.iter().flat_map(|segment| segment.value(is_encoded)).collect() });
        } else {
            let same = params.iter().filter(|param| segment_of(param).is_some_and(|segment| segment.base == first.base));
            out.extend(same.cloned());
        }
        done.push(first.base);
    }
    out
}

/// One of the segments that a parameter came in.
struct ParamSegment<'p> {
    base: &'p [u8],
    number: u32,
    is_encoded: bool,
    text: &'p [u8],
}

fn segment_of(param: &Param) -> Option<ParamSegment<'_>> {
    let stem = param.name.strip_suffix(b"*");
    let name = stem.unwrap_or(&param.name);
    let star = name.iter().rposition(|&b| b == b'*')?;
    let digits = &name[star + 1..];
    let is_number = (1..=3).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    let number = std::str::from_utf8(digits).ok().filter(|_| is_number)?.parse().ok()?;
    Some(ParamSegment { base: &name[..star], number, is_encoded: stem.is_some(), text: &param.value })
}

impl ParamSegment<'_> {
    /// The segment as part of a value that is encoded or not.
    fn value(&self, encoded: bool) -> Vec<u8> {
        if self.is_encoded || !encoded {
            return self.text.to_vec();
        }
        let mut out = Vec::with_capacity(self.text.len());
        for &b in self.text {
            if b.is_ascii_alphanumeric() || b"-._~".contains(&b) {
                out.push(b);
            } else {
                out.extend_from_slice(format!("%{b:02X}").as_bytes());
            }
        }
        out
    }
}

/// The media type of a `Content-Type`, or nothing when it is not one (RFC 2045 section 5.2: it then counts as absent).
pub(crate) fn media_type(raw: &[u8]) -> Option<MediaType> {
    let Structured { value, params } = structured(raw);
    let slash = value.iter().position(|&b| b == b'/')?;
    let kind = value[..slash].trim_ascii();
    let subtype = value[slash + 1..].trim_ascii();
    // A forgotten semicolon before the parameters must not become part of the subtype.
    let subtype = subtype.split(|&b| b == b' ').next().unwrap_or_default();
    if !is_token(kind) || !is_token(subtype) {
        return None;
    }
    Some(MediaType { kind: kind.to_ascii_uppercase(), subtype: subtype.to_ascii_uppercase(), params })
}

/// RFC 2045 section 5.1's token.
fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|&b| b.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&b))
}

struct Scanner<'a> {
    raw: &'a [u8],
    at: usize,
}

/// What stands before and after the first `=` outside quotes.
struct Segment([Vec<u8>; 2]);

impl Segment {
    /// The first segment is no parameter: an `=` in it is text.
    fn concat(self) -> Vec<u8> {
        let [mut name, value] = self.0;
        name.extend_from_slice(&value);
        name
    }
}

impl Scanner<'_> {
    /// Reads up to and over the next `;` outside quotes and comments.
    fn segment(&mut self) -> Segment {
        let mut sides = [Vec::new(), Vec::new()];
        let (mut side, mut space) = (0, false);
        while let Some(&b) = self.raw.get(self.at) {
            self.at += 1;
            match b {
                b';' => break,
                b'(' => self.skip_comment(),
                b' ' | b'\t' | b'\r' | b'\n' => space = true,
                b'=' if side == 0 => (side, space) = (1, false),
                _ => {
                    let out = &mut sides[side];
                    if space && !out.is_empty() {
                        out.push(b' ');
                    }
                    space = false;
                    if b == b'"' {
                        self.quoted(out);
                    } else {
                        out.push(b);
                    }
                }
            }
        }
        Segment(sides)
    }

    fn quoted(&mut self, out: &mut Vec<u8>) {
        while let Some(&b) = self.raw.get(self.at) {
            self.at += 1;
            match b {
                b'"' => return,
                b'\\' => {
                    if let Some(&escaped) = self.raw.get(self.at) {
                        out.push(escaped);
                        self.at += 1;
                    }
                }
                b'\r' | b'\n' => {}
                _ => out.push(b),
            }
        }
    }

    fn skip_comment(&mut self) {
        let mut depth = 1_usize;
        while let Some(&b) = self.raw.get(self.at) {
            self.at += 1;
            match b {
                b'\\' => self.at = (self.at + 1).min(self.raw.len()),
                b'(' => depth += 1,
                b')' => {
                    depth -= 1;
                    if depth == 0 {
                        return;
                    }
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(raw: &str) -> Vec<(String, String)> {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        structured(raw.as_bytes()).params.into_iter().map(|p| (text(p.name), text(p.value))).collect()
    }

    #[test]
    fn comments_quotes_and_folds_go_away() {
        // RFC 2045 section 5.1's own examples mean the same.
        for raw in
            ["text/plain; charset=us-ascii (Plain text)", "text/plain; charset=\"us-ascii\"", " Text / (x) Plain ;\r\n charset = us-ascii"]
        {
            let media = media_type(raw.as_bytes()).unwrap();
            assert_eq!((&media.kind[..], &media.subtype[..]), (&b"TEXT"[..], &b"PLAIN"[..]), "{raw}");
            assert_eq!(params(raw), [("CHARSET".to_owned(), "us-ascii".to_owned())]);
        }
    }

    #[test]
    fn odd_parameters_are_read_as_they_are_meant() {
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(params("x/y; name=note de service.pdf;;size=3"), [pair("NAME", "note de service.pdf"), pair("SIZE", "3")]);
        assert_eq!(params("x/y; boundary=\"a;b=c\\\"d\""), [pair("BOUNDARY", "a;b=c\"d")]);
        assert_eq!(params("x/y; filename*=utf-8''%C3%A9"), [pair("FILENAME*", "utf-8''%C3%A9")]);
        assert_eq!(params("x/y; flag; open=\"abc"), [pair("FLAG", ""), pair("OPEN", "abc")]);
        assert_eq!(params("x/y; (never closed; a=b"), []);
    }

    #[test]
    fn continuations_are_joined() {
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        // RFC 2231 sections 3 and 4.1.
        assert_eq!(
            params("message/external-body; access-type=URL; URL*0=\"ftp://\"; URL*1=\"cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar\""),
            [pair("ACCESS-TYPE", "URL"), pair("URL", "ftp://cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar")]
        );
        assert_eq!(
            params("x/y; title*2=\"isn't it!\"; title*0*=us-ascii'en'This%20is%20even%20more%20; title*1*=%2A%2A%2Afun%2A%2A%2A%20; z=1"),
            [pair("TITLE*", "us-ascii'en'This%20is%20even%20more%20%2A%2A%2Afun%2A%2A%2A%20isn%27t%20it%21"), pair("Z", "1")]
        );
        for broken in ["A*0=b; A*2=c", "A*0=b; A*0=c", "A*0=b; A*1*=c", "A*1=b", "A*X=b; A**=c", "A*0000=b"] {
            let kept: Vec<_> = broken.split("; ").map(|param| param.split_once('=').unwrap()).map(|(a, b)| pair(a, b)).collect();
            assert_eq!(params(&format!("x/y; {broken}")), kept, "{broken}");
        }
        assert_eq!(media_type(b"multipart/mixed; boundary*0=a; boundary*1=b").unwrap().param("BOUNDARY"), Some(&b"ab"[..]));
    }

    #[test]
    fn what_is_no_type_is_absent() {
        for raw in ["", "text", "/plain", "text/", "te xt/plain", "; charset=x"] {
            assert_eq!(media_type(raw.as_bytes()), None, "{raw}");
        }
        assert_eq!(media_type(b"text/plain charset=utf-8").unwrap().subtype, b"PLAIN");
    }

    #[test]
    fn parameters_are_limited() {
        let many = format!("x/y{}", ";a=b".repeat(100_000));
        assert_eq!(structured(many.as_bytes()).params.len(), PARAMS_MAX);
    }
}
