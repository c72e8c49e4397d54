//! rspamd over HTTP: `/checkv2` for a message, `/learnspam` and `/learnham` for one that a person has moved.

use super::About;
use crate::config::HostPort;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, StatusCode};
use octroi_webclient::WebClient;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;
use zeroize::Zeroizing;

/// Octets of an answer that are read.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// Symbols that are noted.
const SYMBOLS_MAX: usize = 24;
/// Octets of the name of one.
const SYMBOL_BYTES_MAX: usize = 64;

/// An rspamd. Cheap to clone.
#[derive(Clone)]
pub struct Rspamd {
    judge: HostPort,
    learn: Option<HostPort>,
    password: Option<Zeroizing<String>>,
    web: WebClient,
}

impl fmt::Debug for Rspamd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rspamd").field("judge", &self.judge).field("learn", &self.learn).finish_non_exhaustive()
    }
}

/// What a message was moved for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Learn {
    /// Into Junk.
    Spam,
    /// Out of it.
    Ham,
}

/// What rspamd would do with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    None,
    PutOff,
    Mark,
    Reject,
}

/// What rspamd says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Judged {
    pub(super) action: Action,
    pub(super) score: f64,
    pub(super) required: f64,
    /// Names of what it found.
    pub(super) symbols: Vec<String>,
}

#[derive(Deserialize)]
struct Answer {
    action: String,
    #[serde(default)]
    score: f64,
    #[serde(default)]
    required_score: f64,
    #[serde(default)]
    symbols: BTreeMap<String, serde_json::Value>,
}

impl Rspamd {
    /// `judge` is its normal worker; `learn` the controller, with its password, if it is to be taught; `wait` how long it may take.
    pub fn new(judge: HostPort, learn: Option<HostPort>, password: Option<Zeroizing<String>>, wait: Duration) -> Result<Self, String> {
        let web = WebClient::new(None, wait, ANSWER_BYTES_MAX).map_err(|e| e.to_string())?.in_our_network();
        Ok(Self { judge, learn, password, web })
    }

    /// Ask about a message.
    pub(super) async fn judge(&self, about: &About, message: Vec<u8>) -> Result<Judged, String> {
        let peer = about.peer.to_string();
        let mut fields = vec![("ip", peer.as_str()), ("helo", about.hello.as_str()), ("from", &about.from), ("queue-id", &about.id)];
        fields.extend(about.recipients.iter().map(|recipient| ("rcpt", recipient.as_str())));
        let (status, octets) = self.post(&self.judge, "/checkv2", &fields, message).await?;
        if status != StatusCode::OK {
            return Err(format!("it answered {status}"));
        }
        let answer: Answer = serde_json::from_slice(&octets).map_err(|e| format!("its answer is not understood: {e}"))?;
        let action = match answer.action.as_str() {
            "reject" => Action::Reject,
            "add header" | "rewrite subject" => Action::Mark,
            "soft reject" | "greylist" => Action::PutOff,
            // "no action", and what is yet to be invented.
            _ => Action::None,
        };
        let is_name =
            |name: &String| name.len() <= SYMBOL_BYTES_MAX && name.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'_');
        let symbols = answer.symbols.into_keys().filter(is_name).take(SYMBOLS_MAX).collect();
        Ok(Judged { action, score: answer.score, required: answer.required_score, symbols })
    }

    /// Teach it a message. Nothing is said if there is no controller.
    pub async fn learn(&self, what: Learn, message: Vec<u8>) -> Result<(), String> {
        let Some(controller) = &self.learn else { return Ok(()) };
        let path = match what {
            Learn::Spam => "/learnspam",
            Learn::Ham => "/learnham",
        };
        let password = self.password.as_ref().map(|password| ("password", password.as_str()));
        let (status, _) = self.post(controller, path, &password.into_iter().collect::<Vec<_>>(), message).await?;
        // 208: it knows it already.
        if status.is_success() { Ok(()) } else { Err(format!("it answered {status}")) }
    }

    async fn post(
        &self,
        to: &HostPort,
        path: &str,
        fields: &[(&'static str, &str)],
        message: Vec<u8>,
    ) -> Result<(StatusCode, Bytes), String> {
        let mut request = Request::post(url(to, path)).body(Bytes::from(message)).map_err(|e| e.to_string())?;
        let headers = request.headers_mut();
        for (name, value) in fields {
            // What cannot be said is left out.
            if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
                headers.append(HeaderName::from_static(name), value);
            }
        }
        let answer = self.web.ask(request).await.map_err(|e| format!("{}:{}: {e}", to.host, to.port))?;
        Ok((answer.status(), answer.into_body()))
    }
}

fn url(to: &HostPort, path: &str) -> String {
    let host = if to.host.contains(':') { format!("[{}]", to.host) } else { to.host.clone() };
    format!("http://{host}:{}{path}", to.port)
}
