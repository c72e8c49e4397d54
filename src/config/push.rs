//! `[push]`: programs on telephones and desks are woken when a collection changes (WebDAV-Push).

use super::{Config, ConfigError};
use octroi_net::Networks;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Whether and where programs are woken. Off unless it is asked for: what it sends goes to services that people's programs name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Push {
    /// Programs may register.
    pub(crate) enabled: bool,
    /// Whom a push service may write to about what we send: a `mailto:` or `https:` URL. Without it the postmaster's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) contact: Option<String>,
    /// Addresses or networks of push services of our own. Every other inner address is refused, by whatever name it is called.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) networks: Vec<String>,
    /// A PEM file with the authority of such a service's certificate, if it is none of the web's. Relative to the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) authority: Option<PathBuf>,
}

impl Push {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Which inner addresses may be asked.
    pub(crate) fn inner(&self) -> Result<Networks, ConfigError> {
        Networks::parse(&self.networks).map_err(|e| ConfigError(format!("`push.networks`: {e}")))
    }

    /// The contact, as tokens have it (RFC 8292 section 2.1).
    pub(crate) fn contact(&self, config: &Config) -> Result<String, ConfigError> {
        let domain = config.domains.first().unwrap_or(&config.hostname);
        let postmaster = || config.postmaster.as_ref().map_or_else(|| format!("postmaster@{domain}"), ToString::to_string);
        let contact = self.contact.clone().unwrap_or_else(|| format!("mailto:{}", postmaster()));
        if contact.starts_with("mailto:") || contact.starts_with("https:") {
            Ok(contact)
        } else {
            Err(ConfigError(format!("`push.contact` is a mailto: or https: URL, not `{contact}`")))
        }
    }
}
