//! One client from greeting to goodbye: the loop over its commands, and the one dispatch.
//!
//! [`serve`] is called by the program for each accepted connection. Each round: wait for a command (or for the session or the server
//! to end), ask whether the session still stands, run the handler, tell what changed in the mailbox, answer.

use crate::commands;
use crate::commands::login::Entrance;
use crate::config::ImapConfig;
use crate::reply::{Done, End, Fault, Reply};
use crate::state::{By, Mode, Selected, State, Visitor};
use crate::view::Expunges;
use crate::wire::acl::{self, Sharing};
use crate::wire::decode::ListScope;
use crate::wire::literal::Literal;
use crate::wire::{Input, Trust, Wire, decode, encode};
use imap_codec::imap_types::command::{Command, CommandBody};
use imap_codec::imap_types::core::Tag;
use octroi_gate::{Gate, Session};
use octroi_net::{Acceptor, Connection, Line, ReadError, Shutdown};
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
    /// Set by STARTTLS: what follows the answer.
    upgrade: Option<Acceptor>,
    /// Set by LOGOUT: close after the answer.
    leaving: bool,
}

impl Dialogue {
    fn new(connection: Connection, gate: Gate, config: Arc<ImapConfig>, shutdown: Shutdown) -> Self {
        let login_by = Instant::now() + config.login_timeout;
        let state = State::NotAuthenticated(Visitor::default());
        let wire = Wire::new(connection, config.clone());
        Self { wire, gate, config, shutdown, state, login_by, bad_commands: 0, upgrade: None, leaving: false }
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
            Input::Upload { head, literal } => Box::pin(self.upload(&head, literal)).await,
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
        let session = self.state.session().ok().cloned();
        tokio::select! {
            biased;
            () = self.shutdown.triggered() => Err(End::Bye(Some(encode::code("UNAVAILABLE")), "The server is going down")),
            line = self.wire.line(trust, within) => match line {
                Ok(line) => Ok(Some(line)),
                Err(ReadError::TooLong) => Ok(None),
                Err(error) => Err(error.into()),
            },
            () = ended(session) => Err(End::Bye(None, "The session has ended")),
        }
    }

    async fn command(&mut self, octets: Zeroizing<Vec<u8>>) -> Result<(), End> {
        if let Some(read) = acl::command(&octets) {
            return match read {
                Ok((tag, command)) => self.share(tag, command).await,
                Err(malformed) => self.bad(malformed.tag, malformed.text).await,
            };
        }
        let (octets, scope) = match decode::without_list_options(&octets) {
            Some((plain, scope)) => (Zeroizing::new(plain), scope),
            None => (octets, ListScope::All),
        };
        let Command { tag, body } = match decode::command(&octets) {
            Ok(command) => command,
            Err(malformed) => return self.bad(malformed.tag, malformed.text).await,
        };
        self.bad_commands = 0;
        let expunges = expunges_during(&body);
        let begun = if body == CommandBody::Logout { Ok(()) } else { self.begin().await };
        let done = match begun {
            Ok(()) => self.dispatch(body, scope).await,
            Err(fault) => Err(fault),
        };
        self.answer(tag, done, expunges).await
    }

    async fn share(&mut self, tag: Tag<'static>, command: Sharing) -> Result<(), End> {
        self.bad_commands = 0;
        let done = match self.begin().await {
            Ok(()) => sharing(&mut self.wire, &self.state, command).await,
            Err(fault) => Err(fault),
        };
        self.answer(tag, done, Expunges::Told).await
    }

    async fn upload(&mut self, head: &[u8], literal: Literal) -> Result<(), End> {
        let Ok(Command { tag, body: CommandBody::Append { mailbox, flags, date, message } }) = decode::command(head) else {
            // `complete` has decoded the same octets.
            return Err(End::Gone);
        };
        self.bad_commands = 0;
        let append = commands::append::Append { mailbox, flags, date, message, literal };
        let done = match self.begin().await {
            Ok(()) => match self.state.session() {
                Ok(session) => append.run(&mut self.wire, session, &self.config).await,
                Err(fault) => Err(fault),
            },
            Err(fault) => self.wire.refuse_literal(literal, self.state.trust()).await.map_err(Fault::End).and(Err(fault)),
        };
        self.answer(tag, done, Expunges::Told).await
    }

    /// Before every command: does the session still stand, and is the mailbox still there?
    async fn begin(&mut self) -> Result<(), Fault> {
        if let Ok(session) = self.state.session() {
            session.check().await?;
        }
        if let State::Selected(selected) = &mut self.state {
            selected.refresh().await?;
        }
        Ok(())
    }

    /// After every command: tell what has changed, then answer.
    async fn answer(&mut self, tag: Tag<'_>, done: Done, expunges: Expunges) -> Result<(), End> {
        let reply = done.or_else(|fault| fault.into_reply(&self.gate.organisation().portal_url))?;
        if let State::Selected(selected) = &mut self.state {
            match selected.refresh().await {
                // What cannot be looked at now is told after a later command.
                Ok(()) | Err(Fault::Reply(_) | Fault::Refused(_)) => selected.announce(&mut self.wire, expunges).await?,
                Err(Fault::End(end)) => return Err(end),
            }
        }
        self.wire.tagged(Some(tag), reply.kind, reply.code, &reply.text).await?;
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
    async fn dispatch(&mut self, body: CommandBody<'_>, scope: ListScope) -> Done {
        let Self { wire, gate, config, shutdown, state, .. } = self;
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
            CommandBody::Enable { .. } => commands::enable::enable(wire, state.session()?).await,
            CommandBody::Namespace => commands::namespace::namespace(wire, state.session()?).await,
            CommandBody::GetQuota { root } => commands::getquota::getquota(wire, state.session()?, &root).await,
            CommandBody::GetQuotaRoot { mailbox } => commands::getquotaroot::getquotaroot(wire, state.session()?, &mailbox).await,
            CommandBody::SetQuota { .. } => commands::setquota::setquota(state.session()?),
            CommandBody::List { reference, mailbox_wildcard } => {
                commands::list::list(wire, state.session()?, &reference, &mailbox_wildcard, scope).await
            }
            CommandBody::Lsub { reference, mailbox_wildcard } => {
                commands::lsub::lsub(wire, state.session()?, &reference, &mailbox_wildcard).await
            }
            CommandBody::Subscribe { mailbox } => commands::subscribe::subscribe(state.session()?, &mailbox).await,
            CommandBody::Unsubscribe { mailbox } => commands::unsubscribe::unsubscribe(state.session()?, &mailbox).await,
            CommandBody::Create { mailbox } => commands::create::create(state.session()?, &mailbox).await,
            CommandBody::Delete { mailbox } => commands::delete::delete(wire, state, &mailbox).await,
            CommandBody::Rename { from, to } => commands::rename::rename(state.session()?, &from, &to).await,
            CommandBody::Status { mailbox, item_names } => commands::status::status(wire, state.session()?, mailbox, &item_names).await,
            CommandBody::Append { .. } => Err(Reply::bad("Log in first").into()),
            CommandBody::Select { mailbox } => commands::select::select(wire, state, &mailbox, Mode::Select).await,
            CommandBody::Examine { mailbox } => commands::select::select(wire, state, &mailbox, Mode::Examine).await,
            CommandBody::Idle => {
                let session = state.session()?.clone();
                commands::idle::idle(wire, &session, state.selected().ok(), shutdown, config).await
            }
            body => with_mailbox(wire, state, body).await,
        }
    }

    /// Logged in.
    fn enter(&mut self, session: Session) -> Reply {
        self.state = State::Authenticated(session);
        Reply::ok("Logged in").with(commands::capability::code(&self.wire, Trust::Member))
    }
}

/// The rest of the list: commands on the open mailbox.
async fn with_mailbox(wire: &mut Wire, state: &mut State, body: CommandBody<'_>) -> Done {
    match body {
        CommandBody::Check => state.selected().map(|_: &mut Selected| Reply::ok("Done")),
        CommandBody::Close => commands::close::close(state).await,
        CommandBody::Unselect => commands::unselect::unselect(state),
        CommandBody::Expunge => commands::expunge::expunge(state.selected()?, None).await,
        CommandBody::ExpungeUid { sequence_set } => commands::expunge::expunge(state.selected()?, Some(&sequence_set)).await,
        CommandBody::Search { charset, criteria, uid } => {
            commands::search::search(wire, state.selected()?, charset.as_ref(), criteria.as_ref(), By::from(uid)).await
        }
        CommandBody::Sort { sort_criteria, charset, search_criteria, uid } => {
            let (criteria, keys) = (sort_criteria.as_ref(), search_criteria.as_ref());
            commands::sort::sort(wire, state.selected()?, criteria, &charset, keys, By::from(uid)).await
        }
        CommandBody::Thread { algorithm, charset, search_criteria, uid } => {
            let keys = search_criteria.as_ref();
            commands::thread::thread(wire, state.selected()?, &algorithm, &charset, keys, By::from(uid)).await
        }
        CommandBody::Fetch { sequence_set, macro_or_item_names, uid } => {
            commands::fetch::fetch(wire, state.selected()?, &sequence_set, &macro_or_item_names, By::from(uid)).await
        }
        CommandBody::Store { sequence_set, kind, response, flags, uid } => {
            let change = commands::store::Change { kind, response, flags };
            commands::store::store(wire, state.selected()?, &sequence_set, &change, By::from(uid)).await
        }
        CommandBody::Copy { sequence_set, mailbox, uid } => {
            commands::copy::copy(state.selected()?, &sequence_set, &mailbox, By::from(uid)).await
        }
        CommandBody::Move { sequence_set, mailbox, uid } => {
            commands::r#move::r#move(wire, state.selected()?, &sequence_set, &mailbox, By::from(uid)).await
        }
        // What imap-codec reads and we do not offer.
        _ => Err(Reply::bad("The command is not known").into()),
    }
}

/// And the commands of RFC 4314.
async fn sharing(wire: &mut Wire, state: &State, command: Sharing) -> Done {
    let session = state.session()?;
    match command {
        Sharing::SetAcl { mailbox, identifier, change } => commands::setacl::setacl(session, &mailbox, &identifier, change).await,
        Sharing::DeleteAcl { mailbox, identifier } => commands::deleteacl::deleteacl(session, &mailbox, &identifier).await,
        Sharing::GetAcl { mailbox } => commands::getacl::getacl(wire, session, &mailbox).await,
        Sharing::ListRights { mailbox, identifier } => commands::listrights::listrights(wire, session, &mailbox, &identifier).await,
        Sharing::MyRights { mailbox } => commands::myrights::myrights(wire, session, &mailbox).await,
    }
}

/// May expunges be told while this command is answered?
// RFC 9051 section 7.5.1: not during FETCH, STORE and SEARCH; their UID forms are other commands. RFC 5256 section 3: nor during SORT and
// THREAD.
fn expunges_during(body: &CommandBody<'_>) -> Expunges {
    match body {
        CommandBody::Fetch { uid: false, .. }
        | CommandBody::Store { uid: false, .. }
        | CommandBody::Search { uid: false, .. }
        | CommandBody::Sort { uid: false, .. }
        | CommandBody::Thread { uid: false, .. } => Expunges::Held,
        _ => Expunges::Told,
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
