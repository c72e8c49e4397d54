//! An object as a tree: components, their properties, and where each of them stands in the octets.
//!
//! Called by all that looks into an object: the validators, reports, scheduling. What always holds: every octet of the object is in exactly one
//! property, BEGIN or END, or between them as a blank line (a byte order mark stands before the first component). So whoever edits exchanges
//! ranges and keeps the rest. Within the limits of [`crate::limits`]; nothing panics.

use crate::content::ContentLine;
use crate::invalid::Invalid;
use crate::limits::{DEPTH_MAX, LINES_MAX, OBJECT_BYTES_MAX};
use crate::lines::{Line, Lines};
use std::borrow::Cow;
use std::ops::Range;

/// An object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree<'a> {
    /// All of it.
    pub octets: &'a [u8],
    /// Usually one VCALENDAR, or one VCARD or more.
    pub components: Vec<Node<'a>>,
}

/// A component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node<'a> {
    /// In upper case.
    pub name: String,
    /// From the start of BEGIN to the end of END, line ends included.
    pub range: Range<usize>,
    /// The line with BEGIN.
    pub begin: Range<usize>,
    /// The line with END.
    pub end: Range<usize>,
    /// Its own, in their order.
    pub properties: Vec<Entry<'a>>,
    /// Those directly in it, in their order.
    pub components: Vec<Node<'a>>,
}

/// A property: one logical line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Its octets, folds and line end included.
    pub range: Range<usize>,
    /// Which logical line of the object it is, from 1: for what people are told.
    pub number: usize,
    /// Unfolded.
    text: Cow<'a, str>,
    /// Where the name begins and ends in the text, and the value begins.
    name: Range<usize>,
    value: usize,
}

impl Tree<'_> {
    /// Reads an object of either format.
    pub fn read(octets: &[u8]) -> Result<Tree<'_>, Invalid> {
        if octets.len() > OBJECT_BYTES_MAX {
            return Err(Invalid::TooLarge);
        }
        // A byte order mark is no part of the first name.
        let mark = if octets.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let mut reader = Reader { done: Vec::new(), open: Vec::new() };
        for (line, number) in Lines::new(&octets[mark..]).zip(1..) {
            if number > LINES_MAX {
                return Err(Invalid::TooLarge);
            }
            if !line.is_blank() {
                reader.line(&line, mark, number)?;
            }
        }
        match reader.open.pop() {
            Some(node) => Err(Invalid::Open(node.name)),
            None => Ok(Tree { octets, components: reader.done }),
        }
    }

    /// The first component at the top, if it is the only one and has this name in upper case.
    pub fn only(&self, name: &'static str) -> Result<&Node<'_>, Invalid> {
        match &self.components[..] {
            [node] if node.name == name => Ok(node),
            _ => Err(Invalid::NotOne(name)),
        }
    }
}

struct Reader<'a> {
    done: Vec<Node<'a>>,
    /// Outermost first.
    open: Vec<Node<'a>>,
}

impl<'a> Reader<'a> {
    /// `mark`: octets before the first line.
    fn line(&mut self, line: &Line<'a>, mark: usize, number: usize) -> Result<(), Invalid> {
        let range = line.range.start + mark..line.range.end + mark;
        let entry = Entry::read(line, range.clone(), number)?;
        if entry.is("BEGIN") {
            if self.open.len() == DEPTH_MAX {
                return Err(Invalid::TooDeep);
            }
            let name = entry.value().trim().to_ascii_uppercase();
            let (properties, components) = (Vec::new(), Vec::new());
            self.open.push(Node { name, range: range.clone(), begin: range, end: 0..0, properties, components });
        } else if entry.is("END") {
            let ended = self.open.pop().filter(|node| node.name.eq_ignore_ascii_case(entry.value().trim()));
            let Some(mut node) = ended else { return Err(Invalid::Unbalanced { number }) };
            node.range.end = range.end;
            node.end = range;
            self.open.last_mut().map_or(&mut self.done, |around| &mut around.components).push(node);
        } else if let Some(node) = self.open.last_mut() {
            node.properties.push(entry);
        } else {
            return Err(Invalid::Outside { number });
        }
        Ok(())
    }
}

impl<'a> Node<'a> {
    /// The first property with this name, in any case.
    pub fn property(&self, name: &str) -> Option<&Entry<'a>> {
        self.properties.iter().find(|entry| entry.is(name))
    }

    /// All properties with this name, in any case.
    pub fn all<'n>(&'n self, name: &'n str) -> impl Iterator<Item = &'n Entry<'a>> {
        self.properties.iter().filter(move |entry| entry.is(name))
    }

    /// The value of the first property with this name, as it was sent.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.property(name).map(Entry::value)
    }

    /// The components directly in it with this name in upper case.
    pub fn named<'n>(&'n self, name: &'n str) -> impl Iterator<Item = &'n Node<'a>> {
        self.components.iter().filter(move |node| node.name == name)
    }
}

impl<'a> Entry<'a> {
    fn read(line: &Line<'a>, range: Range<usize>, number: usize) -> Result<Self, Invalid> {
        let text = match line.unfolded() {
            Cow::Borrowed(octets) => std::str::from_utf8(octets).map(Cow::Borrowed).ok(),
            Cow::Owned(octets) => String::from_utf8(octets).map(Cow::Owned).ok(),
        };
        let text = text.ok_or(Invalid::Line { number, fault: crate::content::LineFault::NotUtf8 })?;
        let content = ContentLine::of(&text).map_err(|fault| Invalid::Line { number, fault })?;
        let start = content.group.map_or(0, |group| group.len() + 1);
        let (name, value) = (start..start + content.name.len(), text.len() - content.value.len());
        Ok(Self { range, number, text, name, value })
    }

    /// The unfolded line.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The name as written, without a group.
    pub fn name(&self) -> &str {
        &self.text[self.name.clone()]
    }

    /// Whether it has that name, in any case.
    pub fn is(&self, name: &str) -> bool {
        self.name().eq_ignore_ascii_case(name)
    }

    /// What follows the colon; escapes are left as they are.
    pub fn value(&self) -> &str {
        &self.text[self.value..]
    }

    /// The first value of a parameter.
    pub fn param(&self, name: &str) -> Option<&str> {
        // Most lines have none.
        if self.name.end + 1 == self.value { None } else { self.line().param(name) }
    }

    /// The line taken apart.
    pub fn line(&self) -> ContentLine<'_> {
        // It was taken apart when it was read, so there is no fault in it.
        ContentLine::of(&self.text).unwrap_or_else(|_| ContentLine {
            group: None,
            name: self.name(),
            params: Vec::new(),
            value: self.value(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Every range is where it must be; gives how many octets are in lines.
    fn checked(octets: &[u8], nodes: &[Node<'_>], around: &Range<usize>, after: usize) -> usize {
        let mut at = after;
        let mut covered = 0;
        for node in nodes {
            assert!(node.range.start >= at && node.range.end <= around.end);
            at = node.range.end;
            assert_eq!((node.begin.start, node.end.end), (node.range.start, node.range.end));
            covered += node.begin.len() + node.end.len();
            let mut inside = node.begin.end;
            for entry in &node.properties {
                assert!(entry.range.start >= inside && entry.range.end <= node.end.start);
                inside = entry.range.end;
                covered += entry.range.len();
                let line = Line { raw: &octets[entry.range.clone()], range: entry.range.clone() };
                assert_eq!(line.unfolded(), entry.text().as_bytes());
                let content = entry.line();
                assert_eq!((content.name, content.value), (entry.name(), entry.value()));
            }
            covered += checked(octets, &node.components, &(node.begin.end..node.end.start), node.begin.end);
        }
        covered
    }

    fn all_is_covered(octets: &[u8]) -> bool {
        let Ok(tree) = Tree::read(octets) else { return false };
        let mark = if octets.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let covered = checked(octets, &tree.components, &(0..octets.len()), mark);
        let blank: usize = Lines::new(&octets[mark..]).filter(Line::is_blank).map(|line| line.raw.len()).sum();
        assert_eq!(mark + covered + blank, octets.len());
        true
    }

    const OBJECT: &[u8] =
        b"\xef\xbb\xbf\r\nbegin:vcalendar\r\nVERSION:2.0\r\n\r\nBEGIN:VEVENT\r\nUID:a\nSUMMARY;LANGUAGE=fr:d\xc3\r\n \xa9j\r\n euner\r\n\
        BEGIN:VALARM\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\nuid:b\r\nEND:VEVENT\r\nEND:VCALENDAR";

    #[test]
    fn an_object_is_read() {
        let tree = Tree::read(OBJECT).unwrap();
        assert!(all_is_covered(OBJECT));
        let calendar = tree.only("VCALENDAR").unwrap();
        let event = &calendar.components[0];
        assert_eq!((calendar.value("version"), event.name.as_str()), (Some("2.0"), "VEVENT"));
        let summary = event.property("SUMMARY").unwrap();
        assert_eq!((summary.value(), summary.param("language"), summary.number), ("déjeuner", Some("fr"), 7));
        assert_eq!(&tree.octets[summary.range.clone()], b"SUMMARY;LANGUAGE=fr:d\xc3\r\n \xa9j\r\n euner\r\n");
        assert_eq!(event.all("UID").map(Entry::value).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!((event.named("VALARM").count(), event.named("VTODO").count()), (1, 0));
        assert_eq!(tree.only("VCARD"), Err(Invalid::NotOne("VCARD")));
    }

    #[test]
    fn the_limits_hold() {
        assert_eq!(Tree::read("BEGIN:X\r\n".repeat(DEPTH_MAX + 1).as_bytes()), Err(Invalid::TooDeep));
        assert_eq!(Tree::read("BEGIN:X\r\n".repeat(DEPTH_MAX).as_bytes()), Err(Invalid::Open("X".to_owned())));
        assert_eq!(Tree::read("\n".repeat(LINES_MAX + 1).as_bytes()), Err(Invalid::TooLarge));
        assert_eq!(Tree::read(&vec![b' '; OBJECT_BYTES_MAX + 1]), Err(Invalid::TooLarge));
        assert_eq!(Tree::read(b"X:y\r\n"), Err(Invalid::Outside { number: 1 }));
        assert_eq!(Tree::read(b"BEGIN:A\r\nEND:B\r\n"), Err(Invalid::Unbalanced { number: 2 }));
    }

    proptest! {
        #[test]
        fn any_octets_are_read_or_refused(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
            all_is_covered(&octets);
        }

        #[test]
        fn ranges_cover_all(text in "(((BEGIN:A|END:A|BEGIN:B|END:B|G\\.X;P=\"1:2\":y|Z:é\r\n z| )\r?\n)){0,16}") {
            let text = format!("BEGIN:A\r\n{text}END:A\r\n");
            all_is_covered(text.as_bytes());
        }

        #[test]
        fn balanced_ones_are_read(shape in proptest::collection::vec(0..4_u8, 0..40)) {
            let (mut text, mut depth) = ("BEGIN:T\n".to_owned(), 1);
            for kind in shape {
                match kind {
                    0 if depth < DEPTH_MAX => { text += "BEGIN:T\r\n"; depth += 1; }
                    1 if depth > 1 => { text += "END:T\n"; depth -= 1; }
                    2 => text += "\r\n",
                    _ => text += "a.P;Q=1,\"2;\";R:v\r\n\tw\r\n",
                }
            }
            text += &"END:T\r\n".repeat(depth);
            prop_assert!(all_is_covered(text.as_bytes()));
        }
    }
}
