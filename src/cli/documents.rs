//! `octroi trash` and `octroi versions`, as clap reads them.

use super::At;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum Trash {
    /// List what was removed, the oldest first: when, by whom, octets, where it is in the trash, and where it was if that is not the same.
    List {
        /// Whose.
        address: String,
        #[command(flatten)]
        at: At,
    },
    /// Put something back where it was, or elsewhere.
    Restore {
        /// Whose.
        address: String,
        /// Where it is in the trash, as it is listed.
        path: String,
        /// Where it is to go among the documents, with its new name: `Actes/décret.pdf`.
        #[arg(long)]
        to: Option<String>,
        #[command(flatten)]
        at: At,
    },
    /// Remove for good what is in it.
    Empty {
        /// Whose.
        address: String,
        /// Only what was removed longer ago than this: `7d`, `12h`.
        #[arg(long)]
        older_than: Option<String>,
        #[command(flatten)]
        at: At,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Versions {
    /// Say how many versions of each document a folder keeps, and for how many days.
    Show {
        /// Whose.
        address: String,
        /// Which folder: `Actes/2026`; left out, the top.
        #[arg(default_value = "")]
        folder: String,
        #[command(flatten)]
        at: At,
    },
    /// Have a folder keep so many, and those below it that do not say otherwise.
    Set {
        /// Whose.
        address: String,
        /// Which folder; an empty one is the top.
        folder: String,
        /// How many of each document; 0 for none.
        versions: u32,
        /// For how many days.
        #[arg(default_value_t = 90)]
        days: u32,
        #[command(flatten)]
        at: At,
    },
    /// Have a folder keep what the one above it does.
    Inherit {
        /// Whose.
        address: String,
        /// Which folder.
        folder: String,
        #[command(flatten)]
        at: At,
    },
}
