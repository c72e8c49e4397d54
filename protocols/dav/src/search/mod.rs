//! SEARCH's one grammar, `DAV:basicsearch` (RFC 5323): what is asked, and whether a resource is it.
//!
//! Called by the method. What always holds: a query is read whole under limits before anything is looked at; conditions know true, false and
//! unknown (section 5.5.3), so that what has no such property is neither equal nor different.

pub(crate) mod condition;
mod query;
mod value;

pub(crate) use query::{Order, Query, Scope};
pub(crate) use value::Value;
