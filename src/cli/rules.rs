//! Who may do what, how that is checked, and what was done.

use super::At;
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct Share {
    /// Whose collection.
    pub(crate) owner: String,
    /// Which, as area and path: `files/Actes`, `calendars/team`, `mail/INBOX`; `files` alone is the whole tree.
    pub(crate) path: String,
    /// Who may do what, as `WHO=RIGHTS` with RFC 4314's letters; WHO is an address, `profile:NAME` or `anyone`. Nothing closes it again.
    #[arg(long = "with")]
    pub(crate) with: Vec<String>,
    #[command(flatten)]
    pub(crate) at: At,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// Who.
    pub(crate) who: String,
    /// Over which service: imap, submission, caldav, carddav, files, sieve.
    pub(crate) service: String,
    /// What, as their programs name it: `INBOX`, `Shared/lea@douane.example/Actes`, `equipe~hugo@douane.example`.
    #[arg(default_value = "")]
    pub(crate) path: String,
    /// From which zone.
    #[arg(long, conflicts_with = "from")]
    pub(crate) zone: Option<String>,
    /// From which address; without either from `anywhere`.
    #[arg(long)]
    pub(crate) from: Option<std::net::IpAddr>,
    /// How sure the log-in is: app-password, confirmed, fresh-second-factor.
    #[arg(long, default_value = "app-password")]
    pub(crate) strength: String,
    /// With this app password (its visible id).
    #[arg(long)]
    pub(crate) credential: Option<String>,
    #[command(flatten)]
    pub(crate) at: At,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Group {
    /// Make a group, empty.
    Add {
        /// Its name.
        name: String,
        #[command(flatten)]
        at: At,
    },
    /// Remove a group; what was shared with it is shared with nobody.
    Remove {
        /// Its name.
        name: String,
        #[command(flatten)]
        at: At,
    },
    /// List the groups with their members.
    List {
        #[command(flatten)]
        at: At,
    },
    /// Give a group an address that reaches all its members, in place of the one it had.
    Address {
        /// The group.
        name: String,
        /// An address of our domains that is nobody's yet.
        #[arg(required_unless_present = "none")]
        address: Option<String>,
        /// Only its members may write there, and only logged in.
        #[arg(long, conflicts_with = "none")]
        members_only: bool,
        /// It has no address any more.
        #[arg(long, conflicts_with = "address")]
        none: bool,
        #[command(flatten)]
        at: At,
    },
    /// Put somebody into a group.
    Join {
        /// The group.
        name: String,
        /// Who.
        address: String,
        #[command(flatten)]
        at: At,
    },
    /// Take somebody out of a group.
    Leave {
        /// The group.
        name: String,
        /// Who.
        address: String,
        #[command(flatten)]
        at: At,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Locks {
    /// List them: token, where, whose, by which app password, of what kind, until when.
    List {
        #[command(flatten)]
        at: At,
    },
    /// Take one away from whoever has it.
    Break {
        /// The token, as it is listed.
        token: String,
        #[command(flatten)]
        at: At,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Alias {
    /// Let an address of ours that is no account's lead to others, beside those that it leads to already.
    Add {
        /// The address; `@` and a domain for every address of the domain that nobody has.
        name: String,
        /// Where its mail goes.
        #[arg(required = true)]
        to: Vec<String>,
        /// Some of these are not of our domains: mail for the address leaves.
        #[arg(long)]
        outside: bool,
        #[command(flatten)]
        at: At,
    },
    /// Let it lead there no more; without addresses it goes.
    Remove {
        /// The address.
        name: String,
        /// Which of those that it leads to.
        to: Vec<String>,
        #[command(flatten)]
        at: At,
    },
    /// List them, with those of groups.
    List {
        #[command(flatten)]
        at: At,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Policy {
    /// Read a profiles file, and the certificates of authorities that it names, and say what is wrong.
    Check {
        /// The profiles file.
        file: PathBuf,
    },
    /// Put what is expected of a profiles file to it, and say what does not hold.
    Test {
        /// The file of expectations.
        expectations: PathBuf,
        /// The profiles file; without it `profiles.toml` beside the expectations.
        #[arg(long)]
        profiles: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Audit {
    #[command(subcommand)]
    pub(crate) command: Option<AuditCommand>,
    #[command(flatten)]
    pub(crate) show: AuditShow,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Print the newest lines; as `octroi audit` alone.
    Show(AuditShow),
    /// Walk the whole trail, and print the number and the link of its last line, for you to keep elsewhere.
    Verify {
        /// See as well that this line is still what it was: NUMBER:LINK, as an earlier `verify` printed it.
        #[arg(long, value_name = "NUMBER:LINK")]
        expect: Option<String>,
        #[command(flatten)]
        at: At,
    },
    /// Print the trail as JSON, one line of it a line, the oldest first.
    Export {
        /// Only lines after this number.
        #[arg(long, value_name = "NUMBER", default_value_t = 0)]
        after: u64,
        #[command(flatten)]
        at: At,
    },
}

#[derive(Debug, Args)]
pub(crate) struct AuditShow {
    #[command(flatten)]
    pub(crate) at: At,
    /// How many.
    #[arg(long, default_value_t = 50)]
    pub(crate) lines: usize,
    /// Only what concerns this account.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) account: Option<String>,
    /// Only lines before this number.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) before: Option<u64>,
}
