//! The components of a calendar object as octets, for whoever puts several objects into one.

use crate::content::ContentLine;
use crate::lines::Lines;

/// A component directly in the calendar, from its BEGIN to its END, line ends included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component<'a> {
    /// Its name in upper case, such as `VEVENT`.
    pub name: String,
    /// `TZID`, of a time zone.
    pub tzid: Option<String>,
    /// As they stand in the object.
    pub octets: &'a [u8],
}

/// The components of a calendar object. Of octets that are none, whatever looks like components.
pub fn components(octets: &[u8]) -> Vec<Component<'_>> {
    let mut found = Vec::new();
    let mut depth = 0_usize;
    let mut open: Option<(usize, Component<'_>)> = None;
    for line in Lines::new(octets) {
        let unfolded = line.unfolded();
        let unfolded = unfolded.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&unfolded);
        let Ok(content) = ContentLine::parse(unfolded) else { continue };
        if content.is("BEGIN") {
            depth += 1;
            if depth == 2 {
                let name = content.value.trim().to_ascii_uppercase();
                open = Some((line.range.start, Component { name, tzid: None, octets: &[] }));
            }
        } else if content.is("END") {
            if depth == 2
                && let Some((start, component)) = open.take()
            {
                found.push(Component { octets: &octets[start..line.range.end], ..component });
            }
            depth = depth.saturating_sub(1);
        } else if let (2, Some((_, component)), true) = (depth, &mut open, content.is("TZID"))
            && component.name == "VTIMEZONE"
        {
            component.tzid = Some(content.value.trim().to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn components_come_out_as_they_went_in() {
        let object = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VTIMEZONE\r\nTZID:Europe/Paris\r\nBEGIN:STANDARD\r\nTZID:x\r\nEND:STANDARD\r\n\
            END:VTIMEZONE\r\nX-BETWEEN:1\r\nBEGIN:VEVENT\r\nSUMMARY:f\r\n olded\nBEGIN:VALARM\r\nEND:VALARM\r\nEND:VEVENT\r\nbegin:vtodo\r\nend:vtodo\r\n\
            END:VCALENDAR\r\n";
        let found = components(object);
        let names: Vec<_> = found.iter().map(|component| (component.name.as_str(), component.tzid.as_deref())).collect();
        assert_eq!(names, [("VTIMEZONE", Some("Europe/Paris")), ("VEVENT", None), ("VTODO", None)]);
        let event = &b"BEGIN:VEVENT\r\nSUMMARY:f\r\n olded\nBEGIN:VALARM\r\nEND:VALARM\r\nEND:VEVENT\r\n"[..];
        assert_eq!(found[1].octets, event);
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "((BEGIN|END|TZID|X):(VCALENDAR|VEVENT|VTIMEZONE|a)?\r?\n ?){0,12}") {
            for component in components(text.as_bytes()) {
                prop_assert!(component.octets.len() <= text.len());
            }
        }
    }
}
