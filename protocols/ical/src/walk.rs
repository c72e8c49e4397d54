//! The component tree: BEGIN and END in balance, within the limits. Called by the two validators.

use crate::content::ContentLine;
use crate::invalid::Invalid;
use crate::limits::{DEPTH_MAX, LINES_MAX, OBJECT_BYTES_MAX};
use crate::lines::Lines;

/// What a content line does in the tree.
pub(crate) enum Entry<'t> {
    /// A component begins; its name in upper case.
    Begin(&'t str),
    /// A property of the innermost open component.
    Property(&'t ContentLine<'t>),
    /// The innermost component has ended.
    End,
}

/// Who is shown the lines of an object.
pub(crate) trait Visit {
    /// One line, with the names of the components around it, outermost first; a component is not around its own BEGIN and END.
    fn entry(&mut self, around: &[String], entry: Entry<'_>) -> Result<(), Invalid>;
}

/// Shows every line but blank ones.
pub(crate) fn walk(octets: &[u8], visitor: &mut impl Visit) -> Result<(), Invalid> {
    if octets.len() > OBJECT_BYTES_MAX {
        return Err(Invalid::TooLarge);
    }
    // A byte order mark is no part of the first name.
    let octets = octets.strip_prefix(b"\xef\xbb\xbf").unwrap_or(octets);
    let mut open: Vec<String> = Vec::new();
    for (line, number) in Lines::new(octets).zip(1..) {
        if number > LINES_MAX {
            return Err(Invalid::TooLarge);
        }
        if line.is_blank() {
            continue;
        }
        let unfolded = line.unfolded();
        let content = ContentLine::parse(&unfolded).map_err(|fault| Invalid::Line { number, fault })?;
        if content.is("BEGIN") {
            let name = content.value.trim().to_ascii_uppercase();
            visitor.entry(&open, Entry::Begin(&name))?;
            if open.len() == DEPTH_MAX {
                return Err(Invalid::TooDeep);
            }
            open.push(name);
        } else if content.is("END") {
            let begun = open.pop();
            if !begun.is_some_and(|name| name.eq_ignore_ascii_case(content.value.trim())) {
                return Err(Invalid::Unbalanced { number });
            }
            visitor.entry(&open, Entry::End)?;
        } else if open.is_empty() {
            return Err(Invalid::Outside { number });
        } else {
            visitor.entry(&open, Entry::Property(&content))?;
        }
    }
    match open.pop() {
        Some(name) => Err(Invalid::Open(name)),
        None => Ok(()),
    }
}
