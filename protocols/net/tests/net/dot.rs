//! SMTP's end of data: every known way to smuggle one, in every cut, in both directions.

use octroi_net::dot::{DotReceiver, DotStuffer, Violation, dot_stuff};
use proptest::prelude::*;

/// What a receiver made of its input.
#[derive(Debug, PartialEq)]
struct Received {
    out: Vec<u8>,
    consumed: usize,
    ended: bool,
    violation: Option<Violation>,
}

fn receive<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Received {
    let mut receiver = DotReceiver::new();
    let mut got = Received { out: Vec::new(), consumed: 0, ended: false, violation: None };
    for chunk in chunks {
        if got.ended {
            break;
        }
        let progress = receiver.push(chunk, &mut got.out);
        assert!(progress.ended || progress.consumed == chunk.len(), "nothing is left behind before the end");
        got.consumed += progress.consumed;
        got.ended = progress.ended;
    }
    got.violation = receiver.violation();
    got
}

/// The same result whole, cut in two anywhere, and one by one.
fn receive_in_every_cut(data: &[u8]) -> Received {
    let whole = receive([data]);
    for cut in 0..=data.len() {
        let (a, b) = data.split_at(cut);
        assert_eq!(receive([a, b]), whole, "cut at {cut}");
    }
    assert_eq!(receive(data.chunks(1)), whole);
    whole
}

/// Each was taken for an end of data by some server (CVE-2023-51764, -51765, -51766, CVE-2026-33604), or would be by one that drops NULs.
const SMUGGLED: [(&[u8], Violation); 14] = [
    (b"\n.\n", Violation::BareLf),
    (b"\r\n.\n", Violation::BareLf),
    (b"\n.\r\n", Violation::BareLf),
    (b"\r.\r", Violation::BareCr),
    (b"\r\n.\r", Violation::BareCr),
    (b"\r.\r\n", Violation::BareCr),
    (b"\r\n.\r\r\n", Violation::BareCr),
    (b"\r\r\n.\r\r\n", Violation::BareCr),
    (b"\n\r.\r\n", Violation::BareLf),
    (b"\n.\r", Violation::BareLf),
    (b"\r\n\0.\r\n", Violation::Nul),
    (b"\r\n.\0\r\n", Violation::Nul),
    (b"\r\0\n.\r\n", Violation::Nul),
    (b"\r\n.\r\0\n", Violation::Nul),
];

#[test]
fn nothing_but_the_end_ends() {
    for (smuggled, violation) in SMUGGLED {
        let data = [b"Subject: x\r\n\r\nbody", smuggled, b"MAIL FROM:<forged@example.org>\r\n.\r\n"].concat();
        let got = receive_in_every_cut(&[&data[..], b"QUIT\r\n"].concat());
        assert!(got.ended && got.consumed == data.len(), "{smuggled:?}: {got:?}");
        assert_eq!(got.violation, Some(violation), "{smuggled:?}");
        // Also as the first octets of the data, which count as the start of a line.
        let first = [smuggled, b"MAIL\r\n.\r\n"].concat();
        let got = receive_in_every_cut(&first);
        assert_eq!(got.violation, Some(violation), "{smuggled:?} first");
        let end = if smuggled.starts_with(b".\r\n") { 3 } else { first.len() };
        assert_eq!(got.consumed, end, "{smuggled:?} first");
    }
}

#[test]
fn proper_data_passes() {
    for (data, meant) in [
        (&b".\r\n"[..], &b""[..]),
        (b"\r\n.\r\n", b"\r\n"),
        (b"a\r\n.\r\n", b"a\r\n"),
        (b"..\r\n.\r\n", b".\r\n"),
        (b"a\r\n..b\r\n...\r\n.\r\n", b"a\r\n.b\r\n..\r\n"),
        (b"a.\r\nb.c\r\n.\r\n", b"a.\r\nb.c\r\n"),
        // RFC 5321 section 4.5.2: a leading dot goes whatever follows it.
        (b".a\r\n.\r\n", b"a\r\n"),
        (b"\xff\xfe\r\n.\r\n", b"\xff\xfe\r\n"),
    ] {
        let got = receive_in_every_cut(&[data, b"QUIT\r\n.\r\n"].concat());
        assert_eq!(got, Received { out: meant.to_vec(), consumed: data.len(), ended: true, violation: None });
    }
}

#[test]
fn no_end_is_not_an_end() {
    for data in [&b""[..], b".", b".\r", b"a", b"a\r\n", b"a\r\n.", b"a\r\n.\r", b"a.\r\n"] {
        assert!(!receive_in_every_cut(data).ended, "{data:?}");
    }
}

#[test]
fn we_never_send_a_smuggled_end() {
    for (smuggled, _) in SMUGGLED {
        let sent = dot_stuff(&[b"body", smuggled, b"MAIL\r\n"].concat());
        let got = receive([&sent[..]]);
        assert!(got.ended && got.consumed == sent.len() && got.violation.is_none(), "{smuggled:?}: {sent:?}");
    }
    assert_eq!(dot_stuff(b""), b".\r\n");
    assert_eq!(dot_stuff(b"."), b"..\r\n.\r\n");
    assert_eq!(dot_stuff(b"a\rb\nc\r"), b"a\r\nb\r\nc\r\n.\r\n");
    assert_eq!(dot_stuff(b"\0.\r\n"), b"..\r\n.\r\n", "without the NUL the dot would lead");
}

/// The rule said in one line, to compare with.
fn end_of(data: &[u8]) -> Option<usize> {
    let after_354 = [b"\r\n", data].concat();
    after_354.windows(5).position(|w| w == b"\r\n.\r\n").map(|at| at + 3)
}

fn is_clean(data: &[u8]) -> bool {
    let lf_ok = data.iter().enumerate().all(|(n, c)| *c != b'\n' || n > 0 && data[n - 1] == b'\r');
    let cr_ok = data.iter().enumerate().all(|(n, c)| *c != b'\r' || data.get(n + 1) == Some(&b'\n'));
    lf_ok && cr_ok && !data.contains(&0)
}

/// Octets that matter, mostly.
fn octets() -> impl Strategy<Value = Vec<u8>> {
    let octet = prop_oneof![4 => Just(b'.'), 4 => Just(b'\r'), 4 => Just(b'\n'), 1 => Just(0), 2 => Just(b'a'), 1 => any::<u8>()];
    proptest::collection::vec(octet, 0..40)
}

/// Mostly proper line ends, so that ends of data and clean data occur.
fn lines() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![4 => Just(b"\r\n".to_vec()), 3 => Just(b".".to_vec()), 2 => Just(b"ab".to_vec()), 1 => octets()];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// Cut at random places.
fn cut(data: &[u8], at: &[prop::sample::Index]) -> Vec<Vec<u8>> {
    let mut places: Vec<usize> = at.iter().map(|index| index.index(data.len() + 1)).collect();
    places.extend([0, data.len()]);
    places.sort_unstable();
    places.windows(2).map(|w| data[w[0]..w[1]].to_vec()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5000))]

    #[test]
    fn the_end_is_where_the_rule_says(data in prop_oneof![octets(), lines()], at in proptest::collection::vec(any::<prop::sample::Index>(), 0..5)) {
        let chunks = cut(&data, &at);
        let got = receive(chunks.iter().map(Vec::as_slice));
        prop_assert_eq!(got.ended.then_some(got.consumed), end_of(&data));
        if got.ended {
            prop_assert_eq!(got.violation.is_none(), is_clean(&data[..got.consumed]));
        }
    }

    #[test]
    fn unstuffing_undoes_stuffing(text in proptest::collection::vec("[^\r\n\0]{0,3}|\\.{0,3}", 0..8), at in proptest::collection::vec(any::<prop::sample::Index>(), 0..5)) {
        let message: Vec<u8> = text.iter().flat_map(|line| [line.as_bytes(), b"\r\n"].concat()).collect();
        let mut sent = Vec::new();
        let mut stuffer = DotStuffer::new();
        for chunk in cut(&message, &at) {
            stuffer.push(&chunk, &mut sent);
        }
        stuffer.finish(&mut sent);
        prop_assert_eq!(&sent, &dot_stuff(&message), "the cut is without meaning");
        let got = receive(cut(&sent, &at).iter().map(Vec::as_slice));
        prop_assert_eq!(got, Received { out: message, consumed: sent.len(), ended: true, violation: None });
    }

    #[test]
    fn whatever_we_send_ends_where_we_end_it(data in prop_oneof![octets(), lines()]) {
        let sent = dot_stuff(&data);
        let got = receive([&sent[..]]);
        prop_assert!(got.ended && got.consumed == sent.len());
        prop_assert_eq!(got.violation, None);
    }
}
