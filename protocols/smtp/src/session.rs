//! One connection of a client: reads commands, sees that they come in order, and hands them to their handlers.
//!
//! What always holds: replies go out when no further command is waiting (RFC 2920 section 3.2), once per batch; after STARTTLS
//! everything is new; a credential that has ended ends the session at its next command or while it waits.

use crate::config::SmtpConfig;
use crate::header::Plan;
use crate::refusal;
use crate::transaction::{Open, Transaction};
use crate::wire::{AUTH_LINE_BYTES_MAX, COMMAND_LINE_BYTES_MAX, Command, Reply, parse};
use crate::{inbound, lmtp, submission};
use octroi_gate::Gate;
use octroi_net::{Acceptor, Connection, Line, ReadError, Shutdown, WriteError};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::debug;

/// Which of the three protocols a listener speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Mail from other servers (port 25).
    Inbound,
    /// Mail from our people (ports 587 and 465; RFC 6409, RFC 8314).
    Submission,
    /// Mail from our own front server (RFC 2033).
    Lmtp,
}

impl Kind {
    /// Replies after the end of a message with so many recipients.
    pub(crate) fn final_replies(self, recipients: usize) -> usize {
        if self == Self::Lmtp { recipients } else { 1 }
    }
}

/// How a session, or its part before TLS, ends.
pub(crate) enum End {
    /// TLS comes next.
    StartTls(Acceptor),
    /// Say this and close.
    Close(Reply),
    /// The peer is gone or silent.
    Gone,
}

impl From<WriteError> for End {
    fn from(_: WriteError) -> Self {
        Self::Gone
    }
}

/// Who the client says it is.
pub(crate) struct Hello {
    pub(crate) host: String,
    /// EHLO or LHLO, not HELO.
    pub(crate) extended: bool,
}

/// A client's session.
pub(crate) struct Session {
    pub(crate) kind: Kind,
    pub(crate) gate: Gate,
    pub(crate) config: Arc<SmtpConfig>,
    pub(crate) shutdown: Shutdown,
    pub(crate) connection: Connection,
    pub(crate) hello: Option<Hello>,
    /// Who has logged in.
    pub(crate) member: Option<octroi_gate::Session>,
    pub(crate) transaction: Transaction,
    /// Commands since the last accepted message.
    pub(crate) commands: u32,
    pub(crate) errors: u32,
    pub(crate) auth_failures: u32,
    pub(crate) unknown_recipients: u32,
    /// On port 25, from a network that is not ours.
    pub(crate) stranger: bool,
    /// Where replies are put together.
    scratch: Vec<u8>,
}

/// Serve one connection until it ends.
pub(crate) async fn run(kind: Kind, connection: Connection, gate: Gate, config: Arc<SmtpConfig>, shutdown: Shutdown) {
    let mut session = Session::new(kind, connection, gate, config, shutdown);
    let protocol = if kind == Kind::Lmtp { "LMTP" } else { "ESMTP" };
    let greeting = Reply::bare(220, format!("{} {protocol}", session.hostname()));
    match session.look_at_stranger().await {
        Ok(()) if session.say(&greeting).await.is_ok() => {}
        Err(End::Close(reply)) => {
            session.write(&reply).await.ok();
            return session.connection.close().await;
        }
        _ => return,
    }
    loop {
        match session.converse().await {
            End::StartTls(acceptor) => match session.secured(&acceptor).await {
                Some(secured) => session = secured,
                None => return,
            },
            End::Close(reply) => {
                session.write(&reply).await.ok();
                return session.connection.close().await;
            }
            End::Gone => return,
        }
    }
}

impl Session {
    fn new(kind: Kind, connection: Connection, gate: Gate, config: Arc<SmtpConfig>, shutdown: Shutdown) -> Self {
        let stranger = kind == Kind::Inbound && !config.strangers.trusted.contains(connection.peer().addr.ip());
        Self {
            stranger,
            kind,
            gate,
            config,
            shutdown,
            connection,
            hello: None,
            member: None,
            transaction: Transaction::Idle,
            commands: 0,
            errors: 0,
            auth_failures: 0,
            unknown_recipients: 0,
            scratch: Vec::new(),
        }
    }

    /// The session under TLS: nothing said before counts (RFC 3207 section 4.2).
    async fn secured(self, acceptor: &Acceptor) -> Option<Self> {
        let peer = self.peer();
        match self.connection.start_tls(acceptor, self.config.timeouts.handshake).await {
            Ok(connection) => Some(Self::new(self.kind, connection, self.gate, self.config, self.shutdown)),
            Err(error) => {
                debug!(%peer, %error, "STARTTLS failed");
                None
            }
        }
    }

    /// A mail server waits for the greeting (RFC 5321 section 3.1), and does not come a thousand times a minute.
    async fn look_at_stranger(&mut self) -> Result<(), End> {
        if !self.stranger {
            return Ok(());
        }
        let strangers = &self.config.strangers;
        self.config.guard.connection(self.connection.peer().addr.ip(), strangers).map_err(End::Close)?;
        match self.connection.read_some(1, strangers.greeting_delay).await {
            Err(ReadError::Timeout) => Ok(()),
            Ok(_) => Err(End::Close(too_early())),
            Err(_) => Err(End::Gone),
        }
    }

    async fn converse(&mut self) -> End {
        loop {
            if let Err(end) = self.step().await {
                return end;
            }
        }
    }

    async fn step(&mut self) -> Result<(), End> {
        let line = match self.next_line().await {
            Ok(line) => line,
            Err(Waiting::TooLong) => return self.say(&refusal::of_line(&crate::wire::Fault::TooLong)).await,
            Err(Waiting::End(end)) => return Err(end),
        };
        if let Some(member) = &self.member
            && let Err(refused) = member.check().await
        {
            return Err(End::Close(refusal::of_gate(&refused)));
        }
        let command = parse(&line);
        // A large message has many chunks, and its size is limited.
        if !matches!(command, Ok(Command::Bdat { bytes: 1.., .. })) {
            self.commands += 1;
        }
        if self.commands > self.config.commands_per_message_max {
            return Err(End::Close(Reply::new(421, "4.7.0", "Too many commands, closing connection")));
        }
        match command {
            Ok(command) => self.obey(command).await,
            Err(fault) if refusal::is_fatal(&fault) => Err(End::Close(refusal::of_line(&fault))),
            Err(fault) => self.say(&refusal::of_line(&fault)).await,
        }
    }

    async fn obey(&mut self, command: Command) -> Result<(), End> {
        match command {
            Command::Ehlo(host) if self.kind != Kind::Lmtp => self.hello(host, true).await,
            Command::Helo(host) if self.kind != Kind::Lmtp => self.hello(host, false).await,
            Command::Lhlo(host) if self.kind == Kind::Lmtp => self.hello(host, true).await,
            // RFC 2033 section 4.1: each has its own greeting, and not the other's.
            Command::Ehlo(_) | Command::Helo(_) | Command::Lhlo(_) => {
                self.say(&Reply::new(500, "5.5.1", "Wrong protocol on this port")).await
            }
            Command::StartTls => self.start_tls().await,
            Command::Auth { mechanism, initial } => self.auth(mechanism, initial).await,
            Command::Mail(mail) => self.mail(mail).await,
            Command::Rcpt(to, terms) => self.rcpt(to, terms).await,
            Command::Data => self.data().await,
            Command::Bdat { bytes, last } => self.bdat(bytes, last).await,
            Command::Rset => self.rset().await,
            Command::Noop => self.say(&Reply::new(250, "2.0.0", "OK")).await,
            // RFC 5321 section 7.3: who is here is nobody's business.
            Command::Vrfy => self.say(&Reply::new(252, "2.1.5", "Send mail and see")).await,
            Command::Expn => self.say(&Reply::new(502, "5.5.1", "Lists are not expanded")).await,
            Command::Help => self.say(&Reply::new(214, "2.0.0", "RFC 5321")).await,
            Command::Quit => Err(End::Close(Reply::new(221, "2.0.0", "Goodbye"))),
        }
    }

    /// EHLO, HELO and LHLO (RFC 5321 section 4.1.1.1). What the client calls itself is not repeated to it.
    async fn hello(&mut self, host: String, extended: bool) -> Result<(), End> {
        // RFC 2920 section 3.1: it is the last of its group, for nobody knows yet what we offer.
        if self.stranger && self.connection.pending_input() {
            return Err(End::Close(too_early()));
        }
        self.hello = Some(Hello { host, extended });
        self.transaction = Transaction::Idle;
        let mut reply = Reply::bare(250, self.hostname().to_owned());
        if extended {
            reply = reply.line("PIPELINING").line(format!("SIZE {}", self.config.message_bytes_max));
            if self.may_start_tls() {
                reply = reply.line("STARTTLS");
            }
            if self.may_log_in() {
                reply = reply.line(self.mechanisms());
            }
            for extension in crate::terms::offered(self) {
                reply = reply.line(extension);
            }
            reply = reply.line("8BITMIME").line("SMTPUTF8").line("ENHANCEDSTATUSCODES").line("CHUNKING").line("BINARYMIME");
            // RFC 9422 section 4.
            let recipients_max = self.config.recipients_max.min(self.gate.recipients_max());
            reply = reply.line(format!("LIMITS RCPTMAX={recipients_max}"));
        }
        self.say(&reply).await
    }

    /// RFC 3207 section 4.
    async fn start_tls(&mut self) -> Result<(), End> {
        if self.connection.is_tls() {
            return self.say(&Reply::new(503, "5.5.1", "TLS is on already")).await;
        }
        let Some(acceptor) = self.connection.starttls_acceptor() else {
            return self.say(&Reply::new(502, "5.5.1", "TLS is not offered here")).await;
        };
        self.write(&Reply::new(220, "2.0.0", "Ready to start TLS")).await?;
        // `Connection::start_tls` refuses when anything stands behind this command, before it sends the reply.
        Err(End::StartTls(acceptor))
    }

    async fn rset(&mut self) -> Result<(), End> {
        self.transaction = Transaction::Idle;
        self.say(&Reply::new(250, "2.0.0", "Forgotten")).await
    }

    /// What becomes of the header of a message that begins now.
    pub(crate) fn plan(&self, open: &Open, id: &str) -> Plan {
        match self.kind {
            Kind::Inbound => inbound::plan(self, open, id),
            Kind::Submission => submission::plan(self, open, id),
            Kind::Lmtp => lmtp::plan(self, open, id),
        }
    }

    /// How a message comes, in the words of RFC 3848 and RFC 6531 section 4.3.
    pub(crate) fn protocol(&self, open: &Open) -> &'static str {
        let extended = self.hello.as_ref().is_some_and(|hello| hello.extended);
        match (self.kind, self.connection.is_tls(), open.utf8) {
            (Kind::Inbound, _, _) if !extended => "SMTP",
            (Kind::Inbound, false, false) => "ESMTP",
            (Kind::Inbound, true, false) => "ESMTPS",
            (Kind::Inbound, false, true) => "UTF8SMTP",
            (Kind::Inbound, true, true) => "UTF8SMTPS",
            (Kind::Submission, _, false) => "ESMTPSA",
            (Kind::Submission, _, true) => "UTF8SMTPSA",
            (Kind::Lmtp, false, false) => "LMTP",
            (Kind::Lmtp, true, false) => "LMTPS",
            (Kind::Lmtp, false, true) => "UTF8LMTP",
            (Kind::Lmtp, true, true) => "UTF8LMTPS",
        }
    }

    pub(crate) fn may_start_tls(&self) -> bool {
        !self.connection.is_tls() && self.connection.starttls_acceptor().is_some()
    }

    pub(crate) fn hostname(&self) -> &str {
        &self.gate.organisation().hostname
    }

    pub(crate) fn peer(&self) -> IpAddr {
        self.connection.peer().addr.ip()
    }
}

/// Why there is no next line.
enum Waiting {
    TooLong,
    End(End),
}

/// Talking.
impl Session {
    /// The next command line; before waiting for it, all replies go out.
    async fn next_line(&mut self) -> Result<Line, Waiting> {
        let closing = || Waiting::End(End::Close(refusal::shutting_down()));
        if self.shutdown.is_triggered() {
            return Err(closing());
        }
        let bytes_max = if self.may_log_in() { AUTH_LINE_BYTES_MAX } else { COMMAND_LINE_BYTES_MAX };
        let deadline = self.config.timeouts.command;
        if memchr::memchr(b'\n', self.connection.buffered()).is_some() {
            return line_or_end(self.connection.read_line(bytes_max, deadline).await);
        }
        self.flush().await.map_err(Waiting::End)?;
        let member = self.member.as_ref();
        let ended = async {
            match member {
                Some(member) => member.ended().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            line = self.connection.read_line(bytes_max, deadline) => line_or_end(line),
            () = self.shutdown.triggered() => Err(closing()),
            () = ended => Err(Waiting::End(End::Close(refusal::of_gate(&octroi_gate::Refusal::Ended)))),
        }
    }

    /// The answer to a challenge of ours, which goes out first.
    pub(crate) async fn answer_to(&mut self, challenge: &Reply) -> Result<Line, End> {
        self.write(challenge).await?;
        self.flush().await?;
        match self.connection.read_line(AUTH_LINE_BYTES_MAX, self.config.timeouts.command).await {
            Ok(line) => Ok(line),
            Err(ReadError::TooLong) => Err(End::Close(Reply::new(500, "5.5.6", "Line too long, closing connection"))),
            Err(error) => Err(end_of(&error)),
        }
    }

    /// Octets of a message: at least one, at most `max`. What is used of them must be consumed.
    pub(crate) async fn more(&mut self, max: usize, deadline: Instant) -> Result<&[u8], End> {
        if !self.connection.pending_input() {
            self.flush().await?;
        }
        let wait = deadline.saturating_duration_since(Instant::now()).min(self.config.timeouts.data);
        self.connection.read_some(max, wait).await.map_err(|error| end_of(&error))
    }

    /// Write a reply; it goes out with the others of its batch. Refusals come ever later, and too many end the session.
    pub(crate) async fn say(&mut self, reply: &Reply) -> Result<(), End> {
        // A front server of ours passes on what others got wrong; and who is put off has done nothing wrong.
        if !reply.is_error() || self.kind == Kind::Lmtp {
            return self.write(reply).await;
        }
        self.errors += 1;
        if self.errors > self.config.errors_quick {
            self.linger(self.config.error_delay).await?;
        }
        self.write(reply).await?;
        if self.errors > self.config.errors_max {
            return Err(End::Close(Reply::new(421, "4.7.0", "Too many errors, closing connection")));
        }
        Ok(())
    }

    pub(crate) async fn write(&mut self, reply: &Reply) -> Result<(), End> {
        self.scratch.clear();
        reply.write(&mut self.scratch);
        Ok(self.connection.write(&self.scratch).await?)
    }

    pub(crate) async fn flush(&mut self) -> Result<(), End> {
        Ok(self.connection.flush(self.config.timeouts.write).await?)
    }

    /// Answer late, so that guessing is slow.
    pub(crate) async fn linger(&mut self, delay: Duration) -> Result<(), End> {
        self.flush().await?;
        tokio::time::sleep(delay).await;
        Ok(())
    }
}

fn too_early() -> Reply {
    Reply::new(554, "5.5.1", "You talk before it is your turn")
}

fn line_or_end(line: Result<Line, ReadError>) -> Result<Line, Waiting> {
    line.map_err(|error| match error {
        ReadError::TooLong => Waiting::TooLong,
        error => Waiting::End(end_of(&error)),
    })
}

fn end_of(error: &ReadError) -> End {
    match error {
        // RFC 5321 section 3.8.
        ReadError::Timeout => End::Close(Reply::new(421, "4.4.2", "Waited too long, closing connection")),
        _ => End::Gone,
    }
}
