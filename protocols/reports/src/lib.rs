//! Reports between mail servers: what they found of one another, once a day.
//!
//! Two kinds by one mechanism: TLS reports (RFC 8460) tell a domain how sessions with its hosts went, DMARC aggregate reports (RFC 9990) who
//! sends in its name. SMTP and the judges of mail count through [`Reports`]; the program looks up who wants to hear, sends and keeps; SMTP
//! hands in what others report to us. No I/O here.
//!
//! | module | |
//! |---|---|
//! | `tally` | what is counted until it is reported |
//! | `tls`, `dmarc` | what a report says, and how it is written and read |
//! | `record` | what domains say in the DNS about reports |
//! | `letter` | a report as a message |
//! | `unpack` | the report in a message, under limits |
//! | `received` | reports of others |
//! | `reports` | the handle |
//!
//! Known limits: no failure reports (`ruf`), which give away parts of messages.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod clean;
pub mod dmarc;
mod fault;
mod letter;
mod limits;
mod received;
pub mod record;
mod reports;
mod tally;
#[cfg(test)]
mod tests;
pub mod tls;
mod unpack;

pub use clean::cleaned;
pub use fault::Fault;
pub use letter::{Letter, packed};
pub use limits::ReportLimits;
pub use received::{Counted, Kept, Received, Sessions, Told};
pub use reports::{ReportSettings, Reports, read};
pub use tally::{Day, MailCount, PolicyCount, Tally, day_of};
