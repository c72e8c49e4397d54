//! The sender rewriting scheme: the return path of what is forwarded names us, so that the next server finds us where SPF says mail of
//! that domain may come from, and a notification that comes back finds its way on to the first sender.
//!
//! Pure but for the key. `SRS0=hash=day=domain=local@ours` for a sender; `SRS1=hash=first==…@ours` where one is forwarded again, which
//! goes back to the first forwarder. Hash and day are letters that survive a change of case. A path is good for [`DAYS_MAX`] days, so that
//! an old one is of no use to who sends junk. Known limit: a local part has 64 octets, and not every sender fits beside the rest.

use octroi_model::{Address, UnixTime};
use ring::hmac;

/// Base 32, as in RFC 4648 section 6.
const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// Letters of a hash: twenty bits, and each wrong one is answered slowly.
const HASH_LETTERS: usize = 4;
/// How long a notification may take to come back: longer than anybody keeps a message in a queue.
const DAYS_MAX: i64 = 21;
/// Two letters hold so many days.
const DAYS: i64 = 32 * 32;
const DAY: i64 = 86_400;

/// Why a return path that looks like one of ours is not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SrsFault {
    /// Not made here, or altered.
    Forged,
    /// Made too long ago.
    Old,
}

/// The key of the hashes, derived from the data folder's.
pub(crate) struct SrsKey(hmac::Key);

impl SrsKey {
    pub(crate) fn new(secret: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// The path for what comes from `from`; `None` if it would be too long.
    pub(crate) fn forward(&self, from: &Address, domain: &str, now: UnixTime) -> Option<Address> {
        let local = match scheme(from.local()) {
            // Somebody has forwarded it before us: whoever was first is told by its own path.
            Some((b'0', rest)) => self.second(from.domain(), rest),
            Some((_, rest)) => {
                let (_, inner) = rest.strip_prefix('=')?.split_once('=')?;
                let (first, opaque) = inner.split_once('=')?;
                self.second(first, opaque)
            }
            None => {
                let day = day_letters(now);
                let hash = self.hash(&[&day, from.domain(), from.local()]);
                format!("SRS0={hash}={day}={}={}", from.domain(), from.local())
            }
        };
        Address::new(&local, domain).ok()
    }

    fn second(&self, first: &str, opaque: &str) -> String {
        format!("SRS1={}={first}={opaque}", self.hash(&[first, opaque]))
    }

    /// Whom a path leads back to; `None` if it is no such path.
    pub(crate) fn back(&self, path: &Address, now: UnixTime) -> Option<Result<Address, SrsFault>> {
        let (kind, rest) = scheme(path.local())?;
        let rest = rest.strip_prefix('=')?;
        Some(if kind == b'0' { self.back_to_sender(rest, now) } else { self.back_to_first(rest) })
    }

    fn back_to_sender(&self, rest: &str, now: UnixTime) -> Result<Address, SrsFault> {
        let mut parts = rest.splitn(4, '=');
        let mut next = || parts.next().ok_or(SrsFault::Forged);
        let (hash, day, domain, local) = (next()?, next()?, next()?, next()?);
        if !same(hash, &self.hash(&[day, domain, local])) {
            return Err(SrsFault::Forged);
        }
        let age = (now.0.div_euclid(DAY) - day_number(day).ok_or(SrsFault::Forged)?).rem_euclid(DAYS);
        if age > DAYS_MAX {
            return Err(SrsFault::Old);
        }
        Address::new(local, domain).map_err(|_| SrsFault::Forged)
    }

    fn back_to_first(&self, rest: &str) -> Result<Address, SrsFault> {
        let (hash, inner) = rest.split_once('=').ok_or(SrsFault::Forged)?;
        let (first, opaque) = inner.split_once('=').ok_or(SrsFault::Forged)?;
        if !same(hash, &self.hash(&[first, opaque])) {
            return Err(SrsFault::Forged);
        }
        Address::new(&format!("SRS0{opaque}"), first).map_err(|_| SrsFault::Forged)
    }

    /// Of all parts, whatever case they come back in.
    fn hash(&self, parts: &[&str]) -> String {
        let tag = hmac::sign(&self.0, parts.join("=").to_lowercase().as_bytes());
        tag.as_ref().iter().take(HASH_LETTERS).map(|octet| letter(i64::from(*octet))).collect()
    }
}

/// `0` or `1`, and what follows it, of a local part of this scheme. Others than we may separate with `-` or `+`.
fn scheme(local: &str) -> Option<(u8, &str)> {
    let (head, rest) = local.split_at_checked(4)?;
    let (name, kind) = head.as_bytes().split_at(3);
    let kind = kind[0];
    let is_scheme = name.eq_ignore_ascii_case(b"srs") && matches!(kind, b'0' | b'1') && rest.starts_with(['=', '-', '+']);
    is_scheme.then_some((kind, rest))
}

fn day_letters(now: UnixTime) -> String {
    let day = now.0.div_euclid(DAY).rem_euclid(DAYS);
    [letter(day / 32), letter(day % 32)].iter().collect()
}

fn day_number(letters: &str) -> Option<i64> {
    let digit = |octet: u8| LETTERS.iter().position(|letter| letter.eq_ignore_ascii_case(&octet)).and_then(|at| i64::try_from(at).ok());
    match letters.as_bytes() {
        [high, low] => Some(digit(*high)? * 32 + digit(*low)?),
        _ => None,
    }
}

fn letter(number: i64) -> char {
    char::from(LETTERS[(number & 31) as usize])
}

/// Equal but for case, in a time that does not tell where they differ.
fn same(one: &str, other: &str) -> bool {
    let differing = |(a, b): (u8, u8)| a.to_ascii_uppercase() ^ b.to_ascii_uppercase();
    one.len() == other.len() && one.bytes().zip(other.bytes()).map(differing).fold(0, |all, one| all | one) == 0
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn key() -> SrsKey {
        SrsKey::new(&[7; 32])
    }

    fn address(text: &str) -> Address {
        text.parse().unwrap()
    }

    fn later(days: i64) -> UnixTime {
        UnixTime(NOW.0 + days * DAY)
    }

    #[test]
    fn a_path_leads_back_for_three_weeks() {
        let from = address("Bounce+list=x@news.example");
        let path = key().forward(&from, "ours.example", NOW).unwrap();
        assert!(path.to_string().starts_with("SRS0=") && path.domain() == "ours.example", "{path}");
        assert_eq!(key().back(&path, NOW), Some(Ok(from.clone())));
        assert_eq!(key().back(&path, later(DAYS_MAX)), Some(Ok(from.clone())));
        assert_eq!(key().back(&path, later(DAYS_MAX + 1)), Some(Err(SrsFault::Old)));
        // A server on the way wrote it in lower case.
        let lower = Address::new(&path.local().to_lowercase(), "ours.example").unwrap();
        assert_eq!(key().back(&lower, NOW), Some(Ok(address("bounce+list=x@news.example"))));
        assert_eq!(SrsKey::new(&[8; 32]).back(&path, NOW), Some(Err(SrsFault::Forged)));
    }

    #[test]
    fn whoever_forwards_again_leads_back_to_the_first() {
        let first = SrsKey::new(&[1; 32]).forward(&address("lea@a.example"), "b.example", NOW).unwrap();
        let second = SrsKey::new(&[2; 32]).forward(&first, "c.example", NOW).unwrap();
        let third = key().forward(&second, "d.example", NOW).unwrap();
        assert!(third.local().starts_with("SRS1=") && third.local().contains("=b.example==") && !third.local().contains("c.example"));
        assert_eq!(key().back(&third, NOW), Some(Ok(first.clone())));
        assert_eq!(SrsKey::new(&[2; 32]).back(&second, NOW), Some(Ok(first)));
    }

    #[test]
    fn what_was_not_made_here_is_refused() {
        let path = key().forward(&address("lea@a.example"), "ours.example", NOW).unwrap();
        for (from, to) in [("lea", "leo"), ("a.example", "b.example")] {
            let forged = Address::new(&path.local().replace(from, to), "ours.example").unwrap();
            assert_eq!(key().back(&forged, NOW), Some(Err(SrsFault::Forged)), "{forged}");
        }
        for bad in ["SRS0=", "SRS0=AAAA", "SRS0=AAAA=AA=x", "SRS1=AAAA", "SRS1=AAAA=x=y", "srs0=AAAA=AA=x.example=y"] {
            assert_eq!(key().back(&Address::new(bad, "ours.example").unwrap(), NOW), Some(Err(SrsFault::Forged)), "{bad}");
        }
        for other in ["SRS", "SRS2=AAAA", "srsly", "lea", "SRS0", "é", "aéb", "ééé", "u3é"] {
            assert_eq!(key().back(&Address::new(other, "ours.example").unwrap(), NOW), None, "{other}");
        }
    }

    #[test]
    fn what_does_not_fit_is_not_cut() {
        let long = Address::new(&"x".repeat(50), "example.example").unwrap();
        assert_eq!(key().forward(&long, "ours.example", NOW), None);
    }
}
