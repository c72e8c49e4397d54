//! Mail beyond the house: keys and records.

use super::At;
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum Dkim {
    /// Make the keys that sign what our people send, and print the DNS records to publish. They do not sign yet.
    Generate {
        /// Sign with them at once, whether their records are there or not.
        #[arg(long)]
        now: bool,
        #[command(flatten)]
        at: At,
    },
    /// List the keys, how they stand, and their DNS records.
    Show {
        #[command(flatten)]
        at: At,
    },
    /// Change the keys: the first time it makes new ones to publish, and when their records are seen, it signs with them.
    Rotate {
        /// Sign with the new ones at once, whether their records are there or not.
        #[arg(long)]
        now: bool,
        #[command(flatten)]
        at: At,
    },
}

#[derive(Debug, Args)]
pub(crate) struct DnsRecords {
    /// Configuration file.
    #[arg(long)]
    pub(crate) config: PathBuf,
}
