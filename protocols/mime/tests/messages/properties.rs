//! What holds for all octets: no panic, ranges inside one another, and a wire text that the strict reader accepts.

use crate::fixtures;
use crate::holds::check;
use octroi_mime::{Facts, Message};
use proptest::prelude::*;

#[test]
fn every_fixture_holds_what_all_octets_hold() {
    for (name, octets) in fixtures() {
        println!("{name}");
        check(&octets);
        let unix: Vec<u8> = octets.iter().copied().filter(|&b| b != b'\r').collect();
        check(&unix);
        assert_eq!(Message::parse(&unix).parts().len(), Message::parse(&octets).parts().len());
    }
}

#[test]
fn every_cut_of_a_fixture_is_a_message() {
    for (_, octets) in fixtures() {
        for end in (0..octets.len()).step_by(7) {
            check(&octets[..end]);
        }
    }
}

/// Pieces that mean something to the parser, so that random messages get deep.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let words = [
        "Content-Type: multipart/mixed; boundary=a\r\n",
        "Content-Type: multipart/digest; boundary=\"a b\"\r\n",
        "Content-Type: multipart/alternative; boundary=aa\n",
        "Content-Type: message/rfc822\r\n",
        "Content-Type: text/html; charset=utf-16\r\n",
        "Content-Transfer-Encoding: base64\r\n",
        "Content-Transfer-Encoding: quoted-printable\r\n",
        "Content-Disposition: attachment; filename=\"",
        "Content-Language: fr,,(x) en\r\n",
        "From: a@b, g: \"x\\",
        "To: <@r:c@d>, (",
        "Subject: =?utf-8?Q?=C3?= \0\r\n",
        "Date: Fri, 21 Nov 1997 09:55:06 -0600\r\n",
        "--a\r\n",
        "--aa\r\n",
        "--a b\r\n",
        "--a--\r\n",
        "--aa--\r\n",
        "--a",
        "\r\n",
        "\r\n\r\n",
        "\n",
        "\r",
        " \t",
        ":",
        "=E9=\r\n",
        "<b>&eacute;",
    ];
    prop_oneof![
        8 => proptest::sample::select(words.to_vec()).prop_map(|word| word.as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..12),
    ]
}

/// A change to some octets: cut out, double, or overwrite a range.
fn mutated(octets: &[u8], changes: &[(usize, usize, u8, u8)]) -> Vec<u8> {
    let mut octets = octets.to_vec();
    for &(at, length, kind, value) in changes {
        let start = at % (octets.len() + 1);
        let end = (start + length).min(octets.len());
        match kind % 3 {
            0 => drop(octets.drain(start..end)),
            1 => {
                let copy = octets[start..end].to_vec();
                octets.splice(start..start, copy);
            }
            _ => octets[start..end].fill(value),
        }
    }
    octets
}

proptest! {
    #[test]
    fn any_octets_are_a_message(octets in proptest::collection::vec(any::<u8>(), 0..512)) {
        check(&octets);
    }

    #[test]
    fn any_row_of_pieces_is_a_message(pieces in proptest::collection::vec(piece(), 0..48)) {
        check(&pieces.concat());
    }

    #[test]
    fn any_change_to_a_real_message_is_a_message(
        which in any::<proptest::sample::Index>(),
        changes in proptest::collection::vec((any::<usize>(), 0..200_usize, any::<u8>(), any::<u8>()), 1..8),
    ) {
        let all = fixtures();
        let (_, octets) = which.get(&all);
        check(&mutated(octets, &changes));
    }

    #[test]
    fn damaged_facts_do_not_panic(stored in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = Facts::decode(&stored);
    }
}
