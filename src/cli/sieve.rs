//! `octroi sieve`, as clap reads it.

use super::At;
use clap::Subcommand;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum Sieve {
    /// Keep a script, in the place of one of that name. It runs once it is active.
    Put {
        /// Whose.
        address: String,
        /// The script's name.
        name: String,
        /// Where it is.
        file: PathBuf,
        #[command(flatten)]
        at: At,
    },
    /// List the scripts: which one is active, its size in bytes, its name.
    List {
        /// Whose.
        address: String,
        #[command(flatten)]
        at: At,
    },
    /// Print a script.
    Get {
        /// Whose.
        address: String,
        /// The script's name.
        name: String,
        #[command(flatten)]
        at: At,
    },
    /// Make a script the one that runs.
    Activate {
        /// Whose.
        address: String,
        /// The script's name; left out, none runs any more.
        name: Option<String>,
        #[command(flatten)]
        at: At,
    },
    /// Remove a script that is not active.
    Delete {
        /// Whose.
        address: String,
        /// The script's name.
        name: String,
        #[command(flatten)]
        at: At,
    },
    /// Say whether a file is a script, or what is wrong with it. Needs no server.
    Check {
        /// Where it is.
        file: PathBuf,
    },
}
