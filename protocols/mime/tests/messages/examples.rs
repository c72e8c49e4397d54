//! The examples of RFC 3501 and RFC 9051, and well-formed messages of `fixtures/mail`.

use crate::fixture;
use octroi_mime::{Kind, Message, SectionText, facts, header_fields};

fn wire(text: Vec<u8>) -> String {
    String::from_utf8(text).unwrap()
}

#[test]
fn the_fetch_of_rfc_3501_section_8() {
    let message = [
        "Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\n\
         From: Terry Gray <gray@cac.washington.edu>\r\n\
         Subject: IMAP4rev1 WG mtg summary and minutes\r\n\
         To: imap@cac.washington.edu\r\n\
         cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\r\n\
         Message-Id: <B27397-0100000@cac.washington.edu>\r\n\
         MIME-Version: 1.0\r\n\
         Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\r\n\r\n",
        &"x".repeat(3028 - 92 * 2),
        &"\r\n".repeat(92),
    ]
    .concat();
    let facts = facts(message.as_bytes());
    assert_eq!(
        wire(facts.envelope),
        "(\"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\" \"IMAP4rev1 WG mtg summary and minutes\" \
         ((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) ((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) \
         ((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) ((NIL NIL \"imap\" \"cac.washington.edu\")) \
         ((NIL NIL \"minutes\" \"CNRI.Reston.VA.US\")(\"John Klensin\" NIL \"KLENSIN\" \"MIT.EDU\")) NIL NIL \
         \"<B27397-0100000@cac.washington.edu>\")"
    );
    assert_eq!(wire(facts.body), "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 3028 92)");
    assert_eq!(wire(facts.bodystructure), "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 3028 92 NIL NIL NIL NIL)");
    assert_eq!(facts.sent, Some(837_595_405));
}

#[test]
fn the_structure_of_rfc_3501_section_7_4_2() {
    let body = |bytes: usize, lines: usize| ["x".repeat(bytes - 2 * lines), "\r\n".repeat(lines)].concat();
    let message = [
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=US-ASCII\r\n\r\n",
        &body(1152, 23),
        "\r\n--b\r\nContent-Type: text/plain; charset=US-ASCII; name=\"cc.diff\"\r\n\
         Content-ID: <960723163407.20117h@cac.washington.edu>\r\nContent-Description: Compiler diff\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n",
        &body(4554, 73),
        "\r\n--b--\r\n",
    ]
    .concat();
    assert_eq!(
        wire(facts(message.as_bytes()).body),
        "((\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 1152 23)\
         (\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\" \"NAME\" \"cc.diff\") \"<960723163407.20117h@cac.washington.edu>\" \
         \"Compiler diff\" \"BASE64\" 4554 73) \"MIXED\")"
    );
}

/// RFC 9051 section 6.4.5.1 numbers the parts of a message of this shape.
#[test]
fn the_part_numbers_of_rfc_9051() {
    let octets = fixture("rfc9051-parts.eml");
    let message = Message::parse(&octets);
    let text = |path: &[u32], text| message.section(path, text).map(|octets| String::from_utf8(octets.into_owned()).unwrap());
    let whole = |path: &[u32]| text(path, SectionText::Whole).unwrap();
    for (path, body) in [
        (&[1][..], "text of 1"),
        (&[2], "octets of 2"),
        (&[3, 1], "text of 3.1"),
        (&[3, 2], "octets of 3.2"),
        (&[4, 1], "R0lGODlhAQABAAAAACw="),
        (&[4, 2, 1], "text of 4.2.1"),
        (&[4, 2, 2, 1], "text of 4.2.2.1"),
        (&[4, 2, 2, 2], "text of 4.2.2.2"),
    ] {
        assert_eq!(whole(path), body, "{path:?}");
    }
    assert_eq!(whole(&[]).as_bytes(), octets);
    assert_eq!(whole(&[3]), text(&[3], SectionText::Header).unwrap() + &text(&[3], SectionText::Text).unwrap());
    assert!(whole(&[4]).starts_with("--m4\r\n") && whole(&[4]).ends_with("\r\n--m4--"));
    assert!(whole(&[4, 2, 2]).starts_with("--m422\r\n") && whole(&[4, 2, 2]).ends_with("\r\n--m422--"));

    let header = "From: c@three.example\r\nSubject: in 3\r\nContent-Type: MULTIPART/MIXED; boundary=m3\r\n\r\n";
    assert_eq!(text(&[3], SectionText::Header).unwrap(), header);
    assert!(text(&[], SectionText::Header).unwrap().ends_with("boundary=m0\r\n\r\n"));
    assert!(text(&[], SectionText::Text).unwrap().starts_with("preamble\r\n--m0"));
    assert!(text(&[], SectionText::Text).unwrap().ends_with("--m0--\r\nepilogue\r\n"));
    assert!(text(&[4, 2], SectionText::Text).unwrap().starts_with("--m42\r\n"));
    assert_eq!(text(&[4, 1], SectionText::Mime).unwrap(), "Content-Type: IMAGE/GIF\r\nContent-Transfer-Encoding: BASE64\r\n\r\n");
    assert_eq!(text(&[3], SectionText::Mime).unwrap(), "Content-Type: MESSAGE/RFC822\r\n\r\n");
    assert_eq!(text(&[4, 2], SectionText::Fields(&[b"SUBJECT", b"to"])).unwrap(), "Subject: in 4.2\r\n\r\n");
    assert_eq!(text(&[3], SectionText::FieldsNot(&[b"content-type"])).unwrap(), "From: c@three.example\r\nSubject: in 3\r\n\r\n");
    for (path, word) in [
        (&[][..], SectionText::Mime),
        (&[1], SectionText::Header),
        (&[4], SectionText::Text),
        (&[4, 1], SectionText::Fields(&[])),
        (&[0], SectionText::Whole),
        (&[5], SectionText::Whole),
        (&[1, 1], SectionText::Whole),
        (&[4, 2, 3], SectionText::Whole),
        (&[u32::MAX], SectionText::Whole),
    ] {
        assert_eq!(text(path, word), None, "{path:?}");
    }
}

#[test]
fn a_message_that_is_no_multipart_has_one_part() {
    let octets = fixture("plain.eml");
    let message = Message::parse(&octets);
    let section = |path: &[u32], text| message.section(path, text).map(std::borrow::Cow::into_owned);
    assert_eq!(section(&[1], SectionText::Whole), section(&[], SectionText::Text));
    assert_eq!(section(&[1], SectionText::Mime), section(&[], SectionText::Header));
    assert_eq!(section(&[1, 1], SectionText::Whole), None);
    assert_eq!(section(&[2], SectionText::Whole), None);

    let octets = [&b"Content-Type: message/rfc822\r\n\r\n"[..], &octets].concat();
    let outer = Message::parse(&octets);
    assert_eq!(outer.section(&[1, 1], SectionText::Whole).map(std::borrow::Cow::into_owned), section(&[1], SectionText::Whole));
    assert_eq!(outer.section(&[1], SectionText::Header).map(std::borrow::Cow::into_owned), section(&[], SectionText::Header));
    assert_eq!(outer.section(&[1, 1, 1], SectionText::Whole), None);
}

#[test]
fn an_attachment_with_everything() {
    let octets = fixture("alternative-attachment.eml");
    let structure = wire(facts(&octets).bodystructure);
    assert_eq!(
        structure,
        "(((\"TEXT\" \"PLAIN\" (\"CHARSET\" \"utf-8\") NIL NIL \"8BIT\" 52 1 NIL NIL NIL NIL)\
         (\"TEXT\" \"HTML\" (\"CHARSET\" \"utf-8\") NIL NIL \"QUOTED-PRINTABLE\" 152 2 NIL NIL NIL NIL) \
         \"ALTERNATIVE\" (\"BOUNDARY\" \"=_mixed 7f3a\") NIL NIL NIL)\
         (\"APPLICATION\" \"PDF\" (\"NAME\" \"=?utf-8?Q?Annexe_pr=C3=A9f=C3=A9rences.pdf?=\") \"<annexe.1@douane.example>\" \
         \"Annexe\" \"BASE64\" 1416 \"Q2hlY2sgSW50ZWdyaXR5IQ==\" (\"ATTACHMENT\" (\"FILENAME*\" \
         \"utf-8''Annexe%20pr%C3%A9f%C3%A9rences.pdf\" \"SIZE\" \"1033\")) (\"fr\" \"en\") \"https://intranet.douane.example/notes/417.pdf\") \
         \"MIXED\" (\"BOUNDARY\" \"=_mixed 7f3a/001\") NIL NIL NIL)"
    );
}

#[test]
fn embedded_messages_bring_their_envelopes() {
    let octets = fixture("forwarded.eml");
    let message = Message::parse(&octets);
    assert_eq!(message.part(&[2]).unwrap().kind(), Kind::Message);
    let body = wire(facts(&octets).body);
    let embedded = "(\"MESSAGE\" \"RFC822\" NIL NIL NIL \"7BIT\" 422 (\"Sun, 19 Apr 2026 22:10:05 -0330 (Newfoundland Time)\" \
         \"=?iso-8859-1?Q?Arriv=E9e_du_navire?=\" ((NIL NIL \"agent\" \"port.example\")) ";
    assert!(body.contains(embedded), "{body}");
    assert!(body.ends_with(
        "(NIL \"ETA\" ((NIL NIL \"capitaine\" \"navire.example\")) ((NIL NIL \"capitaine\" \"navire.example\")) \
         ((NIL NIL \"capitaine\" \"navire.example\")) NIL NIL NIL NIL NIL) \
         (\"TEXT\" \"PLAIN\" (\"CHARSET\" \"us-ascii\") NIL NIL \"7BIT\" 18 0) 3) \"ALTERNATIVE\") 18) \"MIXED\")"
    ));
    assert!(wire(facts(&octets).envelope).contains("((\"Secretariat \\\"Nord\\\"\" NIL \"nord\" \"douane.example\"))"));
}

#[test]
fn a_digest_holds_messages() {
    let octets = fixture("digest.eml");
    let message = Message::parse(&octets);
    assert_eq!(message.section(&[2], SectionText::Fields(&[b"subject"])).unwrap(), &b"Subject: second\r\n\r\n"[..]);
    assert_eq!(message.section(&[1, 1], SectionText::Whole).unwrap(), &b"Un."[..]);
}

#[test]
fn groups_and_absent_fields_in_the_envelope() {
    let facts = facts(&fixture("groups.eml"));
    assert_eq!(
        wire(facts.envelope),
        "(\"21 Apr 26 07:00 GMT\" \"\" \
         ((NIL \"@relais.example,@mail.relais.example\" \"contrat\" \"ancien.example\")) \
         ((NIL \"@relais.example,@mail.relais.example\" \"contrat\" \"ancien.example\")) \
         ((NIL \"@relais.example,@mail.relais.example\" \"contrat\" \"ancien.example\")) \
         ((NIL NIL \"Bureau A\" NIL)(\"Lea\" NIL \"lea.martin\" \"douane.example\")\
         (NIL NIL \"paul.moreau\" \"douane.example\")(NIL NIL NIL NIL)(NIL NIL \"Undisclosed recipients\" NIL)(NIL NIL NIL NIL)) \
         ((NIL NIL \"nobody in particular\" \"\")(\"Deuxieme champ\" NIL \"second\" \"field.example\")) \
         NIL NIL \"<groups.1@ancien.example>\")"
    );
    assert_eq!(facts.sent, Some(1_776_754_800));
    assert_eq!(facts.sent_day, Some(20_564));
}

#[test]
fn eight_bit_text_goes_as_literals() {
    let facts = facts(&fixture("latin1-8bit.eml"));
    let literal = b"{31}\r\nRe: d\xe9claration n\xb0 26FR00417".as_slice();
    let has = |text: &[u8], part: &[u8]| text.windows(part.len()).any(|window| window == part);
    assert!(has(&facts.envelope, &literal[4..]));
    assert!(has(&facts.envelope, b"(({12}\r\nGu\xe9rin Andr\xe9 NIL \"andre.guerin\" \"transitaire.example\"))"));
}

#[test]
fn fields_of_a_header_block_alone() {
    let octets = fixture("utf8-subject.eml");
    let message = Message::parse(&octets);
    let block = &octets[..message.header_bytes()];
    assert_eq!(header_fields(block, &["in-reply-to"], false), b"In-Reply-To: <20260415090000.77@origine.example>\r\n\r\n");
    assert_eq!(header_fields(block, &[] as &[&str], true), block);
    assert_eq!(
        octroi_mime::decoded_header(message.header("subject").unwrap()),
        "Réunion à 9 h : préférences tarifaires et délais d’acheminement"
    );
    assert_eq!(
        octroi_mime::decoded_header(message.header("to").unwrap()),
        "Équipe origine <origine@douane.example>, François Noël <francois.noel@douane.example>"
    );
    let mut text = String::new();
    octroi_mime::decoded_text(&octets, &mut |piece| {
        text.push_str(piece);
        true
    });
    assert!(text.contains("L’ordre du jour suit demain ; le dédouanement des œuvres"), "{text}");
}
