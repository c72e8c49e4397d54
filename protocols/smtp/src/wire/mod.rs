//! The grammar of SMTP: lines to commands, replies to lines. No I/O; knows neither the gate nor the connection.
//!
//! `smtp-proto` reads the commands and their parameters; what it lets through and the standard does not is refused here before.

mod command;
mod path;
mod reply;
mod terms;
#[cfg(test)]
mod tests;

pub(crate) use command::{AUTH_LINE_BYTES_MAX, COMMAND_LINE_BYTES_MAX, Command, Fault, Mail, Mechanism, parse};
pub(crate) use path::{ForwardPath, ReversePath};
pub(crate) use reply::{Reply, printable};
