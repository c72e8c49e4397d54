//! The profiles file, with the certificates of the authorities that its zones name.
//!
//! Read by `serve`, by `reload` and by `octroi policy`. What always holds: the rules and the certificates that they need are there
//! together, or neither is.

use octroi_gate::Policy;
use octroi_net::Authority;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// Octets of one file of certificates.
const CERTIFICATES_BYTES_MAX: u64 = 1 << 20;

/// Rules, and whose word counts for the zones among them that need a certificate.
pub(crate) struct Profiles {
    pub(crate) policy: Policy,
    pub(crate) authorities: Vec<Authority>,
}

impl Profiles {
    /// Those in force without a file.
    pub(crate) fn builtin() -> Self {
        Self { policy: Policy::builtin(), authorities: Vec::new() }
    }

    /// Read the file and all that it names.
    pub(crate) fn load(file: &Path) -> Result<Self, String> {
        let policy = Self::rules(file)?;
        let folder = file.parent().unwrap_or(Path::new(""));
        let authority = |(zone, path): (&str, &str)| {
            let certificates = certificates(&folder.join(path));
            certificates.map(|certificates_pem| Authority { name: Arc::from(zone), certificates_pem }).map_err(|why| (zone.to_owned(), why))
        };
        let authorities = policy.client_authorities().map(authority).collect::<Result<_, _>>();
        let authorities = authorities.map_err(|(zone, why)| format!("{}: `client_ca` of zone `{zone}`: {why}", file.display()))?;
        Ok(Self { policy, authorities })
    }

    /// Read the rules only.
    pub(crate) fn rules(file: &Path) -> Result<Policy, String> {
        let text = fs::read_to_string(file).map_err(|e| format!("cannot read {}: {e}", file.display()))?;
        Policy::parse(&text).map_err(|e| format!("{}: {e}", file.display()))
    }
}

/// One or more certificates, PEM.
fn certificates(file: &Path) -> Result<Vec<u8>, String> {
    let shown = file.display();
    let length = fs::metadata(file).map_err(|e| format!("cannot read {shown}: {e}"))?.len();
    if length > CERTIFICATES_BYTES_MAX {
        return Err(format!("{shown} is larger than any list of certificates"));
    }
    let pem = fs::read(file).map_err(|e| format!("cannot read {shown}: {e}"))?;
    let found = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>().map_err(|e| format!("{shown}: {e}"))?;
    if found.is_empty() { Err(format!("{shown} holds no certificate")) } else { Ok(pem) }
}
