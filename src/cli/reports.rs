//! Arguments of `octroi reports`.

use super::At;
use clap::{Args, Subcommand};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Reports {
    #[command(subcommand)]
    pub(crate) command: Option<ReportsCommand>,
    /// Only about this domain of ours.
    #[arg(long)]
    pub(crate) domain: Option<String>,
    /// About so many days back.
    #[arg(long, default_value_t = 14)]
    pub(crate) days: u32,
    /// One JSON object a line.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) at: Option<At>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ReportsCommand {
    /// Send now what others are to hear of us, instead of some hours after midnight (UTC).
    Send {
        /// What was counted today as well.
        #[arg(long)]
        today: bool,
        #[command(flatten)]
        at: At,
    },
}
