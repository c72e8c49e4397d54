//! Modified UTF-7, in which IMAP4rev1 spells mailbox names (RFC 3501 section 5.1.3). Called by the mailbox names of this folder.
//!
//! What decodes is canonical: each name has one spelling, so that nobody sees two mailboxes where there is one.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

/// UTF-8 to modified UTF-7.
pub(crate) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut shifted: Vec<u16> = Vec::new();
    for c in text.chars() {
        if !(' '..='~').contains(&c) {
            shifted.extend_from_slice(c.encode_utf16(&mut [0; 2]));
            continue;
        }
        flush(&mut shifted, &mut out);
        out.push(c);
        if c == '&' {
            out.push('-');
        }
    }
    flush(&mut shifted, &mut out);
    out
}

/// Modified UTF-7 to UTF-8; nothing when it is not spelt as [`encode`] would.
pub fn decode(text: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(text).ok()?;
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let (shifted, after) = after.split_once('-')?;
        if shifted.is_empty() {
            out.push('&');
        } else {
            unshift(shifted, &mut out)?;
        }
        rest = after;
    }
    out.push_str(rest);
    // RFC 3501 section 5.1.3: no superfluous shifts, nothing shifted that could stand for itself, no 8-bit octets.
    (encode(&out) == text).then_some(out)
}

/// Write what has gathered as one shifted run.
fn flush(shifted: &mut Vec<u16>, out: &mut String) {
    if shifted.is_empty() {
        return;
    }
    out.push('&');
    let (mut bits, mut count) = (0_u32, 0);
    for unit in shifted.drain(..) {
        bits = (bits << 16) | u32::from(unit);
        count += 16;
        while count >= 6 {
            count -= 6;
            out.push(char::from(ALPHABET[(bits >> count) as usize & 63]));
        }
        // Fewer than six bits are left; what was written must not be shifted out of the word.
        bits &= (1 << count) - 1;
    }
    if count > 0 {
        out.push(char::from(ALPHABET[(bits << (6 - count)) as usize & 63]));
    }
    out.push('-');
}

/// Read one shifted run. Bits that are left over are checked by encoding again.
fn unshift(run: &str, out: &mut String) -> Option<()> {
    let mut units = Vec::with_capacity(run.len() * 6 / 16);
    let (mut bits, mut count) = (0_u32, 0);
    for b in run.bytes() {
        let value = ALPHABET.iter().position(|letter| *letter == b)?;
        bits = (bits << 6) | value as u32;
        count += 6;
        if count >= 16 {
            count -= 16;
            units.push((bits >> count) as u16);
            bits &= (1 << count) - 1;
        }
    }
    for c in char::decode_utf16(units) {
        out.push(c.ok()?);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_examples_of_the_rfc() {
        for (text, spelt) in [
            ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
            ("Actes & décisions", "Actes &- d&AOk-cisions"),
            ("", ""),
            ("😀", "&2D3eAA-"),
            ("\u{1}", "&AAE-"),
        ] {
            assert_eq!(encode(text), spelt);
            assert_eq!(decode(spelt.as_bytes()).as_deref(), Some(text));
        }
    }

    #[test]
    fn other_spellings_are_refused() {
        // Superfluous shift (RFC 3501's own counter-example), shifted ASCII, an open run, padding bits, half a pair, 8-bit.
        for bad in ["&U,BTFw-&ZeVnLIqe-", "&AGE-", "&AOk", "&", "&AOl-x&-&", "&AOkA-", "&2D0-", "&A/k-", "é", "\u{7f}"] {
            assert_eq!(decode(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(decode(b"\xff"), None);
    }

    proptest! {
        #[test]
        fn every_text_comes_back(text in any::<String>()) {
            let spelt = encode(&text);
            prop_assert!(spelt.bytes().all(|b| (b' '..=b'~').contains(&b)));
            prop_assert_eq!(decode(spelt.as_bytes()), Some(text));
        }

        #[test]
        fn no_octets_panic(octets in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = decode(&octets);
        }

        #[test]
        fn what_decodes_is_canonical(spelt in "[&A-Z,a-c-]{0,16}") {
            if let Some(text) = decode(spelt.as_bytes()) {
                prop_assert_eq!(encode(&text), spelt);
            }
        }
    }
}
