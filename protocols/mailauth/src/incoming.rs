//! A message on its way in: what of it must be hashed, known from its header; then its body as it goes by.
//!
//! The header is parsed here to learn what to hash and whom to ask, and again by `judge` when the body's hashes are there.

use crate::lookups::Lookups;
use crate::sender::SenderChecks;
use crate::{Authenticator, Verdict};
use mail_auth::AuthenticatedMessage;
use mail_auth::common::crypto::{Algorithm, HashContext, HashImpl, Sha256};
use mail_auth::common::headers::Header;
use mail_auth::common::verify::VerifySignature;
use mail_auth::dkim::canonicalize::BodyHasher;
use mail_auth::dkim::{Canonicalization, Signature};
use octroi_mime::{AddressEntry, addresses, headers_of};
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use tokio::task::JoinSet;

/// Sets of an ARC chain that are looked at; RFC 8617 section 4.2.1 allows 50, and honest chains have three.
const ARC_SETS_MAX: usize = 10;
/// Domains of authors that are held to their policy; more than that is nobody's message.
pub(crate) const AUTHOR_DOMAINS_MAX: usize = 4;
/// Octets of a domain, a selector or an identity in a signature: longer ones name nobody.
const NAME_BYTES_MAX: usize = 320;

type Sha256Context = <Sha256 as HashImpl>::Context;

/// The checks of a message under way.
pub struct MessageChecks {
    pub(crate) authenticator: Authenticator,
    pub(crate) head: Vec<u8>,
    hashers: Vec<(Canonicalization, BodyHasher<Sha256Context>)>,
    pub(crate) asked: JoinSet<()>,
}

impl MessageChecks {
    /// `head` is the header as it came, with its empty line.
    pub(crate) fn begin(authenticator: &Authenticator, lookups: &Lookups, head: &[u8]) -> Self {
        let needs = catch_unwind(AssertUnwindSafe(|| needs(head, authenticator.signatures_max())));
        let Needs { hashed, asked } = needs.unwrap_or_else(|_| {
            tracing::error!("a header could not be understood");
            Needs::default()
        });
        let hasher = |canonicalization| (canonicalization, BodyHasher::new(Sha256::hasher(), canonicalization, 0));
        Self {
            authenticator: authenticator.clone(),
            head: head.to_vec(),
            hashers: hashed.into_iter().map(hasher).collect(),
            asked: lookups.ahead(asked),
        }
    }

    /// The next octets of the body.
    pub fn body(&mut self, octets: &[u8]) {
        for (_, hasher) in &mut self.hashers {
            hasher.write(octets);
        }
    }

    /// The body is whole.
    pub async fn finish(self, sender: SenderChecks) -> Verdict {
        crate::judge::judge(self, sender).await
    }

    pub(crate) fn take_hashes(&mut self) -> Hashes {
        std::mem::take(&mut self.hashers).into_iter().map(|(how, hasher)| (how, hasher.finish().0.complete().as_ref().to_vec())).collect()
    }
}

/// The body's hashes, by the way it was made canonical.
pub(crate) type Hashes = Vec<(Canonicalization, Vec<u8>)>;

#[derive(Default)]
struct Needs {
    hashed: Vec<Canonicalization>,
    asked: BTreeSet<String>,
}

fn needs(head: &[u8], signatures_max: usize) -> Needs {
    let Some(message) = Parsed::of(head, signatures_max) else { return Needs::default() };
    let mut needs = Needs::default();
    let message = message.message;
    for (how, ..) in &message.body_hashes {
        if !needs.hashed.contains(how) {
            needs.hashed.push(*how);
        }
    }
    needs.asked.extend(message.dkim_headers.iter().map(|field| field.header.domain_key()));
    needs.asked.extend(message.as_headers.iter().map(|field| field.header.domain_key()));
    needs.asked.extend(message.ams_headers.last().map(|field| field.header.domain_key()));
    needs.asked.extend(author_domains(&message, head).into_iter().take(AUTHOR_DOMAINS_MAX).map(|domain| format!("_dmarc.{domain}.")));
    needs
}

/// A header, cut down to what is looked at.
pub(crate) struct Parsed<'a> {
    pub(crate) message: AuthenticatedMessage<'a>,
    /// Signatures that prove nothing, whatever they say: SHA-1 (RFC 8301 section 3.1), names beyond all measure.
    pub(crate) weak: Vec<Header<'a, Signature>>,
    /// The chain is too long or too weak to be followed.
    pub(crate) arc_refused: bool,
}

impl<'a> Parsed<'a> {
    pub(crate) fn of(head: &'a [u8], signatures_max: usize) -> Option<Self> {
        // `strict`: a signature over a part of the body (`l=`) would let anybody add to it.
        let mut message = AuthenticatedMessage::parse_with_opts(head, None, true)?;
        message.dkim2_signatures.clear();
        message.dkim2_instances.clear();
        message.dkim_headers.truncate(signatures_max);
        message.errors.truncate(signatures_max);
        let (weak, mut strong): (Vec<_>, Vec<_>) = std::mem::take(&mut message.dkim_headers)
            .into_iter()
            .partition(|field| is_weak(field.header.a, &[&field.header.d, &field.header.s, &field.header.i]));
        for field in &mut strong {
            // No reports of failures (RFC 6651) and no signatures by third parties (RFC 6541): each would be another question.
            field.header.r = false;
            field.header.atps = None;
        }
        message.dkim_headers = strong;
        let weak_seal = message.as_headers.iter().any(|field| is_weak(field.header.a, &[&field.header.d, &field.header.s]))
            || message.ams_headers.iter().any(|field| is_weak(field.header.a, &[&field.header.d, &field.header.s]));
        let arc_refused = weak_seal || message.ams_headers.len() > ARC_SETS_MAX || message.as_headers.len() > ARC_SETS_MAX;
        if arc_refused {
            message.ams_headers.clear();
            message.as_headers.clear();
        }
        Some(Self { message, weak, arc_refused })
    }

    /// The body's hashes in place of those of the empty one that the parser saw.
    pub(crate) fn with_hashes(mut self, hashes: &Hashes) -> Self {
        for (how, _, _, hash) in &mut self.message.body_hashes {
            let ours = hashes.iter().find(|(ours, _)| ours == how);
            *hash = ours.map(|(_, hash)| hash.clone()).unwrap_or_default();
        }
        self
    }
}

fn is_weak(algorithm: Algorithm, names: &[&str]) -> bool {
    algorithm == Algorithm::RsaSha1 || names.iter().any(|name| name.len() > NAME_BYTES_MAX)
}

/// The domains of all authors, in lower case: those that the checks' own parser finds and those that our mail programs are shown.
pub(crate) fn author_domains(message: &AuthenticatedMessage<'_>, head: &[u8]) -> BTreeSet<String> {
    let domain_of = |address: &String| address.rsplit_once('@').map(|(_, domain)| domain.to_owned());
    let mut domains: BTreeSet<String> = message.from.iter().filter_map(domain_of).collect();
    for field in headers_of(head).filter(|field| field.name.eq_ignore_ascii_case(b"From")) {
        for entry in addresses(field.value) {
            if let AddressEntry::Mailbox { domain, .. } = entry {
                domains.extend(String::from_utf8(domain).map(|domain| domain.to_lowercase()));
            }
        }
    }
    domains.retain(|domain| !domain.is_empty() && domain.len() <= NAME_BYTES_MAX);
    domains
}
