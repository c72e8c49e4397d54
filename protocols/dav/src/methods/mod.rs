//! One file for each method, named as on the wire.

pub(crate) mod acl;
pub(crate) mod attach;
pub(crate) mod copy;
pub(crate) mod delete;
pub(crate) mod destination;
mod export;
pub(crate) mod get;
pub(crate) mod lock;
mod make;
pub(crate) mod mkcalendar;
pub(crate) mod mkcol;
pub(crate) mod r#move;
pub(crate) mod options;
pub(crate) mod outbox;
pub(crate) mod post;
pub(crate) mod propfind;
pub(crate) mod proppatch;
pub(crate) mod put;
pub(crate) mod report;
pub(crate) mod search;
pub(crate) mod unlock;

/// What reads bodies here, for the fuzz target.
#[cfg(feature = "fuzzing")]
pub(crate) fn fuzzed(request: &crate::xml::Element, kept: Vec<String>) {
    let _ = make::Wish::read(request, kept, None, "D:mkcol-response");
    report::fuzzed(request);
}
