//! What a message may make us hold or do; read by the parsers of this crate. All are far above what people send.

/// Parts of one message, embedded ones included. A part costs up to some hundred octets of structure in every FETCH.
pub const PARTS_MAX: usize = 1_000;
/// Multiparts and embedded messages inside one another. Clients build trees from the structure and recurse into them.
pub const DEPTH_MAX: usize = 50;
/// Octets of header that are looked into, over all parts of a message; the envelope repeats them up to three times.
pub const HEADER_BYTES_MAX: usize = 1024 * 1024;
/// Addresses and group marks over all envelopes of a message.
pub const ADDRESSES_MAX: usize = 10_000;
/// Parameters of one `Content-Type` or `Content-Disposition`.
pub const PARAMS_MAX: usize = 64;
/// Octets of a multipart's boundary: RFC 2046 section 5.1.1 allows 70; each line that starts with `--` is compared with all open ones.
pub const BOUNDARY_BYTES_MAX: usize = 256;
/// Octets of one value other than an address list in an envelope or structure (subject, message id, description …).
pub const VALUE_BYTES_MAX: usize = 64 * 1024;
/// Languages of one `Content-Language`.
pub const LANGUAGES_MAX: usize = 64;
/// Octets of decoded text that are listed of one field: what is longer (some thousand recipients) is read from the header when it is
/// searched.
pub const LISTED_BYTES_MAX: usize = 8 * 1024;
/// Octets that are listed of a field above that limit, for its place in an order.
pub const LISTED_CUT_BYTES: usize = 1024;
/// Message ids that are listed of `References`: threads are seldom deeper, and the nearest ancestors are what counts.
pub const REFERENCES_MAX: usize = 128;
