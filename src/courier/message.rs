//! Codes to telephones: through a command or a webhook, whichever is configured.
//!
//! Called by the courier. What always holds: the text is in no argument, no variable, no log and no error; what the command prints and the
//! webhook answers is not used.

use crate::config::SecondFactor;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Request, Uri};
use octroi_webclient::{Origin, WebClient};
use serde::Serialize;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use zeroize::Zeroizing;

/// How long a command may run, or a webhook take to answer.
const SENDING: Duration = Duration::from_secs(30);
/// Octets of what is posted; more than a number and a text with a code ever take.
const POST_BYTES: usize = 4096;
/// Octets of the webhook's answer, of which nothing is used.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

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
    url: Uri,
    client: WebClient,
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
        let url: Uri = url.parse().map_err(|_| "not a URL".to_owned())?;
        Origin::of(&url).map_err(|e| e.to_string())?;
        // The answer is looked at no further than its status.
        let client = WebClient::new(None, SENDING, ANSWER_BYTES_MAX).map_err(|e| e.to_string())?;
        Ok(Self { url, client })
    }

    async fn post(&self, number: &str, text: &str) -> Result<(), String> {
        let mut octets = Zeroizing::new(Vec::with_capacity(POST_BYTES));
        serde_json::to_writer(&mut *octets, &Post { to: number, text }).map_err(|e| e.to_string())?;
        // Wiped when the request has gone.
        let body = Bytes::from_owner(octets);
        let request = Request::post(self.url.clone()).header(CONTENT_TYPE, "application/json").body(body).map_err(|e| e.to_string())?;
        let status = self.client.ask(request).await.map_err(|e| format!("the webhook: {e}"))?.status();
        if status.is_success() { Ok(()) } else { Err(format!("the webhook answered {status}")) }
    }
}
