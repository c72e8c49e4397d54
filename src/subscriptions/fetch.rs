//! One calendar from the web.
//!
//! What always holds: HTTPS, and HTTP only where the configuration says so; no address of inner networks but those that it lists, looked at anew for
//! each redirection and before each connection; so many redirections, octets and seconds and no more. The request says nothing of whose it is.

use crate::config::Subscriptions;
use crate::reach::Reach;
use bytes::Bytes;
use http::header::{ACCEPT, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, LOCATION, USER_AGENT};
use http::{HeaderMap, HeaderName, Request, Response, StatusCode, Uri};
use octroi_dns::Resolver;
use octroi_gate::{DueSubscription, SubscriptionFault};
use octroi_webclient::{WebClient, WebError};
use std::time::Duration;
use url::Url;

/// Asks. Cheap to clone.
#[derive(Clone)]
pub(super) struct Fetcher {
    web: WebClient,
    reach: Reach,
    http: bool,
    redirects_max: usize,
    time: Duration,
}

/// What came.
pub(super) enum Answer {
    /// It is what it was.
    Same,
    Whole(Feed),
}

/// A calendar that came.
pub(super) struct Feed {
    pub(super) octets: Bytes,
    pub(super) etag: Option<String>,
    pub(super) modified: Option<String>,
}

impl Fetcher {
    pub(super) fn new(settings: &Subscriptions, resolver: Resolver) -> Result<Self, String> {
        let read =
            |file: &std::path::PathBuf| std::fs::read(file).map_err(|e| format!("`subscriptions.authority`: {}: {e}", file.display()));
        let authority = settings.authority.as_ref().map(read).transpose()?;
        let time = Duration::from_secs(settings.fetch_seconds_max);
        let web = WebClient::new(authority.as_deref(), time, settings.bytes_max).map_err(|e| format!("`subscriptions.authority`: {e}"))?;
        // Whether it may do without TLS at all is decided here, for each URL.
        let web = web.in_our_network();
        let reach = Reach::new(resolver, settings.inner().map_err(|e| e.to_string())?);
        Ok(Self { web, reach, http: settings.http, redirects_max: settings.redirects_max, time })
    }

    /// Could something be fetched from there, as far as it can be told without asking anybody?
    pub(super) fn could_fetch(&self, url: &str) -> bool {
        source(url, self.http).is_some_and(|uri| self.reach.could_be(&uri))
    }

    pub(super) async fn fetch(&self, due: &DueSubscription) -> Result<Answer, SubscriptionFault> {
        let fetched = tokio::time::timeout(self.time, Box::pin(self.follow(due))).await;
        fetched.unwrap_or(Err(SubscriptionFault::Late))
    }

    async fn follow(&self, due: &DueSubscription) -> Result<Answer, SubscriptionFault> {
        let mut uri = source(&due.url, self.http).ok_or(SubscriptionFault::Source)?;
        for _ in 0..=self.redirects_max {
            let answer = self.ask(&uri, due).await?;
            let said = |name: HeaderName| text(answer.headers(), &name);
            match answer.status() {
                StatusCode::OK => {
                    let (etag, modified) = (said(ETAG), said(LAST_MODIFIED));
                    return Ok(Answer::Whole(Feed { octets: answer.into_body(), etag, modified }));
                }
                StatusCode::NOT_MODIFIED if due.etag.is_some() || due.modified.is_some() => return Ok(Answer::Same),
                StatusCode::MOVED_PERMANENTLY
                | StatusCode::FOUND
                | StatusCode::SEE_OTHER
                | StatusCode::TEMPORARY_REDIRECT
                | StatusCode::PERMANENT_REDIRECT => {
                    let to = said(LOCATION).and_then(|to| led(&uri, &to)).ok_or(SubscriptionFault::Redirects)?;
                    uri = source(&to, self.http).ok_or(SubscriptionFault::Source)?;
                }
                status => return Err(SubscriptionFault::Status(status.as_u16())),
            }
        }
        Err(SubscriptionFault::Redirects)
    }

    async fn ask(&self, uri: &Uri, due: &DueSubscription) -> Result<Response<Bytes>, SubscriptionFault> {
        if !self.reach.could_be(uri) {
            return Err(SubscriptionFault::Source);
        }
        let addresses = self.reach.addresses(uri).await.map_err(|_| SubscriptionFault::Unreachable)?;
        let mut request = Request::get(uri.clone()).header(ACCEPT, "text/calendar, */*;q=0.5").header(USER_AGENT, "Octroi");
        if let Some(etag) = &due.etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        if let Some(modified) = &due.modified {
            request = request.header(IF_MODIFIED_SINCE, modified);
        }
        let request = request.body(Bytes::new()).map_err(|_| SubscriptionFault::Source)?;
        self.web.ask_at(request, &addresses).await.map_err(|error| match error {
            WebError::TooLarge(_) => SubscriptionFault::TooLarge,
            WebError::Late(_) => SubscriptionFault::Late,
            WebError::Url(_) => SubscriptionFault::Source,
            WebError::Authority(_) | WebError::Unreachable(_) | WebError::Answer(_) => SubscriptionFault::Unreachable,
        })
    }
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// What a URL that somebody has typed in means: `webcal` is how links to calendars are written. Without a user, a password or a fragment.
fn source(url: &str, http: bool) -> Option<Uri> {
    let url = url.trim().split('#').next().unwrap_or("");
    let (scheme, rest) = url.split_once("://")?;
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "https" | "webcal" | "webcals" => "https",
        "http" if http => "http",
        _ => return None,
    };
    let uri: Uri = format!("{scheme}://{rest}").parse().ok()?;
    let authority = uri.authority()?;
    let fits = !authority.as_str().contains('@') && !authority.host().trim_matches(['[', ']']).is_empty();
    fits.then_some(uri)
}

/// Where a redirection leads (RFC 9110 section 10.2.2).
fn led(from: &Uri, to: &str) -> Option<String> {
    Url::parse(&from.to_string()).ok()?.join(to.trim()).ok().map(String::from)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_and_what_is_not() {
        let asked = |url: &str| source(url, false).map(|uri| uri.to_string());
        for (url, uri) in [
            ("https://cal.example/a.ics?token=x#y", "https://cal.example/a.ics?token=x"),
            (" WebCal://cal.example:8443/a ", "https://cal.example:8443/a"),
            ("https://[2a00::1]/", "https://[2a00::1]/"),
        ] {
            assert_eq!(asked(url).as_deref(), Some(uri));
        }
        for url in
            ["", "cal.example/a", "http://cal.example/", "file:///etc/passwd", "https://a:b@cal.example/", "https:///x", "https://a b/"]
        {
            assert_eq!(asked(url), None, "{url}");
        }
        assert!(source("http://cal.example/", true).is_some());
    }

    #[test]
    fn redirections_lead_where_they_say() {
        let from = "https://cal.example/a/b.ics?x=y".parse().unwrap();
        for (to, there) in [
            ("https://other.example/c", "https://other.example/c"),
            ("//other.example/c", "https://other.example/c"),
            ("/c?d=e", "https://cal.example/c?d=e"),
            ("c.ics", "https://cal.example/a/c.ics"),
            ("?d", "https://cal.example/a/b.ics?d"),
            // By hand these were taken for a path, and for a whole URL.
            ("../c.ics", "https://cal.example/c.ics"),
            ("/sso?back=https://cal.example/a", "https://cal.example/sso?back=https://cal.example/a"),
            ("webcal://cal.example/c", "webcal://cal.example/c"),
        ] {
            assert_eq!(led(&from, to).as_deref(), Some(there), "{to}");
        }
        assert_eq!(led(&"https://cal.example".parse().unwrap(), "c").as_deref(), Some("https://cal.example/c"));
    }
}
