//! What should stand in the DNS, in the form of a zone file (RFC 1035 section 5). Pure.

use crate::admin::protocol::DkimLine;
use crate::config::Config;
use octroi_mailauth::Standing;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::server::ParsedCertificate;
use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// Octets of one string of a TXT record (RFC 1035 section 3.3.14).
const STRING_BYTES_MAX: usize = 255;

/// A record that should be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    /// Absolute, with its last dot.
    pub(crate) name: String,
    pub(crate) data: Data,
    pub(crate) need: Need,
}

/// What it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Data {
    /// The host's public address, which only the administrator knows.
    Address(Option<IpAddr>),
    Mx(String),
    Txt(String),
    Srv {
        priority: u16,
        weight: u16,
        port: u16,
        target: String,
    },
    Cname(String),
    /// SHA-256 of the certificate's public key (RFC 7671: `3 1 1`).
    Tlsa([u8; 32]),
}

/// What is missed without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Mail does not work, or is not believed.
    Must,
    /// Something is less comfortable or less safe.
    May,
    /// It must be there before new keys sign.
    Soon,
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match &self.data {
            Data::Address(Some(IpAddr::V4(ip))) => write!(f, "{name}\tA\t{ip}"),
            Data::Address(Some(IpAddr::V6(ip))) => write!(f, "{name}\tAAAA\t{ip}"),
            Data::Address(None) => write!(f, "; {name}\tA and AAAA: the public addresses of this host, which must point back to it"),
            Data::Mx(host) => write!(f, "{name}\tMX\t10 {host}"),
            Data::Srv { priority, weight, port, target } => write!(f, "{name}\tSRV\t{priority} {weight} {port} {target}"),
            Data::Cname(host) => write!(f, "{name}\tCNAME\t{host}"),
            Data::Tlsa(hash) => {
                let hash: String = hash.iter().map(|octet| format!("{octet:02x}")).collect();
                write!(f, "{name}\tTLSA\t3 1 1 {hash}")
            }
            Data::Txt(text) => {
                write!(f, "{name}\tTXT\t")?;
                for (number, string) in text.as_bytes().chunks(STRING_BYTES_MAX).enumerate() {
                    let gap = if number == 0 { "" } else { " " };
                    let string = String::from_utf8_lossy(string).replace('\\', "\\\\").replace('"', "\\\"");
                    write!(f, "{gap}\"{string}\"")?;
                }
                Ok(())
            }
        }
    }
}

/// All records, host first, then domain by domain.
pub(crate) fn wanted(config: &Config, keys: &[DkimLine]) -> Vec<Record> {
    let host = absolute(&config.hostname);
    let mut records: Vec<Record> = Vec::new();
    let addresses = public_addresses(config);
    if addresses.is_empty() {
        records.push(must(&host, Data::Address(None)));
    }
    records.extend(addresses.into_iter().map(|ip| must(&host, Data::Address(Some(ip)))));
    if !config.domains.iter().any(|domain| absolute(domain) == host) {
        // RFC 7208 section 10.1.3: for notifications, whose sender is the greeting.
        records.push(may(&host, Data::Txt("v=spf1 a -all".to_owned())));
    }
    if let (Some(hash), false) = (certificate_hash(config), config.listen.smtp.is_empty()) {
        records.push(may(&format!("_25._tcp.{host}"), Data::Tlsa(hash)));
    }
    for domain in &config.domains {
        of_domain(&absolute(domain), &host, config, keys, &mut records);
    }
    records
}

fn of_domain(domain: &str, host: &str, config: &Config, keys: &[DkimLine], records: &mut Vec<Record>) {
    let reports = config.reports.address_for(domain);
    records.push(must(domain, Data::Mx(host.to_owned())));
    // RFC 7208; who sends through a smarthost names that one.
    records.push(must(domain, Data::Txt("v=spf1 mx -all".to_owned())));
    for line in keys {
        let need = match line.standing {
            Standing::Active => Need::Must,
            Standing::Next => Need::Soon,
            Standing::Retired { .. } => Need::May,
        };
        let record = |record: &octroi_mailauth::KeyRecord| Record {
            name: format!("{}.{domain}", record.name),
            data: Data::Txt(record.value.clone()),
            need,
        };
        records.extend(line.records.iter().map(record));
    }
    // RFC 7489 section 6.3. To be made `quarantine` and `reject` when its reports show that all mail passes.
    records.push(must(&format!("_dmarc.{domain}"), Data::Txt(format!("v=DMARC1; p=none; rua=mailto:{reports}"))));
    // RFC 8460 section 3.
    records.push(may(&format!("_smtp._tls.{domain}"), Data::Txt(format!("v=TLSRPTv1; rua=mailto:{reports}"))));
    // RFC 9990 section 4: who gets reports about another domain must say so, or gets none.
    let host_of_reports = reports.rsplit_once('@').map(|(_, host)| absolute(host)).filter(|other| *other != domain);
    if let Some(other) = host_of_reports {
        let allowed = format!("{domain}_report._dmarc.{other}");
        records.push(may(&allowed, Data::Txt("v=DMARC1".to_owned())));
    }
    if let Some(policy) = config.mail_auth.mta_sts_policy(&config.hostname) {
        // RFC 8461 section 3.1: another id for another policy.
        let id: String = ring::digest::digest(&ring::digest::SHA256, policy.as_bytes()).as_ref()[..10]
            .iter()
            .map(|octet| format!("{octet:02x}"))
            .collect();
        records.push(may(&format!("_mta-sts.{domain}"), Data::Txt(format!("v=STSv1; id={id}"))));
        records.push(may(&format!("mta-sts.{domain}"), Data::Cname(host.to_owned())));
    }
    services(domain, host, config, records);
}

/// Where clients find what is served (RFC 6186, RFC 8314, RFC 6764). A single dot says that there is none.
fn services(domain: &str, host: &str, config: &Config, records: &mut Vec<Record>) {
    let listen = &config.listen;
    let port = |sockets: &[SocketAddr]| sockets.first().map(SocketAddr::port);
    for (service, port, priority) in [
        ("_imaps", port(&listen.imaps), 0),
        ("_imap", port(&listen.imap), 10),
        ("_submissions", port(&listen.submissions), 0),
        ("_submission", port(&listen.submission), 10),
        ("_caldavs", port(&listen.https), 0),
        ("_carddavs", port(&listen.https), 0),
        ("_pop3s", None, 0),
        ("_pop3", None, 0),
        ("_caldav", None, 0),
        ("_carddav", None, 0),
    ] {
        let data = match port {
            Some(port) => Data::Srv { priority, weight: 1, port, target: host.to_owned() },
            None => Data::Srv { priority: 0, weight: 0, port: 0, target: ".".to_owned() },
        };
        records.push(may(&format!("{service}._tcp.{domain}"), data));
    }
    // RFC 6764 section 4: it spares programs the way over the well-known address.
    for service in ["_caldavs", "_carddavs"].iter().filter(|_| !listen.https.is_empty()) {
        records.push(may(&format!("{service}._tcp.{domain}"), Data::Txt("path=/dav/".to_owned())));
    }
    if !listen.https.is_empty() && absolute(domain) != host {
        records.push(may(&format!("autoconfig.{domain}"), Data::Cname(host.to_owned())));
    }
}

/// Addresses that are listened on for mail and that others can reach.
fn public_addresses(config: &Config) -> Vec<IpAddr> {
    let is_public = |ip: &IpAddr| match ip {
        IpAddr::V4(ip) => !(ip.is_unspecified() || ip.is_loopback() || ip.is_private() || ip.is_link_local()),
        IpAddr::V6(ip) => !(ip.is_unspecified() || ip.is_loopback() || ip.is_unicast_link_local() || ip.is_unique_local()),
    };
    let mut addresses: Vec<IpAddr> = config.listen.smtp.iter().map(SocketAddr::ip).filter(is_public).collect();
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

/// SHA-256 of the public key of the certificate that is shown, if it can be read.
fn certificate_hash(config: &Config) -> Option<[u8; 32]> {
    let file = config.tls.as_ref().map_or_else(|| config.data.join("tls/certificate.pem"), |tls| tls.certificate.clone());
    let certificate = CertificateDer::from_pem_slice(&std::fs::read(file).ok()?).ok()?;
    let key = ParsedCertificate::try_from(&certificate).ok()?.subject_public_key_info();
    ring::digest::digest(&ring::digest::SHA256, &key).as_ref().try_into().ok()
}

fn absolute(name: &str) -> String {
    format!("{}.", name.trim_end_matches('.').to_lowercase())
}

fn must(name: &str, data: Data) -> Record {
    Record { name: name.to_owned(), data, need: Need::Must }
}

fn may(name: &str, data: Data) -> Record {
    Record { name: name.to_owned(), data, need: Need::May }
}
