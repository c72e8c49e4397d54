//! Programs that wait to be connected: Nextcloud's login flow, version 2, which DAVx5 and the clients of Nextcloud speak.
//!
//! A program begins a flow and gets a token to ask with and a URL for its owner's browser; there, at the portal, they say what it may have, and
//! the app password is handed over the next time it asks, once. What always holds: a flow is known by 256 random bits on either side, of which
//! only hashes are kept, and neither side's tell the other's; flows are bounded in number, for each network and in all, and in time; a secret is
//! wiped when it was handed over or when its flow ends. In memory: a restart ends all.

use blake3::Hash;
use data_encoding::HEXLOWER;
use octroi_model::UnixTime;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// Random octets of a token.
const TOKEN_BYTES: usize = 32;
/// Flows that one network has under way: a person begins one after the other.
const FLOWS_PER_NETWORK_MAX: usize = 10;
/// Octets of what a program calls itself that are kept.
const CLIENT_BYTES_MAX: usize = 100;

/// How long what was granted lies ready: a program asks every few seconds.
const READY_FOR: Duration = Duration::from_mins(5);

/// What a program that was connected gets.
pub(crate) struct Granted {
    pub address: String,
    pub secret: Zeroizing<String>,
}

/// A flow, as the person sees it who is asked.
#[derive(Debug, Clone)]
pub(crate) struct Asking {
    /// What the program calls itself; its own claim.
    pub client: String,
    pub peer: IpAddr,
    pub at: UnixTime,
}

/// What a program needs to go on.
pub(crate) struct Begun {
    /// To ask with.
    pub token: String,
    /// For the URL that the browser is sent to.
    pub id: String,
}

/// Why no flow begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoFlow {
    /// This network has too many under way.
    Crowded,
    /// All together are too many, or the system has no randomness.
    Full,
}

struct Flow {
    token: Hash,
    began: Instant,
    asking: Asking,
    network: String,
    granted: Option<Granted>,
}

/// All that are under way.
pub(crate) struct Flows {
    /// By the hash of what stands in the URL.
    waiting: Mutex<HashMap<Hash, Flow>>,
    lifetime: Duration,
    max: usize,
}

impl Flows {
    pub(crate) fn new(lifetime: Duration, max: usize) -> Self {
        Self { waiting: Mutex::default(), lifetime, max }
    }

    /// A program asks to be connected.
    pub(crate) fn begin(&self, client: &str, peer: IpAddr) -> Result<Begun, NoFlow> {
        let network = network(peer);
        let begun = Begun { token: random().ok_or(NoFlow::Full)?, id: random().ok_or(NoFlow::Full)? };
        let client: String = client.chars().filter(|c| !c.is_control()).collect();
        let client = client[..client.floor_char_boundary(CLIENT_BYTES_MAX)].trim().to_owned();
        let mut flows = self.live();
        if flows.values().filter(|flow| flow.network == network).count() >= FLOWS_PER_NETWORK_MAX {
            return Err(NoFlow::Crowded);
        }
        if flows.len() >= self.max {
            return Err(NoFlow::Full);
        }
        let asking = Asking { client, peer, at: UnixTime::now() };
        let flow = Flow { token: hash(&begun.token), began: Instant::now(), asking, network, granted: None };
        flows.insert(hash(&begun.id), flow);
        Ok(begun)
    }

    /// The flow of a URL that nobody has decided about yet.
    pub(crate) fn asking(&self, id: &str) -> Option<Asking> {
        self.live().get(&hash(id)).filter(|flow| flow.granted.is_none()).map(|flow| flow.asking.clone())
    }

    /// The program may have this. `false`: it does not wait any more.
    pub(crate) fn grant(&self, id: &str, granted: Granted) -> bool {
        match self.live().get_mut(&hash(id)).filter(|flow| flow.granted.is_none()) {
            Some(flow) => {
                flow.began = Instant::now();
                flow.granted = Some(granted);
                true
            }
            None => false,
        }
    }

    /// The program is not to have anything.
    pub(crate) fn refuse(&self, id: &str) {
        self.live().remove(&hash(id));
    }

    /// How long what was granted lies ready.
    pub(crate) fn ready_for(&self) -> Duration {
        self.lifetime.min(READY_FOR)
    }

    /// Nobody has fetched it: it is not handed over any more. `false`: somebody has.
    pub(crate) fn take_back(&self, id: &str) -> bool {
        // Without looking who has ended: this one is just about to.
        let mut flows = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        flows.remove(&hash(id)).is_some_and(|flow| flow.granted.is_some())
    }

    /// What the program that has this token was granted; the flow ends with it.
    pub(crate) fn take(&self, token: &str) -> Option<Granted> {
        let mut flows = self.live();
        let token = hash(token);
        let id = flows.iter().find(|(_, flow)| flow.token == token && flow.granted.is_some()).map(|(id, _)| *id)?;
        flows.remove(&id)?.granted
    }

    /// Those that have not ended.
    fn live(&self) -> MutexGuard<'_, HashMap<Hash, Flow>> {
        let mut flows = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        flows.retain(|_, flow| flow.began.elapsed() < self.lifetime);
        flows
    }
}

/// What one person has: an IPv4 address, or the /64 of an IPv6 address.
fn network(peer: IpAddr) -> String {
    match peer.to_canonical() {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => HEXLOWER.encode(&v6.octets()[..8]),
    }
}

fn random() -> Option<String> {
    let mut octets = Zeroizing::new([0; TOKEN_BYTES]);
    getrandom::fill(&mut *octets).ok()?;
    Some(HEXLOWER.encode(&*octets))
}

/// Comparing hashes takes as long for any wrong one.
fn hash(text: &str) -> Hash {
    blake3::hash(text.as_bytes())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    fn granted() -> Granted {
        Granted { address: "lea@a.example".into(), secret: Zeroizing::new("abc-secret".into()) }
    }

    #[test]
    fn what_is_granted_is_handed_over_once_and_to_the_token_only() {
        let flows = Flows::new(Duration::from_mins(20), 100);
        let begun = flows.begin("DAVx5\r\n/4.4", HERE).unwrap();
        assert_eq!(flows.asking(&begun.id).unwrap().client, "DAVx5/4.4");
        assert!(flows.asking(&begun.token).is_none() && flows.take(&begun.token).is_none(), "not before it is granted");
        assert!(flows.grant(&begun.id, granted()));
        assert!(flows.asking(&begun.id).is_none() && !flows.grant(&begun.id, granted()), "decided once");
        assert!(flows.take(&begun.id).is_none() && flows.take("").is_none());
        assert_eq!(flows.take(&begun.token).unwrap().secret.as_str(), "abc-secret");
        assert!(flows.take(&begun.token).is_none(), "and handed over once");
        let late = flows.begin("x", HERE).unwrap();
        assert!(flows.grant(&late.id, granted()) && flows.take_back(&late.id) && !flows.take_back(&late.id));
        assert!(flows.take(&late.token).is_none() && !flows.take_back(&begun.id));
        let refused = flows.begin("x", HERE).unwrap();
        flows.refuse(&refused.id);
        assert!(flows.asking(&refused.id).is_none() && !flows.grant(&refused.id, granted()));
    }

    #[test]
    fn flows_are_bounded_in_number_and_time() {
        let flows = Flows::new(Duration::from_mins(20), FLOWS_PER_NETWORK_MAX + 1);
        for _ in 0..FLOWS_PER_NETWORK_MAX {
            flows.begin(&"é".repeat(200), HERE).unwrap();
        }
        assert_eq!(flows.begin("x", HERE).err(), Some(NoFlow::Crowded));
        flows.begin("x", "2001:db8::1".parse().unwrap()).unwrap();
        assert_eq!(flows.begin("x", "192.0.2.2".parse().unwrap()).err(), Some(NoFlow::Full));
        let brief = Flows::new(Duration::ZERO, 100);
        let begun = brief.begin("x", HERE).unwrap();
        assert!(brief.asking(&begun.id).is_none() && !brief.grant(&begun.id, granted()) && brief.take(&begun.token).is_none());
    }
}
