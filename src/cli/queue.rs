//! Arguments of `octroi queue`.

use super::At;
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Queue {
    /// List what waits, the oldest first: number, time, octets, sender, recipient, next attempt, what was said last.
    List {
        /// Only what somebody of this domain waits for.
        #[arg(long)]
        domain: Option<String>,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        at: At,
    },
    /// Show one message with all its recipients.
    Show {
        /// Its number.
        id: u32,
        /// As a JSON object.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        at: At,
    },
    /// Try now.
    Retry(QueueWhich),
    /// Put aside: not tried, and not given up, until released.
    Hold(QueueWhich),
    /// Let what was held go on, now.
    Release(QueueWhich),
    /// Throw away. Nobody is told.
    Drop(QueueWhich),
}

/// Which messages.
#[derive(Debug, Args)]
pub(crate) struct QueueWhich {
    /// Their numbers.
    pub(crate) ids: Vec<u32>,
    /// All that somebody of this domain waits for.
    #[arg(long)]
    pub(crate) domain: Option<String>,
    /// All.
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) at: At,
}
