//! Whom an automatic answer may go to: RFC 5230 section 4.6 and RFC 3834 section 2. Pure.

use crate::message::{Facts, Read, written};
use crate::{AutoReply, Limits};
use octroi_model::Address;
use std::fmt;

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unanswered {
    /// A notification.
    NullSender,
    /// A program or a list.
    Automatic,
    /// The owner's own message.
    Oneself,
    /// The owner is named by no field: a list, a blind copy or a catch-all.
    NotNamed,
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NullSender => "it has no sender",
            Self::Automatic => "it comes from a program or a list",
            Self::Oneself => "it is the owner's own",
            Self::NotNamed => "it does not name the owner",
        })
    }
}

/// Where a message that was sent to somebody names them.
const NAMING: [&str; 6] = ["To", "Cc", "Bcc", "Resent-To", "Resent-Cc", "Resent-Bcc"];

/// Whom to answer, if anybody. `is_owner`: is that an address of the owner's?
pub fn may_answer<'f>(facts: &Facts<'f>, is_owner: impl Fn(&Address) -> bool, reply: &AutoReply) -> Result<&'f Address, Unanswered> {
    // RFC 3834 section 2: never to the null path.
    let sender = facts.from.ok_or(Unanswered::NullSender)?;
    let message = Read::new(facts.octets, &Limits::default());
    let value = |name: &str| message.named(name).next().map(|field| field.value().to_ascii_lowercase());
    let is_list = ["List-Id", "List-Post", "List-Help", "List-Subscribe", "List-Unsubscribe", "List-Owner", "List-Archive"];
    let is_automatic = value("Auto-Submitted").is_some_and(|text| text.split(';').next().is_some_and(|word| word.trim() != "no"))
        || value("Precedence").is_some_and(|text| matches!(text.as_str(), "bulk" | "list" | "junk"))
        || value("X-Auto-Response-Suppress").is_some_and(|text| text.contains("oof") || text.contains("all") || text.contains("autoreply"))
        || is_list.iter().any(|name| message.has(name))
        || is_robot(sender);
    if is_automatic {
        return Err(Unanswered::Automatic);
    }
    let mut known = vec![facts.to.key()];
    known.extend(reply.addresses.iter().filter_map(|text| Some(text.parse::<Address>().ok()?.key())));
    let is_own = |address: &Address| known.contains(&address.key()) || is_owner(address);
    if is_own(sender) {
        return Err(Unanswered::Oneself);
    }
    // RFC 5230 section 4.5.
    let names_owner = NAMING.iter().any(|name| {
        let all = message.named(name).flat_map(|field| written(field.raw));
        all.filter_map(|one| format!("{}@{}", one.local, one.domain).parse().ok()).any(|address| is_own(&address))
    });
    if names_owner { Ok(sender) } else { Err(Unanswered::NotNamed) }
}

/// RFC 5230 section 4.6: senders that are programs by their name.
fn is_robot(sender: &Address) -> bool {
    let local = sender.local().to_ascii_lowercase();
    local.starts_with("owner-")
        || local.ends_with("-request")
        || local.ends_with("-bounces")
        || local.contains("-bounces+")
        || matches!(local.as_str(), "mailer-daemon" | "listserv" | "majordomo" | "noreply" | "no-reply" | "postmaster" | "daemon")
}
