//! One session: it logs in, opens its INBOX, and then does one thing after the other as a mail program does.
//!
//! Made and driven by `main.rs`. What always holds: which message, range or word a command names is drawn from the session's own seed; a
//! session ends with its figures whatever happens, and what went wrong is in them.

use super::Failure;
use super::connection::{Answer, Connection, Connector};
use super::figures::Figures;
use super::mix::{Kind, Random};
use super::picture::Picture;
use std::fmt::Write as _;
use std::io;
use std::time::{Duration, Instant};

/// Octets of a message that is appended.
const APPEND_OCTETS: usize = 10 * 1024;
/// How long a session waits in IDLE. It is not part of the time that is measured.
const IDLE: Duration = Duration::from_millis(100);
/// With fewer messages nothing is removed from a mailbox.
const KEPT_MIN: usize = 50;
/// How many of the newest messages a session looks at.
const RECENT: usize = 50;
/// Messages of which a list is filled at once.
const SCREEN: usize = 25;
/// Words of the corpus: those of `corpus.py` that are searched for, and of which the appended messages are made.
const WORDS: [&str; 8] = ["customs", "tariff", "embargo", "harbour", "invoice", "ruling", "annex", "hearing"];
/// What a list of messages shows.
const HEADER_FIELDS: &str = "UID FLAGS RFC822.SIZE BODY.PEEK[HEADER.FIELDS (From To Cc Subject Date Message-ID References In-Reply-To)]";

/// A session that is logged in.
pub(crate) struct Session {
    connection: Connection,
    picture: Picture,
    random: Random,
    figures: Figures,
    /// The text of the messages that it appends.
    text: String,
    seed: u64,
    appended: u32,
    in_archive: bool,
}

impl Session {
    /// Log in and open the INBOX.
    pub(crate) async fn open(connector: &Connector, (address, password): &(String, String), seed: u64) -> Result<Self, Failure> {
        let began = Instant::now();
        let connection = connector.connect().await?;
        let mut random = Random::new(seed);
        let mut session = Self {
            connection,
            picture: Picture::default(),
            text: text(&mut random),
            random,
            figures: Figures::default(),
            seed,
            appended: 0,
            in_archive: false,
        };
        match session.connection.command(&format!("LOGIN \"{address}\" \"{password}\""), &mut session.picture).await? {
            Answer::Done => session.figures.took(Kind::Login, began.elapsed()),
            other => return Err(format!("{address} cannot log in: {other:?}").into()),
        }
        session.select(Kind::Open).await?;
        Ok(session)
    }

    /// Work until `end`, and do `at_least` so many things.
    pub(crate) async fn work(mut self, end: Instant, at_least: usize) -> Figures {
        let mut acts = 0;
        while acts < at_least || Instant::now() < end {
            acts += 1;
            if let Err(error) = self.act().await {
                self.figures.failed(format!("the connection failed: {error}"));
                break;
            }
            if let Some(text) = self.picture.contradiction() {
                self.figures.failed(text);
            }
        }
        self.figures.received(self.connection.received);
        // Nobody waits for the answer: the time is over.
        drop(self.connection.command("LOGOUT", &mut self.picture).await);
        self.figures
    }

    async fn act(&mut self) -> io::Result<()> {
        if self.picture.has_news() {
            let command = format!("UID FETCH {}:* (UID FLAGS)", self.picture.next_uid());
            return self.fetch(Kind::FetchNew, &command, "FLAGS", 1).await;
        }
        let kind = Kind::draw(&mut self.random);
        match kind {
            Kind::FetchFlags => self.fetch_range(kind, RECENT, "UID FLAGS", "FLAGS").await,
            Kind::FetchHeaders => self.fetch_range(kind, SCREEN, HEADER_FIELDS, "BODY[HEADER").await,
            Kind::FetchEnvelope => self.fetch_range(kind, SCREEN, "UID FLAGS INTERNALDATE ENVELOPE", "ENVELOPE").await,
            Kind::FetchBody => self.on_one(kind, "UID FETCH", "(UID BODY.PEEK[])").await,
            Kind::Store => {
                let sign = *self.random.of(&["+", "-"]);
                self.on_one(kind, "UID STORE", &format!("{sign}FLAGS (\\Seen)")).await
            }
            Kind::SearchFlags => {
                let keys = *self.random.of(&["UNSEEN", "FLAGGED", "UNSEEN UNDELETED"]);
                self.search(kind, keys).await
            }
            Kind::SearchSubject => {
                let word = *self.random.of(&WORDS);
                self.search(kind, &format!("SUBJECT {word}")).await
            }
            Kind::SearchDate => {
                let day = 1 + self.random.below(28);
                self.search(kind, &format!("SENTSINCE {day}-Jun-2026")).await
            }
            Kind::Status => self.status().await,
            Kind::List => self.asked(kind, "LIST \"\" \"*\"", "LIST ").await,
            Kind::Noop | Kind::Login | Kind::Open | Kind::FetchNew => self.noop().await,
            Kind::Select => {
                self.in_archive = !self.in_archive;
                self.select(kind).await
            }
            Kind::Copy => self.on_one(kind, "UID COPY", "Archive").await,
            Kind::Move if self.may_remove() => self.on_one(kind, "UID MOVE", "Trash").await,
            Kind::Expunge if self.may_remove() => self.expunge().await,
            // Where little is left, something comes instead of going.
            Kind::Append | Kind::Move | Kind::Expunge => self.append().await,
            Kind::Idle => self.idle().await,
        }
    }

    /// Send a command, and note how it went under its kind.
    async fn command(&mut self, kind: Kind, command: &str, wanted: &'static str) -> io::Result<bool> {
        self.picture.expect(wanted);
        let began = Instant::now();
        let answer = self.connection.command(command, &mut self.picture).await?;
        self.figures.took(kind, began.elapsed());
        Ok(self.is_done(command, answer))
    }

    fn is_done(&mut self, command: &str, answer: Answer) -> bool {
        match answer {
            Answer::Done => return true,
            Answer::Raced => self.figures.raced(),
            Answer::Refused(why) => self.figures.failed(format!("{}: {why}", command.lines().next().unwrap_or(""))),
        }
        false
    }

    /// A command that must be answered by one untagged line at least.
    async fn asked(&mut self, kind: Kind, command: &str, wanted: &'static str) -> io::Result<()> {
        if self.command(kind, command, wanted).await? && self.picture.answers() == 0 {
            self.figures.failed(format!("{command}: nothing was answered"));
        }
        Ok(())
    }

    /// A command that must be answered for so many messages, or as many as are still there.
    async fn fetch(&mut self, kind: Kind, command: &str, wanted: &'static str, messages: usize) -> io::Result<()> {
        if self.command(kind, command, wanted).await? {
            self.figures.missed(messages.saturating_sub(self.picture.answers()));
        }
        Ok(())
    }

    /// Some messages in a row by their numbers, mostly among the newest.
    async fn fetch_range(&mut self, kind: Kind, length: usize, items: &str, wanted: &'static str) -> io::Result<()> {
        let exists = self.picture.len();
        if exists == 0 {
            return self.noop().await;
        }
        let length = length.min(exists);
        let first = if self.random.below(3) > 0 { exists - length + 1 } else { 1 + self.random.below(exists - length + 1) };
        let command = format!("FETCH {first}:{} ({items})", first + length - 1);
        self.fetch(kind, &command, wanted, length).await
    }

    /// Something with one message by its uid.
    async fn on_one(&mut self, kind: Kind, command: &str, rest: &str) -> io::Result<()> {
        let Some(uid) = self.some_uid() else { return self.noop().await };
        let wanted = if kind == Kind::FetchBody { "BODY[]" } else { "" };
        let messages = usize::from(kind == Kind::FetchBody);
        self.fetch(kind, &format!("{command} {uid} {rest}"), wanted, messages).await
    }

    /// Half of the times one of the newest messages.
    fn some_uid(&mut self) -> Option<u32> {
        let exists = self.picture.len();
        if exists == 0 {
            return None;
        }
        let among = if self.random.below(2) == 0 { exists } else { exists.min(RECENT) };
        self.picture.uid(exists - 1 - self.random.below(among))
    }

    fn may_remove(&self) -> bool {
        self.picture.len() > KEPT_MIN
    }

    async fn expunge(&mut self) -> io::Result<()> {
        self.on_one(Kind::Expunge, "UID STORE", "+FLAGS (\\Deleted)").await?;
        self.command(Kind::Expunge, "EXPUNGE", "").await?;
        Ok(())
    }

    async fn search(&mut self, kind: Kind, keys: &str) -> io::Result<()> {
        self.asked(kind, &format!("UID SEARCH {keys}"), "SEARCH").await
    }

    async fn status(&mut self) -> io::Result<()> {
        // Of the mailboxes that are not open: nobody asks for the one that is.
        let other = if self.in_archive { "INBOX" } else { *self.random.of(&["Archive", "Trash"]) };
        self.asked(Kind::Status, &format!("STATUS {other} (MESSAGES UNSEEN UIDNEXT UIDVALIDITY)"), "STATUS").await
    }

    async fn noop(&mut self) -> io::Result<()> {
        self.command(Kind::Noop, "NOOP", "").await?;
        Ok(())
    }

    /// Open a mailbox and learn what is in it.
    async fn select(&mut self, kind: Kind) -> io::Result<()> {
        let name = if self.in_archive { "Archive" } else { "INBOX" };
        self.picture.forget();
        if self.command(kind, &format!("SELECT {name}"), "EXISTS").await? && self.picture.len() > 0 {
            let messages = self.picture.len();
            self.fetch(kind, "UID FETCH 1:* (UID FLAGS)", "FLAGS", messages).await?;
        }
        Ok(())
    }

    async fn append(&mut self) -> io::Result<()> {
        self.appended += 1;
        let id = format!("{}.{}", self.seed, self.appended);
        let subject = self.random.of(&WORDS);
        let message = format!(
            "From: <{subject}@bench.test>\r\nTo: <all@bench.test>\r\nSubject: {subject} {id}\r\nDate: 10 Jun 2026 08:00:00 +0000\r\n\
             Message-ID: <{id}@load.test>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{}",
            self.text
        );
        // RFC 7888 section 4: both servers take a literal that is not asked for.
        self.command(Kind::Append, &format!("APPEND INBOX (\\Seen) {{{}+}}\r\n{message}", message.len()), "").await?;
        Ok(())
    }

    async fn idle(&mut self) -> io::Result<()> {
        self.picture.expect("");
        let began = Instant::now();
        let answer = self.connection.idle(&mut self.picture).await?;
        let until_waiting = began.elapsed();
        if !self.is_done("IDLE", answer) {
            return Ok(());
        }
        tokio::time::sleep(IDLE).await;
        let began = Instant::now();
        let answer = self.connection.done(&mut self.picture).await?;
        self.figures.took(Kind::Idle, until_waiting + began.elapsed());
        self.is_done("DONE", answer);
        Ok(())
    }
}

/// Plain text of [`APPEND_OCTETS`].
fn text(random: &mut Random) -> String {
    let mut text = String::with_capacity(APPEND_OCTETS + 128);
    while text.len() < APPEND_OCTETS {
        for _ in 0..10 {
            let _ = write!(text, "{} ", random.of(&WORDS));
        }
        text.push_str("\r\n");
    }
    text
}
