//! What stands round every page, and the headers that every answer of the portal has.

use crate::html::Html;
use crate::sessions::VisitId;
use crate::visit::{TokenKey, Visit, set_cookie};
use axum::body::Body;
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, SET_COOKIE};
use http::{HeaderValue, StatusCode};

/// No script at all, no frame, forms to ourselves only.
const POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// The style of every page.
pub(crate) const STYLE: &str = "\
:root{color-scheme:light dark}\n\
body{font:1rem/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem}\n\
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}\n\
label,legend{display:block;margin-top:.8rem;font-weight:600}\n\
fieldset label,li{font-weight:400}\n\
input,select,button{font:inherit;padding:.4rem .6rem}\n\
input:not([type=checkbox]),select{width:100%;box-sizing:border-box}\n\
button{margin-top:1rem}\n\
fieldset{margin-top:.8rem}\n\
small{display:block;opacity:.8}\n\
code{font-size:1.1rem;overflow-wrap:anywhere}\n\
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .5rem .3rem 0;vertical-align:top}td button{margin:0}\n\
.notice{border-left:.3rem solid #2a7;padding:.3rem .8rem}.fault{border-left:.3rem solid #c33;padding:.3rem .8rem}\n";

/// What a page says before its content.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Notice<'a> {
    None,
    Done(&'a str),
    Fault(&'a str),
}

/// A page. `cookie`: the value under which the visitor goes on from here, if it is another than the one that came.
pub(crate) fn page(
    status: StatusCode,
    visit: &Visit,
    title: &str,
    notice: Notice<'_>,
    content: &Html,
    cookie: Option<&VisitId>,
) -> Response {
    let mut html = Html::new();
    html.raw("<!DOCTYPE html>\n<html lang=\"").text(visit.texts().code).raw("\"><head><meta charset=\"utf-8\">");
    html.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>").text(title).raw("</title>");
    html.raw("<link rel=\"stylesheet\" href=\"/portal/style.css\"></head>\n<body><main><h1>").text(title).raw("</h1>\n");
    match notice {
        Notice::None => {}
        Notice::Done(text) => {
            html.raw("<p class=\"notice\" role=\"status\">").text(text).raw("</p>\n");
        }
        Notice::Fault(text) => {
            html.raw("<p class=\"fault\" role=\"alert\">").text(text).raw("</p>\n");
        }
    }
    html.append(content).raw("</main></body></html>\n");
    let mut response = Response::new(Body::from(html.into_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    protect(&mut response, cookie);
    response
}

/// After a form was taken: to a page that can be loaded again (RFC 9110 section 15.4.4).
pub(crate) fn see_other(to: &'static str, cookie: Option<&VisitId>) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(LOCATION, HeaderValue::from_static(to));
    protect(&mut response, cookie);
    response
}

fn protect(response: &mut Response, cookie: Option<&VisitId>) {
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    // A secret that is shown once must not lie in a cache.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(cookie) = cookie.and_then(set_cookie) {
        headers.insert(SET_COOKIE, cookie);
    }
}

/// The beginning of a form, with the visitor's token.
pub(crate) fn open_form<'a>(html: &'a mut Html, action: &'static str, key: &TokenKey, id: &VisitId) -> &'a mut Html {
    html.raw("<form method=\"post\" action=\"").raw(action).raw("\"><input type=\"hidden\" name=\"token\" value=\"");
    html.text(&key.token(id)).raw("\">\n")
}

/// The end of a form, with its button.
pub(crate) fn close_form<'a>(html: &'a mut Html, button: &str) -> &'a mut Html {
    html.raw("<button>").text(button).raw("</button></form>\n")
}

/// A field for a one-time code.
pub(crate) fn code_field(html: &mut Html, visit: &Visit) {
    let texts = visit.texts();
    html.raw("<label for=\"code\">").text(texts.one_time_code).raw("</label>");
    html.raw("<input id=\"code\" name=\"code\" inputmode=\"numeric\" autocomplete=\"one-time-code\" maxlength=\"16\" required>");
    html.raw("<small>").text(texts.code_hint).raw("</small>\n");
}
