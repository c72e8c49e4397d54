//! A report of another mail server, as a message, as XML, as JSON or as a text of the DNS: whatever it is, it is read or refused, takes no more
//! memory than the limits, and nothing of it moves a cursor; what is read of XML is written so that it is read the same.
#![no_main]

use octroi_reports::dmarc::Feedback;
use octroi_reports::tls::TlsReport;
use octroi_reports::{Kept, ReportLimits, Told, read, record};

libfuzzer_sys::fuzz_target!(|input: &[u8]| check(input));

/// Small, so that what is over a limit is met.
const LIMITS: ReportLimits = ReportLimits {
    domains_max: 10,
    rows_per_domain_max: 10,
    rows_max: 20,
    message_bytes_max: 6 * 1024,
    unpacked_bytes_max: 16 * 1024,
    records_max: 8,
    kept_max: 4,
    kept_rows_max: 20,
    kept_days: 10,
    readers_max: 1,
};
/// Octets of one text.
const TEXT_BYTES_MAX: usize = 255;

fn check(input: &[u8]) {
    if let Ok(kept) = read(input, None, 1_700_000_000, &LIMITS) {
        kept_is_fit(&kept);
    }
    if let Ok(report) = Feedback::read(input, LIMITS.records_max) {
        assert!(report.records.len() <= LIMITS.records_max);
        let written = report.write().expect("what was read can be written");
        let again = Feedback::read(&written, LIMITS.records_max).expect("what was written can be read");
        // How much was left out is not told on.
        assert_eq!(again, Feedback { cut: 0, ..report });
    }
    if let Ok((report, _)) = TlsReport::read(input, LIMITS.records_max) {
        assert!(report.policies.len() <= LIMITS.records_max);
        assert!(report.policies.iter().map(|result| result.failure_details.len()).sum::<usize>() <= LIMITS.records_max);
        let written = report.write().expect("what was read can be written");
        assert_eq!(TlsReport::read(&written, LIMITS.records_max).expect("what was written can be read").0, report);
    }
    let texts = [String::from_utf8_lossy(input).into_owned()];
    let _ = (record::tls(&texts), record::allows(&texts));
    if let Some(record) = record::dmarc(&texts) {
        assert!(matches!(record.published.p.as_str(), "none" | "quarantine" | "reject"));
    }
}

fn kept_is_fit(kept: &Kept) {
    let mut texts: Vec<&str> = vec![&kept.organisation, &kept.id, &kept.domain];
    match &kept.told {
        Told::Dmarc { rows, .. } => {
            for row in rows.iter().map(|counted| &counted.row) {
                texts.extend([row.header_from.as_str(), &row.envelope_from]);
                texts.extend(row.dkim.iter().flat_map(|seen| [seen.domain.as_str(), &seen.selector, &seen.result]));
                texts.extend(row.spf.iter().flat_map(|seen| [seen.domain.as_str(), &seen.result]));
            }
        }
        Told::Tls { policies } => {
            for sessions in policies {
                texts.extend([sessions.policy.policy_type.as_str(), &sessions.policy.policy_domain]);
                texts.extend(sessions.policy.policy_string.iter().chain(&sessions.policy.mx_host).map(String::as_str));
                texts.extend(sessions.details.iter().map(|details| details.result_type.as_str()));
            }
        }
    }
    for text in texts {
        assert!(text.len() <= TEXT_BYTES_MAX && !text.chars().any(char::is_control), "{text:?}");
    }
}
