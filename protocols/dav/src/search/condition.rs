//! The conditions of a query (RFC 5323 section 5.5), and what comes of each for a resource.

use super::Value;
use crate::names::DAV;
use crate::property::{Subject, Viewer};
use crate::refusal::Fault;
use crate::xml::{Element, ElementName};
use http::StatusCode;
use octroi_mime::collation_key;
use std::cmp::Ordering;

/// Conditions of one query.
const CONDITIONS_MAX: usize = 100;
/// Bytes of a pattern or a text that is looked for.
const TEXT_BYTES_MAX: usize = 1024;

/// A condition.
#[derive(Debug, Clone)]
pub(crate) enum Condition {
    And(Vec<Condition>),
    Or(Vec<Condition>),
    Not(Box<Condition>),
    Compare {
        is: Comparison,
        property: ElementName,
        literal: String,
        caseless: bool,
    },
    Like {
        property: ElementName,
        pattern: Vec<Piece>,
        caseless: bool,
    },
    IsCollection,
    IsDefined(ElementName),
    /// The text is in the name or in the content; as a collation key.
    Contains(String),
    /// Something we do not know: never true.
    Unknown,
}

/// How a value is to stand to the literal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Eq,
    Lt,
    Lte,
    Gt,
    Gte,
}

/// A piece of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// `%`
    Any,
    /// `_`
    One,
    Exactly(char),
}

/// A resource with what a condition may ask of it beside its properties.
pub(crate) struct Candidate<'a> {
    pub subject: &'a Subject<'a>,
    pub viewer: &'a Viewer,
    /// Its URL segment.
    pub name: &'a str,
    /// Which of the texts that the query looks for its content has, as far as that is known.
    pub contains: &'a [Option<bool>],
}

impl Condition {
    /// Read the one in `where`.
    pub(crate) fn read(element: &Element) -> Result<Self, Fault> {
        let mut left = CONDITIONS_MAX;
        match element.children.as_slice() {
            [one] => Self::one(one, &mut left),
            _ => Err(bad()),
        }
    }

    fn one(element: &Element, left: &mut usize) -> Result<Self, Fault> {
        *left = left.checked_sub(1).ok_or(Fault::Status(StatusCode::PAYLOAD_TOO_LARGE, "The query has too many conditions."))?;
        if element.name.namespace != DAV {
            return Ok(Self::Unknown);
        }
        let comparison = |is| Self::comparison(element, is);
        match element.name.local.as_str() {
            "and" => Ok(Self::And(Self::all(element, left)?)),
            "or" => Ok(Self::Or(Self::all(element, left)?)),
            "not" => match element.children.as_slice() {
                [one] => Ok(Self::Not(Box::new(Self::one(one, left)?))),
                _ => Err(bad()),
            },
            "eq" => comparison(Comparison::Eq),
            "lt" => comparison(Comparison::Lt),
            "lte" => comparison(Comparison::Lte),
            "gt" => comparison(Comparison::Gt),
            "gte" => comparison(Comparison::Gte),
            "like" => {
                let pattern = pattern(bounded(element.child(DAV, "literal").ok_or_else(bad)?.text.as_str())?);
                Ok(Self::Like { property: property(element)?, pattern, caseless: is_caseless(element) })
            }
            "is-collection" => Ok(Self::IsCollection),
            "is-defined" => Ok(Self::IsDefined(property(element)?)),
            "contains" => Ok(Self::Contains(collation_key(bounded(element.trimmed())?).into_owned())),
            _ => Ok(Self::Unknown),
        }
    }

    fn all(element: &Element, left: &mut usize) -> Result<Vec<Self>, Fault> {
        if element.children.is_empty() {
            return Err(bad());
        }
        element.children.iter().map(|child| Self::one(child, left)).collect()
    }

    fn comparison(element: &Element, is: Comparison) -> Result<Self, Fault> {
        let literal = element.child(DAV, "literal").or_else(|| element.child(DAV, "typed-literal")).ok_or_else(bad)?;
        let literal = bounded(&literal.text)?.to_owned();
        Ok(Self::Compare { is, property: property(element)?, literal, caseless: is_caseless(element) })
    }

    /// The texts that contents are to be looked through for, in the order in which [`Candidate::contains`] has them.
    pub(crate) fn texts<'a>(&'a self, into: &mut Vec<&'a str>) {
        match self {
            Self::And(all) | Self::Or(all) => all.iter().for_each(|one| one.texts(into)),
            Self::Not(one) => one.texts(into),
            Self::Contains(text) => into.push(text),
            _ => {}
        }
    }

    /// Can it be true, as far as is known without the content?
    pub(crate) fn holds(&self, of: &Candidate<'_>) -> Option<bool> {
        self.judge(of, &mut 0)
    }

    /// RFC 5323 section 5.5.3; `at` counts the texts.
    fn judge(&self, of: &Candidate<'_>, at: &mut usize) -> Option<bool> {
        match self {
            Self::And(all) => {
                let judged: Vec<Option<bool>> = all.iter().map(|one| one.judge(of, at)).collect();
                if judged.contains(&Some(false)) {
                    Some(false)
                } else if judged.contains(&None) {
                    None
                } else {
                    Some(true)
                }
            }
            Self::Or(all) => {
                let judged: Vec<Option<bool>> = all.iter().map(|one| one.judge(of, at)).collect();
                if judged.contains(&Some(true)) {
                    Some(true)
                } else if judged.contains(&None) {
                    None
                } else {
                    Some(false)
                }
            }
            Self::Not(one) => one.judge(of, at).map(|holds| !holds),
            Self::Compare { is, property, literal, caseless } => {
                let order = Value::of(property, of.subject, of.viewer)?.compare(literal, *caseless)?;
                Some(match is {
                    Comparison::Eq => order == Ordering::Equal,
                    Comparison::Lt => order == Ordering::Less,
                    Comparison::Lte => order != Ordering::Greater,
                    Comparison::Gt => order == Ordering::Greater,
                    Comparison::Gte => order != Ordering::Less,
                })
            }
            Self::Like { property, pattern, caseless } => {
                let value = Value::of(property, of.subject, of.viewer)?.text();
                Some(if *caseless { fits(&lower(pattern), &value.to_lowercase()) } else { fits(pattern, &value) })
            }
            Self::IsCollection => Some(!matches!(of.subject, Subject::File { .. })),
            Self::IsDefined(property) => Some(Value::of(property, of.subject, of.viewer).is_some()),
            Self::Contains(text) => {
                let index = *at;
                *at += 1;
                if collation_key(of.name).contains(text.as_str()) {
                    return Some(true);
                }
                of.contains.get(index).copied().flatten()
            }
            Self::Unknown => None,
        }
    }
}

fn bad() -> Fault {
    Fault::Status(StatusCode::BAD_REQUEST, "The query cannot be read.")
}

fn bounded(text: &str) -> Result<&str, Fault> {
    if text.len() <= TEXT_BYTES_MAX {
        Ok(text)
    } else {
        Err(Fault::Status(StatusCode::PAYLOAD_TOO_LARGE, "A text of the query is too long."))
    }
}

fn property(element: &Element) -> Result<ElementName, Fault> {
    let prop = element.child(DAV, "prop").ok_or_else(bad)?;
    match prop.children.as_slice() {
        [one] => Ok(one.name.clone()),
        _ => Err(bad()),
    }
}

/// In any case of letters, unless `caseless="no"`: which of both is the default is the server's choice (section 5.5.1).
fn is_caseless(element: &Element) -> bool {
    element.attribute("caseless") != Some("no")
}

/// RFC 5323 section 5.12.
fn pattern(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let piece = match character {
            '%' => Piece::Any,
            '_' => Piece::One,
            '\\' => Piece::Exactly(characters.next().unwrap_or('\\')),
            other => Piece::Exactly(other),
        };
        // Two in a row say no more than one.
        if piece != Piece::Any || pieces.last() != Some(&Piece::Any) {
            pieces.push(piece);
        }
    }
    pieces
}

fn lower(pattern: &[Piece]) -> Vec<Piece> {
    let one = |piece: &Piece| match piece {
        Piece::Exactly(character) => character.to_lowercase().map(Piece::Exactly).collect::<Vec<_>>(),
        other => vec![other.clone()],
    };
    pattern.iter().flat_map(one).collect()
}

/// Goes back to the last `%` only, so the time is at most the product of both lengths.
fn fits(pattern: &[Piece], text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(Piece::Any) => {
                back = Some((p + 1, t));
                p += 1;
            }
            Some(Piece::One) => (p, t) = (p + 1, t + 1),
            Some(Piece::Exactly(character)) if *character == text[t] => (p, t) = (p + 1, t + 1),
            _ => match back {
                Some((after, from)) => {
                    back = Some((after, from + 1));
                    (p, t) = (after, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|piece| *piece == Piece::Any)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::xml::parse;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Condition, Fault> {
        Condition::read(&parse(format!(r#"<D:where xmlns:D="DAV:">{text}</D:where>"#).as_bytes()).unwrap())
    }

    fn holds(condition: &str, contains: &[Option<bool>]) -> Option<bool> {
        let viewer = Viewer {
            address: "lea@a.example".parse().unwrap(),
            display_name: "Léa".into(),
            groups: vec![],
            shares: false,
            config: std::sync::Arc::default(),
            scheduling: None,
            stands_for: Vec::new(),
            directory: None,
        };
        let candidate = Candidate { subject: &Subject::Fixed("Rapport annuel"), viewer: &viewer, name: "rapport.txt", contains };
        read(condition).unwrap_or_else(|_| panic!("{condition}")).holds(&candidate)
    }

    #[test]
    fn three_values() {
        let yes = "<D:is-collection/>";
        let no = "<D:not><D:is-collection/></D:not>";
        let unknown = "<D:eq><D:prop><D:nothing/></D:prop><D:literal>x</D:literal></D:eq>";
        for (condition, value) in [
            (yes.to_owned(), Some(true)),
            (unknown.to_owned(), None),
            (format!("<D:not>{unknown}</D:not>"), None),
            (format!("<D:and>{yes}{unknown}</D:and>"), None),
            (format!("<D:and>{no}{unknown}</D:and>"), Some(false)),
            (format!("<D:or>{yes}{unknown}</D:or>"), Some(true)),
            (format!("<D:or>{no}{unknown}</D:or>"), None),
            ("<D:is-defined><D:prop><D:nothing/></D:prop></D:is-defined>".to_owned(), Some(false)),
            ("<D:foo/>".to_owned(), None),
        ] {
            assert_eq!(holds(&condition, &[]), value, "{condition}");
        }
    }

    #[test]
    fn names_and_patterns() {
        let name = |op: &str, more: &str, literal: &str| {
            holds(&format!("<D:{op}{more}><D:prop><D:displayname/></D:prop><D:literal>{literal}</D:literal></D:{op}>"), &[])
        };
        assert_eq!(name("eq", "", "rapport annuel"), Some(true));
        assert_eq!(name("eq", " caseless='no'", "rapport annuel"), Some(false));
        assert_eq!(name("like", "", "rap%"), Some(true));
        assert_eq!(name("like", "", "%annuel"), Some(true));
        assert_eq!(name("like", "", "r_pport%l"), Some(true));
        assert_eq!(name("like", "", "rapport"), Some(false));
        assert_eq!(name("like", "", "rapport\\%annuel"), Some(false));
        assert_eq!(holds("<D:contains>RAPPORT</D:contains>", &[]), Some(true));
        assert_eq!(holds("<D:contains>douane</D:contains>", &[]), None);
        assert_eq!(holds("<D:or><D:contains>x</D:contains><D:contains>douane</D:contains></D:or>", &[Some(false), Some(true)]), Some(true));
    }

    #[test]
    fn what_cannot_be_read_or_is_too_much_is_refused() {
        for bad in [
            "",
            "<D:and/>",
            "<D:not/>",
            "<D:eq><D:prop><D:a/><D:b/></D:prop><D:literal/></D:eq>",
            "<D:like><D:prop><D:a/></D:prop></D:like>",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert!(read(&format!("<D:and>{}</D:and>", "<D:is-collection/>".repeat(CONDITIONS_MAX))).is_err());
        assert!(read(&format!("<D:contains>{}</D:contains>", "x".repeat(TEXT_BYTES_MAX + 1))).is_err());
    }

    proptest! {
        /// Against the plainest way to say it.
        #[test]
        fn patterns_fit_what_they_say(pieces in "[ab%_]{0,8}", text in "[ab]{0,10}") {
            fn plain(pattern: &[char], text: &[char]) -> bool {
                match pattern.split_first() {
                    None => text.is_empty(),
                    Some(('%', rest)) => (0..=text.len()).any(|at| plain(rest, &text[at..])),
                    Some(('_', rest)) => !text.is_empty() && plain(rest, &text[1..]),
                    Some((one, rest)) => text.first() == Some(one) && plain(rest, &text[1..]),
                }
            }
            let (characters, letters): (Vec<char>, Vec<char>) = (pieces.chars().collect(), text.chars().collect());
            prop_assert_eq!(fits(&pattern(&pieces), &text), plain(&characters, &letters));
        }
    }
}
