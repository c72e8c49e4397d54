//! A look-up with its proof: what DNSSEC says of the answer (RFC 4035 section 4.3), where it is asked.

use crate::Resolver;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::dnssec::Proof;
use hickory_resolver::proto::rr::{RData, RecordType};

/// Records of the kind that was asked for.
#[derive(Debug, Clone)]
pub struct Answer {
    /// At least one.
    pub records: Vec<RData>,
    /// They prove themselves by a chain of signatures from a trust anchor.
    pub is_proven: bool,
}

/// Why there are no records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoAnswer {
    /// There is no such name.
    NoSuchName,
    /// The name has no such records.
    NoRecords,
    /// It is no name.
    NotAName(String),
    /// Nobody can say at the moment; or somebody lies, which looks the same from here.
    Later(String),
}

impl Resolver {
    /// Records of a name. With DNSSEC on, an answer that should be signed and is not rightly so counts as none.
    pub async fn look_up(&self, name: &str, kind: RecordType) -> Result<Answer, NoAnswer> {
        let resolver = match self.validating() {
            Some(resolver) => resolver,
            None => self.hickory().map_err(|error| NoAnswer::Later(format!("no DNS: {error}")))?,
        };
        // With the dot that keeps the resolver from trying the search domains of this machine.
        let absolute = format!("{}.", name.trim_end_matches('.'));
        let found = resolver.lookup(absolute, kind).await.map_err(failure)?;
        // The names on the way to the records (CNAME) count as much as the records.
        let proofs: Vec<Proof> = found.answers().iter().map(|record| record.proof).collect();
        if self.validating().is_some() && proofs.iter().any(|proof| !matches!(proof, Proof::Secure | Proof::Insecure)) {
            return Err(NoAnswer::Later("the answer's signatures are wrong".to_owned()));
        }
        let records: Vec<RData> =
            found.answers().iter().filter(|record| record.record_type() == kind).map(|record| record.data.clone()).collect();
        if records.is_empty() {
            return Err(NoAnswer::NoRecords);
        }
        Ok(Answer { records, is_proven: self.validating().is_some() && proofs.iter().all(|proof| *proof == Proof::Secure) })
    }
}

fn failure(error: NetError) -> NoAnswer {
    match error {
        error if error.is_nx_domain() => NoAnswer::NoSuchName,
        error if error.is_no_records_found() => NoAnswer::NoRecords,
        // A denial comes with its proof, which is sought only where DNSSEC is on.
        NetError::Dns(DnsError::Nsec { proof: Proof::Secure | Proof::Insecure, response, .. }) => {
            if response.metadata.response_code == hickory_resolver::proto::op::ResponseCode::NXDomain {
                NoAnswer::NoSuchName
            } else {
                NoAnswer::NoRecords
            }
        }
        NetError::Proto(error) => NoAnswer::NotAName(error.to_string()),
        error => NoAnswer::Later(error.to_string()),
    }
}
