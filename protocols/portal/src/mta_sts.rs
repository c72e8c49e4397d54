//! What other mail servers ask before they send (RFC 8461 section 3.2): whether they must speak TLS with us, and with whom.
//!
//! The route is among [`crate::router`]'s, outside `/portal/`. What always holds: the answer is the same for everybody, and there is none as long
//! as the administrator has not asked for one.

use crate::pages::Portal;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use std::sync::Arc;

/// GET.
pub(crate) async fn show(State(portal): State<Arc<Portal>>) -> Response {
    match &portal.config.mta_sts {
        Some(policy) => ([(CONTENT_TYPE, "text/plain; charset=utf-8")], policy.clone()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
