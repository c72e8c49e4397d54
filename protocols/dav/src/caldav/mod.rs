//! What CalDAV's reports ask: which objects (`filter`, `matching`), and what of each (`data`). RFC 4791 sections 7 and 9.
//!
//! | file | what |
//! |---|---|
//! | `filter` | the filter of a query, read |
//! | `matching` | whether an object is what it asks for |
//! | `data` | what of an object is sent: all, parts, instances |
//! | `merged` | several objects as one stream |
//! | `zone` | the zone of floating times |
//! | `facts` | what is noted of an object when it is put, so that it is found without being read |

mod data;
mod facts;
mod filter;
mod matching;
mod merged;
mod zone;

pub(crate) use data::CalendarData;
pub use facts::describe_object;
pub(crate) use facts::{describe_all, describe_shared, facts_of, kind, strip};
pub(crate) use filter::{Filter, TimeRange};
pub(crate) use matching::{Floating, fits};
pub(crate) use merged::{HEAD, Merged, TAIL};
pub(crate) use zone::{of_collection, of_request, of_text};
