//! `[outbound]`: where mail for other domains goes.

use octroi_smtp::{HostPort, Login, OutboundTls, SmtpConfig};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// Where mail for other domains goes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Outbound {
    /// All of it goes to this `host:port` instead of the MX of its domain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) smarthost: Option<String>,
    /// Next hops (`host:port`) of single domains; they go before the smarthost.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) routes: BTreeMap<String, String>,
    /// The smarthost and the routes must speak TLS with a valid certificate.
    #[serde(default)]
    pub(crate) relay_tls_required: bool,
    /// Who we are to the smarthost. Told under TLS only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) smarthost_user: Option<String>,
    /// A file that holds the password for it, and nothing else. Relative to the configuration file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) smarthost_password_file: Option<PathBuf>,
    /// Certificates (PEM) of authorities that count beside the public ones. Relative to the configuration file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) authorities: Option<PathBuf>,
    /// Domains are asked for their MTA-STS policies; default `true`. DANE goes with `dnssec` in `[dns]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) mta_sts: Option<bool>,
    /// The port where they tell them; 443 everywhere but in private networks and tests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) mta_sts_port: Option<u16>,
    /// Waiting time before each further attempt, such as `["1m", "15m", "1h"]`; the last one repeats.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) retry: Vec<String>,
    /// When the sender of a message that waits is told so, such as `4h`; `never` for never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) delay_notice: Option<String>,
    /// The highest priority (MT-PRIORITY) that our people may give a message, from -9 to 9; what is higher counts as this. Default 4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) priority_max: Option<i8>,
    /// The port of the hosts that DNS names; 25 everywhere but in private networks and tests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) port: Option<u16>,
    /// DNS may lead to this machine and to link-local addresses: for private networks and tests.
    #[serde(default)]
    pub(crate) private_addresses: bool,
}

impl Outbound {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// With these settings instead of the queue's own.
    pub(crate) fn over(&self, mut settings: SmtpConfig, data: &Path) -> Result<SmtpConfig, String> {
        settings.queue.smarthost = self.smarthost.as_deref().map(host_port).transpose()?;
        for (domain, hop) in &self.routes {
            settings.queue.routes.insert(domain.to_lowercase(), host_port(hop)?);
        }
        if self.relay_tls_required {
            settings.queue.relay_tls = OutboundTls::Verified;
        }
        settings.priority_max = self.priority_max.unwrap_or(settings.priority_max);
        let queue = &mut settings.queue;
        queue.login = self.login()?;
        queue.authorities = self.authorities.as_deref().map(certificates).transpose()?.unwrap_or_default();
        queue.mta_sts = self.mta_sts.unwrap_or(queue.mta_sts);
        queue.mta_sts_port = self.mta_sts_port.unwrap_or(queue.mta_sts_port);
        queue.mta_sts_folder = Some(data.join("mta-sts"));
        if !self.retry.is_empty() {
            queue.retry = self.retry.iter().map(|text| span("retry", text)).collect::<Result<_, _>>()?;
        }
        if let Some(text) = &self.delay_notice {
            queue.delay_notice = if text == "never" { None } else { Some(span("delay_notice", text)?) };
        }
        settings.queue.port = self.port.unwrap_or(settings.queue.port);
        settings.queue.private_addresses = self.private_addresses;
        Ok(settings)
    }
}

impl Outbound {
    fn login(&self) -> Result<Option<Arc<Login>>, String> {
        match (&self.smarthost_user, &self.smarthost_password_file) {
            (None, None) => Ok(None),
            (Some(user), Some(file)) => {
                let text = std::fs::read_to_string(file).map(Zeroizing::new);
                let text = text.map_err(|e| format!("`outbound.smarthost_password_file`: cannot read {}: {e}", file.display()))?;
                let password = Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned());
                Ok(Some(Arc::new(Login { user: user.clone(), password })))
            }
            _ => Err("`outbound.smarthost_user` and `outbound.smarthost_password_file` need each other".to_owned()),
        }
    }
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let fail = |e: &dyn std::fmt::Display| format!("`outbound.authorities`: {}: {e}", file.display());
    let found = CertificateDer::pem_file_iter(file).map_err(|e| fail(&e))?.collect::<Result<Vec<_>, _>>().map_err(|e| fail(&e))?;
    if found.is_empty() { Err(fail(&"no certificate in it")) } else { Ok(found) }
}

fn span(key: &str, text: &str) -> Result<Duration, String> {
    crate::store_options::time(text).ok_or_else(|| format!("`outbound.{key}`: `{text}` is no time such as `90s`, `5m`, `4h` or `5d`"))
}

/// `host:port`, the host perhaps an IPv6 address in brackets.
pub(super) fn host_port(text: &str) -> Result<HostPort, String> {
    let fail = || format!("`{text}` is not host:port");
    let (host, port) = text.rsplit_once(':').ok_or_else(fail)?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let port = port.parse().map_err(|_| fail())?;
    if host.is_empty() { Err(fail()) } else { Ok(HostPort { host: host.to_owned(), port }) }
}
