//! The report in a message: which part it is, and what it is once it is unpacked.
//!
//! What always holds: no more is unpacked than the limit, whatever the octets say of their size; names within an archive lead nowhere.

use crate::fault::Fault;
use crate::limits::ReportLimits;
use flate2::read::MultiGzDecoder;
use octroi_mime::{Message, Part, TransferEncoding};
use std::io::{Cursor, Read};
use zip::ZipArchive;

/// Parts of a message that are looked into.
const PARTS_MAX: usize = 4;
/// Files of an archive that are looked at.
const FILES_MAX: usize = 8;

/// What kind of report it is, by its first character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Dmarc,
    Tls,
}

/// The first part that is a report, unpacked.
pub(crate) fn unpack(message: &[u8], limits: &ReportLimits) -> Result<(Kind, Vec<u8>), Fault> {
    if message.len() > limits.message_bytes_max {
        return Err(Fault::TooBig("the message"));
    }
    let message = Message::parse(message);
    let mut fault = Fault::NotAReport;
    for part in message.parts().iter().filter(|part| part.children().is_empty() && may_be(part)).take(PARTS_MAX) {
        let octets = TransferEncoding::from_field(part.encoding()).decode(message.body_of(part));
        match opened(octets, limits.unpacked_bytes_max) {
            Ok(report) => return Ok(report),
            Err(Fault::NotAReport) => {}
            Err(why) => fault = why,
        }
    }
    Err(fault)
}

/// What reports come as; programs name them in many ways.
fn may_be(part: &Part<'_>) -> bool {
    let media = part.media();
    media.kind == b"APPLICATION" || media.is("TEXT", "XML") || media.is("TEXT", "JSON")
}

fn opened(octets: Vec<u8>, bytes_max: usize) -> Result<(Kind, Vec<u8>), Fault> {
    let octets = match octets.get(..4) {
        Some([0x1f, 0x8b, ..]) => bounded(MultiGzDecoder::new(octets.as_slice()), bytes_max)?,
        Some(b"PK\x03\x04") => unzipped(&octets, bytes_max)?,
        _ if octets.len() > bytes_max => return Err(Fault::TooBig("what came")),
        _ => octets,
    };
    let text = octets.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&octets);
    match text.iter().find(|octet| !octet.is_ascii_whitespace()) {
        Some(b'<') => Ok((Kind::Dmarc, octets)),
        Some(b'{') => Ok((Kind::Tls, octets)),
        _ => Err(Fault::NotAReport),
    }
}

fn bounded(reader: impl Read, bytes_max: usize) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::new();
    let read = reader.take(bytes_max as u64 + 1).read_to_end(&mut out);
    if out.len() > bytes_max {
        return Err(Fault::TooBig("what is packed"));
    }
    read.map_err(|_| Fault::Malformed("what is packed is damaged"))?;
    Ok(out)
}

fn unzipped(octets: &[u8], bytes_max: usize) -> Result<Vec<u8>, Fault> {
    let damaged = Fault::Malformed("the archive is damaged");
    let mut archive = ZipArchive::new(Cursor::new(octets)).map_err(|_| damaged)?;
    for number in 0..archive.len().min(FILES_MAX) {
        let file = archive.by_index(number).map_err(|_| damaged)?;
        if !file.is_dir() {
            return bounded(file, bytes_max);
        }
    }
    Err(Fault::Malformed("the archive is empty"))
}
