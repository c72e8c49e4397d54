//! Several ranges of a document in one answer: `multipart/byteranges` (RFC 9110 section 14.6).
//!
//! Called by GET. The length is known before the first octet is read, so that a client sees whether it has all.

use crate::range::Part;

/// An answer in parts.
pub(crate) struct ByteRanges {
    boundary: String,
    /// Each with what stands before its octets.
    parts: Vec<(String, Part)>,
    end: String,
}

impl ByteRanges {
    /// Of a document of that type and `length` octets.
    pub(crate) fn new(media_type: &str, length: u64, parts: &[Part]) -> Self {
        Self::between(boundary(), media_type, length, parts)
    }

    fn between(boundary: String, media_type: &str, length: u64, parts: &[Part]) -> Self {
        let head = |part: &Part| {
            let last = part.offset + part.bytes - 1;
            let (first, boundary) = (part.offset, &boundary);
            format!("\r\n--{boundary}\r\nContent-Type: {media_type}\r\nContent-Range: bytes {first}-{last}/{length}\r\n\r\n")
        };
        let parts = parts.iter().map(|part| (head(part), *part)).collect();
        Self { end: format!("\r\n--{boundary}--\r\n"), boundary, parts }
    }

    /// The type of the answer.
    pub(crate) fn media_type(&self) -> String {
        format!("multipart/byteranges; boundary={}", self.boundary)
    }

    /// Octets of the answer.
    pub(crate) fn bytes(&self) -> u64 {
        self.parts.iter().map(|(head, part)| head.len() as u64 + part.bytes).sum::<u64>() + self.end.len() as u64
    }

    /// What is sent one after the other: text, and behind it the octets of a part, unless it is the end.
    pub(crate) fn into_runs(self) -> impl Iterator<Item = (String, Option<Part>)> {
        self.parts.into_iter().map(|(head, part)| (head, Some(part))).chain([(self.end, None)])
    }
}

/// What no document has in it but by design: 128 bits, new for each answer.
fn boundary() -> String {
    let mut random = [0; 16];
    // Without it a document could be made that holds its own boundary, but for whom would it be: the clock tells them apart as well.
    if getrandom::fill(&mut random).is_err() {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_nanos());
        random = now.to_le_bytes();
    }
    data_encoding::HEXLOWER.encode(&random)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9110 section 14.6's own example, with a boundary of its own.
    #[test]
    fn it_is_as_long_as_it_says_and_as_the_standard_shows() {
        let parts = [Part { offset: 500, bytes: 500 }, Part { offset: 7000, bytes: 1000 }];
        let ranges = ByteRanges::between("THIS_STRING_SEPARATES".to_owned(), "application/pdf", 8000, &parts);
        assert_eq!(ranges.media_type(), "multipart/byteranges; boundary=THIS_STRING_SEPARATES");
        assert!(ranges.parts[0].0.contains("Content-Type: application/pdf\r\nContent-Range: bytes 500-999/8000\r\n\r\n"));
        assert!(ranges.parts[1].0.starts_with("\r\n--THIS_STRING_SEPARATES\r\n") && ranges.parts[1].0.contains("bytes 7000-7999/8000"));
        let heads: usize = ranges.parts.iter().map(|(head, _)| head.len()).sum();
        assert_eq!(ranges.bytes(), (heads + 1500 + "\r\n--THIS_STRING_SEPARATES--\r\n".len()) as u64);
        assert_ne!(boundary(), boundary());
    }
}
