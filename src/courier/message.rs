//! Codes to telephones: through a command or a webhook, whichever is configured.
//!
//! Called by the courier. What always holds: the text is in no argument, no variable, no log and no error; what the command prints and the
//! webhook answers is not read; a webhook that is not on this machine is spoken to over TLS with a certificate that the web's authorities
//! vouch for; redirections are not followed.

use crate::config::SecondFactor;
use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::ServerName;
use serde::Serialize;
use std::net::IpAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio_rustls::TlsConnector;
use zeroize::Zeroizing;

/// How long a command may run, or a webhook take to answer.
const SENDING: Duration = Duration::from_secs(30);
/// Octets of what is posted; more than a number and a text with a code ever take.
const POST_BYTES: usize = 4096;

/// Gives a text to a number.
pub(super) enum Messenger {
    /// Runs a program.
    Command {
        /// Its path.
        program: String,
        /// What comes before the number.
        arguments: Vec<String>,
    },
    /// Posts JSON.
    Webhook(Webhook),
}

/// Where to post.
pub(super) struct Webhook {
    host: String,
    port: u16,
    /// Host and port as HTTP's `Host` has them.
    authority: String,
    path: String,
    /// Without TLS only to this machine.
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

#[derive(Serialize)]
struct Post<'a> {
    to: &'a str,
    text: &'a str,
}

impl Messenger {
    /// As the configuration says; `None` if it names neither a command nor a webhook.
    pub(super) fn new(config: &SecondFactor) -> Result<Option<Self>, String> {
        match (config.command.split_first(), &config.webhook) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => Err("`second_factor`: a command or a webhook, not both".to_owned()),
            (Some((program, arguments)), None) => {
                // A name that is looked for in PATH is whatever lies first there.
                if !Path::new(program).is_absolute() {
                    return Err(format!("`second_factor.command`: `{program}` is no absolute path"));
                }
                Ok(Some(Self::Command { program: program.clone(), arguments: arguments.to_vec() }))
            }
            (None, Some(url)) => Ok(Some(Self::Webhook(Webhook::new(url).map_err(|why| format!("`second_factor.webhook`: {why}"))?))),
        }
    }

    /// Send; an error says why, without number or text.
    pub(super) async fn send(&self, number: &str, text: &str) -> Result<(), String> {
        let sending = async {
            match self {
                Self::Command { program, arguments } => run(program, arguments, number, text).await,
                Self::Webhook(webhook) => webhook.post(number, text).await,
            }
        };
        tokio::time::timeout(SENDING, sending).await.map_err(|_| format!("it took more than {} s", SENDING.as_secs()))?
    }
}

/// Without a shell: the number is one argument whatever is in it.
async fn run(program: &str, arguments: &[String], number: &str, text: &str) -> Result<(), String> {
    let mut command = Command::new(program);
    command.args(arguments).arg(number).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    // When this is dropped, by the limit or by the server's end, the program is killed.
    command.kill_on_drop(true);
    let mut child = command.spawn().map_err(|e| format!("cannot run {program}: {e}"))?;
    if let Some(mut input) = child.stdin.take() {
        // A program that does not read has its reasons: its exit status tells.
        let _ = input.write_all(text.as_bytes()).await;
    }
    let status = child.wait().await.map_err(|e| format!("{program}: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("{program} ended with {status}")) }
}

impl Webhook {
    fn new(url: &str) -> Result<Self, String> {
        let uri: hyper::Uri = url.parse().map_err(|_| "not a URL".to_owned())?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return Err("not a whole URL".to_owned()) };
        if authority.as_str().contains('@') {
            return Err("no user or password here: put a token into the path or the query".to_owned());
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let tls = match scheme {
            "https" => Some((connector()?, ServerName::try_from(host.clone()).map_err(|_| format!("`{host}` is not a host"))?)),
            "http" if host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()) => None,
            "http" => return Err("without TLS only to a loopback address such as 127.0.0.1".to_owned()),
            _ => return Err("neither https nor http".to_owned()),
        };
        let port = authority.port_u16().unwrap_or(if tls.is_some() { 443 } else { 80 });
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Ok(Self { host, port, authority: authority.to_string(), path, tls })
    }

    async fn post(&self, number: &str, text: &str) -> Result<(), String> {
        let unreachable = |e: std::io::Error| format!("the webhook's host cannot be reached: {e}");
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await.map_err(unreachable)?;
        match &self.tls {
            None => self.exchange(stream, number, text).await,
            Some((connector, name)) => {
                let stream = connector.connect(name.clone(), stream).await.map_err(unreachable)?;
                self.exchange(stream, number, text).await
            }
        }
    }

    async fn exchange<S>(&self, stream: S, number: &str, text: &str) -> Result<(), String>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let mut octets = Zeroizing::new(Vec::with_capacity(POST_BYTES));
        serde_json::to_writer(&mut *octets, &Post { to: number, text }).map_err(|e| e.to_string())?;
        let request = Request::post(&self.path)
            .header(HOST, &self.authority)
            .header(CONTENT_TYPE, "application/json")
            // Wiped when the request has gone.
            .body(Full::new(Bytes::from_owner(octets)))
            .map_err(|e| e.to_string())?;
        let broken = |e: hyper::Error| format!("the webhook did not answer: {e}");
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        // The answer is looked at no further than its status: without the rest of it, and without a sender, the connection ends.
        let asked = async move { sender.send_request(request).await.map(|answer| answer.status()) };
        let (status, _) = tokio::join!(asked, connection);
        let status = status.map_err(broken)?;
        if status.is_success() { Ok(()) } else { Err(format!("the webhook answered {status}")) }
    }
}

fn connector() -> Result<TlsConnector, String> {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(|e| e.to_string())?;
    Ok(TlsConnector::from(Arc::new(builder.with_root_certificates(roots).with_no_client_auth())))
}
