//! The files of an authority's account and certificate: `acme/` in the data folder, for the server's own eyes.
//!
//! Certificate and key are one file, so that a crash never leaves one of them old; each file is written whole and synced before it takes its name.

use crate::tls::Certificate;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use x509_parser::extensions::GeneralName;
use x509_parser::pem::parse_x509_pem;
use zeroize::Zeroizing;

/// What an authority gave.
pub(super) struct Issued {
    /// PEM, our own certificate first.
    pub(super) chain: String,
    /// PEM.
    pub(super) key: Zeroizing<String>,
}

/// The folder.
pub(crate) struct Kept {
    folder: PathBuf,
}

/// When a certificate counts, in Unix seconds.
pub(super) struct Validity {
    pub(super) from: i64,
    pub(super) until: i64,
}

impl Kept {
    /// In this data folder.
    pub(crate) fn of(data: &Path) -> Self {
        Self { folder: data.join("acme") }
    }

    /// The certificate, if there is one, it has all these names and has not run out.
    pub(crate) fn certificate(&self, names: &[String]) -> Result<Option<Certificate>, String> {
        let file = self.certificate_file();
        let Some(pem) = read(&file)? else { return Ok(None) };
        let (_, first) = parse_x509_pem(&pem).map_err(|e| format!("{}: {e}", file.display()))?;
        let parsed = first.parse_x509().map_err(|e| format!("{}: {e}", file.display()))?;
        let listed = parsed.subject_alternative_name().ok().flatten().map(|names| names.value.general_names.clone()).unwrap_or_default();
        let has = |name: &String| listed.iter().any(|listed| matches!(listed, GeneralName::DNSName(dns) if dns.eq_ignore_ascii_case(name)));
        if !names.iter().all(has) || !parsed.validity().is_valid() {
            return Ok(None);
        }
        Certificate::from_files(&file, &file).map(Some)
    }

    /// Of the certificate that is kept; the certificate in DER beside it.
    pub(super) fn validity(&self) -> Result<Option<(Validity, Vec<u8>)>, String> {
        let file = self.certificate_file();
        let Some(pem) = read(&file)? else { return Ok(None) };
        let (_, first) = parse_x509_pem(&pem).map_err(|e| format!("{}: {e}", file.display()))?;
        let parsed = first.parse_x509().map_err(|e| format!("{}: {e}", file.display()))?;
        let validity = Validity { from: parsed.validity().not_before.timestamp(), until: parsed.validity().not_after.timestamp() };
        Ok(Some((validity, first.contents)))
    }

    /// Keep what was issued.
    pub(super) fn keep(&self, issued: &Issued) -> Result<(), String> {
        let both = Zeroizing::new(format!("{}\n{}", issued.chain.trim_end(), issued.key.as_str()));
        self.write(&self.certificate_file(), both.as_bytes())
    }

    /// The account's credentials.
    pub(super) fn account(&self) -> Result<Option<Zeroizing<Vec<u8>>>, String> {
        read(&self.account_file())
    }

    /// Keep the account's credentials.
    pub(super) fn keep_account(&self, credentials: &[u8]) -> Result<(), String> {
        self.write(&self.account_file(), credentials)
    }

    fn certificate_file(&self) -> PathBuf {
        self.folder.join("certificate.pem")
    }

    fn account_file(&self) -> PathBuf {
        self.folder.join("account.json")
    }

    fn write(&self, file: &Path, octets: &[u8]) -> Result<(), String> {
        let writing = || {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
            crate::files::replace(file, octets)
        };
        writing().map_err(|e: std::io::Error| format!("cannot write {}: {e}", file.display()))
    }
}

fn read(file: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, String> {
    match fs::read(file) {
        Ok(octets) => Ok(Some(Zeroizing::new(octets))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("cannot read {}: {error}", file.display())),
    }
}
