//! Splicing: lines of an object exchanged in place, everything else octet for octet. Called by what must write into somebody's object
//! (scheduling), which may change what it has to and nothing more.
//!
//! Edits are gathered against the octets as they are, so their order does not matter, and applied once. What is inserted ends its lines as
//! the object does, CRLF or bare LF, and is folded at 75 octets without cutting a character (RFC 5545 section 3.1).

use memchr::memchr;
use std::ops::Range;

/// Octets of a physical line without its end.
pub const FOLD_BYTES: usize = 75;

/// Edits of one object.
#[derive(Debug, Clone)]
pub struct Edits<'a> {
    octets: &'a [u8],
    line_end: &'static str,
    /// What goes, and what comes in its place; in the order in which they were asked for.
    list: Vec<(Range<usize>, Vec<u8>)>,
}

impl<'a> Edits<'a> {
    /// Of these octets.
    pub fn of(octets: &'a [u8]) -> Self {
        let bare = memchr(b'\n', octets).is_some_and(|at| at == 0 || octets[at - 1] != b'\r');
        Self { octets, line_end: if bare { "\n" } else { "\r\n" }, list: Vec::new() }
    }

    /// Put an unfolded line in the place of a range, which is to be that of one or several lines.
    pub fn replace(&mut self, range: Range<usize>, line: &str) {
        let folded = self.line(line);
        self.list.push((range, folded));
    }

    /// Put an unfolded line before the octet `at`, the beginning of a line. Of several at one place the first asked for comes first.
    pub fn insert(&mut self, at: usize, line: &str) {
        self.replace(at..at, line);
    }

    /// Put octets there as they are: whole lines with their ends.
    pub fn insert_octets(&mut self, at: usize, octets: &[u8]) {
        self.list.push((at..at, octets.to_vec()));
    }

    /// Take lines out.
    pub fn remove(&mut self, range: Range<usize>) {
        self.list.push((range, Vec::new()));
    }

    /// Nothing was asked for.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The object with all edits made. Of edits that overlap the first in the object wins; what reaches beyond its end is cut there.
    pub fn apply(mut self) -> Vec<u8> {
        // Stable: insertions at one place stay in order, and stand before what replaces the line there.
        self.list.sort_by_key(|(range, _)| (range.start, range.end));
        let mut out = Vec::with_capacity(self.octets.len() + self.list.iter().map(|(_, new)| new.len()).sum::<usize>());
        let mut at = 0;
        for (range, new) in self.list {
            let (start, end) = (range.start.min(self.octets.len()), range.end.min(self.octets.len()));
            if start < at {
                continue;
            }
            out.extend_from_slice(&self.octets[at..start]);
            if !new.is_empty() {
                end_line(&mut out, self.line_end);
            }
            out.extend_from_slice(&new);
            at = end.max(start);
        }
        out.extend_from_slice(&self.octets[at..]);
        out
    }

    /// An unfolded line as the object writes its own.
    pub(crate) fn line(&self, line: &str) -> Vec<u8> {
        let mut out = Vec::with_capacity(line.len() + 8);
        fold_with(line, self.line_end, &mut out);
        out
    }
}

/// End the last line: that of an object may lack its end, or half of it.
pub(crate) fn end_line(out: &mut Vec<u8>, line_end: &str) {
    match out.last() {
        None | Some(b'\n') => {}
        Some(b'\r') => out.push(b'\n'),
        Some(_) => out.extend_from_slice(line_end.as_bytes()),
    }
}

/// A line as it stands in an object: folded, with CRLF.
pub fn fold(line: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(line.len() + 8);
    fold_with(line, "\r\n", &mut out);
    out
}

fn fold_with(line: &str, line_end: &str, out: &mut Vec<u8>) {
    let mut rest = line;
    let mut room = FOLD_BYTES;
    while rest.len() > room {
        let cut = rest.floor_char_boundary(room);
        out.extend_from_slice(&rest.as_bytes()[..cut]);
        out.extend_from_slice(line_end.as_bytes());
        out.push(b' ');
        rest = &rest[cut..];
        // The blank that says it goes on counts.
        room = FOLD_BYTES - 1;
    }
    out.extend_from_slice(rest.as_bytes());
    out.extend_from_slice(line_end.as_bytes());
}

/// A parameter's value as it is written: quoted where it must be, and by RFC 6868 where a quote or a line end is in it.
pub fn param_value(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 2);
    for c in value.chars() {
        match c {
            '^' => out.push_str("^^"),
            '"' => out.push_str("^'"),
            '\n' => out.push_str("^n"),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    if out.contains([';', ':', ',']) { format!("\"{out}\"") } else { out }
}

/// A line of a name, parameters and a value that is written as it is to be.
pub fn line_of(name: &str, params: &[(&str, &str)], value: &str) -> String {
    let params = params.iter().fold(String::new(), |all, (name, value)| format!("{all};{name}={}", param_value(value)));
    format!("{name}{params}:{value}")
}

/// An unfolded line with a parameter set to one value, or (`None`) without it; all else of it as it is written.
pub fn with_param(line: &str, name: &str, value: Option<&str>) -> String {
    let parts = split_line(line);
    let mut out = parts.first().map_or(String::new(), |name| (*name).to_owned());
    let mut set = value;
    for param in &parts[1..parts.len().saturating_sub(1).max(1)] {
        let is_it = param[1..].split('=').next().is_some_and(|known| known.eq_ignore_ascii_case(name));
        match (is_it, set.take_if(|_| is_it)) {
            (true, Some(value)) => out.extend([";", name, "=", &param_value(value)]),
            (true, None) => {}
            (false, _) => out.push_str(param),
        }
    }
    if let Some(value) = set {
        out.extend([";", name, "=", &param_value(value)]);
    }
    if parts.len() > 1 {
        out.push_str(parts[parts.len() - 1]);
    }
    out
}

/// A line cut before each `;` of a parameter and before the `:` of its value, as [`crate::ContentLine`] reads it: only at its beginning does a quote
/// open a parameter's value.
fn split_line(line: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut from, mut quoted, mut has_value, mut begins) = (0, false, false, false);
    for (at, c) in line.char_indices() {
        if quoted {
            quoted = c != '"';
            continue;
        }
        match c {
            ';' | ':' => {
                parts.push(&line[from..at]);
                (from, has_value, begins) = (at, false, false);
                if c == ':' {
                    break;
                }
            }
            '"' if begins => (quoted, begins) = (true, false),
            '=' if !has_value => (has_value, begins) = (true, true),
            _ => begins = has_value && c == ',',
        }
    }
    parts.push(&line[from..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Lines;
    use proptest::prelude::*;

    #[test]
    fn one_line_is_exchanged_and_nothing_else() {
        let object = b"BEGIN:VEVENT\r\nSUMMARY:a\r\n b\r\nX-ODD:  kept \r\nEND:VEVENT\r\n";
        let lines: Vec<_> = Lines::new(object).collect();
        let mut edits = Edits::of(object);
        edits.replace(lines[1].range.clone(), "SUMMARY:c");
        edits.insert(lines[3].range.start, "SEQUENCE:1");
        edits.insert(lines[3].range.start, "STATUS:CANCELLED");
        assert_eq!(edits.apply(), b"BEGIN:VEVENT\r\nSUMMARY:c\r\nX-ODD:  kept \r\nSEQUENCE:1\r\nSTATUS:CANCELLED\r\nEND:VEVENT\r\n");
        let mut bare = Edits::of(b"A:b\nC:d");
        bare.remove(0..4);
        bare.insert(7, "E:f");
        assert_eq!(bare.apply(), b"C:d\nE:f\n");
        let mut half = Edits::of(b"A:b\r\nC:d\r");
        half.insert(9, "E:f");
        assert_eq!(half.apply(), b"A:b\r\nC:d\r\nE:f\r\n");
    }

    #[test]
    fn parameters_are_set_in_their_place() {
        let line = "ATTENDEE;CN=\"Moreau; Paul\";PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:paul@douane.example";
        let set = with_param(line, "PARTSTAT", Some("ACCEPTED"));
        assert_eq!(set, "ATTENDEE;CN=\"Moreau; Paul\";PARTSTAT=ACCEPTED;RSVP=TRUE:mailto:paul@douane.example");
        let status = with_param(&set, "SCHEDULE-STATUS", Some("2.0"));
        assert!(status.ends_with("RSVP=TRUE;SCHEDULE-STATUS=2.0:mailto:paul@douane.example"), "{status}");
        assert_eq!(with_param(&status, "schedule-status", None), set);
        assert_eq!(with_param("X:a:b;c", "P", Some("1,2")), "X;P=\"1,2\":a:b;c");
        // A quote within a value opens nothing, as the line is read so too.
        assert_eq!(with_param("ATTACH;ID=7-\";SIZE=1:3;ID=\"4", "ID", None), "ATTACH;SIZE=1:3;ID=\"4");
        assert_eq!(with_param("X;P=a=\"b;ID=c,\"d;e\":v", "id", None), "X;P=a=\"b:v");
        assert_eq!(line_of("X", &[("CN", "a\"b^c")], "v"), "X;CN=a^'b^^c:v");
    }

    proptest! {
        #[test]
        fn what_is_folded_is_short_whole_and_unfolds(line in "[A-Z]{1,5}:[ -~é日\u{1F600}]{0,200}") {
            let folded = fold(&line);
            for physical in folded.split(|b| *b == b'\n') {
                prop_assert!(physical.strip_suffix(b"\r").unwrap_or(physical).len() <= FOLD_BYTES);
                prop_assert!(std::str::from_utf8(physical).is_ok());
            }
            let back: Vec<_> = Lines::new(&folded).map(|line| line.unfolded().into_owned()).collect();
            prop_assert_eq!(back, vec![line.into_bytes()]);
        }

        #[test]
        fn everything_else_stays_octet_for_octet(lines in proptest::collection::vec("[A-Z]{1,4}:[a-zé]{0,90}", 1..12), seeds in proptest::collection::vec((any::<usize>(), 0..3_u8), 0..5)) {
            let octets: Vec<u8> = lines.iter().flat_map(|line| fold(line)).collect();
            let ranges: Vec<_> = Lines::new(&octets).map(|line| line.range).collect();
            let mut edits = Edits::of(&octets);
            let mut expected: Vec<Vec<String>> = lines.iter().map(|line| vec![line.clone()]).collect();
            let mut touched = std::collections::HashSet::new();
            for (at, kind) in seeds {
                let at = at % lines.len();
                if !touched.insert(at) { continue; }
                match kind {
                    0 => { edits.replace(ranges[at].clone(), "NEW:x"); expected[at] = vec!["NEW:x".to_owned()]; }
                    1 => { edits.insert(ranges[at].start, "NEW:y"); expected[at].insert(0, "NEW:y".to_owned()); }
                    _ => { edits.remove(ranges[at].clone()); expected[at].clear(); }
                }
            }
            let expected: Vec<u8> = expected.concat().iter().flat_map(|line| fold(line)).collect();
            prop_assert_eq!(edits.apply(), expected);
        }

        #[test]
        fn nothing_panics(octets in proptest::collection::vec(any::<u8>(), 0..60), ranges in proptest::collection::vec((0..80_usize, 0..80_usize), 0..6), line in ".{0,100}") {
            let mut edits = Edits::of(&octets);
            for (a, b) in ranges { edits.replace(a.min(b)..a.max(b), "X:y"); }
            let _ = edits.apply();
            let _ = with_param(&line, "P", Some("v"));
        }
    }
}
