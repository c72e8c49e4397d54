//! Whether tests hold.

use super::{Run, Stopped};
use crate::date::{Moment, written_offset};
use crate::limits::STEP_BYTES;
use crate::matching::{compare, contains, matches};
use crate::message::{Field, Written, written};
use crate::script::{AddressPart, DatePart, Index, Match, MatchKind, Test, Transform, Zone};
use crate::text::Text;
use octroi_mime::sent_date;
use octroi_model::Address;

impl Run<'_> {
    // tidy: table
    pub(super) fn test(&mut self, test: &Test) -> Result<bool, Stopped> {
        self.budget.spend(STEP_BYTES as usize)?;
        match test {
            Test::True => Ok(true),
            Test::False => Ok(false),
            Test::Not(inner) => Ok(!self.test(inner)?),
            // RFC 5228 sections 5.2 and 5.3: no more are looked at than it takes.
            Test::All(all) => {
                for one in all {
                    if !self.test(one)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Test::Any(any) => {
                for one in any {
                    if self.test(one)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Test::Size { over, than } => Ok(if *over { self.facts.bytes > *than } else { self.facts.bytes < *than }),
            Test::Exists(names) => Ok(self.expand_all(names)?.iter().all(|name| self.message.has(name))),
            Test::Header { headers, index, matching, keys } => {
                let values = self.of_fields(headers, *index, |field| vec![field.value().to_owned()])?;
                self.any(&values, *matching, keys)
            }
            Test::Address { headers, part, index, matching, keys } => {
                let of = |field: &Field<'_>| written(field.raw).iter().filter_map(|address| of_written(address, *part)).collect();
                let values = self.of_fields(headers, *index, of)?;
                self.any(&values, *matching, keys)
            }
            Test::Envelope { parts, part, matching, keys } => {
                let mut values = Vec::new();
                for name in self.expand_all(parts)? {
                    match self.facts.from {
                        _ if name.eq_ignore_ascii_case("to") => values.extend(of_address(self.facts.to, *part)),
                        Some(from) if name.eq_ignore_ascii_case("from") => values.extend(of_address(from, *part)),
                        // RFC 5228 section 5.4: the null path is the empty string, whatever part is asked for.
                        None if name.eq_ignore_ascii_case("from") => values.push(String::new()),
                        _ => {}
                    }
                }
                self.any(&values, *matching, keys)
            }
            Test::String { sources, matching, keys } => {
                let mut values = self.expand_all(sources)?;
                if matches!(matching.kind, MatchKind::Count(_)) {
                    // RFC 5229 section 5.
                    values.retain(|value| !value.is_empty());
                }
                self.any(&values, *matching, keys)
            }
            Test::HasFlag { variables, matching, keys } => self.hasflag(variables.as_deref(), *matching, keys),
            Test::MailboxExists(names) => Ok(self.expand_all(names)?.iter().all(|name| self.facts.mailboxes.exists(name))),
            Test::Date { header, index, zone, part, matching, keys } => {
                let of = |field: &Field<'_>| dated(field, zone, *part).into_iter().collect();
                let values = self.of_fields(std::slice::from_ref(header), *index, of)?;
                self.any(&values, *matching, keys)
            }
            Test::CurrentDate { zone, part, matching, keys } => {
                let offset = if let Zone::Offset(minutes) = zone { *minutes } else { 0 };
                self.any(&[Moment::new(self.facts.now, offset).part(*part)], *matching, keys)
            }
            Test::Body { transform, matching, keys } => self.body(transform, *matching, keys),
        }
    }

    /// Values of the fields of these names.
    fn of_fields(&mut self, names: &[Text], index: Index, of: impl Fn(&Field<'_>) -> Vec<String>) -> Result<Vec<String>, Stopped> {
        let mut values = Vec::new();
        for name in self.expand_all(names)? {
            let mut named = self.message.named(&name);
            let nth = |number: u64| usize::try_from(number - 1).unwrap_or(usize::MAX);
            let chosen: Vec<&Field<'_>> = match index {
                Index::Every => named.collect(),
                Index::First(number) => named.nth(nth(number)).into_iter().collect(),
                Index::Last(number) => named.nth_back(nth(number)).into_iter().collect(),
            };
            for field in chosen {
                self.budget.spend(field.raw.len())?;
                values.extend(of(field));
            }
        }
        Ok(values)
    }

    /// Does any value match any key?
    fn any(&mut self, values: &[String], matching: Match, keys: &[Text]) -> Result<bool, Stopped> {
        let keys = self.expand_all(keys)?;
        self.any_of(values, matching, &keys)
    }

    fn any_of(&mut self, values: &[String], matching: Match, keys: &[String]) -> Result<bool, Stopped> {
        if let MatchKind::Count(relation) = matching.kind {
            let count = values.len().to_string();
            for key in keys {
                if relation.holds(compare(&count, key, matching.comparator, &mut self.budget)?) {
                    return Ok(true);
                }
            }
            return Ok(false);
        }
        for value in values {
            for key in keys {
                if self.matches(value, matching, key)? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    fn matches(&mut self, value: &str, matching: Match, key: &str) -> Result<bool, Stopped> {
        let (comparator, budget) = (matching.comparator, &mut self.budget);
        Ok(match matching.kind {
            MatchKind::Is => compare(value, key, comparator, budget)?.is_eq(),
            MatchKind::Contains => contains(value, key, comparator, budget)?,
            MatchKind::Value(relation) => relation.holds(compare(value, key, comparator, budget)?),
            // Counted by the caller.
            MatchKind::Count(_) => false,
            MatchKind::Matches => match matches(value, key, comparator, budget)? {
                None => false,
                Some(found) => {
                    self.variables.matched = std::iter::once(value.to_owned()).chain(found).collect();
                    true
                }
            },
        })
    }

    /// RFC 5232 section 4.
    fn hasflag(&mut self, variables: Option<&[Text]>, matching: Match, keys: &[Text]) -> Result<bool, Stopped> {
        let mut values = Vec::new();
        match variables {
            None => values.clone_from(&self.flags),
            Some(names) => {
                for name in self.expand_all(names)? {
                    values.extend(self.flags_in(Some(&name)));
                }
            }
        }
        let mut keys = self.expand_all(keys)?;
        if !matches!(matching.kind, MatchKind::Count(_) | MatchKind::Value(_)) {
            keys = keys.iter().flat_map(|key| key.split_ascii_whitespace()).map(str::to_owned).collect();
        }
        self.any_of(&values, matching, &keys)
    }

    /// RFC 5173.
    fn body(&mut self, transform: &Transform, matching: Match, keys: &[Text]) -> Result<bool, Stopped> {
        let wanted = match transform {
            Transform::Raw => {
                let raw = self.message.raw_body();
                return self.any(&[raw], matching, keys);
            }
            Transform::Text => vec!["text".to_owned()],
            Transform::Content(types) => self.expand_all(types)?,
        };
        let is_wanted = |kind: &str| {
            wanted.iter().any(|wanted| {
                let wanted = wanted.to_lowercase();
                // RFC 5173 section 5.2: all, a whole type, or one subtype.
                wanted.is_empty() || kind == wanted || kind.split_once('/').is_some_and(|(whole, _)| whole == wanted)
            })
        };
        let texts = self.message.texts().iter().filter(|(kind, _)| is_wanted(kind));
        let values: Vec<String> = texts.map(|(_, text)| text.clone()).collect();
        self.any(&values, matching, keys)
    }
}

fn of_address(address: &Address, part: AddressPart) -> Option<String> {
    of_written(&Written { local: address.local().to_owned(), domain: address.domain().to_owned() }, part)
}

/// RFC 5228 section 2.7.4, RFC 5233 section 4.
fn of_written(address: &Written, part: AddressPart) -> Option<String> {
    let Written { local, domain } = address;
    match part {
        AddressPart::All if domain.is_empty() => Some(local.clone()),
        AddressPart::All => Some(format!("{local}@{domain}")),
        AddressPart::Local => Some(local.clone()),
        AddressPart::Domain => Some(domain.clone()),
        AddressPart::User => Some(local.split_once('+').map_or(local.as_str(), |(user, _)| user).to_owned()),
        // Without a separator there is no detail, not even an empty one.
        AddressPart::Detail => local.split_once('+').map(|(_, detail)| detail.to_owned()),
    }
}

/// A part of a date in a field: behind its last semicolon, as Received has it (RFC 5260 section 4).
fn dated(field: &Field<'_>, zone: &Zone, part: DatePart) -> Option<String> {
    let value = field.value();
    let text = value.rsplit_once(';').map_or(value, |(_, date)| date);
    let unix = sent_date(text.as_bytes())?.unix;
    let offset = match zone {
        Zone::Local => 0,
        Zone::Original => written_offset(text),
        Zone::Offset(minutes) => *minutes,
    };
    Some(Moment::new(unix, offset).part(part))
}
