//! TLS reports (RFC 8460): what is counted of each session, and the JSON that it becomes.

use crate::clean::clean;
use crate::fault::Fault;
use crate::tally::{DAY_SECONDS, PolicyCount};
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::IpAddr;

/// Strings in one list of a report (lines of a policy, names of hosts).
const LIST_MAX: usize = 200;

/// What a domain says of TLS with its hosts (RFC 8460 section 4.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// By what it says so.
    pub kind: PolicyKind,
    /// In its own words: the lines of an MTA-STS policy, or TLSA records.
    pub strings: Vec<String>,
    /// The hosts that it speaks of: patterns of MTA-STS, or the host with the TLSA records.
    pub mx: Vec<String>,
}

/// By what a domain says what TLS it wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PolicyKind {
    /// MTA-STS (RFC 8461).
    Sts,
    /// DANE (RFC 7672).
    Tlsa,
    /// Not at all.
    NoPolicyFound,
}

/// How a session failed (RFC 8460 section 4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ResultType {
    /// The host does not offer it.
    StarttlsNotSupported,
    /// Its certificate is for another name.
    CertificateHostMismatch,
    /// It is over, or has not begun.
    CertificateExpired,
    /// Nobody vouches for it whom we believe.
    CertificateNotTrusted,
    /// Any other reason.
    ValidationFailure,
    /// TLSA records that nothing of what the host shows fits.
    TlsaInvalid,
    /// The DNS does not prove itself where it should.
    DnssecInvalid,
    /// The policy cannot be fetched.
    StsPolicyFetchError,
    /// It is none.
    StsPolicyInvalid,
    /// It is told under a certificate that is not right.
    StsWebpkiInvalid,
}

/// A failure; equal ones are counted together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Failure {
    /// How.
    pub result: ResultType,
    /// The host's name; empty where it came to none.
    pub mx: String,
    /// Its address.
    pub receiving: Option<IpAddr>,
    /// Ours.
    pub sending: Option<IpAddr>,
    /// In words, for whoever looks for the fault.
    pub reason: String,
}

impl PolicyKind {
    fn word(self) -> &'static str {
        match self {
            Self::Sts => "sts",
            Self::Tlsa => "tlsa",
            Self::NoPolicyFound => "no-policy-found",
        }
    }
}

impl ResultType {
    fn word(self) -> &'static str {
        match self {
            Self::StarttlsNotSupported => "starttls-not-supported",
            Self::CertificateHostMismatch => "certificate-host-mismatch",
            Self::CertificateExpired => "certificate-expired",
            Self::CertificateNotTrusted => "certificate-not-trusted",
            Self::ValidationFailure => "validation-failure",
            Self::TlsaInvalid => "tlsa-invalid",
            Self::DnssecInvalid => "dnssec-invalid",
            Self::StsPolicyFetchError => "sts-policy-fetch-error",
            Self::StsPolicyInvalid => "sts-policy-invalid",
            Self::StsWebpkiInvalid => "sts-webpki-invalid",
        }
    }
}

/// A report as it goes over the wire (RFC 8460 section 4.4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TlsReport {
    /// Who reports.
    #[serde(default)]
    pub organization_name: String,
    /// Of when.
    pub date_range: DateRange,
    /// Whom to ask.
    #[serde(default)]
    pub contact_info: String,
    /// Unique for who reports.
    pub report_id: String,
    /// By policy.
    pub policies: Vec<PolicyResult>,
}

/// Times of RFC 3339.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct DateRange {
    /// The first second.
    pub start_datetime: String,
    /// The last.
    pub end_datetime: String,
}

/// What came of one policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PolicyResult {
    /// Which.
    pub policy: PolicyTold,
    /// How often.
    pub summary: Summary,
    /// Why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failure_details: Vec<FailureDetails>,
}

/// A policy as it is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PolicyTold {
    /// `sts`, `tlsa` or `no-policy-found`.
    pub policy_type: String,
    /// In its own words.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "one_or_many")]
    pub policy_string: Vec<String>,
    /// Whose.
    pub policy_domain: String,
    /// For which hosts. The RFC has a string in its text and an array in its example; so have reports.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "one_or_many")]
    pub mx_host: Vec<String>,
}

/// Sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Summary {
    /// As the policy wants them.
    pub total_successful_session_count: u64,
    /// Not so.
    pub total_failure_session_count: u64,
}

/// Failures of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct FailureDetails {
    /// How.
    pub result_type: String,
    /// Who tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sending_mta_ip: Option<String>,
    /// With whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receiving_mx_hostname: Option<String>,
    /// At which address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receiving_ip: Option<String>,
    /// How often.
    pub failed_session_count: u64,
    /// In words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_reason_code: Option<String>,
}

/// A string, an array of strings, or null. Beyond the limit strings are passed over as they come: an empty one takes three octets of a
/// report and many times that of memory.
fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    deserializer.deserialize_any(OneOrMany)
}

struct OneOrMany;

impl<'de> Visitor<'de> for OneOrMany {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, an array of strings, or null")
    }

    fn visit_str<E>(self, one: &str) -> Result<Self::Value, E> {
        Ok(vec![one.to_owned()])
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
        let mut many = Vec::new();
        while many.len() < LIST_MAX
            && let Some(one) = sequence.next_element()?
        {
            many.push(one);
        }
        while sequence.next_element::<IgnoredAny>()?.is_some() {}
        Ok(many)
    }
}

/// A report's frame: who says it, of when, under which id.
#[derive(Debug, Clone)]
pub struct Frame<'a> {
    /// Who reports, for people.
    pub organisation: &'a str,
    /// Whom to ask.
    pub contact: &'a str,
    /// The report's id.
    pub id: &'a str,
    /// Seconds since 1970 of the first second.
    pub begin: i64,
    /// Of the last.
    pub end: i64,
}

impl TlsReport {
    /// Of what was counted for a domain.
    pub fn of(frame: &Frame<'_>, domain: &str, counts: &[PolicyCount]) -> Self {
        let policies = counts.iter().map(|count| PolicyResult {
            policy: PolicyTold {
                policy_type: count.policy.kind.word().to_owned(),
                policy_string: count.policy.strings.clone(),
                policy_domain: domain.to_owned(),
                mx_host: count.policy.mx.clone(),
            },
            summary: Summary { total_successful_session_count: count.successes, total_failure_session_count: count.failures },
            failure_details: count.details.iter().map(|(failure, count)| details(failure, *count)).collect(),
        });
        Self {
            organization_name: frame.organisation.to_owned(),
            date_range: DateRange { start_datetime: rfc3339(frame.begin), end_datetime: rfc3339(frame.end) },
            contact_info: frame.contact.to_owned(),
            report_id: frame.id.to_owned(),
            policies: policies.collect(),
        }
    }

    /// As JSON.
    pub fn write(&self) -> Result<Vec<u8>, Fault> {
        serde_json::to_vec(self).map_err(|_| Fault::Malformed("it cannot be written"))
    }

    /// From JSON; strings are cut and cleaned, for they are shown on terminals. `records_max` is how many policies, and failures of each,
    /// are kept. How many were not, beside it.
    pub fn read(octets: &[u8], records_max: usize) -> Result<(Self, usize), Fault> {
        let mut report: Self = serde_json::from_slice(octets).map_err(|_| Fault::Malformed("no TLS report in JSON"))?;
        let mut cut = report.policies.len().saturating_sub(records_max);
        report.policies.truncate(records_max);
        let mut left = records_max;
        for text in [
            &mut report.organization_name,
            &mut report.contact_info,
            &mut report.report_id,
            &mut report.date_range.start_datetime,
            &mut report.date_range.end_datetime,
        ] {
            clean(text);
        }
        for result in &mut report.policies {
            let policy = &mut result.policy;
            [&mut policy.policy_type, &mut policy.policy_domain].into_iter().for_each(clean);
            policy.policy_string.iter_mut().chain(&mut policy.mx_host).for_each(clean);
            policy.policy_domain.make_ascii_lowercase();
            cut += result.failure_details.len().saturating_sub(left);
            result.failure_details.truncate(left);
            left -= result.failure_details.len();
            for details in &mut result.failure_details {
                clean(&mut details.result_type);
                let texts = [
                    &mut details.sending_mta_ip,
                    &mut details.receiving_mx_hostname,
                    &mut details.receiving_ip,
                    &mut details.failure_reason_code,
                ];
                texts.into_iter().flatten().for_each(clean);
            }
        }
        if report.report_id.is_empty() || report.policies.is_empty() {
            return Err(Fault::Malformed("a TLS report without id or policy"));
        }
        Ok((report, cut))
    }

    /// Its first and last second; a day where the last cannot be read.
    pub fn span(&self) -> Result<(i64, i64), Fault> {
        let second = |text: &str| text.parse::<jiff::Timestamp>().map(jiff::Timestamp::as_second);
        let begin = second(&self.date_range.start_datetime).map_err(|_| Fault::Malformed("a TLS report without a date"))?;
        Ok((begin, second(&self.date_range.end_datetime).unwrap_or(begin.saturating_add(DAY_SECONDS - 1))))
    }
}

fn details(failure: &Failure, count: u64) -> FailureDetails {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    FailureDetails {
        result_type: failure.result.word().to_owned(),
        sending_mta_ip: failure.sending.map(|ip| ip.to_string()),
        receiving_mx_hostname: some(&failure.mx),
        receiving_ip: failure.receiving.map(|ip| ip.to_string()),
        failed_session_count: count,
        failure_reason_code: some(&failure.reason),
    }
}

/// RFC 3339, in UTC.
pub(crate) fn rfc3339(second: i64) -> String {
    jiff::Timestamp::from_second(second).unwrap_or(jiff::Timestamp::MAX).to_string()
}
