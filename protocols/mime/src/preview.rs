//! The beginning of a message's text, for a list of messages (RFC 8970). Called by IMAP FETCH PREVIEW.
//!
//! Plain text, whatever the message was: one line without control and invisible characters. Looks at the beginning of the message only.

use crate::html::Stripper;
use crate::message::{Kind, Message, Part};
use crate::structured::structured;
use crate::text::{decode, encoding_of};
use crate::transfer::{Decoder, TransferEncoding};

/// Octets at the beginning of a message that are looked at; more need not be read for a preview.
pub const PREVIEW_BYTES_MAX: usize = 64 * 1024;
/// Characters of a preview.
// RFC 8970 section 3.1: at most 200 are meant, and never more than 256.
pub const PREVIEW_CHARACTERS_MAX: usize = 200;

/// Entities that stand for nothing to be seen; newsletters fill the space behind their first sentence with them.
const INVISIBLE: [&str; 4] = ["&zwnj;", "&zwj;", "&shy;", "&#8203;"];

/// The first words of a message, from its octets or the first [`PREVIEW_BYTES_MAX`] of them. Quoted lines and the signature are left out
/// as long as there is anything else. Empty when there is no text, or it begins further down.
pub fn preview(octets: &[u8]) -> String {
    let message = Message::parse(&octets[..octets.len().min(PREVIEW_BYTES_MAX)]);
    let (plain, html) = text_parts(&message);
    let plain = plain.map(|part| plain_preview(&text_of(&message, part, None))).unwrap_or_default();
    if !plain.is_empty() {
        return plain;
    }
    html.map(|part| html_preview(&text_of(&message, part, Some(Stripper::of_body())))).unwrap_or_default()
}

/// The first part of plain text and the first of HTML that are the message's own: no attachments, nothing of a message in it.
fn text_parts<'m, 'a>(message: &'m Message<'a>) -> (Option<&'m Part<'a>>, Option<&'m Part<'a>>) {
    let (mut plain, mut html) = (None, None);
    let mut waiting = vec![message.root()];
    while let Some(part) = waiting.pop() {
        match part.kind() {
            Kind::Multipart => waiting.extend(part.children().iter().rev().map(|&child| &message.parts()[child])),
            Kind::Leaf if !is_attachment(part) && part.media().is("TEXT", "PLAIN") => plain = plain.or(Some(part)),
            Kind::Leaf if !is_attachment(part) && part.media().is("TEXT", "HTML") => html = html.or(Some(part)),
            Kind::Leaf | Kind::Message => {}
        }
    }
    (plain, html)
}

fn is_attachment(part: &Part<'_>) -> bool {
    part.field("Content-Disposition").is_some_and(|raw| structured(raw).value.eq_ignore_ascii_case(b"attachment"))
}

fn text_of(message: &Message<'_>, part: &Part<'_>, html: Option<Stripper>) -> String {
    let body = message.body_of(part);
    // Of what is cut the end may be half a character: it neither counts nor is shown.
    let is_cut = part.body().end >= PREVIEW_BYTES_MAX;
    let judged = match std::str::from_utf8(body) {
        Err(error) if is_cut && error.error_len().is_none() => &body[..error.valid_up_to()],
        _ => body,
    };
    let (mut raw, mut text) = (Vec::with_capacity(body.len()), String::new());
    Decoder::new(TransferEncoding::from_field(part.encoding()), body).read(&mut raw, body.len());
    decode(&mut encoding_of(part, judged).new_decoder(), &raw, !is_cut, &mut text);
    let Some(mut html) = html else { return text };
    let mut shown = String::with_capacity(text.len());
    html.push(&text, &mut shown);
    html.finish(&mut shown);
    shown
}

fn plain_preview(text: &str) -> String {
    let mut own: Vec<&str> = Vec::new();
    for line in text.lines() {
        // RFC 3676 section 4.3; the space at its end is often lost.
        if line == "-- " || line == "--" {
            break;
        }
        if line.starts_with('>') {
            // What says who is quoted: "On Monday, Léa wrote:".
            own.pop_if(|before| before.trim_end().ends_with(':'));
        } else if !line.trim().is_empty() {
            own.push(line);
        }
    }
    let kept = words(own.into_iter());
    if kept.is_empty() { words(text.lines()) } else { kept }
}

fn html_preview(text: &str) -> String {
    let visible = INVISIBLE.iter().fold(text.to_owned(), |text, entity| text.replace(entity, ""));
    words(std::iter::once(&*visible))
}

/// The first words in one line.
fn words<'t>(texts: impl Iterator<Item = &'t str>) -> String {
    let (mut out, mut count, mut gap) = (String::new(), 0, false);
    for text in texts {
        for c in text.chars() {
            if c.is_whitespace() {
                gap = true;
                continue;
            }
            if is_unseen(c) {
                continue;
            }
            if std::mem::take(&mut gap) && count > 0 {
                out.push(' ');
                count += 1;
            }
            // Not for a space alone.
            if count >= PREVIEW_CHARACTERS_MAX {
                out.truncate(out.trim_end().len());
                return out;
            }
            out.push(c);
            count += 1;
        }
        gap = true;
    }
    out
}

/// Controls, and what is nothing but an instruction to who shows the text: it could make it look like another.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(text: &str) -> String {
        preview(text.as_bytes())
    }

    #[test]
    fn plain_text_is_folded_without_quotes_and_signature() {
        let header = "Content-Type: text/plain; charset=utf-8\r\n\r\n";
        let cases = [
            ("  Bonjour,\r\n\r\n\tle  tarif\u{a0}est là.\r\n", "Bonjour, le tarif est là."),
            ("On Monday, Léa wrote:\r\n> old\r\n>> older\r\nNew.\r\n-- \r\nMe\r\n", "New."),
            ("Note:\r\n\r\nyes\r\n", "Note: yes"),
            ("> all\r\n> quoted\r\n", "> all > quoted"),
            ("a\u{200b}\u{202e}b\u{7}c\0\r\n", "abc"),
            ("\r\n \r\n", ""),
        ];
        for (body, shown) in cases {
            assert_eq!(of(&format!("{header}{body}")), shown, "{body:?}");
        }
    }

    #[test]
    fn plain_text_is_preferred_and_html_is_read() {
        let parts = |first: &str, second: &str| {
            format!("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n{first}\r\n--b\r\n{second}\r\n--b--\r\n")
        };
        let html = "Content-Type: text/html\r\n\r\n<title>No</title><style>p{}</style><p>Caf&eacute;</p><script>x()</script>&zwnj;&nbsp;<b>fort</b>";
        assert_eq!(of(&parts(html, "Content-Type: text/plain\r\n\r\nplain")), "plain");
        assert_eq!(of(&parts(html, "Content-Type: text/plain\r\n\r\n \r\n")), "Café fort");
        let attached = "Content-Type: text/plain\r\nContent-Disposition: Attachment; filename=a\r\n\r\nno";
        assert_eq!(of(&parts(attached, html)), "Café fort");
        let forwarded = "Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\nno";
        assert_eq!(of(&parts(forwarded, "Content-Type: image/png\r\n\r\nno")), "");
        let nested = parts("Content-Type: text/plain\r\n\r\nfirst", "\r\nsecond").replace("boundary=b", "boundary=c").replace("--b", "--c");
        assert_eq!(of(&parts(&nested, "\r\nthird")), "first");
    }

    #[test]
    fn encodings_and_charsets_are_decoded() {
        let base64 = "Content-Type: text/plain; charset=iso-8859-15\r\nContent-Transfer-Encoding: base64\r\n\r\nMTAgpA==\r\n";
        assert_eq!(of(base64), "10 €");
        let quoted = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=C3=A9t=\r\n=C3=A9\r\n";
        assert_eq!(of(quoted), "été");
        assert_eq!(preview(b"\r\nd\xe9j\xe0"), "déjà");
        assert_eq!(of(""), "");
    }

    /// The end of what is looked at may cut a character, and even its part of an encoding.
    #[test]
    fn only_the_beginning_is_looked_at() {
        for shift in 0..4 {
            let long = format!("\r\n{}{}", "x".repeat(shift), "é".repeat(PREVIEW_BYTES_MAX));
            let shown = of(&long);
            assert_eq!(shown.chars().count(), PREVIEW_CHARACTERS_MAX);
            assert!(shown.chars().all(|c| c == 'x' || c == 'é'), "{shift}");
        }
        let far = format!("Subject: x\r\nX-Long: {}\r\n\r\ntext", "x".repeat(PREVIEW_BYTES_MAX));
        assert_eq!(of(&far), "");
    }

    proptest! {
        #[test]
        fn a_preview_is_one_short_line(body in "(\\PC|[>:\\- \t\r\n<&;]){0,400}", html in any::<bool>()) {
            let shown = of(&format!("Content-Type: text/{}; charset=utf-8\r\n\r\n{body}", if html { "html" } else { "plain" }));
            prop_assert!(shown.chars().count() <= PREVIEW_CHARACTERS_MAX);
            prop_assert_eq!(shown.split_whitespace().collect::<Vec<_>>().join(" "), shown.clone());
            prop_assert!(!shown.contains(char::is_control));
        }
    }
}
