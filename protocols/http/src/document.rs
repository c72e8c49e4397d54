//! Documents on their way out, and what type they are of. Called by `dav` and `portal`.

use crate::stream::{Gone, Sink};
use bytes::Bytes;
use octroi_gate::{File, Granted, READ_BYTES_MAX, Read};
use octroi_model::Name;

/// The media type by the ending of its name, for who does not say.
pub fn media_type_of(name: &Name) -> Option<String> {
    mime_guess::from_path(name.as_str()).first_raw().map(str::to_owned)
}

/// Send `bytes` octets of a document from `offset` in pieces; the sink holds us back when the client is slow.
pub async fn send_document(file: &Granted<File, Read>, mut offset: u64, bytes: u64, sink: &Sink) -> Result<(), Gone> {
    let mut left = bytes;
    while left > 0 {
        // Every piece is decided anew: a right that is withdrawn meanwhile ends the download.
        let piece = file.read(offset, left.min(READ_BYTES_MAX)).await.unwrap_or_default();
        if piece.is_empty() {
            sink.fail().await;
            return Err(Gone);
        }
        offset += piece.len() as u64;
        left = left.saturating_sub(piece.len() as u64);
        sink.send(Bytes::from(piece)).await?;
    }
    Ok(())
}
