//! What a session with another server is counted as, for the reports that its domain gets (RFC 8460).
//!
//! A session is one attempt to speak TLS with one host, or one that the domain's policy forbids. What goes over a connection that is open
//! already is none, nor is one that failed before TLS: a dead host is no matter of TLS. Reasons are of few kinds, so that equal
//! failures are counted together.

use super::client::{Dialogue, Fault, Host, TlsFault};
use super::tls::{HostTls, Secured};
use octroi_net::StartTlsError;
use octroi_reports::tls::{Failure, Policy, ResultType};
use octroi_reports::{Reports, cleaned};
use rustls::{CertificateError, Error};

/// Why a host of the domain is left out, or its policy is not followed, with what that is counted under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Breach {
    pub(crate) policy: Policy,
    pub(crate) result: ResultType,
    pub(crate) mx: String,
    pub(crate) reason: String,
}

impl Breach {
    pub(super) fn of(policy: Policy, result: ResultType, mx: &str, reason: &str) -> Self {
        Self { policy, result, mx: mx.trim_end_matches('.').to_owned(), reason: reason.to_owned() }
    }
}

/// Counts for one domain; or not, where nobody is told.
#[derive(Clone, Copy)]
pub(super) struct Counted<'a> {
    reports: &'a Reports,
    domain: &'a str,
}

impl<'a> Counted<'a> {
    /// `None` where it is not to be counted: nobody reports, or the next hop is not the domain's own.
    pub(super) fn of(reports: &'a Reports, domain: Option<&'a str>) -> Option<Self> {
        let domain = domain.filter(|domain| !domain.starts_with('['))?;
        reports.counts_sessions().then_some(Self { reports, domain })
    }

    /// What the way there showed.
    pub(super) fn breaches(self, breaches: Vec<Breach>) {
        for Breach { policy, result, mx, reason } in breaches {
            let failure = Failure { result, mx, receiving: None, sending: None, reason: cleaned(&reason) };
            self.reports.count_session(self.domain, &policy, Some(failure));
        }
    }

    /// What came of an attempt.
    pub(super) fn attempt(self, host: &Host, outcome: &Result<Dialogue, Fault>) {
        let Some(policy) = &host.policy else { return };
        let failure = match outcome {
            Ok(open) if open.secured == Secured::No => Some((ResultType::StarttlsNotSupported, String::new(), open.local_ip())),
            // RFC 7671 section 4.1: there are TLSA records, and none of them can be used.
            Ok(open) if host.tls == HostTls::Encrypted => {
                Some((ResultType::TlsaInvalid, "no TLSA record is usable".to_owned(), open.local_ip()))
            }
            Ok(_) => None,
            // What is said of a date names the present second, which is another each time.
            Err(Fault::Tls(TlsFault { result: ResultType::CertificateExpired, local, .. })) => {
                Some((ResultType::CertificateExpired, String::new(), *local))
            }
            Err(Fault::Tls(TlsFault { why, result, local })) => Some((*result, why.clone(), *local)),
            Err(Fault::NextHost(_) | Fault::All(_)) => return,
        };
        let failure = failure.map(|(result, reason, sending)| Failure {
            result,
            mx: host.name.trim_end_matches('.').to_owned(),
            receiving: Some(host.address.ip().to_canonical()),
            sending,
            reason: cleaned(&reason),
        });
        self.reports.count_session(self.domain, policy, failure);
    }
}

/// How a handshake failed.
pub(super) fn result_of(error: &StartTlsError) -> ResultType {
    match error {
        StartTlsError::Io(error) => certificate_error(error).map_or(ResultType::ValidationFailure, result_of_certificate),
        _ => ResultType::ValidationFailure,
    }
}

/// What is wrong with a certificate, if that is why.
pub(super) fn certificate_error(error: &std::io::Error) -> Option<&CertificateError> {
    match error.get_ref()?.downcast_ref::<Error>()? {
        Error::InvalidCertificate(error) => Some(error),
        _ => None,
    }
}

/// RFC 8460 section 4.3.1.
fn result_of_certificate(error: &CertificateError) -> ResultType {
    match error {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => ResultType::CertificateHostMismatch,
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => ResultType::CertificateExpired,
        _ => ResultType::CertificateNotTrusted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[test]
    fn what_is_wrong_with_a_certificate_has_a_name() {
        let of = |error: CertificateError| result_of(&StartTlsError::Io(io::Error::other(Error::InvalidCertificate(error))));
        assert_eq!(of(CertificateError::NotValidForName), ResultType::CertificateHostMismatch);
        assert_eq!(of(CertificateError::NotValidYet), ResultType::CertificateExpired);
        assert_eq!(of(CertificateError::UnknownIssuer), ResultType::CertificateNotTrusted);
        assert_eq!(result_of(&StartTlsError::Timeout), ResultType::ValidationFailure);
        assert_eq!(result_of(&StartTlsError::Io(io::ErrorKind::ConnectionReset.into())), ResultType::ValidationFailure);
    }
}
