//! Several documents, and folders with all below them, as one ZIP archive that is made while it is taken.
//!
//! What always holds: each document is opened anew by its reader's rights of that moment; at most a piece of one is in memory; nothing is packed, as most
//! documents are already. What may not be read, or has gone meanwhile, is named in a text at the archive's end.

use super::At;
use super::download;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use octroi_gate::{List, MemberIs, READ_BYTES_MAX, Read, Refusal, Session};
use octroi_http::{Sink, produce};
use octroi_model::{Name, UnixTime};
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, DateTime, ZipWriter};

/// Documents and folders of one archive: what stands at its end about each is in memory until then.
const ENTRIES_MAX: usize = 20_000;
/// What is told in the archive of what is not in it.
const MISSING: &str = "NOT-INCLUDED.txt";

/// The archive of these.
pub(super) fn give(session: Session, called: &str, members: Vec<At>) -> Response {
    let body: Body = produce(None, |sink| Archive::new(session).send(members, sink));
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(download::POLICY));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONTENT_DISPOSITION, download::disposition(&format!("{called}.zip")));
    response
}

/// What was written and is not sent yet.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    fn take(&self) -> Bytes {
        Bytes::from(std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Write for Written {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Archive {
    session: Session,
    zip: ZipWriter<StreamWriter<Written>>,
    written: Written,
    entries: usize,
    missing: String,
}

/// The client has gone, or the archive cannot be made.
struct Broken;

impl From<octroi_http::Gone> for Broken {
    fn from(_: octroi_http::Gone) -> Self {
        Self
    }
}

impl From<zip::result::ZipError> for Broken {
    fn from(_: zip::result::ZipError) -> Self {
        Self
    }
}

impl From<io::Error> for Broken {
    fn from(_: io::Error) -> Self {
        Self
    }
}

impl Archive {
    fn new(session: Session) -> Self {
        let written = Written::default();
        Self { session, zip: ZipWriter::new_stream(written.clone()), written, entries: 0, missing: String::new() }
    }

    async fn send(mut self, members: Vec<At>, sink: Sink) {
        if self.all(members, &sink).await.is_err() {
            sink.fail().await;
        }
    }

    async fn all(&mut self, members: Vec<At>, sink: &Sink) -> Result<(), Broken> {
        // The last is taken first.
        let mut waiting: Vec<(At, String)> =
            members.into_iter().rev().filter_map(|at| Some((at.clone(), inner(at.path.names().last()?)))).collect();
        while let Some((at, name)) = waiting.pop() {
            self.entries += 1;
            if self.entries > ENTRIES_MAX {
                self.miss(&name);
                break;
            }
            match self.one(&at, &name, sink).await? {
                Ok(below) => waiting.extend(below.into_iter().rev()),
                Err(_) => self.miss(&name),
            }
        }
        if !self.missing.is_empty() {
            self.zip.start_file(MISSING, options(None))?;
            self.zip.write_all(self.missing.as_bytes())?;
        }
        let zip = std::mem::replace(&mut self.zip, ZipWriter::new_stream(Written::default()));
        zip.finish()?;
        sink.send(self.written.take()).await?;
        Ok(())
    }

    fn miss(&mut self, name: &str) {
        self.missing.push_str(name);
        self.missing.push_str("\r\n");
    }

    /// Put one into it; of a folder, what is below is still to come.
    async fn one(&mut self, at: &At, name: &str, sink: &Sink) -> Result<Result<Vec<(At, String)>, Refusal>, Broken> {
        if !at.slash
            && let Some(file) = at.file()
        {
            match self.session.open(file, Read).await {
                Ok(file) => {
                    self.zip.start_file(name, options(Some(file.item().date)))?;
                    let mut left = file.item().bytes();
                    while left > 0 {
                        let offset = file.item().bytes() - left;
                        // Part of it is in the archive already, which cannot be taken back: the client is to see that it is not whole.
                        let piece = file.read(offset, left.min(READ_BYTES_MAX)).await.map_err(|_| Broken)?;
                        left = left.checked_sub(piece.len() as u64).filter(|_| !piece.is_empty()).ok_or(Broken)?;
                        self.zip.write_all(&piece)?;
                        sink.send(self.written.take()).await?;
                    }
                    return Ok(Ok(Vec::new()));
                }
                Err(Refusal::Missing) => {}
                Err(refusal) => return Ok(Err(refusal)),
            }
        }
        let members = match self.session.open(at.folder(), List).await {
            Ok(folder) => folder.members().await,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let Ok(members) = members else { return Ok(Err(Refusal::Missing)) };
        self.zip.add_directory(name, options(None))?;
        sink.send(self.written.take()).await?;
        let below = |member: octroi_gate::Member| {
            let slash = matches!(member.is, MemberIs::Folder(_));
            let path = at.path.child(member.name.clone()).ok()?;
            Some((At { path, slash }, format!("{name}/{}", inner(&member.name))))
        };
        Ok(Ok(members.into_iter().filter_map(below).collect()))
    }
}

/// A name that leads nowhere else on any system.
fn inner(name: &Name) -> String {
    name.as_str().replace(['\\', ':'], "_")
}

fn options(at: Option<UnixTime>) -> SimpleFileOptions {
    // As large as it gets: how large is not known to the format before it was written.
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored).large_file(true);
    let dated = at.and_then(|at| {
        let local = jiff::Timestamp::from_second(at.0).ok()?.to_zoned(jiff::tz::TimeZone::system());
        let part = |number: i8| u8::try_from(number).unwrap_or(0);
        let year = u16::try_from(local.year()).ok()?;
        DateTime::from_date_and_time(
            year,
            part(local.month()),
            part(local.day()),
            part(local.hour()),
            part(local.minute()),
            part(local.second()),
        )
        .ok()
    });
    match dated {
        Some(dated) => options.last_modified_time(dated),
        None => options,
    }
}
