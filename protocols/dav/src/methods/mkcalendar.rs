//! MKCALENDAR (RFC 4791 section 5.3.1).

use crate::call::Call;
use crate::methods::make::{Wish, make};
use crate::names::CALDAV;
use crate::refusal::{Answer, Fault};
use crate::xml::{kept, parse};
use http::StatusCode;
use octroi_model::CollectionKind;

/// MKCALENDAR.
pub(crate) async fn mkcalendar(mut call: Call) -> Answer {
    let place = call.place()?;
    let body = call.xml_body().await?;
    let kind = Some(CollectionKind::Calendar);
    if body.is_empty() {
        return make(&call, &place, Wish::of_kind(kind)).await;
    }
    let request = parse(&body)?;
    if !request.is(CALDAV, "mkcalendar") {
        return Err(Fault::Status(StatusCode::UNSUPPORTED_MEDIA_TYPE, "A body here is a mkcalendar element."));
    }
    match Wish::read(&request, kept(&body)?, kind, "C:mkcalendar-response") {
        Ok(wish) => make(&call, &place, wish).await,
        Err(refused) => Ok(*refused),
    }
}
