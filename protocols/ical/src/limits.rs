//! What an object may make us hold or do; read by the validators. All are far above what programs send.

/// Octets of one object; pictures and attachments may be inside. Deployments lower it (`max-resource-size`).
pub const OBJECT_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Logical lines of one object: a daily event of ten years with an exception for every day has fewer.
pub const LINES_MAX: usize = 200_000;
/// Components inside one another; RFC 5545 knows three levels.
pub const DEPTH_MAX: usize = 8;
/// Parameters of one line.
pub const PARAMS_MAX: usize = 128;
/// Values of one parameter; `MEMBER` lists whole departments.
pub const PARAM_VALUES_MAX: usize = 4_096;
/// Octets of a `UID`: it is kept in the index and compared.
pub const UID_BYTES_MAX: usize = 1_024;
/// Octets of an expanded object: every instance repeats the text of its event.
pub const EXPANDED_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Octets of all objects that one stream is cut into: each repeats the time zones that it names.
pub const FEED_BYTES_MAX: usize = 64 * 1024 * 1024;
