//! Messages made to hurt: time stays linear, memory and output bounded. The limits of time are wide, for slow machines and
//! builds without optimisation; what is not linear takes minutes.

use crate::reader::{check_body, check_envelope, read};
use octroi_mime::limits::{ADDRESSES_MAX, DEPTH_MAX, HEADER_BYTES_MAX, PARTS_MAX};
use octroi_mime::{Facts, Message, SectionText, decoded_text, facts};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(20);

fn derived(octets: &[u8]) -> Facts {
    let begun = Instant::now();
    let facts = facts(octets);
    decoded_text(octets, &mut |_| true);
    assert!(begun.elapsed() < PATIENCE, "took {:?}", begun.elapsed());
    check_envelope(&read(&facts.envelope));
    assert_eq!(check_body(&read(&facts.bodystructure), true), check_body(&read(&facts.body), false));
    facts
}

fn parts(facts: &Facts) -> usize {
    check_body(&read(&facts.body), false)
}

#[test]
fn ten_thousand_nested_multiparts() {
    let mut octets = String::new();
    for depth in 0..10_000 {
        write!(octets, "Content-Type: multipart/mixed; boundary=b{depth}\r\n\r\n--b{depth}\r\n").unwrap();
    }
    let facts = derived(octets.as_bytes());
    assert_eq!(parts(&facts), DEPTH_MAX + 1);
    assert!(String::from_utf8(facts.body).unwrap().contains("\"APPLICATION\" \"OCTET-STREAM\""));
    assert!(facts.bodystructure.len() < 16 * 1024);
}

#[test]
fn ten_thousand_messages_in_one_another() {
    let octets = "Content-Type: message/rfc822\r\nSubject: again\r\n\r\n".repeat(10_000);
    let facts = derived(octets.as_bytes());
    assert_eq!(parts(&facts), DEPTH_MAX + 1);
    assert!(facts.bodystructure.len() < 16 * 1024);
}

#[test]
fn a_million_parts() {
    let head = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
    let octets = head.to_owned() + &"--b\r\n\r\nx\r\n".repeat(1_000_000) + "--b--\r\n";
    let facts = derived(octets.as_bytes());
    assert_eq!(parts(&facts), PARTS_MAX);
    assert!(facts.bodystructure.len() < 128 * 1024);
    // The last part holds all the others, so nothing is lost.
    let message = Message::parse(octets.as_bytes());
    let last = message.section(&[PARTS_MAX as u32 - 1], SectionText::Whole).unwrap();
    assert_eq!(last.len(), "--b\r\n\r\nx\r\n".len() * (1_000_000 - PARTS_MAX + 1) + 1);
}

#[test]
fn a_million_parts_in_a_digest() {
    let head = "Content-Type: multipart/digest; boundary=b\r\n\r\n";
    let octets = head.to_owned() + &"--b\r\n\r\nFrom: x@y.example\r\n\r\n".repeat(1_000_000);
    let facts = derived(octets.as_bytes());
    assert!(parts(&facts) <= PARTS_MAX);
    assert!(facts.bodystructure.len() < 512 * 1024);
}

#[test]
fn a_million_addresses() {
    let octets = "From: ".to_owned() + &"a@b.example,\r\n ".repeat(1_000_000) + "c\r\nTo: d@e.example\r\n\r\n";
    let facts = derived(octets.as_bytes());
    let entries = String::from_utf8(facts.envelope).unwrap().matches("b.example").count();
    // The list stands three times: as From, as Sender and as Reply-To.
    assert_eq!(entries, 3 * ADDRESSES_MAX);
}

#[test]
fn a_million_addresses_over_many_messages() {
    let embedded = "--b\r\nContent-Type: message/rfc822\r\n\r\nFrom: ".to_owned() + &"a@b.example,".repeat(1_000) + "c\r\n\r\n\r\n";
    let octets = "Content-Type: multipart/mixed; boundary=b\r\n\r\n".to_owned() + &embedded.repeat(1_000);
    let facts = derived(octets.as_bytes());
    let entries = String::from_utf8(facts.body).unwrap().matches("b.example").count();
    assert!(entries <= 3 * ADDRESSES_MAX);
}

#[test]
fn ten_megabytes_of_header() {
    for line in ["X: y\r\n", "Subject: a\r\n b\r\n", "no field\r\n", " \r\n", "Content-Type: text/plain;a=b;c=d\r\n", "To: \"\\\"\r\n"] {
        let octets = line.repeat(10 * 1024 * 1024 / line.len()) + "\r\nbody";
        let facts = derived(octets.as_bytes());
        assert_eq!(facts.header_bytes as usize, octets.len() - "body".len());
        assert!(facts.envelope.len() < 4 * HEADER_BYTES_MAX);
    }
}

#[test]
fn ten_megabytes_in_one_field() {
    let long = "x".repeat(10 * 1024 * 1024);
    for field in [
        "Subject: ",
        "From: ",
        "From: \"",
        "To: (",
        "Content-Type: ",
        "Content-Type: text/plain; a=",
        "Content-Disposition: x; y=\"",
        "Date: ",
        "",
    ] {
        let facts = derived(format!("{field}{long}\r\n\r\n").as_bytes());
        assert!(facts.encode().len() < HEADER_BYTES_MAX);
    }
    let params = ";a=b".repeat(2 * 1024 * 1024);
    assert!(derived(format!("Content-Type: text/plain{params}\r\n\r\n").as_bytes()).encode().len() < 4096);
}

#[test]
fn many_open_boundaries_that_nearly_match() {
    // Every line is compared with every open boundary, and they differ in the last octet only.
    let stem = "b".repeat(200);
    let mut octets = String::new();
    for depth in 0..DEPTH_MAX {
        write!(octets, "Content-Type: multipart/mixed; boundary={stem}{depth:02}\r\n\r\n--{stem}{depth:02}\r\n").unwrap();
    }
    octets += &format!("--{stem}xx\r\n").repeat(20_000);
    derived(octets.as_bytes());
}

#[test]
fn text_that_is_hard_to_decode() {
    for (encoding, body) in [
        ("quoted-printable", "=".repeat(1_000_000)),
        ("quoted-printable", "= ".repeat(500_000)),
        ("quoted-printable", "=".to_owned() + &" ".repeat(1_000_000)),
        ("base64", "=".repeat(1_000_000)),
        ("7bit", "<".repeat(1_000_000)),
        ("7bit", "&".repeat(1_000_000)),
        ("7bit", "<!--".repeat(250_000)),
    ] {
        let octets = format!("Content-Type: text/html; charset=utf-16\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{body}");
        derived(octets.as_bytes());
        derived(octets.replace("utf-16", "utf-8").as_bytes());
    }
    derived(("Subject: ".to_owned() + &"=?".repeat(5_000_000) + "\r\n\r\n").as_bytes());
}

#[test]
fn encoded_words_that_never_end() {
    let begun = Instant::now();
    octroi_mime::decoded_header("=?utf-8?Q?".repeat(100_000).as_bytes());
    octroi_mime::decoded_header("=?".repeat(500_000).as_bytes());
    octroi_mime::decoded_header("=?a?Q?b?= ".repeat(100_000).as_bytes());
    assert!(begun.elapsed() < PATIENCE);
}
