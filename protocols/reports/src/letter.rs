//! A report as a message (RFC 8460 section 5.3, RFC 9990 section 3.2.2), and as a file.

use crate::fault::Fault;
use flate2::Compression;
use flate2::write::GzEncoder;
use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address as Mailbox;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::raw::Raw;
use mail_builder::mime::{BodyPart, MimePart};
use octroi_model::UnixTime;
use std::io::Write as _;

/// What is on the envelope and in the header.
#[derive(Debug, Clone)]
pub struct Letter<'a> {
    /// Who reports, for people.
    pub organisation: &'a str,
    /// Our address; nobody need read what comes there.
    pub from: &'a str,
    /// Theirs.
    pub to: &'a str,
    /// Which domain reports.
    pub submitter: &'a str,
    /// About which.
    pub domain: &'a str,
    /// The report's id.
    pub id: &'a str,
    /// The first second that it is about.
    pub begin: i64,
    /// The last.
    pub end: i64,
    /// Now.
    pub now: UnixTime,
}

/// Packed, as it travels.
pub fn packed(report: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(report).and_then(|()| gzip.finish()).map_err(|_| Fault::Malformed("it cannot be packed"))
}

impl Letter<'_> {
    /// With a TLS report.
    pub fn tls(&self, report: Vec<u8>) -> Result<Vec<u8>, Fault> {
        let kind = ContentType::new("multipart/report").attribute("report-type", "tlsrpt").attribute("boundary", self.boundary());
        let message = self
            .message()
            // RFC 8460 section 5.3.
            .header("TLS-Report-Domain", Raw::new(self.domain))
            .header("TLS-Report-Submitter", Raw::new(self.submitter))
            // RFC 8689 section 3: it is about their TLS, and must not fail with it.
            .header("TLS-Required", Raw::new("No"));
        let text = format!(
            "This is a report of {} about TLS with the mail hosts of {}.\r\nIt is for machines: see RFC 8460.\r\n",
            self.submitter, self.domain
        );
        Self::with(message, kind, &text, "application/tlsrpt+gzip", &format!("{}.json.gz", self.file_name()), report)
    }

    /// With a DMARC report.
    pub fn dmarc(&self, report: Vec<u8>) -> Result<Vec<u8>, Fault> {
        let kind = ContentType::new("multipart/mixed").attribute("boundary", self.boundary());
        let text = format!(
            "This is a report of {} about mail that names authors of {}.\r\nIt is for machines: see RFC 9990.\r\n",
            self.submitter, self.domain
        );
        Self::with(self.message(), kind, &text, "application/gzip", &format!("{}.xml.gz", self.file_name()), report)
    }

    fn message(&self) -> MessageBuilder<'_> {
        MessageBuilder::new()
            .header("Return-Path", Raw::new("<>"))
            .from(Mailbox::new_address(Some(self.organisation), self.from))
            .to(Mailbox::new_address(None::<&str>, self.to))
            // RFC 9990 section 3.2.2; in one line, which long names may break where there is a space.
            .header("Subject", Raw::new(format!("Report Domain: {} Submitter: {} Report-ID: <{}>", self.domain, self.submitter, self.id)))
            .date(self.now.0)
            .message_id(self.id.to_owned())
            // RFC 3834 section 5: nothing shall answer this.
            .header("Auto-Submitted", Raw::new("auto-generated"))
    }

    fn with(
        message: MessageBuilder<'_>,
        kind: ContentType<'static>,
        text: &str,
        media: &str,
        file: &str,
        report: Vec<u8>,
    ) -> Result<Vec<u8>, Fault> {
        let parts = vec![
            MimePart::new("text/plain", text.to_owned()),
            MimePart::new(media.to_owned(), BodyPart::Binary(report.into())).attachment(file.to_owned()),
        ];
        let mut out = Vec::new();
        message.body(MimePart::new(kind, parts)).write_to(&mut out).map_err(|_| Fault::Malformed("it cannot be written"))?;
        Ok(out)
    }

    fn boundary(&self) -> String {
        format!("report-{}-{}", self.begin, self.end)
    }

    /// RFC 8460 section 5.1, RFC 9990 section 3.2.2.
    fn file_name(&self) -> String {
        let unique: String = self.id.chars().take_while(char::is_ascii_alphanumeric).collect();
        format!("{}!{}!{}!{}!{unique}", self.submitter, self.domain, self.begin, self.end)
    }
}
