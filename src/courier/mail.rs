//! Letters as messages.
//!
//! Called by the courier. What always holds: nothing answers them (RFC 3834), and no reader of the header learns a code.

use super::text::Letter;
use mail_builder::MessageBuilder;
use mail_builder::headers::raw::Raw;
use octroi_gate::Organisation;
use octroi_model::{Address, UnixTime};
use std::io;
use zeroize::Zeroizing;

/// Octets of a letter, about: memory that holds a code is not left behind by growing.
const LETTER_BYTES: usize = 16 * 1024;

/// A letter from the postmaster.
pub(super) fn compose(from: &Organisation, to: &Address, at: UnixTime, letter: &Letter) -> io::Result<Zeroizing<Vec<u8>>> {
    let domain = from.domains.first().unwrap_or(&from.hostname);
    let mut octets = Zeroizing::new(Vec::with_capacity(LETTER_BYTES));
    let mut chance = [0u8; 12];
    getrandom::fill(&mut chance).map_err(io::Error::other)?;
    let id: String = chance.iter().map(|octet| format!("{octet:02x}")).collect();
    MessageBuilder::new()
        .header("Return-Path", Raw::new("<>"))
        .from((from.name.clone(), format!("postmaster@{domain}")))
        .to(to.to_string())
        .subject(letter.subject)
        .date(at.0)
        .message_id(format!("{id}@{}", from.hostname))
        // RFC 3834 section 5: nothing shall answer this.
        .header("Auto-Submitted", Raw::new("auto-generated"))
        .text_body(letter.body.as_str())
        .write_to(&mut *octets)?;
    Ok(octets)
}
