//! The checks and signatures against a DNS that the test makes up.

mod dns;
mod policy;
mod seals;
mod signatures;

use crate::{Authenticator, KeyPair, KeySet, Keyring, MailAuthConfig, Sender, Signing, Verdict};
use dns::FakeDns;
use octroi_dns::{DnsConfig, Resolver};
use std::sync::OnceLock;

/// Everything a test has.
struct World {
    dns: FakeDns,
    authenticator: Authenticator,
}

impl World {
    fn new(config: MailAuthConfig) -> Self {
        Self::over(&FakeDns::start(), config)
    }

    /// Another that asks the same DNS and remembers none of its answers.
    fn over(dns: &FakeDns, config: MailAuthConfig) -> Self {
        let resolver = Resolver::new(&DnsConfig { servers: vec![dns.address], ..DnsConfig::default() });
        Self { authenticator: Authenticator::new(&resolver, "mx.ours.example", config), dns: dns.clone() }
    }

    /// The verdict on a message that comes in pieces of this size.
    async fn verdict_in(&self, peer: &str, from: &str, message: &[u8], piece: usize) -> Verdict {
        let sender = Sender { peer: peer.parse().unwrap(), hello: "out.them.example".to_owned(), from: from.to_owned() };
        let sender = self.authenticator.sender(sender);
        let end = octroi_mime::header_length(message);
        let mut checks = self.authenticator.message(&message[..end]);
        message[end..].chunks(piece).for_each(|octets| checks.body(octets));
        checks.finish(sender).await
    }

    async fn verdict(&self, peer: &str, from: &str, message: &[u8]) -> Verdict {
        self.verdict_in(peer, from, message, 4096).await
    }
}

/// One pair of keys for all tests: making one takes its time.
fn keys() -> KeySet {
    static PAIR: OnceLock<KeyPair> = OnceLock::new();
    let mut keys = KeySet::default();
    keys.add(PAIR.get_or_init(|| KeyPair::generate(0, "20261129").unwrap()).clone()).unwrap();
    keys.switch(0).unwrap();
    keys
}

/// The message with signatures for `them.example`, whose keys the DNS then has.
fn signed(dns: &FakeDns, message: &[u8]) -> Vec<u8> {
    let keys = keys();
    for record in keys.active().unwrap().records() {
        dns.clear(&format!("{}.them.example", record.name)).txt(&format!("{}.them.example", record.name), &record.value);
    }
    let keyring = Keyring::new(["them.example"]);
    keyring.replace(&keys).unwrap();
    let fields = Signing::whole(&keyring, message).unwrap();
    [fields.as_bytes(), message].concat()
}
