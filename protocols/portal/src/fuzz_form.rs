//! Forms that send files, for the fuzz target `portal_form`: read however they are cut, and read as they were written.

use crate::multipart::{Fault, HEAD_BYTES_MAX, Head, Multipart, PARTS_MAX, boundary};
use axum::body::Body;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use memchr::memmem;
use octroi_http::produce;

/// Between the parts of hostile forms, short so that it is soon found.
const BOUNDARY: &str = "BoundAry";
/// Octets of a form that is also read one octet at a time.
const SLOW_BYTES_MAX: usize = 1024;
/// Octets that a field may have where its text is asked for: small, so that the limit is met.
const TEXT_BYTES_MAX: usize = 24;
/// Octets of `Content-Disposition: form-data; name="f"; filename=""` and a line after it, with room to spare.
const HEAD_BYTES: usize = 200;

/// A part as it came back.
type Part = (Head, Vec<u8>);
/// What there was up to the end, or up to a fault.
type Read = (Vec<Part>, Option<Fault>);

/// The first octet says how the body is cut, the rest is a body, a `Content-Type`, and what a browser would send, parts apart by a null and a
/// file's name before a line end. What holds, or this panics: nothing panics; a form says the same however it is cut; no content goes
/// over a boundary; no piece is larger than what came at once; what is written as browsers write it comes back octet for octet.
pub fn fuzz_form(input: &[u8]) {
    let Some((cut, body)) = input.split_first() else { return };
    let cut = usize::from(*cut) % 61 + 1;
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() else { return };
    runtime.block_on(async {
        hostile(body, cut).await;
        written(body, cut).await;
    });
    kind(body);
}

/// The octets as they are.
async fn hostile(body: &[u8], cut: usize) {
    let whole = read(body, BOUNDARY, body.len().max(1)).await;
    assert_eq!(whole, read(body, BOUNDARY, cut).await, "cut into {cut}");
    if body.len() <= SLOW_BYTES_MAX {
        assert_eq!(whole, read(body, BOUNDARY, 1).await, "octet by octet");
    }
    for (_, content) in &whole.0 {
        assert!(memmem::find(content, format!("\r\n--{BOUNDARY}").as_bytes()).is_none(), "over a boundary");
    }
    // The same as text: it is there if it is short enough and text.
    let mut form = Multipart::new(frames(body, cut), BOUNDARY);
    for (head, content) in &whole.0 {
        assert_eq!(form.next_part().await.as_ref(), Ok(&Some(head.clone())));
        match form.text(TEXT_BYTES_MAX).await {
            Ok(text) => assert_eq!(text.as_bytes(), content),
            Err(fault) => {
                let short = content.len() <= TEXT_BYTES_MAX && std::str::from_utf8(content).is_ok();
                assert!(!short && fault == Fault::Malformed || Some(fault) == whole.1, "{head:?}");
                return;
            }
        }
    }
}

/// The octets as contents of files, which are written as browsers write them, round a boundary that none of them has.
async fn written(body: &[u8], cut: usize) {
    let mut number = 0;
    let mut boundary = BOUNDARY.to_owned();
    while memmem::find(body, boundary.as_bytes()).is_some() {
        number += 1;
        boundary = format!("----Form{number}");
    }
    let files: Vec<(String, &[u8])> = body
        .split(|octet| *octet == 0)
        .map(|part| {
            let line = memchr::memchr(b'\n', part).map(|end| part.split_at(end));
            match line.and_then(|(name, content)| Some((std::str::from_utf8(name).ok()?.to_owned(), content))) {
                Some((name, content)) if readable(&name) => (name, content),
                _ => (String::new(), part),
            }
        })
        .collect();
    let mut form = Vec::new();
    for (name, content) in &files {
        let name = name.replace('"', "%22").replace('\r', "%0D");
        let head =
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"f\"; filename=\"{name}\"\r\nContent-Type: text/plain\r\n\r\n");
        form.extend_from_slice(head.as_bytes());
        form.extend_from_slice(content);
        form.extend_from_slice(b"\r\n");
    }
    form.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    let (parts, fault) = read(&form, &boundary, cut).await;
    assert_eq!(fault, (files.len() > PARTS_MAX).then_some(Fault::Malformed));
    assert_eq!(parts.len(), files.len().min(PARTS_MAX));
    for ((head, content), (name, sent)) in parts.iter().zip(&files) {
        assert!(content == sent && head.file.as_ref() == Some(name), "{name:?} came back as {head:?}");
        assert!(head.name == "f" && head.media_type.as_deref() == Some("text/plain"), "{head:?}");
    }
}

/// Whether a name comes back as it is: what browsers write in another way is not told from what looks like it, and a head has a limit.
fn readable(name: &str) -> bool {
    let ambiguous = ["%22", "%0D", "%0A"].iter().any(|written| name.contains(written));
    !ambiguous && 3 * name.len() < HEAD_BYTES_MAX - HEAD_BYTES
}

/// The first line as a `Content-Type`. A boundary that is found is found again in quotes.
fn kind(body: &[u8]) {
    let of = |value: &[u8]| {
        let value = HeaderValue::from_bytes(value).ok()?;
        boundary(&HeaderMap::from_iter([(CONTENT_TYPE, value)]))
    };
    let Some(found) = body.split(|octet| *octet == b'\n').next().and_then(of) else { return };
    assert!((1..=70).contains(&found.len()) && found.bytes().all(|octet| (0x20..0x7f).contains(&octet)), "{found:?}");
    if !found.contains(['"', '\\', '%']) {
        assert_eq!(of(format!("multipart/form-data; boundary=\"{found}\"").as_bytes()), Some(found));
    }
}

/// All of a form that comes in frames of `size` octets.
async fn read(octets: &[u8], boundary: &str, size: usize) -> Read {
    let mut form = Multipart::new(frames(octets, size), boundary);
    let mut parts = Vec::new();
    loop {
        let head = match form.next_part().await {
            Ok(Some(head)) => head,
            Ok(None) => return (parts, None),
            Err(fault) => return (parts, Some(fault)),
        };
        let mut content = Vec::new();
        loop {
            match form.piece().await {
                Ok(Some(piece)) => {
                    assert!(!piece.is_empty() && piece.len() < size + HEAD_BYTES_MAX + HEAD_BYTES, "{} octets at once", piece.len());
                    content.extend_from_slice(&piece);
                }
                Ok(None) => break,
                Err(fault) => {
                    parts.push((head, content));
                    return (parts, Some(fault));
                }
            }
        }
        parts.push((head, content));
        assert!(form.received() <= octets.len() as u64);
    }
}

/// A body that comes in frames of `size` octets.
fn frames(octets: &[u8], size: usize) -> Body {
    let octets = Bytes::copy_from_slice(octets);
    produce(None, async move |sink| {
        let mut rest = octets;
        while !rest.is_empty() {
            let frame = rest.split_to(size.min(rest.len()));
            if sink.send(frame).await.is_err() {
                return;
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_head_has_the_same_limit_however_it_comes() {
        // The first octet has it cut into single ones.
        let head = "\r\nContent-Disposition: form-data; name=a\r\nX: ";
        for over in 0..8 {
            let fill = "x".repeat(HEAD_BYTES_MAX - 4 - head.len() + over);
            fuzz_form(format!("=--{BOUNDARY}{head}{fill}\r\n\r\ntext\r\n--{BOUNDARY}--").as_bytes());
        }
    }

    proptest! {
        #[test]
        fn hostile_forms_are_read_or_refused(text in "\\PC(--BoundAry(--)?|\r\n|Content-Disposition: form-data; name=\"?|filename=\"|\\\\\"|;|\0|\n|é|%22|\\PC){0,30}") {
            fuzz_form(text.as_bytes());
        }
    }
}
