//! A report out of XML, of RFC 9990, of RFC 7489, and of those who wrote theirs before either.
//!
//! What always holds: no DOCTYPE and no entity but the five of XML 1.0, so nothing expands and nothing external is read; depth, names,
//! texts and records are bounded before they are kept.

use super::{Disposition, DkimSeen, Feedback, Override, Published, Row, SpfSeen};
use crate::clean::cleaned;
use crate::fault::Fault;
use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesRef, Event};
use std::net::IpAddr;

/// Elements within elements: the deepest known has six, and extensions may add some.
const DEPTH_MAX: usize = 16;
/// Octets of an element's name.
const NAME_BYTES_MAX: usize = 64;
/// Octets of one text, before it is cut to what is kept.
const TEXT_BYTES_MAX: usize = 4096;
/// Signatures of one record (RFC 9990 section 3.1.4 has reports name 100 at most).
const SIGNATURES_MAX: usize = 20;

impl Feedback {
    /// From XML; no more than `records_max` records are kept. Texts are cut and cleaned, for they are shown on terminals.
    pub fn read(octets: &[u8], records_max: usize) -> Result<Self, Fault> {
        let text = String::from_utf8_lossy(octets);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let mut reader = Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        let mut builder = Builder { records_max, ..Builder::default() };
        loop {
            match reader.read_event().map_err(|_| Fault::Malformed("the XML is not well-formed"))? {
                Event::Start(start) => builder.open(start.local_name().as_ref())?,
                Event::End(_) => builder.close(),
                Event::Text(text) => builder.text(&text.xml10_content()),
                Event::CData(data) => builder.text(&data.xml10_content()),
                Event::GeneralRef(reference) => builder.text(resolve(&reference)?.encode_utf8(&mut [0; 4])),
                Event::DocType(_) => return Err(Fault::Malformed("the XML has a DOCTYPE")),
                Event::Decl(_) | Event::Comment(_) | Event::PI(_) | Event::Empty(_) => {}
                Event::Eof => return builder.finish(),
            }
        }
    }
}

fn resolve(reference: &BytesRef<'_>) -> Result<char, Fault> {
    let fault = Fault::Malformed("the XML has an entity of its own");
    if let Some(character) = reference.resolve_char_ref().map_err(|_| fault)? {
        return Ok(character);
    }
    // Each of the five is one character.
    resolve_xml_entity(reference).and_then(|text| text.chars().next()).ok_or(fault)
}

/// The report as far as it has come.
#[derive(Default)]
struct Builder {
    records_max: usize,
    open: Vec<String>,
    text: String,
    report: Feedback,
    record: Draft,
}

/// A record as far as it has come.
#[derive(Default)]
struct Draft {
    source: Option<IpAddr>,
    count: u64,
    disposition: Option<Disposition>,
    dkim_aligned: bool,
    spf_aligned: bool,
    overridden: Option<Override>,
    header_from: String,
    envelope_from: String,
    dkim: Vec<DkimSeen>,
    spf: Option<SpfSeen>,
    domain: String,
    selector: String,
    result: String,
}

impl Builder {
    fn open(&mut self, name: &str) -> Result<(), Fault> {
        if self.open.len() >= DEPTH_MAX || name.len() > NAME_BYTES_MAX {
            return Err(Fault::TooBig("an element of the XML"));
        }
        if self.open.is_empty() && name != "feedback" {
            return Err(Fault::Malformed("the XML is no DMARC report"));
        }
        self.open.push(name.to_owned());
        self.text.clear();
        Ok(())
    }

    fn text(&mut self, text: &str) {
        if self.text.len() < TEXT_BYTES_MAX {
            self.text.push_str(text);
        }
    }

    fn close(&mut self) {
        let Some(name) = self.open.pop() else { return };
        let text = cleaned(&self.text).trim().to_owned();
        self.text.clear();
        let parent = self.open.last().map(String::as_str).unwrap_or_default();
        match (parent, name.as_str()) {
            ("report_metadata" | "date_range", name) => self.metadata(name, text),
            ("policy_published", name) => published(&mut self.report.published, name, text),
            ("feedback", "record") => self.finish_record(),
            (parent, name) => self.record.take(parent, name, text),
        }
    }

    fn metadata(&mut self, name: &str, text: String) {
        let report = &mut self.report;
        match name {
            "org_name" => report.organisation = text,
            "email" => report.email = text,
            "report_id" => report.id = text,
            "error" if !text.is_empty() => report.error = Some(text),
            "begin" => report.begin = text.parse().unwrap_or_default(),
            "end" => report.end = text.parse().unwrap_or_default(),
            _ => {}
        }
    }

    fn finish_record(&mut self) {
        let draft = std::mem::take(&mut self.record);
        match draft.row() {
            Some(record) if self.report.records.len() < self.records_max => self.report.records.push(record),
            _ => self.report.cut += 1,
        }
    }

    fn finish(self) -> Result<Feedback, Fault> {
        let report = self.report;
        if !self.open.is_empty() || report.id.is_empty() || report.published.domain.is_empty() || report.begin <= 0 {
            return Err(Fault::Malformed("a DMARC report without id, domain or date"));
        }
        Ok(report)
    }
}

fn published(published: &mut Published, name: &str, text: String) {
    match name {
        "domain" => published.domain = text.to_ascii_lowercase(),
        "p" => published.p = text,
        "sp" => published.sp = Some(text),
        "np" => published.np = Some(text),
        "adkim" => published.adkim = Some(text),
        "aspf" => published.aspf = Some(text),
        "fo" => published.fo = Some(text),
        "testing" => published.testing = text == "y",
        _ => {}
    }
}

impl Draft {
    fn take(&mut self, parent: &str, name: &str, text: String) {
        match (parent, name) {
            ("row", "source_ip") => self.source = text.parse().ok(),
            ("row", "count") => self.count = text.parse().unwrap_or_default(),
            ("policy_evaluated", "disposition") => self.disposition = Some(Disposition::of(&text)),
            ("policy_evaluated", "dkim") => self.dkim_aligned = text == "pass",
            ("policy_evaluated", "spf") => self.spf_aligned = text == "pass",
            ("reason", "type") => self.overridden = Some(Override::of(&text)),
            ("identifiers", "header_from") => self.header_from = text.to_ascii_lowercase(),
            ("identifiers", "envelope_from") => self.envelope_from = text,
            ("dkim" | "spf", "domain") => self.domain = text,
            ("dkim", "selector") => self.selector = text,
            ("dkim" | "spf", "result") => self.result = text,
            ("auth_results", "dkim") => {
                let take = std::mem::take::<String>;
                let seen = DkimSeen { domain: take(&mut self.domain), selector: take(&mut self.selector), result: take(&mut self.result) };
                if self.dkim.len() < SIGNATURES_MAX {
                    self.dkim.push(seen);
                }
            }
            ("auth_results", "spf") => {
                let seen = SpfSeen { domain: std::mem::take(&mut self.domain), result: std::mem::take(&mut self.result) };
                self.selector.clear();
                // RFC 7489 allowed one for the greeting as well, which comes first or not at all.
                self.spf = Some(seen);
            }
            _ => {}
        }
    }

    fn row(self) -> Option<(Row, u64)> {
        let row = Row {
            source: self.source?,
            disposition: self.disposition?,
            dkim_aligned: self.dkim_aligned,
            spf_aligned: self.spf_aligned,
            overridden: self.overridden,
            header_from: self.header_from,
            envelope_from: self.envelope_from,
            dkim: self.dkim,
            spf: self.spf,
        };
        Some((row, self.count))
    }
}
