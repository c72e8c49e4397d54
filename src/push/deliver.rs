//! One message on its way to a push service (RFC 8030 section 5).
//!
//! What always holds: TLS with a certificate that counts, no redirection, no inner address but those that the configuration names; of the
//! answer only the status and `Retry-After` are used; the URL, which is the program's secret, is in no log.

use crate::config::Config;
use crate::reach::Reach;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use http::{Request, Response, StatusCode, Uri};
use octroi_dns::Resolver;
use octroi_gate::{Push, PushLook};
use octroi_model::UnixTime;
use octroi_webclient::{Origin, WebClient};
use octroi_webpush::{Recipient, Vapid};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Messages that are being sent at the same time, to all services.
const SENDING_MAX: usize = 32;
/// How long a service may take.
const POST: Duration = Duration::from_secs(20);
/// Octets of its answer.
const ANSWER_BYTES_MAX: usize = 16 * 1024;
/// How long a service keeps a message for a program that is not there: who was away for longer looks by itself.
const KEPT_SECONDS: &str = "86400";
/// The port that an `https` URL need not name.
const HTTPS_PORT: u16 = 443;

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// The service has it, or nobody may be told any more.
    Done,
    /// Nobody listens there, now or later.
    Gone,
    /// Another time; perhaps the service says when.
    Later(Option<Duration>),
}

/// Sends.
pub(super) struct Delivery {
    web: WebClient,
    reach: Reach,
    vapid: Vapid,
    contact: String,
    turns: Semaphore,
}

impl Delivery {
    pub(super) fn new(config: &Config, resolver: Resolver, vapid: Vapid) -> Result<Self, String> {
        let read = |file: &std::path::PathBuf| std::fs::read(file).map_err(|e| format!("`push.authority`: {}: {e}", file.display()));
        let authority = config.push.authority.as_ref().map(read).transpose()?;
        let web = WebClient::new(authority.as_deref(), POST, ANSWER_BYTES_MAX).map_err(|e| format!("`push.authority`: {e}"))?;
        let contact = config.push.contact(config).map_err(|e| e.to_string())?;
        let reach = Reach::new(resolver, config.push.inner().map_err(|e| e.to_string())?);
        Ok(Self { web, reach, vapid, contact, turns: Semaphore::new(SENDING_MAX) })
    }

    pub(super) fn public_key(&self) -> String {
        self.vapid.public_key()
    }

    /// Could something be sent to that URL, as far as it can be told without asking anybody?
    pub(super) fn could_reach(&self, url: &str) -> bool {
        endpoint(url).is_some_and(|uri| self.reach.could_be(&uri))
    }

    /// Send it, if it still may be sent when its turn comes.
    pub(super) async fn send(&self, push: &Push, look: &PushLook) -> Fate {
        // Nobody closes it.
        let _turn = self.turns.acquire().await;
        if !look.still(push) {
            return Fate::Done;
        }
        let Some(uri) = endpoint(&push.endpoint) else { return Fate::Gone };
        let service = uri.host().unwrap_or("").to_owned();
        match self.ask(push, uri).await {
            Ok(answer) => {
                let fate = fate_of(&answer);
                if fate != Fate::Done {
                    tracing::info!(service, status = answer.status().as_u16(), ?fate, "a push message was not taken");
                }
                fate
            }
            Err(why) => {
                tracing::info!(service, why, "a push message could not be sent");
                Fate::Later(None)
            }
        }
    }

    async fn ask(&self, push: &Push, uri: Uri) -> Result<Response<Bytes>, String> {
        let addresses = self.reach.addresses(&uri).await?;
        let text = octroi_dav::push_message(&push.topic, push.contents, push.properties);
        let recipient = Recipient::read(&push.public_key, &push.auth_secret).map_err(|e| e.to_string())?;
        let body = recipient.encrypt(text.as_bytes()).map_err(|e| e.to_string())?;
        let authorization = self.vapid.authorization(&origin(&uri), &self.contact, UnixTime::now().0);
        let request = Request::post(uri)
            .header(AUTHORIZATION, authorization)
            .header(CONTENT_ENCODING, "aes128gcm")
            .header(CONTENT_TYPE, "application/xml; charset=\"utf-8\"")
            .header(USER_AGENT, "Octroi")
            .header("ttl", KEPT_SECONDS)
            .header("topic", &push.replaces)
            .header("urgency", "normal");
        let request = request.body(Bytes::from(body)).map_err(|e| e.to_string())?;
        self.web.ask_at(request, &addresses).await.map_err(|e| e.to_string())
    }
}

/// An absolute `https` URL without user and password. RFC 8030 section 8: never without TLS.
fn endpoint(url: &str) -> Option<Uri> {
    let uri: Uri = url.parse().ok()?;
    let fits = uri.scheme_str() == Some("https") && Origin::of(&uri).is_ok() && !url.contains('#');
    fits.then_some(uri)
}

/// RFC 6454 section 6.2: what a token is for. The port is named where it is not the scheme's own.
fn origin(uri: &Uri) -> String {
    let host = uri.host().unwrap_or("").to_ascii_lowercase();
    match uri.port_u16() {
        None | Some(HTTPS_PORT) => format!("https://{host}"),
        Some(port) => format!("https://{host}:{port}"),
    }
}

fn fate_of<T>(answer: &Response<T>) -> Fate {
    match answer.status() {
        status if status.is_success() => Fate::Done,
        StatusCode::NOT_FOUND | StatusCode::GONE => Fate::Gone,
        _ => {
            let after = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
            Fate::Later(after.map(Duration::from_secs))
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn only_https_urls_are_endpoints() {
        for good in ["https://push.example.net/x?y=z", "https://push.example.net:8443/", "https://[2a00::1]/x"] {
            assert!(endpoint(good).is_some(), "{good}");
        }
        for bad in ["", "/x", "http://127.0.0.1/x", "http://push.example.net/", "https://a:b@push.example.net/", "https://", "file:///etc"]
        {
            assert!(endpoint(bad).is_none(), "{bad}");
        }
        let of = |url: &str| origin(&url.parse().unwrap());
        assert_eq!(of("https://Push.example.net:443/x"), "https://push.example.net");
        assert_eq!(of("https://push.example.net:8443/x"), "https://push.example.net:8443");
    }

    #[test]
    fn the_status_decides() {
        let fate = |status: u16, after: Option<&str>| {
            let mut answer = Response::builder().status(status);
            if let Some(after) = after {
                answer = answer.header(RETRY_AFTER, after);
            }
            fate_of(&answer.body(()).unwrap())
        };
        assert_eq!((fate(201, None), fate(200, None)), (Fate::Done, Fate::Done));
        assert_eq!((fate(404, None), fate(410, Some("5"))), (Fate::Gone, Fate::Gone));
        assert_eq!(fate(429, Some(" 5 ")), Fate::Later(Some(Duration::from_secs(5))));
        for (status, after) in [(503, None), (301, None), (403, None), (500, Some("Wed, 21 Oct 2015 07:28:00 GMT"))] {
            assert_eq!(fate(status, after), Fate::Later(None), "{status}");
        }
    }
}
