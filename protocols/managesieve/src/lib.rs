//! ManageSieve (RFC 5804): people's programs keep their filters here.
//!
//! Called by the program for each accepted connection ([`serve`]); calls the gate for all that it does, and `octroi-sieve` to read scripts.
//! What always holds: nobody logs in before TLS; a command is read whole, under limits, before anything is done; a script that cannot be
//! read is refused with the line that is wrong, and nothing is kept of it; nothing said before TLS counts after it.
//!
//! | file | what |
//! |---|---|
//! | `connection` | [`serve`]: greeting, the loop, the one dispatch |
//! | `refusal` | refusals of the gate as responses |
//! | `commands/` | one file per command |
//! | `wire/` | lines, literals and words; responses |

mod commands;
mod config;
mod connection;
mod refusal;
mod wire;

pub use config::ManageSieveConfig;
pub use connection::serve;

/// What a peer is told that has too many connections, for the listener.
pub fn busy() -> Vec<u8> {
    // RFC 5804 section 1.3.
    b"BYE (TRYLATER) \"Too many connections, try again later\"\r\n".to_vec()
}
