//! `[acme]`: certificates that are asked for and renewed by the server itself (RFC 8555).

use crate::config::{Config, ConfigError};
use octroi_model::Address;
use octroi_webclient::Origin;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The authority that most servers ask.
const DIRECTORY: &str = "https://acme-v02.api.letsencrypt.org/directory";

/// A certificate authority that is asked for our certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Acme {
    /// Its terms of service were read and agreed to; nothing is asked before.
    pub(crate) terms_agreed: bool,
    /// Where its directory is.
    #[serde(default = "directory")]
    pub(crate) directory: String,
    /// Whom it may write to when something is wrong with our certificates.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) contact: Vec<Address>,
    /// Names that the certificate has beside `hostname`, such as `mta-sts.douane.example`. Each must lead to this server.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) names: Vec<String>,
    /// A PEM file with the authority of the directory's own certificate, if it is none of the web's. Relative to the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) authority: Option<PathBuf>,
}

fn directory() -> String {
    DIRECTORY.to_owned()
}

impl Acme {
    pub(super) fn relative_to(self, base: &Path) -> Self {
        Self { authority: self.authority.map(|file| base.join(file)), ..self }
    }

    /// The names of the certificate, our host name first.
    pub(crate) fn names(&self, hostname: &str) -> Vec<String> {
        let mut all = vec![hostname.to_ascii_lowercase()];
        for name in &self.names {
            let name = name.to_ascii_lowercase();
            if !all.contains(&name) {
                all.push(name);
            }
        }
        all
    }

    pub(super) fn check(&self, config: &Config) -> Result<(), ConfigError> {
        let fail = |what: &str| Err(ConfigError(format!("`acme`: {what}")));
        if !self.terms_agreed {
            return fail("read the authority's terms of service, then say `terms_agreed = true`");
        }
        if config.tls.is_some() {
            return fail("the certificate comes from files (`tls`) or from an authority, not from both");
        }
        if config.listen.https.is_empty() {
            return fail("the authority asks at `listen.https` whether a name is ours, and there is none");
        }
        for name in self.names(&config.hostname) {
            if Address::new("postmaster", &name).is_err() || !name.contains('.') {
                return fail(&format!("no authority gives a certificate for `{name}`"));
            }
        }
        let url = self.directory.parse().map_err(|_| ConfigError(format!("`acme.directory`: `{}` is not a URL", self.directory)))?;
        Origin::of(&url).map_err(|e| ConfigError(format!("`acme.directory`: {e}")))?;
        Ok(())
    }
}
