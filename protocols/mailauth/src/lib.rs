//! Who a message is really from, and proof that ours are from us.
//!
//! Called by SMTP: [`Authenticator::sender`] at MAIL, [`Authenticator::message`] when the header is whole, [`Signing`] for what our people
//! send; and by the program, which keeps the keys ([`KeySet`], [`Keyring`]). What always holds: no answer of the DNS is waited for longer
//! than [`MailAuthConfig::wait`]; what could not be found out in time is `temperror` and refuses nothing; a body is hashed as it goes by
//! and never held.
//!
//! | module | |
//! |---|---|
//! | `policy` | what is made of what was found out |
//! | `sender` | who speaks to us: iprev (RFC 8601), SPF (RFC 7208) |
//! | `incoming` | a message on its way in: DKIM (RFC 6376, RFC 8463), ARC (RFC 8617), DMARC (RFC 7489, RFC 9989) |
//! | `judge` | all of it together, and the verdict |
//! | `evidence` | what authors' domains are told of it (RFC 9990) |
//! | `results` | `Authentication-Results` (RFC 8601) |
//! | `keys` | our keys and their standing |
//! | `sign` | signatures |
//! | `seal` | ARC seals on what is forwarded |
//!
//! Known limits: no failure reports, no BIMI, no ATPS.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod evidence;
mod incoming;
mod judge;
mod keys;
mod lookups;
mod policy;
mod results;
mod seal;
mod sender;
mod sign;
#[cfg(test)]
mod tests;

pub use incoming::MessageChecks;
pub use judge::{Authenticator, Reason, Verdict};
pub use keys::{KeyFault, KeyPair, KeyRecord, KeySet, Keyring, Standing};
pub use policy::{MailAuthConfig, Treatment};
pub use seal::{Sealable, Sealing};
pub use sender::{Sender, SenderChecks};
pub use sign::Signing;
