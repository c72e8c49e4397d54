//! WebDAV, CalDAV and CardDAV: from an HTTP request to a grant of the gate, and back.
//!
//! The program mounts [`router`] on the HTTPS listener. What always holds: nothing is read or changed but through a grant of the
//! session that the request's credential opened; everything that a person may see, own or shared, lies below the person's own
//! address (another's tree is not found); an XML body is parsed under limits and every answer escapes; large bodies and long
//! listings stream both ways in flat memory.
//!
//! | URL | what |
//! |---|---|
//! | `/`, `/dav/` | `current-user-principal`, and the way down |
//! | `/.well-known/caldav`, `/.well-known/carddav` | redirect to `/dav/` |
//! | `/dav/principals/<address>/` | the person; others for who may share with them |
//! | `/dav/principals/group/<name>/`, `…/profile/<name>/` | several at once, for ACLs |
//! | `/dav/files/<address>/…` | documents |
//! | `/dav/notifications/<address>/` | invitations to shared calendars, and answers |
//! | `/dav/push/<address>/<registration>` | programs that want to be woken |
//! | `/public/calendars/<link>` | a calendar for whoever has the link |
//! | `/dav/calendars/<address>/…`, `/dav/contacts/<address>/…` | calendars and address books, one level |
//!
//! | file | what |
//! |---|---|
//! | `dispatch` | one `match` over the methods |
//! | `methods/` | a file for each method, `methods/report/` for each report |
//! | `call`, `path` | what a request asks of what |
//! | `precondition`, `if_header` | conditional headers |
//! | `uploads` | uploads in parts, a place of their own beside the trees |
//! | `byteranges`, `digest` | several ranges in one answer; checks of what is sent |
//! | `locks` | locks: what is told of them, and refusals because of one |
//! | `property`, `resource`, `multistatus`, `rights` | what answers tell |
//! | `standing` | sync tokens of homes and trees |
//! | `privilege`, `sharing` | rights as privileges, ACLs both ways |
//! | `invitation`, `notifications` | sharing by invitation |
//! | `push` | programs that want to be woken |
//! | `published` | calendars under a secret link |
//! | `object` | calendar objects and cards are checked |
//! | `instruction`, `keyword` | what PROPPATCH and MKCOL may set; keywords of documents as properties |
//! | `caldav/` | which calendar objects a query asks for, and what of each |
//! | `carddav/` | which cards a query asks for, and what of each |
//! | `text_match` | texts compared in filters of both families |
//! | `schedule` | headers of meetings |
//! | `search/` | what SEARCH asks, and whether a resource is it |
//! | `refusal` | the one mapping to answers |
//! | `xml/` | reader with limits, writer that escapes |

mod attachments;
mod byteranges;
mod caldav;
mod call;
mod carddav;
mod config;
mod digest;
mod dispatch;
#[cfg(any(test, feature = "fuzzing"))]
mod fuzz_headers;
#[cfg(feature = "fuzzing")]
mod fuzzing;
mod if_header;
mod instruction;
mod invitation;
mod keyword;
mod language;
mod locks;
mod methods;
mod multistatus;
mod names;
mod notifications;
mod object;
mod own;
mod path;
mod precondition;
mod privilege;
mod property;
mod published;
mod push;
mod refusal;
mod resource;
mod rights;
mod schedule;
mod search;
mod sharing;
mod standing;
mod text_match;
mod uploads;
mod xml;

pub use caldav::describe_object;
pub use config::DavConfig;
#[cfg(any(test, feature = "fuzzing"))]
pub use fuzz_headers::fuzz_headers;
#[cfg(feature = "fuzzing")]
pub use fuzzing::fuzz_xml;
pub use object::described;
pub use push::push_message;

use axum::Router;
use axum::routing::get;
use octroi_gate::Gate;
use octroi_http::{Authenticator, range};
use std::sync::Arc;

/// The routes: everything that no other router takes, as `/` and unknown paths are answered here too.
pub fn router(gate: Gate, config: Arc<DavConfig>) -> Router {
    let dav = dispatch::Dav { authenticator: Authenticator::new(gate.clone()), gate, config };
    Router::new().route(published::PUBLISHED, get(published::give)).fallback(dispatch::handle).with_state(Arc::new(dav))
}
