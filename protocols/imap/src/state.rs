//! What a client may ask for: each state is a variant that holds what its commands need.
//!
//! Owned by `connection`. A handler gets just its state's value, so no command can run in a state that lacks what it works on.

use crate::commands::search::{Contexts, Ground, follow};
use crate::commands::uidbatches::AskedBatches;
use crate::reply::{End, Fault, Reply};
use crate::view::{Expunges, Known, Recent, Sight, Snapshot, Update};
use crate::wire::fetch::{Writer, write_flags, write_vanished};
use crate::wire::grammar::scan::Set;
use crate::wire::numbers::{self, Positions};
use crate::wire::{Enabled, Trust, Wire, encode};
use imap_codec::imap_types::core::Atom;
use imap_codec::imap_types::flag::{Flag, FlagPerm};
use imap_codec::imap_types::response::{Code, Data};
use octroi_gate::{Granted, Mailbox, MailboxView, Refusal, Select, Session};
use octroi_model::{CollectionId, Flags, Item, KEYWORDS_MAX, ModSeq, Rights, Uid, UidSet};
use std::sync::Arc;
use tokio::sync::watch;

/// RFC 9051 section 3.
pub(crate) enum State {
    /// Nobody yet.
    NotAuthenticated(Visitor),
    /// Somebody.
    Authenticated(Session),
    /// Somebody with a mailbox open.
    Selected(Box<Selected>),
}

/// Somebody who has not logged in.
#[derive(Debug, Default)]
pub(crate) struct Visitor {
    /// What the client calls itself (RFC 2971), for the audit.
    pub(crate) client: Option<String>,
    /// Log-ins that failed.
    pub(crate) failures: u32,
}

/// How a mailbox was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// SELECT.
    Select,
    /// EXAMINE: nothing may be changed through it.
    Examine,
}

/// How a command names messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// By message number.
    Number,
    /// By uid: the `UID` forms.
    Uid,
}

impl From<bool> for By {
    /// From imap-codec's `uid` mark.
    fn from(uid: bool) -> Self {
        if uid { Self::Uid } else { Self::Number }
    }
}

/// An open mailbox.
pub(crate) struct Selected {
    pub(crate) session: Session,
    pub(crate) mailbox: Granted<Mailbox, Select>,
    pub(crate) mode: Mode,
    pub(crate) sight: Sight<MailboxView>,
    /// Wakes on every change of the mailbox.
    pub(crate) changes: watch::Receiver<ModSeq>,
    /// What the command under way tells by itself.
    pub(crate) known: Known,
    /// What the client has switched on, as the wire has it.
    pub(crate) enabled: Enabled,
    /// What `$` stands for; those that have gone since just match nothing.
    // RFC 5182 section 2.1: nothing at first.
    pub(crate) saved: UidSet,
    /// Searches whose changes are told.
    pub(crate) contexts: Contexts,
    /// NOTIFY has asked for changes of flags: they are told with the uid.
    // RFC 5465 section 5.1.
    pub(crate) flags_with_uid: bool,
    /// What UIDBATCHES was asked.
    pub(crate) asked_batches: AskedBatches,
    recent: Recent,
    /// The first uid of which it is not known yet whose it is as `\Recent`.
    unclaimed: Uid,
    /// Keywords that the client has been told of.
    keywords_told: usize,
}

impl State {
    /// How much the peer may make us hold.
    pub(crate) fn trust(&self) -> Trust {
        if matches!(self, Self::NotAuthenticated(_)) { Trust::Anyone } else { Trust::Member }
    }

    /// For commands before log-in.
    pub(crate) fn visitor(&mut self) -> Result<&mut Visitor, Fault> {
        match self {
            Self::NotAuthenticated(visitor) => Ok(visitor),
            _ => Err(Reply::bad("You are logged in already").into()),
        }
    }

    /// For commands after log-in.
    pub(crate) fn session(&self) -> Result<&Session, Fault> {
        match self {
            Self::NotAuthenticated(_) => Err(Reply::bad("Log in first").into()),
            Self::Authenticated(session) => Ok(session),
            Self::Selected(selected) => Ok(&selected.session),
        }
    }

    /// For commands on an open mailbox.
    pub(crate) fn selected(&mut self) -> Result<&mut Selected, Fault> {
        match self {
            Self::Selected(selected) => Ok(selected),
            _ => Err(Reply::bad("Select a mailbox first").into()),
        }
    }

    /// From now on the client is told of modseqs; of an open mailbox at once of its highest.
    // RFC 7162 section 3.1: by whichever command it asks for them.
    pub(crate) async fn enable_condstore(&mut self, wire: &mut Wire) -> Result<(), End> {
        match self {
            Self::Selected(selected) => selected.enable_condstore(wire).await,
            Self::NotAuthenticated(_) | Self::Authenticated(_) => {
                wire.enabled.condstore = true;
                Ok(())
            }
        }
    }

    /// The open mailbox, if one is open.
    pub(crate) fn opened(&self) -> Option<&Selected> {
        match self {
            Self::Selected(selected) => Some(selected),
            _ => None,
        }
    }

    /// Which that is; for comparing only.
    pub(crate) fn selected_id(&self) -> Option<CollectionId> {
        self.opened().map(|selected| selected.mailbox.collection_id())
    }

    /// Close the mailbox, if one is open, and go on without one.
    pub(crate) fn leave_mailbox(&mut self) {
        if let Self::Selected(selected) = self {
            *self = Self::Authenticated(selected.session.clone());
        }
    }
}

impl Selected {
    /// Open a granted mailbox: nothing has been told of it yet.
    pub(crate) async fn open(session: &Session, mailbox: Granted<Mailbox, Select>, mode: Mode, enabled: Enabled) -> Result<Self, Refusal> {
        let changes = mailbox.watch();
        // Claimed before the look: what arrives in between is then recent twice, which the RFC prefers to never.
        let claimed = (mode == Mode::Select).then(|| mailbox.claim_recent());
        let view = mailbox.view().await?;
        let mut recent = Recent::default();
        let last = last_uid(&view);
        if let (Some(from), Some(last)) = (claimed, last) {
            recent.add(from, last);
        }
        let unclaimed = last.map_or(Uid(1), Uid::next);
        let keywords_told = view.keywords().len();
        Ok(Self {
            session: session.clone(),
            mailbox,
            mode,
            sight: Sight::new(view),
            changes,
            known: Known::default(),
            enabled,
            saved: UidSet::default(),
            contexts: Contexts::default(),
            flags_with_uid: false,
            asked_batches: AskedBatches::default(),
            recent,
            unclaimed,
            keywords_told,
        })
    }

    /// The positions that a set names.
    pub(crate) fn positions(&self, set: &Set, by: By) -> Result<Positions, Fault> {
        let Set::Listed(set) = set else { return Ok(numbers::of_saved(&self.saved, self.sight.shown())) };
        match by {
            By::Number => numbers::of_numbers(set, self.sight.shown().length())
                .map_err(|numbers::OutOfRange| Reply::bad("There is no message of that number").into()),
            By::Uid => Ok(numbers::of_uids(set, self.sight.shown())),
        }
    }

    /// What a search looks through.
    pub(crate) fn ground(&self) -> Ground<'_> {
        Ground { sight: &self.sight, recent: Some(&self.recent), saved: Some(&self.saved) }
    }

    /// Refuse what would change the mailbox when it was opened to look only.
    pub(crate) fn writable(&self) -> Result<(), Fault> {
        match self.mode {
            Mode::Select => Ok(()),
            Mode::Examine => Err(Reply::no("NOPERM", "The mailbox was opened with EXAMINE").into()),
        }
    }

    /// The flags that this session may change here, by the rights as they were at opening: for telling, the gate decides.
    // RFC 4314 section 4.
    pub(crate) fn permitted(&self) -> Flags {
        let rights = self.mailbox.rights();
        let of = |right, flags| if rights.contains(right) && self.mode == Mode::Select { flags } else { Flags::NONE };
        of(Rights::SEEN, Flags::SEEN)
            | of(Rights::DELETE_ITEMS, Flags::DELETED)
            | of(Rights::WRITE, Flags::ANSWERED | Flags::FLAGGED | Flags::DRAFT | Flags::all_keywords())
    }

    /// Is the message recent in this session?
    // RFC 9051 appendix E: nothing is once IMAP4rev2 is enabled.
    pub(crate) fn is_recent(&self, uid: Uid) -> bool {
        !self.enabled.rev2 && self.recent.contains(uid)
    }

    /// How many are.
    pub(crate) fn recent_count(&self) -> u32 {
        self.recent.count(self.sight.shown())
    }

    /// Look again; decided again if rights have moved. A mailbox that is gone or out of reach ends the connection: IMAP4rev1 knows
    /// no other way out of a mailbox that the client did not ask for.
    pub(crate) async fn refresh(&mut self) -> Result<(), Fault> {
        let claimed = (self.mode == Mode::Select && self.changes.has_changed().unwrap_or(true)).then(|| self.mailbox.claim_recent());
        self.changes.mark_unchanged();
        let fresh = self.mailbox.view().await.map_err(|refusal| match refusal {
            Refusal::Missing | Refusal::Forbidden(_) => Fault::End(End::Bye(None, "The mailbox is no longer available")),
            other => Fault::Refused(other),
        })?;
        if let (Some(claimed), Some(last)) = (claimed, last_uid(&fresh)) {
            self.recent.add(claimed.max(self.unclaimed), last);
            self.unclaimed = self.unclaimed.max(last.next());
        }
        self.sight.refresh(fresh);
        Ok(())
    }

    /// The command under way answers with the flags of these messages as they are now.
    pub(crate) fn know(&mut self, uids: UidSet) {
        self.known = Known { uids, at: self.sight.current().highest_modseq() };
    }

    /// From now on the client is told of modseqs.
    // RFC 7162 section 3.1: each of the ways of asking for them asks for good.
    pub(crate) async fn enable_condstore(&mut self, wire: &mut Wire) -> Result<(), End> {
        if wire.enabled.condstore {
            return Ok(());
        }
        wire.enabled.condstore = true;
        self.enabled = wire.enabled;
        wire.untagged(encode::highest_modseq(self.sight.told()), "The highest modseq").await
    }

    /// Tell the client what has changed, as far as it may be told now.
    pub(crate) async fn announce(&mut self, wire: &mut Wire, expunges: Expunges) -> Result<(), End> {
        self.enabled = wire.enabled;
        let known = std::mem::take(&mut self.known);
        if !self.sight.is_behind() {
            return Ok(());
        }
        self.announce_keywords(wire).await?;
        let mut out = Vec::new();
        // RFC 7162 section 3.2.10.2, RFC 9586 section 3.6: VANISHED, and EXPUNGE never again.
        let by = By::from(self.enabled.qresync || self.enabled.uid_only);
        self.contexts.leave(&mut out, &self.sight, expunges);
        for update in self.sight.tell(expunges, &known, by) {
            match update {
                Update::Vanished(uids) => write_vanished(&mut out, false, &uids),
                Update::Expunge(number) => out.extend_from_slice(format!("* {number} EXPUNGE\r\n").as_bytes()),
                Update::Exists(count) => {
                    out.extend_from_slice(format!("* {count} EXISTS\r\n").as_bytes());
                    if !self.enabled.rev2 {
                        out.extend_from_slice(format!("* {} RECENT\r\n", self.recent_count()).as_bytes());
                    }
                }
                Update::Flags(position) => self.write_flags(&mut out, position, By::Number),
            }
        }
        if self.enabled.qresync && self.sight.withholds() {
            // RFC 7162 section 3.2: modseqs above the one of an expunge that is held back may have been told.
            out.extend_from_slice(&encode::untagged(encode::highest_modseq(self.sight.told()), "Expunges follow"));
        }
        wire.raw(&out).await?;
        follow(self, wire).await
    }

    /// The beginning of the response about a message, by the name that the client wants for it.
    pub(crate) fn begin_response<'o>(&self, out: &'o mut Vec<u8>, position: usize, uid: Uid) -> Writer<'o> {
        if self.enabled.uid_only { Writer::begin_by_uid(out, uid) } else { Writer::begin(out, position + 1) }
    }

    /// The response with a message's flags or without them, and all that goes with flags.
    fn write_change(&self, out: &mut Vec<u8>, position: usize, by: By, is_silent: bool) {
        let Some(item) = self.sight.item(position) else { return };
        let mut writer = self.begin_response(out, position, item.uid);
        // RFC 7162 section 3.2.4: the uid goes with every change.
        if (by == By::Uid || self.enabled.qresync || self.flags_with_uid) && !self.enabled.uid_only {
            writer.uid(item.uid);
        }
        if !is_silent {
            self.write_flags_item(&mut writer, item);
        }
        if self.enabled.condstore {
            writer.modseq(item.modseq);
        }
        writer.end();
    }

    /// The response with a message's modseq only: its flags are as the client thinks.
    pub(crate) fn write_modseq(&self, out: &mut Vec<u8>, position: usize, by: By) {
        self.write_change(out, position, by, true);
    }

    /// A FETCH response with the flags of the message at a position; with its uid when the command named it by that.
    pub(crate) fn write_flags(&self, out: &mut Vec<u8>, position: usize, by: By) {
        self.write_change(out, position, by, false);
    }

    /// The FLAGS item of a message.
    pub(crate) fn write_flags_item(&self, writer: &mut Writer<'_>, item: &Item) {
        writer.flags(item.flags, self.is_recent(item.uid), self.sight.current().keywords());
    }

    /// FLAGS and PERMANENTFLAGS, which clients want to know before they meet a new keyword.
    pub(crate) async fn announce_keywords(&mut self, wire: &mut Wire) -> Result<(), End> {
        if self.sight.current().keywords().len() == self.keywords_told {
            return Ok(());
        }
        self.send_flags(wire).await?;
        self.send_permanent_flags(wire).await
    }

    /// The flags that there are in this mailbox.
    pub(crate) async fn send_flags(&mut self, wire: &mut Wire) -> Result<(), End> {
        let keywords = self.sight.current().keywords();
        self.keywords_told = keywords.len();
        let mut out = b"* FLAGS ".to_vec();
        let system = Flags::SYSTEM.into_iter().fold(Flags::NONE, |all, (flag, _)| all | flag);
        write_flags(&mut out, system | all_of(keywords), false, keywords);
        out.extend_from_slice(b"\r\n");
        wire.raw(&out).await
    }

    /// The flags that this session may change for good; `\*`: and new ones.
    // RFC 9051 section 7.1, RFC 4314 section 5.1.1.
    pub(crate) async fn send_permanent_flags(&self, wire: &mut Wire) -> Result<(), End> {
        let permitted = self.permitted();
        let keywords = self.sight.current().keywords();
        let may_keywords = permitted.contains(Flags::all_keywords());
        let system = Flags::SYSTEM.into_iter().filter(|(flag, _)| permitted.contains(*flag)).map(|(_, name)| name);
        let named = keywords.iter().filter(|_| may_keywords).map(|keyword| &**keyword);
        let mut flags: Vec<FlagPerm<'_>> = system.chain(named).filter_map(|name| Flag::try_from(name).ok()).map(FlagPerm::Flag).collect();
        if may_keywords && keywords.len() < KEYWORDS_MAX {
            flags.push(FlagPerm::Asterisk);
        }
        wire.untagged(Code::PermanentFlags(flags), "Flags that are kept").await
    }

    /// The counters that SELECT starts with.
    pub(crate) async fn send_counts(&self, wire: &mut Wire) -> Result<(), End> {
        wire.data(Data::Exists(self.sight.shown().length() as u32)).await?;
        if self.enabled.rev2 {
            return Ok(());
        }
        wire.data(Data::Recent(self.recent_count())).await
    }
}

fn last_uid(view: &MailboxView) -> Option<Uid> {
    view.uid_at(view.length().checked_sub(1)?)
}

fn all_of(keywords: &[Arc<str>]) -> Flags {
    (0..keywords.len()).filter_map(Flags::keyword).fold(Flags::NONE, |all, bit| all | bit)
}

/// A keyword as the wire allows it; such names only get into a mailbox's table.
pub(crate) fn is_keyword(text: &str) -> bool {
    Atom::validate(text).is_ok()
}
