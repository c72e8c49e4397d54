//! One client from greeting to goodbye: the loop over its commands, and the one dispatch.

use crate::commands;
use crate::commands::authenticate::Entrance;
use crate::config::ManageSieveConfig;
use crate::wire::{Input, Reply, Request, Wire, parse};
use octroi_gate::{Gate, Refusal, Session};
use octroi_net::{Acceptor, Connection, ReadError, Shutdown, WriteError};
use std::sync::Arc;
use tokio::time::Instant;
use tracing::debug;
use zeroize::Zeroizing;

/// How a dialogue ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Say this and close.
    Bye(&'static str),
    /// The client has said goodbye.
    Logout,
    /// The peer is gone.
    Gone,
}

impl From<ReadError> for End {
    fn from(error: ReadError) -> Self {
        // RFC 5804 section 1.2.
        if matches!(error, ReadError::Timeout) { Self::Bye("Waited too long") } else { Self::Gone }
    }
}

impl From<WriteError> for End {
    fn from(_: WriteError) -> Self {
        Self::Gone
    }
}

/// What a command comes to that does not succeed.
#[derive(Debug)]
pub(crate) enum Fault {
    /// It is answered.
    Reply(Reply),
    /// The dialogue ends.
    End(End),
}

impl From<End> for Fault {
    fn from(end: End) -> Self {
        Self::End(end)
    }
}

impl From<Reply> for Fault {
    fn from(reply: Reply) -> Self {
        Self::Reply(reply)
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        crate::refusal::of_gate(refusal)
    }
}

/// What a handler returns.
pub(crate) type Done = Result<Reply, Fault>;

/// Speak ManageSieve on `connection` until it ends. Nothing but the peer and the connection survives STARTTLS.
pub async fn serve(connection: Connection, gate: Gate, config: Arc<ManageSieveConfig>, shutdown: Shutdown) {
    let peer = connection.peer().addr;
    let mut connection = connection;
    loop {
        let mut dialogue = Dialogue::new(connection, gate.clone(), config.clone(), shutdown.clone());
        let end = dialogue.run().await;
        let Some(acceptor) = dialogue.upgrade.take() else {
            debug!(%peer, ?end, "connection ended");
            return dialogue.close(end).await;
        };
        // Refused when anything stands behind STARTTLS: it came in the clear (CVE-2011-0411).
        match dialogue.wire.connection.start_tls(&acceptor, config.handshake_timeout).await {
            Ok(secured) => connection = secured,
            Err(error) => return debug!(%peer, %error, "STARTTLS failed"),
        }
    }
}

struct Dialogue {
    wire: Wire,
    gate: Gate,
    config: Arc<ManageSieveConfig>,
    shutdown: Shutdown,
    session: Option<Session>,
    login_by: Instant,
    login_failures: u32,
    /// Lines in a row that were no commands.
    bad_commands: u32,
    /// Set by STARTTLS: what follows the answer.
    upgrade: Option<Acceptor>,
}

impl Dialogue {
    fn new(connection: Connection, gate: Gate, config: Arc<ManageSieveConfig>, shutdown: Shutdown) -> Self {
        let login_by = Instant::now() + config.login_timeout;
        let wire = Wire::new(connection, config.clone());
        Self { wire, gate, config, shutdown, session: None, login_by, login_failures: 0, bad_commands: 0, upgrade: None }
    }

    /// Until the connection ends, or STARTTLS has been answered ([`Dialogue::upgrade`] is set then).
    async fn run(&mut self) -> End {
        let ended = async {
            // RFC 5804 sections 1.1 and 2.2: at the beginning, and again after STARTTLS.
            let greeting = commands::capability::capability(&mut self.wire, None, &self.config).await;
            self.answer(greeting).await?;
            while self.upgrade.is_none() {
                self.round().await?;
            }
            Ok(())
        };
        ended.await.err().unwrap_or(End::Gone)
    }

    /// One command.
    async fn round(&mut self) -> Result<(), End> {
        if !self.wire.connection.pending_input() {
            self.wire.flush().await?;
        }
        let Some(line) = self.wait().await? else { return self.bad("The line is too long").await };
        match self.wire.complete(line, self.session.is_some()).await? {
            Input::Command(octets) => Box::pin(self.command(octets)).await,
            // RFC 5804 section 2.6: a script may be too large.
            Input::TooLarge => self.answer(Err(Reply::no("Too large").code("QUOTA/MAXSIZE").into())).await,
        }
    }

    /// The next line; nothing when it was too long.
    async fn wait(&mut self) -> Result<Option<Vec<u8>>, End> {
        let within = match &self.session {
            None => self.login_by.saturating_duration_since(Instant::now()),
            Some(_) => self.config.idle_timeout,
        };
        let session = self.session.clone();
        let ended = async {
            match session {
                Some(session) => session.ended().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.shutdown.triggered() => Err(End::Bye("The server is going down")),
            line = self.wire.first_line(within) => line,
            () = ended => Err(End::Bye("The session has ended")),
        }
    }

    async fn command(&mut self, octets: Zeroizing<Vec<u8>>) -> Result<(), End> {
        let request = match parse(&octets) {
            Ok(request) => request,
            Err(malformed) => return self.bad(&malformed.0).await,
        };
        drop(octets);
        self.bad_commands = 0;
        let standing = match &self.session {
            Some(session) if request != Request::Logout => session.check().await.map_err(Fault::from),
            _ => Ok(()),
        };
        let done = match standing {
            Ok(()) => self.dispatch(request).await,
            Err(fault) => Err(fault),
        };
        self.answer(done).await
    }

    async fn dispatch(&mut self, request: Request) -> Done {
        let Self { wire, gate, config, shutdown, session, .. } = self;
        match request {
            // At any time.
            Request::Capability => commands::capability::capability(wire, session.as_ref(), config).await,
            Request::Noop { tag } => Ok(commands::noop::noop(tag)),
            Request::Logout => Err(End::Logout.into()),
            // Before log-in.
            Request::StartTls => {
                self.upgrade = Some(commands::starttls::starttls(wire, session.as_ref())?);
                Ok(Reply::ok("Begin the TLS handshake"))
            }
            Request::Authenticate { mechanism, initial } => {
                if session.is_some() {
                    return Err(Reply::no("You are logged in already").into());
                }
                let at = Entrance { wire, gate, shutdown, failures: &mut self.login_failures, until: self.login_by };
                let (opened, reply) = commands::authenticate::authenticate(at, &mechanism, initial).await?;
                self.session = Some(opened);
                Ok(reply)
            }
            // After log-in.
            request => {
                let session = session.as_ref().ok_or_else(|| Reply::no("Log in first"))?;
                match request {
                    Request::CheckScript { script } => commands::checkscript::checkscript(&script, config),
                    Request::DeleteScript { name } => commands::deletescript::deletescript(session, &name).await,
                    Request::GetScript { name } => commands::getscript::getscript(wire, session, &name).await,
                    Request::HaveSpace { name, bytes } => commands::havespace::havespace(session, &name, bytes).await,
                    Request::ListScripts => commands::listscripts::listscripts(wire, session).await,
                    Request::PutScript { name, script } => commands::putscript::putscript(session, &name, &script, config).await,
                    Request::RenameScript { from, to } => commands::renamescript::renamescript(session, &from, &to).await,
                    Request::SetActive { name } => commands::setactive::setactive(session, &name).await,
                    _ => {
                        let done = commands::unauthenticate::unauthenticate();
                        self.session = None;
                        self.login_by = Instant::now() + self.config.login_timeout;
                        Ok(done)
                    }
                }
            }
        }
    }

    async fn answer(&mut self, done: Done) -> Result<(), End> {
        let reply = match done {
            Ok(reply) | Err(Fault::Reply(reply)) => reply,
            Err(Fault::End(end)) => return Err(end),
        };
        self.wire.say(&reply).await?;
        if self.login_failures >= self.config.login_failures_max {
            return Err(End::Bye("Too many failed log-ins"));
        }
        Ok(())
    }

    /// What is no command.
    async fn bad(&mut self, text: &str) -> Result<(), End> {
        self.bad_commands += 1;
        if self.bad_commands >= self.config.bad_commands_max {
            return Err(End::Bye("Too many lines that are no commands"));
        }
        self.answer(Err(Reply::no(text).into())).await
    }

    async fn close(mut self, end: End) {
        let goodbye = match end {
            End::Bye(text) => Reply::bye(text),
            // RFC 5804 section 2.3.
            End::Logout => Reply::ok("Goodbye"),
            End::Gone => return,
        };
        if self.wire.say(&goodbye).await.is_ok() {
            let _ = self.wire.flush().await;
        }
        self.wire.connection.close().await;
    }
}
