//! Sieve (RFC 5228): people's filters, from text to what is to become of a message.
//!
//! Called at delivery ([`Script::run`]) and by whoever takes a script ([`compile`]). Pure: it is given the octets of a message, its
//! envelope and a way to ask for mailboxes ([`Facts`]), and returns a [`Verdict`]; whether that may be done is the gate's to say. What always
//! holds: any text is a script or a [`Fault`] that names its line; no script panics, loops or recurses beyond [`Limits`]; what a run looks
//! at is counted, so no script and no message makes it take long; nothing is lost: where a run fails there is no verdict, and the caller
//! keeps the message.
//!
//! | file | what |
//! |---|---|
//! | `lexer`, `syntax` | text to words, words to the generic tree of RFC 5228 section 8 |
//! | `script` | commands and tests as they are run |
//! | `compile/` | the generic tree to those: `require`, names, arguments |
//! | `text` | strings with variables in them |
//! | `matching`, `relational` | comparators and match types |
//! | `message` | what a message says, read once |
//! | `run/` | tests and actions |
//! | `vacation` | whom an automatic answer may go to |
//!
//! Known limits: no `foreverypart`, `editheader`, `include` or regular expressions; no external lists.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod compile;
mod date;
mod extension;
mod lexer;
mod limits;
mod matching;
mod message;
mod relational;
mod run;
mod script;
mod syntax;
#[cfg(test)]
mod tests;
mod text;
mod vacation;
mod verdict;

pub use compile::compile;
pub use extension::{COMPARATORS, capabilities};
pub use lexer::Fault;
pub use limits::Limits;
pub use message::{Facts, Mailboxes};
pub use script::Script;
pub use vacation::{Unanswered, may_answer};
pub use verdict::{Action, AutoReply, Filing, Refusing, Verdict};
