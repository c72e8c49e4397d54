//! What CardDAV's reports ask: which cards (`filter`), and what of each (`data`). RFC 6352 sections 8 and 10.

mod data;
mod filter;

pub(crate) use data::AddressData;
pub(crate) use filter::Filter;
