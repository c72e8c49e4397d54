//! Signatures of our own (RFC 6376, RFC 8463): two fields, one for each key, over the same octets.
//!
//! Begun with the header that leaves, fed with the body as it goes by, finished with the fields that go on top.

use crate::keys::{Keyring, Signer};
use data_encoding::BASE64;
use mail_auth::common::crypto::{HashContext, HashImpl, Sha256};
use mail_auth::dkim::Canonicalization;
use mail_auth::dkim::canonicalize::BodyHasher;
use octroi_mime::{AddressEntry, Header, addresses, headers_of};
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::RSA_PKCS1_SHA256;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Fields that are signed, and of which one more is signed than there are, so that none can be added (RFC 6376 section 8.15).
const SEALED: [&str; 10] =
    ["From", "To", "Cc", "Subject", "Date", "Message-ID", "Reply-To", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"];
/// Fields that are signed where they are.
const SIGNED: [&str; 9] = [
    "Sender",
    "In-Reply-To",
    "References",
    "Auto-Submitted",
    "List-Id",
    "List-Post",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "Autocrypt",
];
/// Instances of one field that are signed.
const INSTANCES_MAX: usize = 16;
/// Characters of a line of a signature.
const LINE_CHARACTERS: usize = 72;

/// A message that is being signed.
pub struct Signing {
    signer: Arc<Signer>,
    domain: String,
    /// Names for `h=`.
    names: Vec<&'static str>,
    /// The signed fields in canonical form.
    fields: Vec<u8>,
    body: BodyHash,
}

/// The hash of a body in canonical form (RFC 6376 section 3.4.4).
pub(crate) struct BodyHash(BodyHasher<<Sha256 as HashImpl>::Context>);

impl Default for BodyHash {
    fn default() -> Self {
        Self(BodyHasher::new(Sha256::hasher(), Canonicalization::Relaxed, 0))
    }
}

impl BodyHash {
    pub(crate) fn write(&mut self, octets: &[u8]) {
        self.0.write(octets);
    }

    /// In base64, as `bh=` has it.
    pub(crate) fn finish(self) -> String {
        BASE64.encode(self.0.finish().0.complete().as_ref())
    }
}

impl Signing {
    /// Begin with the header as it leaves. `None` if there is no key, or the author is none of ours.
    pub fn begin(keyring: &Keyring, head: &[u8]) -> Option<Self> {
        let fields: Vec<Header<'_>> = headers_of(head).collect();
        let from = fields.iter().find(|field| is(field, "From"))?;
        let domain = addresses(from.value).into_iter().find_map(|entry| match entry {
            AddressEntry::Mailbox { domain, .. } => String::from_utf8(domain).ok(),
            _ => None,
        })?;
        let (signer, domain) = keyring.for_domain(&domain)?;
        let mut signing = Self { signer, domain, names: Vec::new(), fields: Vec::with_capacity(1024), body: BodyHash::default() };
        for name in SEALED {
            signing.add(head, &fields, name);
            signing.names.push(name);
        }
        for name in SIGNED {
            signing.add(head, &fields, name);
        }
        Some(signing)
    }

    /// RFC 6376 section 5.4.2: from the last instance upwards.
    fn add(&mut self, head: &[u8], fields: &[Header<'_>], name: &'static str) {
        for field in fields.iter().rev().filter(|field| is(field, name)).take(INSTANCES_MAX) {
            self.names.push(name);
            relaxed(&head[field.range.clone()], &mut self.fields);
        }
    }

    /// The next octets of the body.
    pub fn body(&mut self, octets: &[u8]) {
        self.body.write(octets);
    }

    /// The fields, to be put above the header.
    pub fn finish(self) -> Result<String, String> {
        let now = seconds_now();
        let body_hash = self.body.finish();
        let mut out = String::with_capacity(2048);
        for (algorithm, selector) in [("ed25519-sha256", &self.signer.ed25519_selector), ("rsa-sha256", &self.signer.rsa_selector)] {
            // RFC 6376 section 3.5.
            let mut field = format!(
                "DKIM-Signature: v=1; a={algorithm}; c=relaxed/relaxed; d={};\r\n\ts={selector}; t={now};\r\n\th={};\r\n\tbh={body_hash};\r\n\tb=",
                self.domain,
                folded(&self.names)
            );
            let mut signed = self.fields.clone();
            relaxed(field.as_bytes(), &mut signed);
            let signature =
                if algorithm == "rsa-sha256" { self.signer.rsa_signature(&signed)? } else { self.signer.ed25519_signature(&signed) };
            field.push_str(&lines(&BASE64.encode(&signature)));
            out.push_str(&field);
            out.push_str("\r\n");
        }
        Ok(out)
    }

    /// A message that is all here, with its signatures below its `Return-Path`; as it is if nobody signs for its author.
    pub fn signed(keyring: &Keyring, message: &[u8]) -> Result<Vec<u8>, String> {
        let fields = Self::whole(keyring, message)?;
        Ok(on_top(message, &fields))
    }

    /// The fields for a message that is all here; none if nobody signs for its author.
    pub(crate) fn whole(keyring: &Keyring, message: &[u8]) -> Result<String, String> {
        let end = octroi_mime::header_length(message);
        let Some(mut signing) = Self::begin(keyring, &message[..end]) else { return Ok(String::new()) };
        signing.body(&message[end..]);
        signing.finish()
    }
}

impl Signer {
    pub(crate) fn rsa_signature(&self, octets: &[u8]) -> Result<Vec<u8>, String> {
        let mut signature = vec![0; self.rsa.public().modulus_len()];
        let signed = self.rsa.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), octets, &mut signature);
        signed.map_err(|_| "the RSA key did not sign".to_owned())?;
        Ok(signature)
    }

    /// RFC 8463 section 3: over the hash.
    fn ed25519_signature(&self, octets: &[u8]) -> Vec<u8> {
        self.ed25519.sign(digest(&SHA256, octets).as_ref()).as_ref().to_vec()
    }
}

/// A message with these fields below its `Return-Path`.
pub(crate) fn on_top(message: &[u8], fields: &str) -> Vec<u8> {
    let line = message.iter().position(|&octet| octet == b'\n').map_or(0, |at| at + 1);
    let path = if message.starts_with(b"Return-Path:") { line } else { 0 };
    [&message[..path], fields.as_bytes(), &message[path..]].concat()
}

pub(crate) fn seconds_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// A long value on lines of a sensible length.
pub(crate) fn lines(value: &str) -> String {
    let pieces: Vec<&str> = value.as_bytes().chunks(LINE_CHARACTERS).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    pieces.join("\r\n\t")
}

/// A field in canonical form (RFC 6376 section 3.4.2); without a line end if it has none.
pub(crate) fn relaxed(field: &[u8], out: &mut Vec<u8>) {
    let colon = field.iter().position(|&octet| octet == b':').unwrap_or(field.len());
    let (name, value) = field.split_at(colon);
    let value = value.get(1..).unwrap_or_default();
    Canonicalization::Relaxed.canonicalize_headers(std::iter::once((name, value)), out);
}

/// The names with colons between them, on lines of a sensible length.
pub(crate) fn folded(names: &[&str]) -> String {
    let (mut out, mut line) = (String::new(), 2);
    for (number, name) in names.iter().enumerate() {
        if number > 0 {
            out.push(':');
            if line + name.len() > LINE_CHARACTERS {
                out.push_str("\r\n\t ");
                line = 1;
            }
        }
        out.push_str(name);
        line += name.len() + 1;
    }
    out
}

pub(crate) fn is(field: &Header<'_>, name: &str) -> bool {
    field.name.eq_ignore_ascii_case(name.as_bytes())
}
