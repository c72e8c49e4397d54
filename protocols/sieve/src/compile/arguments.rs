//! Taking the arguments of a command or test one by one: tagged ones first, then those by position (RFC 5228 section 2.6).

use super::Context;
use crate::extension::{COMPARATORS, Extension};
use crate::lexer::Fault;
use crate::script::{AddressPart, Comparator, Index, Match, MatchKind, Relation};
use crate::syntax::Argument;
use crate::text::Text;
use std::collections::VecDeque;

/// The arguments that are left.
pub(crate) struct Arguments<'c> {
    pub(crate) context: &'c Context,
    name: &'c str,
    pub(crate) line: u32,
    rest: VecDeque<Argument>,
    seen: Vec<String>,
    match_kind: Option<MatchKind>,
    comparator: Option<Comparator>,
    part: Option<AddressPart>,
    number: Option<u64>,
    last: bool,
}

impl<'c> Arguments<'c> {
    pub(crate) fn new(context: &'c Context, name: &'c str, line: u32, arguments: Vec<Argument>) -> Self {
        let rest = arguments.into();
        Self { context, name, line, rest, seen: Vec::new(), match_kind: None, comparator: None, part: None, number: None, last: false }
    }

    pub(crate) fn fault(&self, text: impl Into<String>) -> Fault {
        Fault::new(self.line, text)
    }

    pub(crate) fn need(&self, extension: Extension, tag: &str) -> Result<(), Fault> {
        self.context.need(extension, &format!("`:{tag}`"), self.line)
    }

    /// The next tagged argument, which must not have been there before.
    pub(crate) fn tag(&mut self) -> Result<Option<String>, Fault> {
        let Some(Argument::Tag(_)) = self.rest.front() else { return Ok(None) };
        let Some(Argument::Tag(tag)) = self.rest.pop_front() else { return Ok(None) };
        if self.seen.contains(&tag) {
            return Err(self.fault(format!("`:{tag}` stands twice")));
        }
        self.seen.push(tag.clone());
        Ok(Some(tag))
    }

    pub(crate) fn unknown(&self, tag: &str) -> Fault {
        self.fault(format!("`{}` takes no `:{tag}`", self.name))
    }

    fn missing(&self, what: &str) -> Fault {
        match self.rest.front() {
            Some(Argument::Tag(tag)) => self.fault(format!("`:{tag}` belongs before the other arguments of `{}`", self.name)),
            _ => self.fault(format!("`{}` needs {what}", self.name)),
        }
    }

    pub(crate) fn number(&mut self, what: &str) -> Result<u64, Fault> {
        match self.rest.pop_front() {
            Some(Argument::Number(number)) => Ok(number),
            other => {
                self.rest.extend(other);
                Err(self.missing(what))
            }
        }
    }

    /// One string as it stands there.
    pub(crate) fn literal(&mut self, what: &str) -> Result<String, Fault> {
        match self.rest.pop_front() {
            Some(Argument::Strings { mut list, single: true }) => list.pop().ok_or_else(|| self.missing(what)),
            other => {
                if let Some(other) = other {
                    self.rest.push_front(other);
                }
                Err(self.missing(what))
            }
        }
    }

    pub(crate) fn string(&mut self, what: &str) -> Result<Text, Fault> {
        let literal = self.literal(what)?;
        self.context.text(&literal, self.line)
    }

    pub(crate) fn strings(&mut self, what: &str) -> Result<Vec<Text>, Fault> {
        match self.rest.pop_front() {
            Some(Argument::Strings { list, .. }) => list.iter().map(|text| self.context.text(text, self.line)).collect(),
            other => {
                if let Some(other) = other {
                    self.rest.push_front(other);
                }
                Err(self.missing(what))
            }
        }
    }

    /// How many are left.
    pub(crate) fn left(&self) -> usize {
        self.rest.len()
    }

    pub(crate) fn finish(self) -> Result<(), Fault> {
        if self.rest.is_empty() {
            return Ok(());
        }
        if matches!(self.rest.front(), Some(Argument::Tag(_))) {
            return Err(self.missing("nothing more"));
        }
        Err(self.fault(format!("`{}` has an argument too many", self.name)))
    }
}

/// What tests share.
impl Arguments<'_> {
    /// A tag of RFC 5228 section 2.7 (comparator, match type) or RFC 5231; false if it is none.
    pub(crate) fn take_matching(&mut self, tag: &str) -> Result<bool, Fault> {
        let kind = match tag {
            "is" => MatchKind::Is,
            "contains" => MatchKind::Contains,
            "matches" => MatchKind::Matches,
            "count" | "value" => {
                self.need(Extension::Relational, tag)?;
                let name = self.literal("a relation such as \"gt\"")?;
                let relation = Relation::parse(&name).ok_or_else(|| self.fault(format!("there is no relation \"{name}\"")))?;
                if tag == "count" { MatchKind::Count(relation) } else { MatchKind::Value(relation) }
            }
            "comparator" => {
                let name = self.literal("the name of a comparator")?;
                self.comparator = Some(self.comparator_named(&name)?);
                return Ok(true);
            }
            _ => return Ok(false),
        };
        if self.match_kind.replace(kind).is_some() {
            return Err(self.fault(format!("`{}` takes one of `:is`, `:contains`, `:matches`, `:count` and `:value`", self.name)));
        }
        Ok(true)
    }

    fn comparator_named(&self, name: &str) -> Result<Comparator, Fault> {
        let comparator = match name {
            "i;octet" => return Ok(Comparator::Octet),
            "i;ascii-casemap" => return Ok(Comparator::AsciiCasemap),
            "i;ascii-numeric" => Comparator::AsciiNumeric,
            "i;unicode-casemap" => Comparator::UnicodeCasemap,
            _ => return Err(self.fault(format!("there is no comparator \"{name}\"; there are {}", COMPARATORS.join(", ")))),
        };
        let extension = if comparator == Comparator::AsciiNumeric { Extension::AsciiNumeric } else { Extension::UnicodeCasemap };
        // RFC 5228 section 2.7.3.
        self.context.need(extension, &format!("the comparator \"{name}\""), self.line)?;
        Ok(comparator)
    }

    /// How values are compared, once all tags are taken.
    pub(crate) fn matching(&self) -> Result<Match, Fault> {
        let kind = self.match_kind.unwrap_or(MatchKind::Is);
        let comparator = match (kind, self.comparator) {
            // RFC 5231 section 4.2: a count is a number.
            (MatchKind::Count(_), None | Some(Comparator::AsciiNumeric)) => Comparator::AsciiNumeric,
            (MatchKind::Count(_), Some(_)) => return Err(self.fault("`:count` compares numbers: use \"i;ascii-numeric\"")),
            // RFC 4790 section 9.1.1: it has no substrings.
            (MatchKind::Contains | MatchKind::Matches, Some(Comparator::AsciiNumeric)) => {
                return Err(self.fault("\"i;ascii-numeric\" knows `:is`, `:value` and `:count` only"));
            }
            (_, comparator) => comparator.unwrap_or(Comparator::AsciiCasemap),
        };
        Ok(Match { kind, comparator })
    }

    /// A tag of RFC 5228 section 2.7.4 or RFC 5233; false if it is none.
    pub(crate) fn take_part(&mut self, tag: &str) -> Result<bool, Fault> {
        let part = match tag {
            "all" => AddressPart::All,
            "localpart" => AddressPart::Local,
            "domain" => AddressPart::Domain,
            "user" => AddressPart::User,
            "detail" => AddressPart::Detail,
            _ => return Ok(false),
        };
        if matches!(part, AddressPart::User | AddressPart::Detail) {
            self.need(Extension::Subaddress, tag)?;
        }
        if self.part.replace(part).is_some() {
            return Err(self.fault(format!("`{}` takes one part of an address", self.name)));
        }
        Ok(true)
    }

    pub(crate) fn part(&self) -> AddressPart {
        self.part.unwrap_or(AddressPart::All)
    }

    /// `:index` and `:last` of RFC 5260 section 6; false if it is neither.
    pub(crate) fn take_index(&mut self, tag: &str) -> Result<bool, Fault> {
        match tag {
            "index" => {
                self.need(Extension::Index, tag)?;
                let number = self.number("a number behind `:index`")?;
                if number == 0 {
                    return Err(self.fault("`:index` counts from 1"));
                }
                self.number = Some(number);
            }
            "last" => {
                self.need(Extension::Index, tag)?;
                self.last = true;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    pub(crate) fn index(&self) -> Result<Index, Fault> {
        match (self.number, self.last) {
            (Some(number), false) => Ok(Index::First(number)),
            (Some(number), true) => Ok(Index::Last(number)),
            (None, true) => Err(self.fault("`:last` needs `:index`")),
            (None, false) => Ok(Index::Every),
        }
    }
}
