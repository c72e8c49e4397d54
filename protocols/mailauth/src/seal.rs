//! Seals of our own (ARC, RFC 8617): who takes on what we forward learns what we found out about it when it came.
//!
//! [`Sealable`] is what the checks leave behind: our results, and how the chain stood. A seal is made while a message comes, as signatures
//! are ([`Sealing`]), or over one that is all here ([`Sealable::seal`]). What always holds: a chain that could not be looked at is left as it
//! is; one that failed gets one more set that says so and covers itself only (section 5.1.2), and after that none.

use crate::keys::{Keyring, Signer};
use crate::sign::{BodyHash, folded, is, lines, relaxed, seconds_now};
use data_encoding::BASE64;
use mail_auth::{ArcOutput, DkimResult};
use octroi_mime::{Header, headers_of};
use std::sync::Arc;

/// RFC 8617 section 4.2.1: no instance above.
const SETS_MAX: usize = 50;
/// The fields of a set, in the order in which a seal covers them (section 5.1.1).
const OF_A_SET: [&str; 3] = ["ARC-Authentication-Results", "ARC-Message-Signature", "ARC-Seal"];
/// Fields that a seal's signature is over (section 4.1.2: none of ARC, no results), and one more of each than there is.
const SIGNED: [&str; 12] = [
    "From",
    "To",
    "Cc",
    "Subject",
    "Date",
    "Message-ID",
    "Reply-To",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
    "List-Id",
    "DKIM-Signature",
];
/// Instances of one field that are signed.
const INSTANCES_MAX: usize = 16;

/// A message that may be sealed, if it is forwarded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealable {
    /// Value of our `Authentication-Results`.
    results: String,
    chain: Chain,
}

/// How the chain stood when the message came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chain {
    None,
    Pass(usize),
    Fail(usize),
}

impl Sealable {
    /// `field` is our `Authentication-Results`. `None`: the chain is as long as it may be, has failed before, or is not known.
    pub(crate) fn of(field: &str, arc: &ArcOutput<'_>) -> Option<Self> {
        let sets = arc.sets().len();
        let chain = match arc.result() {
            DkimResult::None if sets == 0 => Chain::None,
            DkimResult::Pass => Chain::Pass(sets),
            // Of what cannot even be read as sets it is not known where it ends.
            DkimResult::Fail(_) | DkimResult::Neutral(_) | DkimResult::PermError(_) if sets > 0 && arc.can_be_sealed() => Chain::Fail(sets),
            _ => return None,
        };
        let results = field.split_once(':')?.1.trim().to_owned();
        (sets < SETS_MAX).then_some(Self { results, chain })
    }

    /// The fields for a message that is all here, to be put above its header; none if we have no key.
    pub fn seal(&self, keyring: &Keyring, message: &[u8]) -> Result<String, String> {
        let end = octroi_mime::header_length(message);
        let Some(mut sealing) = Sealing::begin(keyring, &message[..end]) else { return Ok(String::new()) };
        sealing.body(&message[end..]);
        sealing.finish(self)
    }
}

/// A message that is being sealed.
pub struct Sealing {
    signer: Arc<Signer>,
    domain: String,
    names: Vec<&'static str>,
    /// The signed fields in canonical form.
    fields: Vec<u8>,
    /// The fields of the sets that are there, likewise and in their order.
    sets: Vec<u8>,
    body: BodyHash,
}

impl Sealing {
    /// Begin with the header as it leaves, but for trace and results. `None` if there is no key.
    pub fn begin(keyring: &Keyring, head: &[u8]) -> Option<Self> {
        let (signer, domain) = keyring.for_ourselves()?;
        let all: Vec<Header<'_>> = headers_of(head).collect();
        let (mut names, mut fields, mut sets) = (Vec::new(), Vec::with_capacity(1024), Vec::new());
        for name in SIGNED {
            for field in all.iter().rev().filter(|field| is(field, name)).take(INSTANCES_MAX) {
                names.push(name);
                relaxed(&head[field.range.clone()], &mut fields);
            }
            names.push(name);
        }
        for instance in 1..=SETS_MAX {
            for name in OF_A_SET {
                let field = all.iter().find(|field| is(field, name) && instance_of(field.value) == Some(instance));
                if let Some(field) = field {
                    relaxed(&head[field.range.clone()], &mut sets);
                }
            }
        }
        Some(Self { signer, domain, names, fields, sets, body: BodyHash::default() })
    }

    /// The next octets of the body.
    pub fn body(&mut self, octets: &[u8]) {
        self.body.write(octets);
    }

    /// The fields of the set, to be put above the header.
    pub fn finish(self, sealable: &Sealable) -> Result<String, String> {
        let (validity, before) = match sealable.chain {
            Chain::None => ("none", 0),
            Chain::Pass(sets) => ("pass", sets),
            Chain::Fail(sets) => ("fail", sets),
        };
        let (instance, now) = (before + 1, seconds_now());
        let (domain, selector) = (&self.domain, &self.signer.rsa_selector);
        let results = format!("{}: i={instance}; {}", OF_A_SET[0], sealable.results);
        // Section 4.1.2: as DKIM, without `v=`.
        let mut signature = format!(
            "{}: i={instance}; a=rsa-sha256; c=relaxed/relaxed; d={domain};\r\n\ts={selector}; t={now};\r\n\th={};\r\n\tbh={};\r\n\tb=",
            OF_A_SET[1],
            folded(&self.names),
            self.body.finish()
        );
        let mut signed = self.fields;
        relaxed(signature.as_bytes(), &mut signed);
        signature.push_str(&lines(&BASE64.encode(&self.signer.rsa_signature(&signed)?)));
        let mut seal =
            format!("{}: i={instance}; a=rsa-sha256; t={now}; cv={validity};\r\n\td={domain}; s={selector};\r\n\tb=", OF_A_SET[2]);
        // Section 5.1.2: of a chain that failed nobody can tell what was in it.
        let mut sealed = if validity == "fail" { Vec::new() } else { self.sets };
        for field in [&results, &signature] {
            relaxed(format!("{field}\r\n").as_bytes(), &mut sealed);
        }
        relaxed(seal.as_bytes(), &mut sealed);
        seal.push_str(&lines(&BASE64.encode(&self.signer.rsa_signature(&sealed)?)));
        Ok(format!("{seal}\r\n{signature}\r\n{results}\r\n"))
    }
}

/// `i=` (section 4.2.1), which stands first in results and anywhere in the others.
fn instance_of(value: &[u8]) -> Option<usize> {
    let tags = value.split(|octet| *octet == b';').filter_map(|tag| std::str::from_utf8(tag).ok()?.trim().split_once('='));
    tags.into_iter().find(|(name, _)| name.trim_end() == "i").and_then(|(_, number)| number.trim().parse().ok())
}
