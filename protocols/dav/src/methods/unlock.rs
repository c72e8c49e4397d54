//! UNLOCK (RFC 4918 section 9.11): one's own lock, or, for who may share the collection, anybody's.

use crate::call::Call;
use crate::refusal::{Answer, Fault, empty};
use http::StatusCode;
use octroi_gate::Refusal;
use octroi_model::{LockToken, Rights};

/// UNLOCK.
pub(crate) async fn unlock(call: Call) -> Answer {
    let place = call.place()?;
    let href = call.href();
    let token = call.lock_token().ok_or(Fault::Status(StatusCode::BAD_REQUEST, "A Lock-Token is needed."))?;
    if call.has_conditions() {
        call.check_if(call.etag_at(&place).await.as_ref()).await?;
    }
    let outcome = match LockToken::parse(token) {
        Some(token) => call.session.unlock(token, place.area, &place.path).await,
        // None of ours is called like that.
        None => Err(Refusal::NoSuchLock),
    };
    match outcome {
        Ok(()) => Ok(empty(StatusCode::NO_CONTENT)),
        Err(Refusal::NoSuchLock) => Err(Fault::Rule(StatusCode::CONFLICT, "D:lock-token-matches-request-uri")),
        // RFC 3744 section 3.5
        Err(Refusal::Forbidden(lacking)) if lacking.contains(Rights::ADMIN) => Err(Fault::Needs("D:unlock", href)),
        Err(refusal) => Err(Fault::Gate(refusal, href)),
    }
}
