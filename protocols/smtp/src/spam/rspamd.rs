//! rspamd over HTTP: `/checkv2` for a message, `/learnspam` and `/learnham` for one that a person has moved.

use super::About;
use crate::config::HostPort;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{HOST, HeaderName, HeaderValue};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;
use tokio::net::TcpStream;
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
    /// Who judges (its normal worker).
    pub judge: HostPort,
    /// Who learns (its controller); nobody if there is none.
    pub learn: Option<HostPort>,
    /// The controller's password.
    pub password: Option<Zeroizing<String>>,
    /// How long it may take.
    pub wait: Duration,
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
        tokio::time::timeout(self.wait, exchange(to, path, fields, message)).await.map_err(|_| "it takes too long".to_owned())?
    }
}

async fn exchange(to: &HostPort, path: &str, fields: &[(&'static str, &str)], message: Vec<u8>) -> Result<(StatusCode, Bytes), String> {
    let mut request = Request::new(Full::new(Bytes::from(message)));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = path.parse().map_err(|_| "no path".to_owned())?;
    let headers = request.headers_mut();
    headers.insert(HOST, HeaderValue::from_str(&to.host).map_err(|_| "no host".to_owned())?);
    for (name, value) in fields {
        // What cannot be said is left out.
        if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
            headers.append(HeaderName::from_static(name), value);
        }
    }
    let stream = TcpStream::connect((to.host.as_str(), to.port)).await.map_err(|e| format!("{}:{}: {e}", to.host, to.port))?;
    let broken = |e: hyper::Error| e.to_string();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let asked = async move {
        let answer = sender.send_request(request).await.map_err(broken)?;
        let status = answer.status();
        let octets = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await.map_err(|e| e.to_string())?.to_bytes();
        Ok((status, octets))
    };
    // Without a sender the connection ends.
    let (answer, _) = tokio::join!(asked, connection);
    answer
}
