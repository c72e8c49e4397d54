//! MKCOL, plain (RFC 4918 section 9.3) and extended (RFC 5689).

use crate::call::Call;
use crate::methods::make::{Wish, make};
use crate::names::DAV;
use crate::refusal::{Answer, Fault};
use crate::xml::{kept, parse};
use http::StatusCode;
use http::header::CONTENT_TYPE;

/// MKCOL.
pub(crate) async fn mkcol(mut call: Call) -> Answer {
    let place = call.place()?;
    let body = call.xml_body().await?;
    if body.is_empty() {
        return make(&call, &place, Wish::of_kind(None)).await;
    }
    // RFC 4918 section 9.3.1: a body that is not understood.
    let is_xml = call.header(&CONTENT_TYPE).is_none_or(|kind| kind.to_ascii_lowercase().contains("xml"));
    let request = if is_xml { parse(&body).ok() } else { None };
    let Some(request) = request.filter(|request| request.is(DAV, "mkcol")) else {
        return Err(Fault::Status(StatusCode::UNSUPPORTED_MEDIA_TYPE, "A body here is an extended MKCOL."));
    };
    match Wish::read(&request, kept(&body)?, None, "D:mkcol-response") {
        Ok(wish) => make(&call, &place, wish).await,
        Err(refused) => Ok(*refused),
    }
}
