//! The command line, as clap reads it.

mod credentials;
mod documents;
mod mail;
mod queue;
mod reports;
mod rules;
mod sieve;

pub(crate) use credentials::{Account, AppPassword, Mint, YesNo};
pub(crate) use documents::{Trash, Versions};
pub(crate) use mail::{Dkim, DnsRecords};
pub(crate) use queue::{Queue, QueueWhich};
pub(crate) use reports::{Reports, ReportsCommand};
pub(crate) use rules::{Alias, Audit, AuditCommand, AuditShow, Explain, Group, Locks, Policy, Share};
pub(crate) use sieve::Sieve;

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Mail, calendars and shared documents, with rights and a second factor at the protocol itself.
#[derive(Debug, Parser)]
#[command(version, about)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a server on loopback with a sample organisation, and say how to connect.
    Demo(Demo),
    /// Run the server.
    Serve {
        /// Configuration file.
        #[arg(long)]
        config: PathBuf,
    },
    /// Accounts.
    #[command(subcommand)]
    Account(Account),
    /// App passwords.
    #[command(subcommand)]
    AppPassword(AppPassword),
    /// How much an account, or a tree of it, may hold.
    #[command(subcommand)]
    Quota(Quota),
    /// What was removed from an account's documents.
    #[command(subcommand)]
    Trash(Trash),
    /// How many versions of documents are kept.
    #[command(subcommand)]
    Versions(Versions),
    /// Mail filters of an account, in Sieve.
    #[command(subcommand)]
    Sieve(Sieve),
    /// Mail that waits to leave.
    #[command(subcommand)]
    Queue(Queue),
    /// What other servers report of our mail and our TLS.
    Reports(Reports),
    /// Import messages from a Maildir or an mbox file.
    Import(Import),
    /// Share a collection with others, or close it again.
    Share(Share),
    /// Say what somebody may do with a collection, and which rule says so.
    Explain(Explain),
    /// Addresses that lead to other addresses.
    #[command(subcommand)]
    Alias(Alias),
    /// What clients of WebDAV keep others from changing.
    #[command(subcommand)]
    Locks(Locks),
    /// Groups of accounts, to share with and to write to.
    #[command(subcommand)]
    Group(Group),
    /// The profiles file: checked, and held against what is expected of it. Needs no server.
    #[command(subcommand)]
    Policy(Policy),
    /// The audit trail: shown, walked, exported.
    Audit(Audit),
    /// Read certificate, key, profiles and the authorities that these name again: all of them or, if one is wrong, none.
    Reload {
        #[command(flatten)]
        at: At,
    },
    /// The store: what is in it, giving back space, checking, repairing.
    #[command(subcommand)]
    Store(Store),
    /// Backups, and getting things back from them.
    #[command(subcommand)]
    Backup(Backup),
    /// The keys that sign what our people send (DKIM).
    #[command(subcommand)]
    Dkim(Dkim),
    /// Print every DNS record that this server's domains should have, in the syntax of a zone file.
    Dns(DnsRecords),
    /// Read the configuration and everything in the store, and say what is wrong.
    Check {
        /// Look for the DNS records instead, and say which are there, missing or different; sign with new keys whose records are there.
        #[arg(long, requires = "config")]
        dns: bool,
        #[command(flatten)]
        at: At,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Print one line of JSON once the server is ready, and nothing else on standard output.
    #[arg(long)]
    pub(crate) json: bool,
    /// Keep the data here instead of in a temporary folder.
    #[arg(long)]
    pub(crate) data: Option<PathBuf>,
    /// Add so many plain accounts u1@DOMAIN, u2@DOMAIN, … for load tests.
    #[arg(long, default_value_t = 0)]
    pub(crate) accounts: usize,
    /// Domain of the plain accounts.
    #[arg(long, default_value = "bench.test")]
    pub(crate) domain: String,
    /// Send all mail for other domains there (host:port) instead of looking up their MX.
    #[arg(long)]
    pub(crate) smarthost: Option<String>,
}

/// Which server is meant: the one of a configuration file or of a data folder.
#[derive(Debug, Args)]
pub(crate) struct At {
    /// Configuration file.
    #[arg(long, required_unless_present = "data")]
    pub(crate) config: Option<PathBuf>,
    /// Data folder of a running server.
    #[arg(long, conflicts_with = "config")]
    pub(crate) data: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Backup {
    /// Copy what is new into a backup, while the server runs or not.
    Create {
        /// The backup's folder; the server's user writes to it.
        folder: PathBuf,
        /// Take the data folder's secret.key along: whoever reads the backup can then use the second factors in it.
        #[arg(long)]
        with_key: bool,
        #[command(flatten)]
        at: At,
    },
    /// Read all of a backup and say what is wrong with it.
    Verify {
        /// The backup's folder.
        folder: PathBuf,
        /// Only the files of this snapshot; else those of all, and the items of the newest.
        #[arg(long)]
        snapshot: Option<String>,
        /// A folder for an index that takes about a twentieth of the store for as long as this takes.
        #[arg(long)]
        scratch: Option<PathBuf>,
    },
    /// List the snapshots of a backup.
    List {
        /// The backup's folder.
        folder: PathBuf,
    },
    /// Remove all but the newest snapshots, and what only they needed.
    Prune {
        /// The backup's folder.
        folder: PathBuf,
        /// How many stay.
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
        keep: u32,
    },
    /// Restore the whole store into an empty data folder, or what one account had into the store that is there.
    Restore(RestoreBackup),
}

#[derive(Debug, Args)]
pub(crate) struct RestoreBackup {
    /// The backup's folder.
    pub(crate) folder: PathBuf,
    /// The data folder for the whole store; it must be empty.
    #[arg(long, value_name = "DATA_FOLDER", required_unless_present = "account", conflicts_with_all = ["account", "config", "data"])]
    pub(crate) to: Option<PathBuf>,
    /// Which snapshot; else the newest, or with --at the first that has that moment.
    #[arg(long)]
    pub(crate) snapshot: Option<String>,
    /// Whose.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) account: Option<String>,
    /// Only this and what is below it, as area and path: `mail/INBOX`, `files/Actes`, `calendars/team`.
    #[arg(long = "folder", value_name = "PATH", requires = "account")]
    pub(crate) folder_of: Option<String>,
    /// As it was then: `2026-11-25T10:00:00Z`.
    #[arg(long, value_name = "TIME", requires = "account")]
    pub(crate) at: Option<String>,
    /// Name of the collection that it is put into; else `Restored` and the moment.
    #[arg(long, value_name = "NAME", requires = "account")]
    pub(crate) into: Option<String>,
    /// Put it where it was; what is there is left as it is.
    #[arg(long, requires = "account", conflicts_with = "into")]
    pub(crate) in_place: bool,
    /// Make the account if it is gone, without a password.
    #[arg(long, requires = "account")]
    pub(crate) create: bool,
    /// Configuration file of the server to restore an account into.
    #[arg(long, requires = "account")]
    pub(crate) config: Option<PathBuf>,
    /// Data folder of a running server to restore an account into.
    #[arg(long, conflicts_with = "config", requires = "account")]
    pub(crate) data: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Quota {
    /// Limit an account, or one of its collections with all below it. What is there already stays, also if it is more.
    #[command(allow_missing_positional = true)]
    Set {
        /// Whose.
        address: String,
        /// Which collection, as area and path: `files/Actes`, `mail`; left out, all that the account has.
        path: Option<String>,
        /// Octets: a number, or one with K, M, G or T behind it (`10G`).
        size: String,
        /// Messages, events, cards and documents together.
        #[arg(long)]
        items: Option<u64>,
        #[command(flatten)]
        at: At,
    },
    /// Limit it no more.
    Remove {
        /// Whose.
        address: String,
        /// Which collection, as area and path.
        path: Option<String>,
        #[command(flatten)]
        at: At,
    },
    /// List the quotas: what is used, the limit, and the percentage.
    List {
        /// Of this account only.
        address: Option<String>,
        #[command(flatten)]
        at: At,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// Into whose mailboxes.
    pub(crate) address: String,
    /// A Maildir, with the sub-folders beside its `cur` and `new` (Maildir++).
    #[arg(long, required_unless_present = "mbox", conflicts_with = "mbox")]
    pub(crate) maildir: Option<PathBuf>,
    /// An mbox file.
    #[arg(long)]
    pub(crate) mbox: Option<PathBuf>,
    /// The mailbox, with `/` between the levels, made if it is not there; a Maildir's sub-folders go below it. Without it the INBOX, and
    /// sub-folders beside it.
    #[arg(long)]
    pub(crate) into: Option<String>,
    /// Leave out what is in the mailbox already: for the rest of an import that was interrupted.
    #[arg(long)]
    pub(crate) resume: bool,
    #[command(flatten)]
    pub(crate) at: At,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Store {
    /// Say what the store consists of: journal, large contents, index, memory.
    Stat {
        /// Each segment of the journal too.
        #[arg(long)]
        segments: bool,
        #[command(flatten)]
        at: At,
    },
    /// Give back the space of what was deleted, now. What is done stays done when it is interrupted.
    Compact {
        /// Of everything that holds anything deleted, not only of what is mostly deleted or has been for long.
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        at: At,
    },
    /// Read and compare everything in the store, and say what is wrong; as `octroi check`, telling how far it is.
    Verify {
        #[command(flatten)]
        at: At,
    },
    /// Say what is damaged and what is lost by that, also where the store does not open any more. The server must not run.
    Repair {
        /// Do it: move what is damaged aside and make the rest whole. Without it nothing is changed.
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        at: At,
    },
    /// Make something anew from the journal: the index while the server does not run, the search index also while it does.
    Rebuild {
        /// What.
        what: Rebuilt,
        #[command(flatten)]
        at: At,
    },
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum Rebuilt {
    /// The index of items.
    Index,
    /// The index that searches for text are answered from. The server goes on with it when the command is interrupted.
    Search,
}
