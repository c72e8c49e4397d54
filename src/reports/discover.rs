//! Who wants to hear what: policies found by walking up the DNS (RFC 9989 section 4.10), and whether those who are to get a report about
//! another domain have said that they want to (RFC 9990 section 4).

use hickory_resolver::proto::rr::{RData, RecordType};
use octroi_dns::{NoAnswer, Resolver};
use octroi_reports::record::{self, Destination, DmarcRecord};
use std::time::Duration;

/// Labels of the longest name that is looked up after the first (RFC 9989 section 4.10): eight questions in all.
const LABELS_MAX: usize = 7;
/// How long one answer is waited for.
const WAIT: Duration = Duration::from_secs(15);

/// The DNS does not say at the moment.
#[derive(Debug)]
pub(super) struct Later(pub(super) String);

/// A policy.
#[derive(Debug, Clone)]
pub(super) struct Discovered {
    /// Where it stands.
    pub(super) domain: String,
    /// The domain of the whole organisation.
    pub(super) organisation: String,
    pub(super) record: DmarcRecord,
}

/// The texts of a name; none if there is no such name.
pub(super) async fn texts(resolver: &Resolver, name: &str) -> Result<Vec<String>, Later> {
    let asked = tokio::time::timeout(WAIT, resolver.look_up(name, RecordType::TXT)).await;
    match asked.map_err(|_| Later(format!("{name}: the DNS takes too long")))? {
        Ok(answer) => Ok(answer
            .records
            .iter()
            .filter_map(|record| match record {
                RData::TXT(txt) => Some(txt.txt_data.iter().map(|part| String::from_utf8_lossy(part)).collect()),
                _ => None,
            })
            .collect()),
        Err(NoAnswer::NoSuchName | NoAnswer::NoRecords | NoAnswer::NotAName(_)) => Ok(Vec::new()),
        Err(NoAnswer::Later(why)) => Err(Later(format!("{name}: {why}"))),
    }
}

/// The policy for authors of a domain; `None` if there is none.
pub(super) async fn discover(resolver: &Resolver, domain: &str) -> Result<Option<Discovered>, Later> {
    let mut found = Vec::new();
    for name in walk(domain) {
        if let Some(record) = record::dmarc(&texts(resolver, &format!("_dmarc.{name}")).await?) {
            let ends = record.psd.is_some();
            found.push((name, record));
            if ends {
                break;
            }
        }
    }
    Ok(choose(domain, found))
}

/// Names from a domain up to its top, the longest first.
fn walk(domain: &str) -> Vec<&str> {
    let mut names = vec![domain];
    let mut rest = domain;
    while let Some((_, above)) = rest.split_once('.').filter(|(_, above)| !above.is_empty()) {
        rest = above;
        if above.split('.').count() <= LABELS_MAX {
            names.push(above);
        }
    }
    names
}

/// RFC 9989 sections 4.10.1 and 4.10.2: of what was found, the longest name first.
fn choose(domain: &str, found: Vec<(&str, DmarcRecord)>) -> Option<Discovered> {
    let organisation = match found.last()? {
        // Right below a public suffix.
        (name, record) if record.psd == Some(true) && *name != domain => below(domain, name),
        (name, _) => *name,
    }
    .to_owned();
    let own = found.iter().position(|(name, _)| *name == domain);
    let at = own.or_else(|| found.iter().position(|(name, _)| *name == organisation)).unwrap_or(found.len() - 1);
    let (name, record) = found.into_iter().nth(at)?;
    Some(Discovered { domain: name.to_owned(), organisation, record })
}

/// The name one label longer than `suffix` on the way to `domain`.
fn below<'a>(domain: &'a str, suffix: &str) -> &'a str {
    let labels = suffix.split('.').count() + 1;
    let cut = domain.split('.').count().saturating_sub(labels);
    domain.splitn(cut + 1, '.').last().unwrap_or(domain)
}

/// Where a report about a policy's domain may go instead of `to`: there, if it is the same organisation or agrees, or where that one says;
/// nowhere otherwise.
pub(super) async fn is_allowed(resolver: &Resolver, policy: &Discovered, to: &Destination) -> Result<Vec<Destination>, Later> {
    let Destination::Mail(address, _) = to else { return Ok(Vec::new()) };
    let Some((_, host)) = address.rsplit_once('@') else { return Ok(Vec::new()) };
    let host = host.to_lowercase();
    let is_within = host == policy.organisation || host.strip_suffix(&policy.organisation).is_some_and(|rest| rest.ends_with('.'));
    if is_within && host == policy.domain {
        return Ok(vec![to.clone()]);
    }
    if is_within {
        let theirs = discover(resolver, &host).await?;
        if theirs.is_none_or(|theirs| theirs.organisation == policy.organisation) {
            return Ok(vec![to.clone()]);
        }
    }
    let texts = texts(resolver, &format!("{}._report._dmarc.{host}", policy.domain)).await?;
    if !record::allows(&texts) {
        return Ok(Vec::new());
    }
    // They may name another address, at the same host only.
    let at_host = |to: &Destination| matches!(to, Destination::Mail(address, _) if address.to_lowercase().ends_with(&format!("@{host}")));
    match record::dmarc(&texts).map(|record| record.rua).filter(|rua| !rua.is_empty()) {
        Some(rua) => Ok(rua.into_iter().filter(at_host).collect()),
        None => Ok(vec![to.clone()]),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn record(text: &str) -> DmarcRecord {
        record::dmarc(&[format!("v=DMARC1; {text}")]).unwrap()
    }

    #[test]
    fn the_walk_is_short() {
        assert_eq!(walk("a.b.example"), ["a.b.example", "b.example", "example"]);
        let long = walk("1.2.3.4.5.6.7.8.9.b.example");
        assert_eq!((long.len(), long[1]), (8, "6.7.8.9.b.example".split_once('.').map(|_| "5.6.7.8.9.b.example").unwrap()));
    }

    #[test]
    fn a_policy_is_that_of_the_domain_or_of_its_organisation() {
        let chosen = |domain: &str, found: &[(&'static str, &str)]| {
            let found = found.iter().map(|(name, text)| (*name, record(text))).collect();
            choose(domain, found).map(|found| (found.domain, found.organisation))
        };
        let expect = |domain: &str, organisation: &str| Some((domain.to_owned(), organisation.to_owned()));
        assert_eq!(chosen("a.b.example", &[]), None);
        assert_eq!(chosen("a.b.example", &[("b.example", "p=none")]), expect("b.example", "b.example"));
        assert_eq!(chosen("a.b.example", &[("a.b.example", "p=none"), ("b.example", "p=none")]), expect("a.b.example", "b.example"));
        assert_eq!(chosen("a.b.example", &[("a.b.example", "psd=n")]), expect("a.b.example", "a.b.example"));
        // A public suffix has a policy for all below it, and is nobody's organisation.
        assert_eq!(chosen("x.a.b.example", &[("b.example", "psd=y")]), expect("b.example", "a.b.example"));
        assert_eq!(chosen("x.a.b.example", &[("a.b.example", "p=none"), ("b.example", "psd=y")]), expect("a.b.example", "a.b.example"));
    }
}
