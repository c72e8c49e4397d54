//! A report as XML.

use super::{Feedback, Published, Row};
use crate::fault::Fault;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use std::io;

/// RFC 9990 section 8.1. Readers of the older form do not look at namespaces.
const NAMESPACE: &str = "urn:ietf:params:xml:ns:dmarc-2.0";

impl Feedback {
    /// As XML (RFC 9990 section 3.1 and appendix A).
    pub fn write(&self) -> Result<Vec<u8>, Fault> {
        let mut xml = Xml(Writer::new(Vec::new()));
        xml.feedback(self).map_err(|_| Fault::Malformed("it cannot be written"))?;
        Ok(xml.0.into_inner())
    }
}

/// Escapes what it is given.
struct Xml(Writer<Vec<u8>>);

impl Xml {
    fn open(&mut self, name: &str) -> io::Result<()> {
        self.0.write_event(Event::Start(BytesStart::new(name)))
    }

    fn close(&mut self, name: &str) -> io::Result<()> {
        self.0.write_event(Event::End(BytesEnd::new(name)))
    }

    fn text(&mut self, name: &str, text: &str) -> io::Result<()> {
        self.open(name)?;
        // Characters that XML has no way to write.
        let fit: String = text.chars().filter(|character| !character.is_control()).collect();
        self.0.write_event(Event::Text(BytesText::new(&fit)))?;
        self.close(name)
    }

    fn feedback(&mut self, report: &Feedback) -> io::Result<()> {
        self.0.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        self.0.write_event(Event::Start(BytesStart::new("feedback").with_attributes([("xmlns", NAMESPACE)])))?;
        self.text("version", "1.0")?;
        self.open("report_metadata")?;
        self.text("org_name", &report.organisation)?;
        self.text("email", &report.email)?;
        self.text("report_id", &report.id)?;
        self.open("date_range")?;
        self.text("begin", &report.begin.to_string())?;
        self.text("end", &report.end.to_string())?;
        self.close("date_range")?;
        if let Some(error) = &report.error {
            self.text("error", error)?;
        }
        self.text("generator", concat!("Octroi ", env!("CARGO_PKG_VERSION")))?;
        self.close("report_metadata")?;
        self.published(&report.published)?;
        for (row, count) in &report.records {
            self.record(row, *count)?;
        }
        self.close("feedback")
    }

    fn published(&mut self, published: &Published) -> io::Result<()> {
        self.open("policy_published")?;
        self.text("domain", &published.domain)?;
        self.text("discovery_method", "treewalk")?;
        self.text("p", &published.p)?;
        for (name, value) in
            [("sp", &published.sp), ("np", &published.np), ("fo", &published.fo), ("adkim", &published.adkim), ("aspf", &published.aspf)]
        {
            if let Some(value) = value {
                self.text(name, value)?;
            }
        }
        self.text("testing", if published.testing { "y" } else { "n" })?;
        self.close("policy_published")
    }

    fn record(&mut self, row: &Row, count: u64) -> io::Result<()> {
        let passed = |passed: bool| if passed { "pass" } else { "fail" };
        self.open("record")?;
        self.open("row")?;
        self.text("source_ip", &row.source.to_string())?;
        self.text("count", &count.to_string())?;
        self.open("policy_evaluated")?;
        self.text("disposition", row.disposition.word())?;
        self.text("dkim", passed(row.dkim_aligned))?;
        self.text("spf", passed(row.spf_aligned))?;
        if let Some(overridden) = row.overridden {
            self.open("reason")?;
            self.text("type", overridden.word())?;
            self.close("reason")?;
        }
        self.close("policy_evaluated")?;
        self.close("row")?;
        self.open("identifiers")?;
        self.text("header_from", &row.header_from)?;
        self.text("envelope_from", &row.envelope_from)?;
        self.close("identifiers")?;
        self.open("auth_results")?;
        for dkim in &row.dkim {
            self.open("dkim")?;
            self.text("domain", &dkim.domain)?;
            self.text("selector", &dkim.selector)?;
            self.text("result", &dkim.result)?;
            self.close("dkim")?;
        }
        if let Some(spf) = &row.spf {
            self.open("spf")?;
            self.text("domain", &spf.domain)?;
            self.text("scope", "mfrom")?;
            self.text("result", &spf.result)?;
            self.close("spf")?;
        }
        self.close("auth_results")?;
        self.close("record")
    }
}
