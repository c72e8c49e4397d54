//! Accounts, and the app passwords and certificates that open them.

use super::At;
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum Account {
    /// Add an account; a main password for the portal is made up and printed once.
    Add {
        /// Its address.
        address: String,
        /// Its profile.
        #[arg(long)]
        profile: String,
        /// Name for people.
        #[arg(long, default_value = "")]
        name: String,
        /// May be used from remote zones.
        #[arg(long)]
        remote: bool,
        /// Read the main password from standard input instead.
        #[arg(long)]
        password_stdin: bool,
        #[command(flatten)]
        at: At,
    },
    /// List accounts.
    List {
        /// Only those with remote access, and their share.
        #[arg(long)]
        remote: bool,
        #[command(flatten)]
        at: At,
    },
    /// Give an account another profile, or grant or withdraw remote access. What is not named stays.
    Set {
        /// Its address.
        address: String,
        /// Another profile.
        #[arg(long, required_unless_present = "remote")]
        profile: Option<String>,
        /// May be used from remote zones.
        #[arg(long)]
        remote: Option<YesNo>,
        #[command(flatten)]
        at: At,
    },
    /// Set another main password; one is made up and printed once.
    Password {
        /// Whose.
        address: String,
        /// Read it from standard input instead.
        #[arg(long)]
        password_stdin: bool,
        #[command(flatten)]
        at: At,
    },
    /// Take all second factors of somebody who has lost them away; they enrol anew at the next sign-in. Be sure who asks.
    SecondFactorReset {
        /// Whose.
        address: String,
        #[command(flatten)]
        at: At,
    },
    /// Remove an account with all its mail, calendars and documents.
    Remove {
        /// Its address.
        address: String,
        #[command(flatten)]
        at: At,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum YesNo {
    Yes,
    No,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AppPassword {
    /// Mint an app password and print it, once.
    Mint(Mint),
    /// List an account's app passwords.
    List {
        /// Whose.
        address: String,
        #[command(flatten)]
        at: At,
    },
    /// End an app password; its live connections end too.
    Revoke {
        /// The visible id in front of its secret.
        id: String,
        #[command(flatten)]
        at: At,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Mint {
    /// Whose.
    pub(crate) address: String,
    /// What it is for.
    #[arg(long)]
    pub(crate) label: String,
    /// Services it opens: imap, submission, caldav, carddav, files, sieve.
    #[arg(long, value_delimiter = ',')]
    pub(crate) services: Vec<String>,
    /// What it may do: read, organise (file and flag, never destroy), drop (add only), draft (write drafts, never send), full.
    #[arg(long, default_value = "full")]
    pub(crate) preset: String,
    /// Only in collections of this pattern: `mail/INBOX`, `files/Actes/**`. May be given more than once; without it everywhere.
    #[arg(long = "folder", value_name = "PATTERN")]
    pub(crate) folders: Vec<String>,
    /// At most these rights, by RFC 4314's letters.
    #[arg(long, value_name = "LETTERS")]
    pub(crate) rights: Option<String>,
    /// Only from this zone. May be given more than once; without it from all.
    #[arg(long = "zone", value_name = "ZONE")]
    pub(crate) zones: Vec<String>,
    /// Days after which it ends by itself.
    #[arg(long)]
    pub(crate) expires: Option<u32>,
    /// What a new device or network needs, beyond what the profile asks for: `device` (confirmed once) or a time such as `12h`.
    #[arg(long)]
    pub(crate) confirm: Option<String>,
    /// Register this client certificate (PEM) instead of making a password up: SASL EXTERNAL opens with it. Prints its visible id.
    #[arg(long, value_name = "FILE.pem")]
    pub(crate) certificate: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) at: At,
}
