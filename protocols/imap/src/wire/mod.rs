//! The words of IMAP: reading commands, writing responses. Knows the connection and the grammar, but no mailbox and no rights.
//!
//! | file | what |
//! |---|---|
//! | `input` | [`Wire`]: lines and literals under limits, until a command is whole |
//! | `literal` | literal announcements |
//! | `grammar` | octets to commands, by imap-codec and beside it |
//! | `enabled` | what the client has switched on |
//! | `encode` | imap-codec's responses to octets |
//! | `fetch` | FETCH responses, written without values in between |
//! | `numbers` | sequence sets to positions |
//! | `mailbox`, `utf7` | mailbox names |
//! | `pattern` | LIST's wildcards |
//! | `date` | INTERNALDATE |

pub(crate) mod date;
mod enabled;
pub(crate) mod encode;
pub(crate) mod fetch;
pub(crate) mod grammar;
mod input;
pub(crate) mod literal;
pub(crate) mod mailbox;
pub(crate) mod numbers;
pub(crate) mod pattern;
pub(crate) mod utf7;

pub(crate) use enabled::Enabled;
pub(crate) use input::{Input, Trust, Wire};

/// All that is read out of the octets of one command before anything is done with it. For the fuzz target of the grammar; the answer does not
/// matter.
#[cfg(feature = "fuzzing")]
pub fn fuzz_command(octets: &[u8]) {
    let _ = literal::announced(octets);
    for utf8 in [false, true] {
        let _ = grammar::append::head(octets, utf8);
        let _ = grammar::command(octets, utf8);
    }
}
