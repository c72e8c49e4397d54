//! The name of an attachment as people read it. Called by the text search.

use crate::message::{Param, Part};
use crate::structured::structured;
use crate::transfer::hex;
use crate::words::{charset, decoded_header};

/// The file name that a part declares: in its disposition, or in the older way in its type.
pub(crate) fn file_name(part: &Part<'_>) -> Option<String> {
    let disposition = part.field("Content-Disposition").map(structured).unwrap_or_default();
    // RFC 2183 section 2.3; RFC 2046 section 4.5.1 knows the other no more, but many programs do.
    let name = named(&disposition.params, "FILENAME").or_else(|| named(&part.media().params, "NAME"))?;
    (!name.is_empty()).then_some(name)
}

fn named(params: &[Param], name: &str) -> Option<String> {
    let of = |name: &str| params.iter().find(|param| param.name == name.as_bytes()).map(|param| &param.value[..]);
    match of(&format!("{name}*")) {
        Some(encoded) => Some(decoded(encoded)),
        // RFC 2047 section 5 forbids encoded words here; that is what most programs send all the same.
        None => of(name).map(decoded_header),
    }
}

/// `charset'language'octets`, RFC 2231 section 4.
fn decoded(value: &[u8]) -> String {
    let mut fields = value.splitn(3, |&b| b == b'\'');
    let (label, text) = match (fields.next(), fields.next(), fields.next()) {
        (Some(label), Some(_), Some(text)) => (label, text),
        _ => (&b"utf-8"[..], value),
    };
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&b, after)) = rest.split_first() {
        rest = after;
        match (b, after) {
            (b'%', &[high, low, ref after @ ..]) if hex(high).is_some() && hex(low).is_some() => {
                octets.push(hex(high).unwrap_or_default() << 4 | hex(low).unwrap_or_default());
                rest = after;
            }
            _ => octets.push(b),
        }
    }
    charset(label).decode_without_bom_handling(&octets).0.into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Message;

    fn name(header: &str) -> Option<String> {
        let octets = format!("{header}\r\n\r\nx");
        let message = Message::parse(octets.as_bytes());
        file_name(message.root())
    }

    #[test]
    fn names_are_read_in_every_way_they_are_written() {
        for (header, expected) in [
            ("Content-Disposition: attachment; filename=\"Tarif 2026.pdf\"", Some("Tarif 2026.pdf")),
            ("Content-Disposition: attachment; filename*=utf-8''d%C3%A9claration.pdf; filename=x.pdf", Some("déclaration.pdf")),
            ("Content-Disposition: attachment; filename*=iso-8859-1'fr'd%E9claration.pdf", Some("déclaration.pdf")),
            ("Content-Disposition: attachment; filename*0*=utf-8''d%C3; filename*1*=%A9c.pdf", Some("déc.pdf")),
            ("Content-Disposition: attachment; filename=\"=?utf-8?Q?d=C3=A9c.pdf?=\"", Some("déc.pdf")),
            ("Content-Type: application/pdf; name=old.pdf\r\nContent-Disposition: attachment", Some("old.pdf")),
            ("Content-Type: application/pdf; name*=100%", Some("100%")),
            ("Content-Disposition: attachment; filename=\"\"", None),
            ("Content-Type: text/plain", None),
        ] {
            assert_eq!(name(header).as_deref(), expected, "{header}");
        }
    }
}
