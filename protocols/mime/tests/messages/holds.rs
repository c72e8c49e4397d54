//! What holds for all octets that are taken for a message. Called by the properties and by the fuzz target.

use crate::reader::{check_body, check_envelope, read};
use octroi_mime::{Facts, Kind, Message, SearchText, SectionText, addresses, decoded_header, decoded_text, header_fields, parse_date};

/// Fail if something does not hold that holds for all octets.
pub(crate) fn check(octets: &[u8]) {
    let message = Message::parse(octets);
    for part in message.parts() {
        let (header, body) = (part.header(), part.body());
        assert!(header.start <= header.end && header.end == body.start && body.end <= octets.len());
        let is_leaf = part.kind() == Kind::Leaf;
        assert_eq!(is_leaf, part.children().is_empty());
        let mut from = body.start;
        for &child in part.children() {
            let child = &message.parts()[child];
            assert!(child.header().start >= from && child.body().end <= body.end);
            from = child.body().end;
        }
    }
    assert_eq!(message.header_bytes(), octroi_mime::header_length(octets));
    assert_eq!(message.root().body().end, octets.len());

    let facts = message.facts();
    check_envelope(&read(&facts.envelope));
    let parts = check_body(&read(&facts.bodystructure), true);
    assert_eq!(parts, check_body(&read(&facts.body), false));
    assert_eq!(parts, message.parts().len());
    let stored = facts.encode();
    assert_eq!(Facts::decode(&stored).map(|read| (read.envelope.len(), read.sent)), Some((facts.envelope.len(), facts.sent)));

    let all = header_fields(&octets[..message.header_bytes()], &["x"], true);
    assert!(all.ends_with(b"\r\n"));
    for field in message.headers() {
        decoded_header(field.value);
        addresses(field.value);
        parse_date(field.value);
    }
    for path in [&[][..], &[1], &[1, 1], &[2], &[2, 1, 1]] {
        for word in [SectionText::Whole, SectionText::Header, SectionText::Text, SectionText::Mime] {
            message.section(path, word);
        }
    }
    texts(octets, &message, &facts);
}

/// What is read by searches and by lists stays within a few times its message.
fn texts(octets: &[u8], message: &Message<'_>, facts: &Facts) {
    let listing = octroi_mime::Listing::decode(Facts::decode(&facts.encode()).unwrap().listing).unwrap();
    assert_eq!(listing, facts.listing);
    for subject in &listing.fields[0].texts {
        octroi_mime::base_subject(subject);
        octroi_mime::collation_key(subject);
    }
    assert!(octroi_mime::largest_attachment(octets) <= octets.len() as u64);
    let normal = octroi_mime::normalize_newlines(octets);
    assert!(!octroi_mime::has_bare_cr_or_lf(&normal));
    assert!(!octroi_mime::without_nul(octets).contains(&0));
    // An octet of a charset becomes three of UTF-8 at most, pieces overlap, and a piece is looked at twice.
    let most = 64 * 1024 + 32 * octets.len();
    let (mut read, mut searched) = (0, 0);
    decoded_text(octets, &mut |text| {
        read += text.len();
        true
    });
    octroi_mime::search_texts(octets, message.header_bytes(), &mut |text| {
        searched += match text {
            SearchText::Field { line, value_at, .. } => line[value_at..].len(),
            SearchText::Body(piece) => piece.len(),
        };
    });
    assert!(read <= most && searched <= most, "{read} and {searched} octets of text in {}", octets.len());
}
