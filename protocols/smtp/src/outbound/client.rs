//! A connection to one host: greeting, EHLO, STARTTLS, log-in (RFC 5321 section 3), and keeping it for the next message.
//!
//! What always holds: after STARTTLS nothing that was said before counts, and octets that stand before the handshake end the connection;
//! a password goes over TLS only.

use super::answer::{self, Answer, NoAnswer};
use super::login::{self, Login};
use super::sessions;
use super::tls::{HostTls, Secured, TlsConfigs};
use crate::config::ClientTimeouts;
use octroi_net::{Connection, StartTlsError, WriteError};
use octroi_reports::tls::{Policy, ResultType};
use rustls::pki_types::ServerName;
use smtp_proto::EXT_START_TLS;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tracing::debug;

/// One address of one host.
#[derive(Debug, Clone)]
pub(crate) struct Host {
    pub(crate) name: String,
    pub(crate) address: SocketAddr,
    pub(crate) tls: HostTls,
    /// The name comes from an answer that proves itself, or from the configuration: TLS with a certificate for it is proof of who it is.
    pub(crate) is_proven: bool,
    /// Who we are to this host.
    pub(crate) login: Option<Arc<Login>>,
    /// What its domain says of TLS with it; `None` where that is nobody's business.
    pub(crate) policy: Option<Arc<Policy>>,
    /// TLS as the policy will ask for it once it is in force (RFC 8461 section 5: `testing`): tried, and done without where it fails.
    pub(crate) tries: bool,
}

/// How we call ourselves and how long we wait.
#[derive(Debug, Clone)]
pub(crate) struct Manners {
    pub(crate) hostname: String,
    pub(crate) timeouts: ClientTimeouts,
    pub(crate) tls: TlsConfigs,
}

/// What became of a recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The other side has it.
    Delivered,
    /// Try again; why.
    Later(String),
    /// Do not; why.
    Failed(String),
}

/// Why there was no transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Another host may do better.
    NextHost(String),
    /// So may this one without TLS, if that is allowed.
    Tls(TlsFault),
    /// None will: an outcome for all.
    All(Outcome),
}

/// Why there is no TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TlsFault {
    pub(crate) why: String,
    /// As it is counted.
    pub(crate) result: ResultType,
    /// Our end's address.
    pub(crate) local: Option<IpAddr>,
}

impl From<NoAnswer> for Fault {
    fn from(error: NoAnswer) -> Self {
        Self::NextHost(error.to_string())
    }
}

impl From<WriteError> for Fault {
    fn from(error: WriteError) -> Self {
        Self::NextHost(error.to_string())
    }
}

/// A host that has answered EHLO.
pub(crate) struct Dialogue {
    pub(super) connection: Connection,
    pub(super) manners: Arc<Manners>,
    /// `EXT_…` of `smtp-proto`.
    extensions: u32,
    mechanisms: u64,
    /// What SIZE said; 0 is no limit.
    pub(super) bytes_max: u64,
    pub(super) secured: Secured,
    pub(super) host: String,
    /// Messages that were tried over it.
    pub(super) messages: u32,
    pub(super) state: State,
    opened: Instant,
}

/// How a dialogue stands between two messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing is under way.
    Clear,
    /// Something may be left over.
    Unclear,
    /// It cannot be told what the host thinks, or it is gone.
    Broken,
}

impl Dialogue {
    /// Connect to a host, with TLS as it needs. Without `starttls` none is asked for.
    pub(crate) async fn open(host: &Host, manners: &Arc<Manners>, starttls: bool) -> Result<Self, Fault> {
        let mut dialogue = Self::greeted(host, manners).await?;
        if starttls {
            dialogue = dialogue.secured(host).await?;
        }
        if let Some(login) = &host.login {
            if dialogue.secured == Secured::No {
                return Err(Fault::NextHost("it offers no TLS, without which no password is told".to_owned()));
            }
            login::run(&mut dialogue, login).await?;
        }
        Ok(dialogue)
    }

    async fn greeted(host: &Host, manners: &Arc<Manners>) -> Result<Self, Fault> {
        let connection = Connection::connect(host.address, manners.timeouts.connect).await;
        let connection = connection.map_err(|error| Fault::NextHost(format!("no connection: {error}")))?;
        let mut dialogue = Self::new(connection, manners, host);
        let greeting = answer::read(&mut dialogue.connection, manners.timeouts.greeting).await?;
        match greeting.code {
            220 => dialogue.hello().await?,
            // RFC 7504 section 3: this host takes no mail, and will not.
            521 | 556 => return Err(Fault::All(Outcome::Failed(greeting.to_string()))),
            _ => return Err(Fault::NextHost(greeting.to_string())),
        }
        Ok(dialogue)
    }

    fn new(connection: Connection, manners: &Arc<Manners>, host: &Host) -> Self {
        Self {
            connection,
            manners: manners.clone(),
            extensions: 0,
            mechanisms: 0,
            bytes_max: 0,
            secured: Secured::No,
            host: host.name.clone(),
            messages: 0,
            state: State::Clear,
            opened: Instant::now(),
        }
    }

    async fn hello(&mut self) -> Result<(), Fault> {
        let hello = self.command(&format!("EHLO {}\r\n", self.manners.hostname), self.manners.timeouts.command).await?;
        (self.extensions, self.mechanisms, self.bytes_max) = (0, 0, 0);
        if hello.is_positive() {
            if let Some(told) = hello.extensions() {
                (self.extensions, self.mechanisms, self.bytes_max) = (told.capabilities, told.auth_mechanisms, told.size as u64);
            }
            return Ok(());
        }
        // RFC 5321 section 3.2: an old server.
        if matches!(hello.code, 500 | 502 | 550) {
            let hello = self.command(&format!("HELO {}\r\n", self.manners.hostname), self.manners.timeouts.command).await?;
            if hello.is_positive() {
                return Ok(());
            }
            return Err(Fault::NextHost(hello.to_string()));
        }
        Err(Fault::NextHost(hello.to_string()))
    }

    /// The dialogue under TLS, if the host offers it.
    async fn secured(mut self, host: &Host) -> Result<Self, Fault> {
        if !self.offers(EXT_START_TLS) {
            return match host.tls {
                HostTls::Opportunistic => Ok(self),
                HostTls::Encrypted | HostTls::Verified | HostTls::Dane(_) => {
                    Err(self.no_tls("it offers no TLS".to_owned(), ResultType::StarttlsNotSupported))
                }
            };
        }
        let (manners, local) = (self.manners.clone(), self.local_ip());
        let ready = self.command("STARTTLS\r\n", manners.timeouts.command).await?;
        if ready.code != 220 {
            return Err(self.no_tls(ready.to_string(), ResultType::ValidationFailure));
        }
        let (config, secured) = manners.tls.of(&host.tls).map_err(|error| self.no_tls(error.to_string(), ResultType::ValidationFailure))?;
        // In a certificate and in SNI (RFC 6066 section 3) a name has no dot at its end.
        let name = match ServerName::try_from(host.name.trim_end_matches('.').to_owned()) {
            Ok(name) => name,
            Err(_) if matches!(host.tls, HostTls::Opportunistic) => host.address.ip().into(),
            Err(_) => return Err(self.no_tls("its name is none that TLS knows".to_owned(), ResultType::ValidationFailure)),
        };
        match self.connection.start_tls_as_client(config, name, manners.timeouts.command).await {
            Ok(connection) => {
                // RFC 3207 section 4.2: what was said in the clear is forgotten.
                let mut dialogue = Self::new(connection, &manners, host);
                dialogue.secured = secured;
                dialogue.hello().await?;
                Ok(dialogue)
            }
            // Somebody between us and the host has put words in its mouth (CVE-2021-38371).
            Err(StartTlsError::PendingInput) => Err(Fault::All(Outcome::Later("replies stood before the TLS handshake".to_owned()))),
            Err(error) => Err(Fault::Tls(TlsFault { why: error.to_string(), result: sessions::result_of(&error), local })),
        }
    }

    fn no_tls(&self, why: String, result: ResultType) -> Fault {
        Fault::Tls(TlsFault { why, result, local: self.local_ip() })
    }

    /// Our end's address.
    pub(super) fn local_ip(&self) -> Option<IpAddr> {
        self.connection.local_ip()
    }

    /// May it carry another message, after so many and so long?
    pub(super) fn is_fresh(&self, messages_max: u32, age_max: Duration) -> bool {
        self.messages < messages_max && self.opened.elapsed() < age_max
    }

    pub(super) async fn command(&mut self, line: &str, within: Duration) -> Result<Answer, Fault> {
        self.send(line.as_bytes()).await?;
        Ok(answer::read(&mut self.connection, within).await?)
    }

    pub(super) async fn send(&mut self, octets: &[u8]) -> Result<(), Fault> {
        self.connection.write(octets).await?;
        Ok(self.connection.flush(self.manners.timeouts.data_block).await?)
    }

    pub(super) fn offers(&self, extension: u32) -> bool {
        self.extensions & extension != 0
    }

    /// `AUTH_…` of `smtp-proto`.
    pub(super) fn offers_mechanism(&self, mechanism: u64) -> bool {
        self.mechanisms & mechanism != 0
    }

    /// RFC 5321 section 4.1.1.10. Nobody waits for it.
    pub(super) fn quit(self) -> impl Future<Output = ()> + Send + 'static {
        let (mut connection, within) = (self.connection, self.manners.timeouts.quit);
        async move {
            if connection.write(b"QUIT\r\n").await.is_ok() && connection.flush(within).await.is_ok() {
                match answer::read(&mut connection, within).await {
                    Ok(_) => connection.close().await,
                    Err(error) => debug!(%error, "no reply to QUIT"),
                }
            }
        }
    }
}
