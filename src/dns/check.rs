//! What of the wanted records is there, and what to do about the rest.

use super::records::{Data, Need, Record};
use hickory_resolver::TokioResolver;
use hickory_resolver::net::NetError;
use hickory_resolver::proto::rr::{RData, RecordType};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

/// How long one answer is waited for.
const WAIT: Duration = Duration::from_secs(15);

/// How a record stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// It says what it should; perhaps there is more to say.
    There(Option<String>),
    Missing,
    /// What is there instead.
    Differs(String),
    /// The DNS did not answer.
    Unknown(String),
}

/// A record with how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) record: Record,
    pub(crate) found: Found,
}

impl Line {
    /// Something must be done about it.
    pub(crate) fn is_fault(&self) -> bool {
        self.record.need == Need::Must && !matches!(self.found, Found::There(_))
    }

    /// For people: how it stands, and what to do.
    pub(crate) fn say(&self) -> String {
        let record = &self.record;
        let wish = match record.need {
            Need::Must => "publish",
            Need::May => "optional",
            Need::Soon => "publish, then the new keys can sign",
        };
        match &self.found {
            Found::There(None) => format!("there    {}", short(record)),
            Found::There(Some(note)) => format!("there    {}\n         {note}", short(record)),
            Found::Missing => format!("missing  {}\n         {wish}: {record}", short(record)),
            Found::Differs(what) => format!("differs  {}\n         found: {what}\n         {wish}: {record}", short(record)),
            Found::Unknown(why) => format!("unknown  {}\n         the DNS did not answer: {why}", short(record)),
        }
    }
}

fn short(record: &Record) -> String {
    let kind = match record.data {
        Data::Address(_) => "A/AAAA",
        Data::Mx(_) => "MX",
        Data::Txt(_) => "TXT",
        Data::Srv { .. } => "SRV",
        Data::Cname(_) => "CNAME",
        Data::Tlsa(_) => "TLSA",
    };
    format!("{} {kind}", record.name)
}

/// Look a record up.
pub(crate) async fn look(resolver: &TokioResolver, record: Record) -> Line {
    let found = match &record.data {
        Data::Address(wanted) => address(resolver, &record.name, *wanted).await,
        Data::Mx(host) => mx(resolver, &record.name, host).await,
        Data::Txt(text) => txt(resolver, &record.name, text).await,
        Data::Cname(host) => cname(resolver, &record.name, host).await,
        Data::Srv { .. } | Data::Tlsa(_) => other(resolver, &record).await,
    };
    Line { found: found.unwrap_or_else(Found::Unknown), record }
}

type Outcome = Result<Found, String>;

/// All that a name has of a kind; nothing when there is none.
async fn all(resolver: &TokioResolver, name: &str, kind: RecordType) -> Result<Vec<RData>, String> {
    let looked_up = tokio::time::timeout(WAIT, resolver.lookup(name, kind)).await.map_err(|_| "it takes too long".to_owned())?;
    match looked_up {
        Ok(found) => Ok(found.answers().iter().map(|record| record.data.clone()).filter(|data| data.record_type() == kind).collect()),
        Err(error) if NetError::is_no_records_found(&error) => Ok(Vec::new()),
        Err(error) => Err(error.to_string()),
    }
}

async fn addresses(resolver: &TokioResolver, name: &str) -> Result<Vec<IpAddr>, String> {
    let mut found = Vec::new();
    for kind in [RecordType::A, RecordType::AAAA] {
        found.extend(all(resolver, name, kind).await?.iter().filter_map(RData::ip_addr));
    }
    Ok(found)
}

/// The host's addresses, which must point back to its name: others refuse mail from those that do not.
async fn address(resolver: &TokioResolver, name: &str, wanted: Option<IpAddr>) -> Outcome {
    let found = addresses(resolver, name).await?;
    if found.is_empty() {
        return Ok(Found::Missing);
    }
    if let Some(wanted) = wanted.filter(|wanted| !found.contains(wanted)) {
        return Ok(Found::Differs(format!("{}, without {wanted}", listed(&found))));
    }
    for ip in found.iter().filter(|ip| !ip.is_loopback()) {
        let names = match tokio::time::timeout(WAIT, resolver.reverse_lookup(*ip)).await {
            Ok(Ok(names)) => names.answers().iter().map(|record| record.data.to_string()).collect(),
            Ok(Err(error)) if error.is_no_records_found() => Vec::new(),
            Ok(Err(error)) => return Err(error.to_string()),
            Err(_) => return Err("it takes too long".to_owned()),
        };
        if !names.iter().any(|back: &String| same_name(back, name)) {
            return Ok(Found::Differs(format!("{ip} does not point back to {name}: ask who runs the network for a PTR record")));
        }
    }
    Ok(Found::There(Some(listed(&found))))
}

async fn mx(resolver: &TokioResolver, name: &str, host: &str) -> Outcome {
    let found = all(resolver, name, RecordType::MX).await?;
    let hosts: Vec<String> = found
        .iter()
        .filter_map(|data| match data {
            RData::MX(mx) => Some(mx.exchange.to_ascii()),
            _ => None,
        })
        .collect();
    Ok(match hosts.iter().any(|found| same_name(found, host)) {
        _ if hosts.is_empty() => Found::Missing,
        true => Found::There((hosts.len() > 1).then(|| format!("with others: {}", listed(&hosts)))),
        false => Found::Differs(listed(&hosts)),
    })
}

async fn cname(resolver: &TokioResolver, name: &str, host: &str) -> Outcome {
    let (found, wanted): (BTreeSet<IpAddr>, BTreeSet<IpAddr>) =
        (addresses(resolver, name).await?.into_iter().collect(), addresses(resolver, host).await?.into_iter().collect());
    // Whether by a CNAME or by addresses of its own is all the same.
    Ok(match found.is_empty() {
        true => Found::Missing,
        false if found == wanted => Found::There(None),
        false => Found::Differs(listed(&found)),
    })
}

async fn txt(resolver: &TokioResolver, name: &str, wanted: &str) -> Outcome {
    let found = all(resolver, name, RecordType::TXT).await?;
    let texts: Vec<String> = found
        .iter()
        .filter_map(|data| match data {
            RData::TXT(txt) => Some(txt.txt_data.iter().map(|string| String::from_utf8_lossy(string)).collect()),
            _ => None,
        })
        .collect();
    Ok(compare(&texts, wanted))
}

/// Texts of other kinds may stand beside it.
pub(super) fn compare(texts: &[String], wanted: &str) -> Found {
    let version = wanted.split([';', ' ']).next().unwrap_or(wanted);
    // The version of a key's record may be left out (RFC 6376 section 3.6.1).
    let is_key = version == "v=DKIM1";
    let ours: Vec<&String> =
        texts.iter().filter(|text| text.split([';', ' ']).next() == Some(version) || is_key && text.contains("p=")).collect();
    let tag = |text: &str, name: &str| {
        let tag = text.split(';').filter_map(|tag| tag.split_once('=')).find(|(key, _)| key.trim() == name);
        tag.map(|(_, value)| value.split_ascii_whitespace().collect::<String>())
    };
    match ours.as_slice() {
        [] => Found::Missing,
        [text] if is_key => {
            if tag(text, "p") == tag(wanted, "p") {
                Found::There(None)
            } else {
                Found::Differs((*text).clone())
            }
        }
        // RFC 9990 section 4: that it is there allows it.
        [_, ..] if wanted == "v=DMARC1" => Found::There(None),
        [text] if version == "v=DMARC1" => {
            let (policy, rua) = (tag(text, "p"), tag(text, "rua").unwrap_or_default());
            let astray = tag(wanted, "rua").filter(|address| !rua.split(',').any(|uri| uri.split('!').next() == Some(address)));
            match policy.as_deref() {
                Some("reject" | "quarantine" | "none") if let Some(address) = astray => {
                    Found::There(Some(format!("its reports do not come here, where `octroi reports` would show them: rua={address}")))
                }
                Some("reject" | "quarantine") => Found::There(None),
                Some("none") => {
                    Found::There(Some("p=none only watches: make it quarantine, then reject, when the reports show no faults".to_owned()))
                }
                _ => Found::Differs((*text).clone()),
            }
        }
        [text] if version == "v=spf1" => match text.split_ascii_whitespace().last() {
            Some("+all" | "all") => Found::Differs(format!("{text}, which lets everybody send")),
            // What else it names is the administrator's to know.
            _ => Found::There((text.as_str() != wanted).then(|| format!("found: {text}"))),
        },
        [text] => Found::There((text.as_str() != wanted).then(|| format!("found: {text}"))),
        // RFC 7208 section 4.5, RFC 7489 section 6.6.3: several are none.
        several => Found::Differs(format!("{} records that begin with {version}: only one counts", several.len())),
    }
}

async fn other(resolver: &TokioResolver, record: &Record) -> Outcome {
    let (kind, wanted) = match &record.data {
        Data::Srv { port, target, .. } => (RecordType::SRV, format!("{port} {target}")),
        Data::Tlsa(hash) => (RecordType::TLSA, hash.iter().map(|octet| format!("{octet:02x}")).collect()),
        _ => return Err("not looked for".to_owned()),
    };
    let found: Vec<String> = all(resolver, &record.name, kind).await?.iter().map(ToString::to_string).collect();
    Ok(if found.is_empty() {
        Found::Missing
    } else if found.iter().any(|text| text.to_lowercase().ends_with(&wanted)) {
        Found::There(None)
    } else {
        Found::Differs(listed(&found))
    })
}

fn same_name(one: &str, other: &str) -> bool {
    one.trim_end_matches('.').eq_ignore_ascii_case(other.trim_end_matches('.'))
}

fn listed<'a, T: ToString + 'a>(many: impl IntoIterator<Item = &'a T>) -> String {
    many.into_iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
