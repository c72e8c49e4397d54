//! The configuration file: TOML, every key documented here, unknown keys refused with their line.
//!
//! Read by `serve` and by the administration commands (which need only the data folder). `deploy/octroi.toml` shows every key.

mod acme;
mod dns;
mod documents;
mod inbound;
mod mail_auth;
mod outbound;
mod push;
mod reports;
mod spam;
mod subscriptions;

pub(crate) use acme::Acme;
pub(crate) use dns::Dns;
pub(crate) use documents::Documents;
pub(crate) use inbound::Inbound;
pub(crate) use mail_auth::MailAuth;
pub(crate) use outbound::Outbound;
pub(crate) use push::Push;
pub(crate) use reports::Reports;
pub(crate) use spam::Spam;
pub(crate) use subscriptions::Subscriptions;

use crate::limits::Limits;
use crate::profiles::Profiles;
use crate::store_options::StoreOptions;
use octroi_model::Language;
use octroi_model::QuotaLimit;
use octroi_net::Networks;
use octroi_smtp::SmtpConfig;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// The whole file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Everything that is kept: journal, index, keys, the admin socket. Relative to the file.
    pub(crate) data: PathBuf,
    /// Name of the organisation, for people.
    pub(crate) organisation: String,
    /// What the mailboxes of new accounts are called in (`Sent`, `Envoyés`): `en` or `fr`. Those of existing accounts keep their names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) language: Option<String>,
    /// Name of this host, as mail servers and clients know it.
    pub(crate) hostname: String,
    /// Domains whose mail is ours.
    pub(crate) domains: Vec<String>,
    /// The account that gets the mail for `postmaster` and `abuse` where no such account exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) postmaster: Option<octroi_model::Address>,
    /// The profiles and zones. Relative to the file; without one everybody has what is their own (profiles `plain`, `administrator`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) profiles: Option<PathBuf>,
    /// Where the portal is, for people. Without it `https://HOSTNAME/portal/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) portal_url: Option<String>,
    /// Whom people ask when they need help, in your own words; the portal shows it on every page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) support: Option<String>,
    /// Sockets.
    pub(crate) listen: Listen,
    /// Certificate; without one it is self-made at first start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tls: Option<Tls>,
    /// The authority that is asked for a certificate instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) acme: Option<Acme>,
    /// Proxies that are believed when they say for whom they come.
    #[serde(default, skip_serializing_if = "Proxies::is_default")]
    pub(crate) proxies: Proxies,
    /// Where names are looked up.
    #[serde(default, skip_serializing_if = "Dns::is_default")]
    pub(crate) dns: Dns,
    /// Mail from other servers.
    #[serde(default, skip_serializing_if = "Inbound::is_default")]
    pub(crate) inbound: Inbound,
    /// Who mail claims to be from.
    #[serde(default, skip_serializing_if = "MailAuth::is_default")]
    pub(crate) mail_auth: MailAuth,
    /// What others think of mail.
    #[serde(default, skip_serializing_if = "Spam::is_default")]
    pub(crate) spam: Spam,
    /// What servers tell one another of their mail.
    #[serde(default, skip_serializing_if = "Reports::is_default")]
    pub(crate) reports: Reports,
    /// Mail that leaves.
    #[serde(default, skip_serializing_if = "Outbound::is_default")]
    pub(crate) outbound: Outbound,
    /// Programs that are woken when something changes.
    #[serde(default, skip_serializing_if = "Push::is_default")]
    pub(crate) push: Push,
    /// Calendars of the web.
    #[serde(default, skip_serializing_if = "Subscriptions::is_default")]
    pub(crate) subscriptions: Subscriptions,
    /// How codes get to telephones.
    #[serde(default, skip_serializing_if = "SecondFactor::is_default")]
    pub(crate) second_factor: SecondFactor,
    /// How much a new account may hold.
    #[serde(default, skip_serializing_if = "Quota::is_default")]
    pub(crate) quota: Quota,
    /// What is kept of documents that are written over or removed.
    #[serde(default, skip_serializing_if = "Documents::is_default")]
    pub(crate) documents: Documents,
    /// What the store may take, and when what was deleted is gone for good. All have defaults.
    #[serde(default, skip_serializing_if = "StoreOptions::is_default")]
    pub(crate) store: StoreOptions,
    /// What a peer may grow, and how long it may take. All have defaults.
    #[serde(default, skip_serializing_if = "Limits::is_default")]
    pub(crate) limits: Limits,
}

/// Sockets by protocol; a protocol without an address is not served.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Listen {
    /// IMAP with STARTTLS, usually port 143.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) imap: Vec<SocketAddr>,
    /// IMAP over TLS, usually port 993.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) imaps: Vec<SocketAddr>,
    /// Mail from other servers, usually port 25.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) smtp: Vec<SocketAddr>,
    /// Submission with STARTTLS, usually port 587.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) submission: Vec<SocketAddr>,
    /// Submission over TLS, usually port 465.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) submissions: Vec<SocketAddr>,
    /// LMTP for a front server; without TLS and log-in, so keep it on loopback.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) lmtp: Vec<SocketAddr>,
    /// LMTP at a path of the file system: the file's mode says who may connect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) lmtp_socket: Option<PathBuf>,
    /// Its mode, in octal; without it `0660`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) lmtp_socket_mode: Option<String>,
    /// The group that it belongs to, by name or number; without it that of the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) lmtp_socket_group: Option<String>,
    /// ManageSieve with STARTTLS, usually port 4190.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) managesieve: Vec<SocketAddr>,
    /// WebDAV, CalDAV, CardDAV and the portal over TLS, usually port 443.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) https: Vec<SocketAddr>,
}

impl Listen {
    /// The mode of the LMTP socket.
    pub(crate) fn socket_mode(&self) -> Result<u32, ConfigError> {
        let Some(text) = &self.lmtp_socket_mode else { return Ok(0o660) };
        let mode = u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o777);
        mode.ok_or_else(|| ConfigError(format!("`listen.lmtp_socket_mode` is octal, such as `0660`, not `{text}`")))
    }
}

/// Certificate files in PEM.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tls {
    /// The chain, the host's own certificate first. Relative to the file.
    pub(crate) certificate: PathBuf,
    /// Its key. Relative to the file.
    pub(crate) key: PathBuf,
}

/// Addresses or networks of proxies in front of us. Everybody else is who they are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Proxies {
    /// Those that begin every connection, to whatever socket, with a header of the PROXY protocol (version 1 or 2).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) proxy_protocol: Vec<String>,
    /// Those whose `Forwarded` and `X-Forwarded-For` count for HTTPS.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) forwarded: Vec<String>,
}

impl Proxies {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Who speaks the PROXY protocol.
    pub(crate) fn by_proxy_protocol(&self) -> Result<Networks, ConfigError> {
        Networks::parse(&self.proxy_protocol).map_err(|e| ConfigError(format!("`proxies.proxy_protocol`: {e}")))
    }

    /// Whose headers count.
    pub(crate) fn by_forwarded(&self) -> Result<Networks, ConfigError> {
        Networks::parse(&self.forwarded).map_err(|e| ConfigError(format!("`proxies.forwarded`: {e}")))
    }
}

/// How codes get to telephones: by one of these at most. By mail they go without either.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SecondFactor {
    /// A program with its arguments. The number is added as the last argument, the text comes on standard input.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) command: Vec<String>,
    /// A URL that `{"to": …, "text": …}` is posted to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) webhook: Option<String>,
}

impl SecondFactor {
    /// Can a code be sent to a number?
    pub(crate) fn reaches_numbers(&self) -> bool {
        !self.command.is_empty() || self.webhook.is_some()
    }

    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// What an account gets when it is added; `octroi quota` changes it for one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Quota {
    /// Octets of all its mail, calendars, address books and documents, such as `10G`. Without it there is no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) account: Option<String>,
}

impl Quota {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// The limit of a new account.
    pub(crate) fn of_account(&self) -> Result<Option<QuotaLimit>, ConfigError> {
        let bytes =
            self.account.as_deref().map(crate::size::parse).transpose().map_err(|e| ConfigError(format!("`quota.account`: {e}")))?;
        Ok(bytes.map(|bytes| QuotaLimit { bytes, items: None }))
    }
}

/// What is wrong with a configuration file.
#[derive(Debug)]
pub(crate) struct ConfigError(String);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Config {
    /// Read and check a file; paths in it are taken relative to its folder.
    pub(crate) fn load(file: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(file).map_err(|e| ConfigError(format!("cannot read {}: {e}", file.display())))?;
        let mut config = Self::parse(&text).map_err(|e| ConfigError(format!("{}: {e}", file.display())))?;
        let base = file.parent().unwrap_or(Path::new("."));
        config.data = base.join(&config.data);
        config.listen.lmtp_socket = config.listen.lmtp_socket.map(|path| base.join(path));
        config.profiles = config.profiles.map(|p| base.join(p));
        config.dns.trust_anchors = config.dns.trust_anchors.map(|p| base.join(p));
        config.outbound.authorities = config.outbound.authorities.map(|p| base.join(p));
        config.outbound.smarthost_password_file = config.outbound.smarthost_password_file.map(|p| base.join(p));
        config.push.authority = config.push.authority.map(|p| base.join(p));
        config.subscriptions.authority = config.subscriptions.authority.map(|p| base.join(p));
        config.tls = config.tls.map(|t| Tls { certificate: base.join(t.certificate), key: base.join(t.key) });
        config.acme = config.acme.map(|acme| acme.relative_to(base));
        Ok(config)
    }

    /// Read and check a text.
    pub(crate) fn parse(text: &str) -> Result<Self, ConfigError> {
        let config: Self = toml::from_str(text).map_err(|e| ConfigError(e.to_string()))?;
        config.check()?;
        Ok(config)
    }

    /// What the mailboxes of new accounts are called in.
    pub(crate) fn language(&self) -> Result<Language, ConfigError> {
        let tag = self.language.as_deref().unwrap_or("en");
        Language::parse(tag).ok_or_else(|| ConfigError(format!("`language` is `en` or `fr`, not `{tag}`")))
    }

    fn check(&self) -> Result<(), ConfigError> {
        let fail = |what: String| Err(ConfigError(what));
        self.language()?;
        if self.domains.is_empty() {
            return fail("`domains` names no domain".to_owned());
        }
        for name in self.domains.iter().chain([&self.hostname]) {
            if octroi_model::Address::new("postmaster", name).is_err() {
                return fail(format!("`{name}` is not a host or domain name"));
            }
        }
        if let Some(exposed) = self.listen.lmtp.iter().find(|a| !a.ip().is_loopback()) {
            return fail(format!("`listen.lmtp` may only be on loopback, not on {exposed}: LMTP has neither TLS nor log-in"));
        }
        if let Some(acme) = &self.acme {
            acme.check(self)?;
        }
        self.quota.of_account()?;
        self.documents.over(&octroi_gate::Limits::default()).map_err(ConfigError)?;
        crate::courier::check(&self.second_factor).map_err(ConfigError)?;
        self.engine_options()?;
        self.proxies.by_proxy_protocol()?;
        self.proxies.by_forwarded()?;
        self.inbound.over(SmtpConfig::default()).map_err(ConfigError)?;
        self.mail_auth.checks().map_err(ConfigError)?;
        self.spam.hooks().map_err(ConfigError)?;
        self.reports.sender(self).map_err(ConfigError)?;
        self.reports.settings(self).map_err(ConfigError)?;
        self.listen.socket_mode()?;
        self.push.inner()?;
        self.push.contact(self)?;
        self.subscriptions.check()?;
        Ok(())
    }

    /// Settings of SMTP and of the queue; files that they name are read.
    pub(crate) fn smtp(&self) -> Result<SmtpConfig, String> {
        let smtp = self.limits.smtp.over(SmtpConfig { filters: self.filters(), ..SmtpConfig::default() });
        self.outbound.over(self.inbound.over(smtp)?, &self.data)
    }

    /// How the store is opened.
    pub(crate) fn engine_options(&self) -> Result<octroi_engine::Options, ConfigError> {
        let options = octroi_engine::Options { extractor: Some(crate::search::extractor()), ..octroi_engine::Options::default() };
        self.store.over(options).map_err(ConfigError)
    }

    /// The profiles and zones, with the authorities that these need.
    pub(crate) fn profiles(&self) -> Result<Profiles, ConfigError> {
        self.profiles.as_deref().map_or_else(|| Ok(Profiles::builtin()), Profiles::load).map_err(ConfigError)
    }

    /// The admin socket of a data folder.
    pub(crate) fn admin_socket(data: &Path) -> PathBuf {
        data.join("admin.sock")
    }

    /// What a filter may be, and make the server do.
    pub(crate) fn filters(&self) -> octroi_sieve::Limits {
        self.limits.sieve.over(octroi_sieve::Limits::default())
    }

    /// Octets that a message may have which is imported: what one may have that a program appends.
    pub(crate) fn message_bytes_max(&self) -> u64 {
        self.limits.imap.over(octroi_imap::ImapConfig::default()).append_bytes_max
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const SAMPLE: &str = include_str!("../../deploy/octroi.toml");

    #[test]
    fn the_sample_file_is_valid_and_survives_a_round_trip() {
        let config = Config::parse(SAMPLE).unwrap();
        let again = Config::parse(&toml::to_string(&config).unwrap()).unwrap();
        assert_eq!(format!("{config:?}"), format!("{again:?}"));
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_line() {
        let text = format!("organisaton = \"x\"\n{SAMPLE}");
        let error = Config::parse(&text).unwrap_err().to_string();
        assert!(error.contains("line 1") && error.contains("organisaton"), "{error}");
    }

    #[test]
    fn proxies_are_networks_and_never_everybody() {
        let with = |text: &str| Config::parse(&format!("{}\n[proxies]\n{text}\n", SAMPLE.replace("[proxies]", "")));
        let config = with("proxy_protocol = [\"10.0.0.5\", \"2001:db8::/64\"]\nforwarded = [\"10.0.0.6/32\"]").unwrap();
        assert!(config.proxies.by_proxy_protocol().unwrap().contains("2001:db8::1".parse().unwrap()));
        assert!(config.proxies.by_forwarded().unwrap().contains("10.0.0.6".parse().unwrap()));
        for (bad, why) in [
            ("proxy_protocol = [\"0.0.0.0/0\"]", "proxies.proxy_protocol"),
            ("forwarded = [\"10.0.0.5/8\"]", "proxies.forwarded"),
            ("forwarded = [\"proxy.example\"]", "neither an address nor a network"),
            ("forwarded_for = []", "forwarded_for"),
        ] {
            let error = with(bad).unwrap_err().to_string();
            assert!(error.contains(why), "{bad}: {error}");
        }
    }

    #[test]
    fn push_is_off_and_says_whom_to_write_to() {
        let with = |text: &str| Config::parse(&SAMPLE.replace("[push]", &format!("[push]\n{text}")));
        let config = with("").unwrap();
        assert!(!config.push.enabled);
        assert_eq!(config.push.contact(&config).unwrap(), "mailto:hugo.bernard@douane.example");
        for (bad, why) in [("contact = \"hugo\"", "push.contact"), ("networks = [\"push.example\"]", "push.networks")] {
            assert!(with(bad).unwrap_err().to_string().contains(why), "{bad}");
        }
    }

    #[test]
    fn lmtp_stays_on_loopback() {
        let text = SAMPLE.replace("lmtp = [\"127.0.0.1:24\"]", "lmtp = [\"0.0.0.0:24\"]");
        assert_ne!(text, SAMPLE);
        assert!(Config::parse(&text).unwrap_err().to_string().contains("loopback"));
    }
}
