//! Messages that break the rules of MIME: each is still shown in full, in a structure that clients can read.

use crate::fixture;
use crate::reader::{check_body, check_envelope, read};
use octroi_mime::{Kind, Message, SectionText, facts};

fn shapes(message: &Message<'_>) -> Vec<String> {
    let name = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    message.parts().iter().map(|part| name(&part.media().kind) + "/" + &name(&part.media().subtype)).collect()
}

fn section(octets: &[u8], path: &[u32]) -> Vec<u8> {
    Message::parse(octets).section(path, SectionText::Whole).unwrap().into_owned()
}

#[test]
fn an_outer_boundary_ends_the_open_inner_multipart() {
    let octets = fixture("broken-no-end.eml");
    assert_eq!(section(&octets, &[1, 1]), b"inner text");
    assert_eq!(section(&octets, &[2]), b"second of the outer, while the inner one was open");
}

#[test]
fn a_boundary_may_begin_like_another() {
    let octets = fixture("broken-boundary-prefix.eml");
    assert_eq!(section(&octets, &[1, 1]), b"inner\r\n--abc\r\nnot a delimiter");
    assert_eq!(section(&octets, &[2]), b"outer");
    // The longer one outside, the shorter one inside.
    let octets =
        b"Content-Type: multipart/mixed; boundary=aa\n\n--aa\nContent-Type: multipart/mixed; boundary=a\n\n--a\n\nx\n--aa\n\ny\n--aa--\n";
    assert_eq!(section(octets, &[1, 1]), b"x");
    assert_eq!(section(octets, &[2]), b"y");
}

#[test]
fn a_multipart_of_nothing_has_one_empty_part() {
    let octets = fixture("broken-zero-parts.eml");
    assert_eq!(shapes(&Message::parse(&octets)), ["MULTIPART/MIXED", "TEXT/PLAIN"]);
    assert_eq!(facts(&octets).body, b"((\"TEXT\" \"PLAIN\" (\"CHARSET\" \"us-ascii\") NIL NIL \"7BIT\" 0 0) \"MIXED\")");
    assert_eq!(section(&octets, &[1]), b"");
}

#[test]
fn a_multipart_without_a_boundary_is_text() {
    for boundary in ["", "; boundary=", "; boundary=\" \"", &format!("; boundary={}", "x".repeat(300))] {
        let octets = format!("Content-Type: multipart/mixed{boundary}\r\n\r\n--\r\nx\r\n");
        assert_eq!(shapes(&Message::parse(octets.as_bytes())), ["TEXT/PLAIN"], "{boundary}");
    }
}

#[test]
fn duplicate_and_broken_fields() {
    let octets = fixture("broken-headers.eml");
    let message = Message::parse(&octets);
    assert_eq!(message.header("SUBJECT"), Some(&b" first"[..]));
    let facts = facts(&octets);
    check_envelope(&read(&facts.envelope));
    let envelope = String::from_utf8(facts.envelope).unwrap();
    // Both authors are shown: a second From must not hide behind the first.
    assert!(envelope.starts_with("(NIL \"first\" ((NIL NIL \"a\" \"b.example\")(NIL NIL \"other\" \"b.example\")) "), "{envelope}");
    assert!(envelope.ends_with(" {15}\r\n<nul@b.example>)"), "{envelope}");
    assert_eq!(facts.body, b"(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"unclosed\") NIL NIL \"7BIT\" 42 1)");
}

#[test]
fn bare_line_feeds_are_line_ends() {
    let octets = fixture("broken-bare-lf.eml");
    assert_eq!(section(&octets, &[1]), b"part one");
    assert_eq!(section(&octets, &[2]), b"part two");
    assert!(facts(&octets).envelope.starts_with(b"(NIL \"unix line ends\" "));
}

#[test]
fn messages_without_a_header_or_without_a_body() {
    for (octets, header, body) in [
        (&b""[..], &b""[..], &b""[..]),
        (b"\r\n", b"\r\n", b""),
        (b"\r\n\r\n", b"\r\n", b"\r\n"),
        (&fixture("broken-no-header.eml"), b"\r\n", b"No header at all.\r\n"),
        (b"Subject: x", b"Subject: x", b""),
        (b"no header, no line", b"no header, no line", b""),
    ] {
        let message = Message::parse(octets);
        assert_eq!(message.section(&[], SectionText::Header).unwrap(), header);
        assert_eq!(message.section(&[], SectionText::Text).unwrap(), body);
        assert_eq!(message.section(&[1], SectionText::Whole).unwrap(), body);
        assert_eq!(message.header_bytes(), header.len());
    }
    assert_eq!(facts(b"").envelope, b"(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)");
}

#[test]
fn an_encoded_embedded_message_stays_readable() {
    let octets = fixture("broken-rfc822-base64.eml");
    let message = Message::parse(&octets);
    assert_eq!(
        shapes(&message),
        ["MULTIPART/MIXED", "MESSAGE/RFC822", "TEXT/PLAIN", "MESSAGE/RFC822", "TEXT/PLAIN", "MULTIPART/MIXED", "TEXT/PLAIN"]
    );
    assert_eq!(message.part(&[3]).unwrap().kind(), Kind::Multipart);
    assert_eq!(check_body(&read(&facts(&octets).bodystructure), true), 7);
    assert_eq!(section(&octets, &[1]), b"RnJvbTogYUBiLmV4YW1wbGUNCg0KaGlkZGVuDQo=");
}

#[test]
fn a_delimiter_right_after_the_header_ends_an_empty_part() {
    let octets = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n--b\r\nX: y\r\n--b\r\n--b--\r\n--b\r\nafter the end\r\n";
    let message = Message::parse(octets);
    assert_eq!(message.root().children().len(), 3);
    for (path, header) in [([1], &b"\r\n"[..]), ([2], b"X: y"), ([3], b"")] {
        assert_eq!(message.section(&path, SectionText::Mime).unwrap(), header);
        assert_eq!(message.section(&path, SectionText::Whole).unwrap(), &b""[..]);
    }
}

/// The delimiter of the outer multipart took away the line end before the first octet of the inner part, so that the inner
/// multipart ended before its own child.
#[test]
fn an_inner_multipart_may_end_right_after_its_delimiter() {
    let octets =
        b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n--a--\r\n";
    let message = Message::parse(octets);
    let (outer, inner) = (message.part(&[1]).unwrap(), message.part(&[1, 1]).unwrap());
    assert!(inner.body().end <= outer.body().end);
}

/// The part given to an empty digest was an embedded message without a message in it, and went out without an envelope.
#[test]
fn an_empty_digest_holds_text() {
    let octets = b"Content-Type: multipart/digest; boundary=a\r\n\r\nno part\r\n";
    assert_eq!(check_body(&read(&facts(octets).bodystructure), true), 2);
}
