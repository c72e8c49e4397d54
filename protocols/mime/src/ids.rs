//! Message ids of `Message-ID`, `References` and `In-Reply-To`, as threads compare them. Called by the facts.
//!
//! Only the hash of an id is kept: THREAD compares ids and shows none. Whoever can make two ids collide could as well have named the
//! other id.

use crate::header::headers_of;
use crate::limits::REFERENCES_MAX;

/// The hash of one id. 0 is none: no id hashes to it.
pub type MessageId = u64;

/// The first valid id of a raw value; 0 when there is none.
pub(crate) fn first_id(raw: &[u8]) -> MessageId {
    Ids(raw).next().unwrap_or_default()
}

/// The valid ids of a raw value in their order; of more than [`REFERENCES_MAX`] the last, which are the nearest ancestors.
pub(crate) fn all_ids(raw: &[u8]) -> Vec<MessageId> {
    let mut ids: Vec<MessageId> = Ids(raw).collect();
    ids.drain(..ids.len().saturating_sub(REFERENCES_MAX));
    ids
}

/// The id that a message's thread goes back to, as it stands between its brackets: the first valid one of `References`, else of
/// `In-Reply-To`, else the message's own. Of equal octets for all messages of a thread whose programs kept the references whole.
pub fn thread_root(header: &[u8]) -> Option<&[u8]> {
    let mut found = [None; ROOT_FIELDS.len()];
    for field in headers_of(header) {
        let of = ROOT_FIELDS.iter().position(|name| name.as_bytes().eq_ignore_ascii_case(field.name));
        // RFC 5322 section 3.6: each of them stands there once; of several the first counts.
        if let Some(of) = of
            && found[of].is_none()
        {
            found[of] = Some(first_id_octets(field.value));
        }
    }
    found.into_iter().flatten().flatten().next()
}

/// Where the root of a thread is looked for, in this order.
const ROOT_FIELDS: [&str; 3] = ["References", "In-Reply-To", "Message-ID"];

fn first_id_octets(raw: &[u8]) -> Option<&[u8]> {
    let mut rest = raw;
    loop {
        let open = memchr::memchr(b'<', rest)?;
        let after = &rest[open + 1..];
        let (id, used) = id_at(after);
        if id.is_some() {
            return Some(&after[..used - 1]);
        }
        rest = &after[used..];
    }
}

struct Ids<'a>(&'a [u8]);

impl Iterator for Ids<'_> {
    type Item = MessageId;

    fn next(&mut self) -> Option<MessageId> {
        loop {
            let open = memchr::memchr(b'<', self.0)?;
            let after = &self.0[open + 1..];
            let (id, used) = id_at(after);
            self.0 = &after[used..];
            if id.is_some() {
                return id;
            }
        }
    }
}

/// The id that begins behind a `<`, and how many octets were looked at. Another `<` begins anew.
// RFC 5256 section 2.2: quotes that are not needed do not count, nor do folds.
fn id_at(text: &[u8]) -> (Option<MessageId>, usize) {
    let mut hash = Fnv::default();
    let (mut local_bytes, mut at_sign, mut is_quoted) = (0_usize, None, false);
    let mut at = 0;
    while let Some(&b) = text.get(at) {
        at += 1;
        match b {
            b'\\' if is_quoted => {
                let Some(&next) = text.get(at) else { break };
                at += 1;
                hash.add(next);
                local_bytes += 1;
            }
            b'"' => is_quoted = !is_quoted,
            _ if is_quoted => {
                hash.add(b);
                local_bytes += 1;
            }
            b' ' | b'\t' | b'\r' | b'\n' => {}
            b'>' => {
                // RFC 5322 section 3.6.4: something on either side of an `@`.
                let is_valid = at_sign.is_some_and(|at_sign| at_sign > 0 && local_bytes > at_sign + 1);
                return (is_valid.then(|| hash.finish()), at);
            }
            b'<' => return (None, at - 1),
            _ => {
                if b == b'@' && at_sign.is_none() {
                    at_sign = Some(local_bytes);
                }
                hash.add(b);
                local_bytes += 1;
            }
        }
    }
    (None, at)
}

/// FNV-1a with 64 bits: part of the stored form of the facts.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn add(&mut self, octet: u8) {
        self.0 = (self.0 ^ u64::from(octet)).wrapping_mul(0x0100_0000_01b3);
    }

    fn finish(&self) -> MessageId {
        self.0.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn id(raw: &str) -> MessageId {
        first_id(raw.as_bytes())
    }

    #[test]
    fn ids_are_normalised() {
        // RFC 5256 section 2.2 has this pair.
        assert_eq!(id("<\"01KF8JCEOCBS0045PS\"@xxx.yyy.com>"), id("<01KF8JCEOCBS0045PS@xxx.yyy.com>"));
        assert_eq!(id("<a@b\r\n .example>"), id("<a@b.example>"));
        assert_eq!(id("<\"a\\b\"@c>"), id("<ab@c>"));
        assert_ne!(id("<a@b>"), id("<A@b>"));
        assert_eq!(id("(comment) <x> <a@b> <c@d>"), id("<a@b>"));
        assert_eq!(id("<open <a@b>"), id("<a@b>"));
        for none in ["", "a@b", "<a@b", "<a>", "<@b>", "<a@>", "<\"a@b>", "<\"a@b\">"] {
            assert_eq!(id(none), 0, "{none}");
        }
        // The stored form depends on it.
        assert_eq!(id("<a@b>"), 0xe6ac_9919_04e0_0a72);
    }

    #[test]
    fn the_nearest_ancestors_are_kept() {
        let raw: String = (0..REFERENCES_MAX + 2).map(|n| format!("<{n}@x>\r\n ")).collect();
        let ids = all_ids(raw.as_bytes());
        assert_eq!(ids.len(), REFERENCES_MAX);
        assert_eq!(ids[0], id("<2@x>"));
        assert_eq!(all_ids(b"no ids"), Vec::<MessageId>::new());
    }

    #[test]
    fn a_thread_goes_back_to_its_first_id() {
        for (header, root) in [
            ("Message-ID: <3@x>\r\nReferences: none <1@x>\r\n <2@x>\r\nIn-Reply-To: <2@x>\r\n\r\n", Some("1@x")),
            ("message-id: <3@x>\r\nREFERENCES: <bad> none\r\nIn-Reply-To: you wrote <2@x>, <1@x>\r\n", Some("2@x")),
            ("Message-ID: (c) <3@x>\r\nMessage-ID: <4@x>\r\nIn-Reply-To: your letter\r\n", Some("3@x")),
            ("References: none\r\nReferences: <1@x>\r\nMessage-ID: <3@x>\r\n", Some("3@x")),
            ("Subject: <1@x>\r\n\r\nMessage-ID: <1@x>\r\n", None),
        ] {
            assert_eq!(thread_root(header.as_bytes()), root.map(str::as_bytes), "{header}");
        }
    }

    proptest! {
        #[test]
        fn no_octets_panic(raw in "[<>@\"\\\\a \r\n]{0,40}") {
            let _ = all_ids(raw.as_bytes());
            prop_assert_eq!(first_id_octets(raw.as_bytes()).is_some(), first_id(raw.as_bytes()) != 0);
        }
    }
}
