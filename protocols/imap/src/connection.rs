//! One client from greeting to goodbye: the loop over its commands, and the one dispatch.
//!
//! [`serve`] is called by the program for each accepted connection. Each round: wait for a command (or for the session or the server
//! to end), ask whether the session still stands, run the handler, tell what changed in the mailbox, answer.

use crate::commands;
use crate::commands::login::Entrance;
use crate::commands::search::Answer;
use crate::config::ImapConfig;
use crate::notification::{self, Notification};
use crate::reply::{Done, End, Fault, Reply, uid_required};
use crate::state::{By, Mode, Selected, State, Visitor};
use crate::view::Expunges;
use crate::wire::grammar::acl::Sharing;
use crate::wire::grammar::append::{Head, Upload, Verb};
use crate::wire::grammar::mailboxes::OnMailbox;
use crate::wire::grammar::messages::OnMessages;
use crate::wire::grammar::metadata::OnMetadata;
use crate::wire::grammar::search::Seeking;
use crate::wire::grammar::{self, Request};
use crate::wire::{Input, Trust, Wire, encode};
use imap_codec::imap_types::command::CommandBody;
use imap_codec::imap_types::core::Tag;
use octroi_gate::{Gate, Refusal, Session};
use octroi_net::{Acceptor, Connection, DeflateSlot, Line, ReadError, Shutdown};
use std::sync::Arc;
use tokio::time::Instant;
use tracing::debug;
use zeroize::Zeroizing;

/// Speak IMAP on `connection` until it ends. Nothing but the peer and the connection survives STARTTLS.
pub async fn serve(connection: Connection, gate: Gate, config: Arc<ImapConfig>, shutdown: Shutdown) {
    let peer = connection.peer().addr;
    let mut connection = connection;
    let mut greeting = true;
    loop {
        let mut dialogue = Dialogue::new(connection, gate.clone(), config.clone(), shutdown.clone());
        let end = dialogue.run(greeting).await;
        let Some(acceptor) = dialogue.upgrade.take() else {
            debug!(%peer, ?end, "connection ended");
            return dialogue.wire.close(end).await;
        };
        let mut plain = dialogue.wire.connection;
        // What stands behind STARTTLS came in the clear: it is thrown away unread (CVE-2011-0411). What comes later spoils the handshake.
        plain.consume(plain.buffered().len());
        match plain.start_tls(&acceptor, config.handshake_timeout).await {
            Ok(secured) => connection = secured,
            Err(error) => return debug!(%peer, %error, "STARTTLS failed"),
        }
        // RFC 9051 section 6.2.1: no greeting after the handshake.
        greeting = false;
    }
}

struct Dialogue {
    wire: Wire,
    gate: Gate,
    config: Arc<ImapConfig>,
    shutdown: Shutdown,
    state: State,
    login_by: Instant,
    /// Lines in a row that were no commands.
    bad_commands: u32,
    /// Set by NOTIFY.
    notification: Option<Notification>,
    /// Set by STARTTLS: what follows the answer.
    upgrade: Option<Acceptor>,
    /// Set by COMPRESS, likewise.
    deflate: Option<DeflateSlot>,
    /// Set by LOGOUT: close after the answer.
    leaving: bool,
}

impl Dialogue {
    fn new(connection: Connection, gate: Gate, config: Arc<ImapConfig>, shutdown: Shutdown) -> Self {
        let login_by = Instant::now() + config.login_timeout;
        let state = State::NotAuthenticated(Visitor::default());
        let wire = Wire::new(connection, config.clone());
        Self {
            wire,
            gate,
            config,
            shutdown,
            state,
            login_by,
            notification: None,
            bad_commands: 0,
            upgrade: None,
            deflate: None,
            leaving: false,
        }
    }

    /// Until the connection ends, or STARTTLS has been answered ([`Dialogue::upgrade`] is set then).
    async fn run(&mut self, greeting: bool) -> End {
        let ended = async {
            if greeting {
                commands::capability::greet(&mut self.wire, self.gate.organisation()).await?;
            }
            loop {
                self.round().await?;
                if self.leaving || self.upgrade.is_some() {
                    return Ok(());
                }
            }
        };
        ended.await.err().unwrap_or(End::Gone)
    }

    /// One command.
    async fn round(&mut self) -> Result<(), End> {
        // A client that sends many commands at once gets the answers together.
        if !self.wire.connection.buffered().contains(&b'\n') {
            self.wire.flush().await?;
        }
        let Some(line) = self.wait().await? else { return self.bad(None, "The line is too long").await };
        // A handler's state is large; it is on the heap only while the command runs.
        match self.wire.complete(line, self.state.trust()).await? {
            Input::Command(octets) => Box::pin(self.command(octets)).await,
            Input::Upload(head) => Box::pin(self.upload(head)).await,
            Input::Refused => self.count_bad(),
        }
    }

    /// The next line; nothing when it was too long.
    async fn wait(&mut self) -> Result<Option<Line>, End> {
        let trust = self.state.trust();
        let within = match trust {
            Trust::Anyone => self.login_by.saturating_duration_since(Instant::now()),
            Trust::Member => self.config.idle_timeout,
        };
        let until = Instant::now() + within;
        let session = self.state.session().ok().cloned();
        loop {
            tokio::select! {
                biased;
                () = self.shutdown.triggered() => return Err(End::Bye(Some(encode::code("UNAVAILABLE")), "The server is going down")),
                line = self.wire.line(trust, until.saturating_duration_since(Instant::now())) => return match line {
                    Ok(line) => Ok(Some(line)),
                    Err(ReadError::TooLong) => Ok(None),
                    Err(error) => Err(error.into()),
                },
                () = ended(session.clone()) => return Err(End::Bye(None, "The session has ended")),
                () = notification::changed(&mut self.notification, &mut self.state) => {}
            }
            // Nobody may be told in the middle of what was answered, so it is told now; and a client that sends no command hears of it.
            notification::tell(&mut self.notification, &mut self.wire, &mut self.state).await.or_else(unasked)?;
            self.wire.flush().await?;
        }
    }

    async fn command(&mut self, octets: Zeroizing<Vec<u8>>) -> Result<(), End> {
        let (tag, request) = match grammar::command(&octets, self.wire.enabled.utf8()) {
            Ok(read) => read,
            Err(malformed) => return self.bad(malformed.tag, malformed.text).await,
        };
        self.bad_commands = 0;
        let expunges = expunges_during(&request);
        let begun = if request == Request::Codec(CommandBody::Logout) { Ok(()) } else { self.begin().await };
        let done = match begun {
            Ok(()) => self.dispatch(&tag, request).await,
            Err(fault) => Err(fault),
        };
        self.answer(tag, done, expunges).await
    }

    async fn upload(&mut self, head: Head) -> Result<(), End> {
        self.bad_commands = 0;
        let done = match self.begin().await {
            Ok(()) if self.wire.enabled.uid_only && head.upload.names_numbers() => {
                Err(commands::append::refuse(&mut self.wire, &head.upload.line.then, uid_required()).await?)
            }
            Ok(()) => uploading(&mut self.wire, &mut self.state, &head.upload, &self.config).await,
            Err(fault) => Err(commands::append::refuse(&mut self.wire, &head.upload.line.then, fault).await?),
        };
        self.answer(head.tag, done, Some(Expunges::Told)).await
    }

    /// Before every command: does the session still stand, and is the mailbox still there?
    async fn begin(&mut self) -> Result<(), Fault> {
        if let Ok(session) = self.state.session() {
            session.check().await?;
        }
        if let State::Selected(selected) = &mut self.state {
            selected.enabled = self.wire.enabled;
            selected.flags_with_uid = self.notification.as_ref().is_some_and(Notification::tells_flags);
            selected.refresh().await?;
        }
        Ok(())
    }

    /// After every command: tell what has changed, then answer. `expunges`: may they be told; nothing when nothing is to be told at all.
    async fn answer(&mut self, tag: Tag<'_>, done: Done, expunges: Option<Expunges>) -> Result<(), End> {
        let reply = done.or_else(|fault| fault.into_reply(&self.gate.organisation().portal_url))?;
        if let (State::Selected(selected), Some(expunges)) = (&mut self.state, expunges) {
            match selected.refresh().await {
                // What cannot be looked at now is told after a later command.
                Ok(()) | Err(Fault::Reply(_) | Fault::Refused(_)) => selected.announce(&mut self.wire, expunges).await?,
                Err(Fault::End(end)) => return Err(end),
            }
        }
        self.wire.tagged(Some(tag), reply.kind, reply.code, &reply.text).await?;
        if let Some(slot) = self.deflate.take() {
            // RFC 4978 section 3: from right behind the answer's line end.
            self.wire.connection.start_deflate(slot, self.config.write_timeout).await?;
        }
        match &self.state {
            State::NotAuthenticated(visitor) if visitor.failures >= self.config.login_failures_max => {
                Err(End::Bye(None, "Too many log-ins have failed"))
            }
            _ => Ok(()),
        }
    }

    async fn bad(&mut self, tag: Option<Tag<'static>>, text: &'static str) -> Result<(), End> {
        let reply = Reply::bad(text);
        self.wire.tagged(tag, reply.kind, reply.code, &reply.text).await?;
        self.count_bad()
    }

    fn count_bad(&mut self) -> Result<(), End> {
        self.bad_commands += 1;
        if self.bad_commands >= self.config.bad_commands_max {
            return Err(End::Bye(None, "Too many lines that are no commands"));
        }
        Ok(())
    }

    /// The one list of commands: the state that each needs, and its handler.
    async fn dispatch(&mut self, tag: &Tag<'_>, request: Request<'_>) -> Done {
        if self.wire.enabled.uid_only && request.names_numbers() {
            return Err(uid_required());
        }
        match request {
            Request::Codec(body) => self.dispatch_codec(body).await,
            Request::OnMailbox(command) => on_mailbox(&mut self.wire, &mut self.state, command).await,
            Request::OnMetadata(OnMetadata::Get(get)) => {
                commands::getmetadata::getmetadata(&mut self.wire, self.state.session()?, &get).await
            }
            Request::OnMetadata(OnMetadata::Set { mailbox, entries }) => {
                commands::setmetadata::setmetadata(self.state.session()?, &mailbox, entries).await
            }
            Request::Unauthenticate => {
                let reply = commands::unauthenticate::unauthenticate(&mut self.wire, &mut self.state)?;
                self.notification = None;
                self.login_by = Instant::now() + self.config.login_timeout;
                Ok(reply)
            }
            Request::OnMessages { command, uid } => on_messages(&mut self.wire, self.state.selected()?, command, By::from(uid), tag).await,
            Request::Seeking { command, uid } => seeking(&mut self.wire, self.state.selected()?, command, By::from(uid), tag).await,
            Request::Notify(command) => {
                let (notification, reply) = commands::notify::notify(&mut self.wire, &self.state, command).await?;
                self.notification = notification;
                Ok(reply)
            }
            Request::Batches(batches) => commands::uidbatches::uidbatches(&mut self.wire, self.state.selected()?, batches, tag).await,
            Request::Everywhere(command) => commands::esearch::esearch(&mut self.wire, &mut self.state, command, tag).await,
            Request::Upload(upload) => uploading(&mut self.wire, &mut self.state, &upload, &self.config).await,
            Request::Sharing(command) => sharing(&mut self.wire, self.state.session()?, command).await,
        }
    }

    /// Those that imap-codec reads.
    async fn dispatch_codec(&mut self, body: CommandBody<'_>) -> Done {
        let Self { wire, gate, config, shutdown, state, notification, .. } = self;
        match body {
            // In any state.
            CommandBody::Capability => commands::capability::capability(wire, state.trust()).await,
            CommandBody::Noop => Ok(Reply::ok("Done")),
            CommandBody::Id { parameters } => commands::id::id(wire, state, parameters).await,
            CommandBody::Logout => {
                self.leaving = true;
                commands::logout::logout(wire).await
            }
            // Before log-in.
            CommandBody::StartTLS => {
                state.visitor()?;
                self.upgrade = Some(commands::starttls::starttls(wire)?);
                Ok(Reply::ok("Begin the TLS handshake"))
            }
            CommandBody::Login { username, password } => {
                let at = Entrance { visitor: state.visitor()?, wire, gate, shutdown };
                let session = commands::login::login(at, &username, &password).await?;
                Ok(self.enter(session))
            }
            CommandBody::Authenticate { mechanism, initial_response } => {
                let within = self.login_by.saturating_duration_since(Instant::now());
                let at = Entrance { visitor: state.visitor()?, wire, gate, shutdown };
                let session = commands::authenticate::authenticate(at, &mechanism, initial_response, within).await?;
                Ok(self.enter(session))
            }
            // After log-in.
            CommandBody::Compress { algorithm } => {
                self.deflate = Some(commands::compress::compress(wire, state.session()?, &algorithm, config)?);
                Ok(Reply::ok("Compressed from here on"))
            }
            CommandBody::Enable { capabilities } => {
                let names: Vec<String> = capabilities.as_ref().iter().map(ToString::to_string).collect();
                commands::enable::enable(wire, state, &names).await
            }
            CommandBody::Namespace => commands::namespace::namespace(wire, state.session()?).await,
            CommandBody::GetQuota { root } => commands::getquota::getquota(wire, state.session()?, &root).await,
            CommandBody::SetQuota { .. } => commands::setquota::setquota(state.session()?),
            CommandBody::Idle => {
                let session = state.session()?.clone();
                commands::idle::idle(wire, &session, state, notification, shutdown, config).await
            }
            // With a mailbox open.
            CommandBody::Check => state.selected().map(|_: &mut Selected| Reply::ok("Done")),
            CommandBody::Close => commands::close::close(wire, state).await,
            CommandBody::Unselect => commands::unselect::unselect(state),
            CommandBody::Expunge => commands::expunge::expunge(wire, state.selected()?, None).await,
            // The grammar lets no other pass.
            _ => Err(Reply::bad("The command is not known").into()),
        }
    }

    /// Logged in.
    fn enter(&mut self, session: Session) -> Reply {
        self.state = State::Authenticated(session);
        Reply::ok("Logged in").with(commands::capability::code(&self.wire, Trust::Member))
    }
}

/// Commands that name mailboxes, after log-in.
async fn on_mailbox(wire: &mut Wire, state: &mut State, command: OnMailbox) -> Done {
    let session = state.session()?;
    match command {
        OnMailbox::Select { mailbox, how } => commands::select::select(wire, state, &mailbox, Mode::Select, &how).await,
        OnMailbox::Examine { mailbox, how } => commands::select::select(wire, state, &mailbox, Mode::Examine, &how).await,
        OnMailbox::Create { mailbox, uses } => commands::create::create(session, &mailbox, &uses).await,
        OnMailbox::Delete { mailbox } => commands::delete::delete(wire, state, &mailbox).await,
        OnMailbox::Rename { from, to } => commands::rename::rename(session, &from, &to).await,
        OnMailbox::Subscribe { mailbox } => commands::subscribe::subscribe(session, &mailbox).await,
        OnMailbox::Unsubscribe { mailbox } => commands::unsubscribe::unsubscribe(session, &mailbox).await,
        OnMailbox::List(list) => commands::list::list(wire, state, &list).await,
        OnMailbox::Lsub { reference, pattern } => commands::lsub::lsub(wire, session, &reference, &pattern).await,
        OnMailbox::Status { mailbox, items } => commands::status::status(wire, state, &mailbox, &items).await,
        OnMailbox::GetQuotaRoot { mailbox } => commands::getquotaroot::getquotaroot(wire, session, &mailbox).await,
    }
}

/// Commands that name messages of the open mailbox.
async fn on_messages(wire: &mut Wire, selected: &mut Selected, command: OnMessages, by: By, tag: &Tag<'_>) -> Done {
    match command {
        OnMessages::Fetch { set, items, modifiers } => commands::fetch::fetch(wire, selected, &set, &items, modifiers, by).await,
        OnMessages::Store { set, change } => commands::store::store(wire, selected, &set, &change, by).await,
        OnMessages::Copy { set, mailbox } => commands::copy::copy(wire, selected, &set, &mailbox, by, tag).await,
        OnMessages::Move { set, mailbox } => commands::r#move::r#move(wire, selected, &set, &mailbox, by, tag).await,
        OnMessages::Expunge { set } => commands::expunge::expunge(wire, selected, Some(&set)).await,
    }
}

/// Commands that messages are part of.
async fn uploading(wire: &mut Wire, state: &mut State, upload: &Upload, config: &ImapConfig) -> Done {
    match &upload.verb {
        Verb::Append => commands::append::append(wire, state, upload, config).await,
        Verb::Replace { set, uid } => commands::replace::replace(wire, state, upload, set, By::from(*uid), config).await,
    }
}

/// Commands that look for messages of the open mailbox.
async fn seeking(wire: &mut Wire, selected: &mut Selected, command: Seeking, by: By, tag: &Tag<'_>) -> Done {
    match command {
        Seeking::Search { returns, program } => {
            let answer = Answer { tag, by, returns, modseq: program.names_modseq() };
            commands::search::search(wire, selected, &program, answer).await
        }
        Seeking::Sort { returns, criteria, program } => {
            let answer = Answer { tag, by, returns, modseq: program.names_modseq() };
            commands::sort::sort(wire, selected, &criteria, &program, answer).await
        }
        Seeking::CancelUpdate { tags } => commands::cancelupdate::cancelupdate(selected, &tags),
        Seeking::Thread { algorithm, program } => commands::thread::thread(wire, selected, &algorithm, &program, by, tag).await,
    }
}

/// The commands of RFC 4314.
async fn sharing(wire: &mut Wire, session: &Session, command: Sharing) -> Done {
    match command {
        Sharing::SetAcl { mailbox, identifier, change } => commands::setacl::setacl(session, &mailbox, &identifier, change).await,
        Sharing::DeleteAcl { mailbox, identifier } => commands::deleteacl::deleteacl(session, &mailbox, &identifier).await,
        Sharing::GetAcl { mailbox } => commands::getacl::getacl(wire, session, &mailbox).await,
        Sharing::ListRights { mailbox, identifier } => commands::listrights::listrights(wire, session, &mailbox, &identifier).await,
        Sharing::MyRights { mailbox } => commands::myrights::myrights(wire, session, &mailbox).await,
    }
}

/// May expunges be told while this command is answered? Nothing when the answer is the first look at a mailbox: a client that puts its
/// picture together from it must not be told of changes at the same time.
// RFC 9051 section 7.5.1: not during FETCH, STORE and SEARCH; their UID forms are other commands. RFC 5256 section 3: nor during SORT and
// THREAD.
fn expunges_during(request: &Request<'_>) -> Option<Expunges> {
    match request {
        Request::OnMailbox(OnMailbox::Select { .. } | OnMailbox::Examine { .. }) => None,
        Request::OnMessages { command: OnMessages::Fetch { .. } | OnMessages::Store { .. }, uid: false }
        | Request::Seeking { uid: false, .. } => Some(Expunges::Held),
        _ => Some(Expunges::Told),
    }
}

/// What a failure to tell something unasked leads to: what cannot be looked at now is looked at again with the next change.
fn unasked(fault: Fault) -> Result<(), End> {
    match fault {
        Fault::End(end) => Err(end),
        Fault::Refused(Refusal::Ended) => Err(End::Bye(None, "The session has ended")),
        Fault::Reply(_) | Fault::Refused(_) => Ok(()),
    }
}

/// Resolves when the session ends; never without one.
async fn ended(session: Option<Session>) {
    match session {
        Some(session) => session.ended().await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Listeners spawn it, so it must be able to move between threads.
    #[allow(dead_code)]
    fn a_dialogue_can_be_spawned(connection: Connection, gate: Gate, config: Arc<ImapConfig>, shutdown: Shutdown) {
        fn spawned<F: Future + Send + 'static>(_: F) {}
        spawned(serve(connection, gate, config, shutdown));
    }
}
