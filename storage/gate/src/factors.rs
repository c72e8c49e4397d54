//! Second factors: one place where a code, a recovery code or a passkey is checked and used up, whatever protocol it came over.
//!
//! What always holds: tries at one account are looked at one after the other, so of any number of parallel tries with one code one passes,
//! and five wrong ones lock that kind of factor before a sixth is looked at. The lock grows with each five and never touches the account. A
//! wrong code that is sent again (clients repeat what they have stored) is no further guess.

use crate::audit::Line;
use crate::errand::{Errand, Notice};
use crate::gate::Gate;
use crate::key::fill_random;
use crate::refusal::Refusal;
use crate::second_factor;
use octroi_engine::{Batch, Change, CommitError, Expect};
use octroi_model::{Account, AccountId, AuditVia, FactorId, FactorKind, Factors, Outcome, Tries, UnixTime};
use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// Wrong tries that lock a kind of factor.
const TRIES: u32 = 5;
/// How long the first lock lasts; each further one four times as long.
const LOCK_SECONDS: i64 = 60;
/// The longest lock.
const LOCK_SECONDS_MAX: i64 = 24 * 3600;
/// Wrong codes remembered per account, to tell a repetition from a guess.
const WRONG_CODES_MAX: usize = 32;
/// Accounts of which something is remembered.
const ACCOUNTS_MAX: usize = 100_000;
/// How often a change of an account's factors is tried when another one comes in between.
const ATTEMPTS_MAX: usize = 10;
/// How long a code that was sent counts.
pub(crate) const CODE_MINUTES: u64 = 10;
/// Wrong tries at one sent code before it no longer counts.
const SENT_TRIES_MAX: u32 = 5;
/// Codes that are sent for one account in an hour.
const SENT_PER_HOUR_MAX: usize = 6;
/// Recovery codes of one account.
pub const RECOVERY_CODES: usize = 10;
/// Digits of an authenticator's code, and of one that is sent.
const TOTP_DIGITS: usize = 6;
/// See [`TOTP_DIGITS`].
const SENT_DIGITS: usize = 8;
/// Characters of a recovery code, without its dashes: 80 bits.
const RECOVERY_CHARACTERS: usize = 16;

/// What is remembered of accounts whose factors are being tried.
#[derive(Default)]
pub(crate) struct Attempts(Mutex<HashMap<AccountId, Arc<Attempt>>>);

#[derive(Default)]
struct Attempt {
    /// Held while one try is looked at.
    turn: tokio::sync::Mutex<()>,
    /// Keyed hashes of codes that were wrong.
    wrong: Mutex<VecDeque<[u8; 32]>>,
    sent: Mutex<Option<Sent>>,
    sent_at: Mutex<VecDeque<Instant>>,
}

/// What a code was sent for: it counts for nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SentFor {
    /// A second factor.
    Factor,
    /// To prove that a device that is being enrolled is theirs.
    Enrolment,
    /// A forgotten password.
    Reset,
}

struct Sent {
    hash: blake3::Hash,
    purpose: SentFor,
    device: FactorId,
    until: Instant,
    wrong: u32,
}

impl Attempt {
    /// Was this wrong code not tried before? From now on it was.
    fn is_new(&self, fingerprint: [u8; 32]) -> bool {
        let mut wrong = lock(&self.wrong);
        if wrong.contains(&fingerprint) {
            return false;
        }
        wrong.push_back(fingerprint);
        if wrong.len() > WRONG_CODES_MAX {
            wrong.pop_front();
        }
        true
    }
}

impl Attempts {
    fn of(&self, account: AccountId) -> Arc<Attempt> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= ACCOUNTS_MAX {
            all.retain(|_, attempt| Arc::strong_count(attempt) > 1 || lock(&attempt.sent).is_some());
        }
        all.entry(account).or_default().clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What kind of code a text is, by its form.
fn kind_of(code: &str) -> Option<FactorKind> {
    let digits = code.bytes().all(|b| b.is_ascii_digit());
    match code.len() {
        TOTP_DIGITS if digits => Some(FactorKind::Totp),
        SENT_DIGITS if digits => Some(FactorKind::Device),
        RECOVERY_CHARACTERS if code.bytes().all(|b| b.is_ascii_alphanumeric()) => Some(FactorKind::Recovery),
        _ => None,
    }
}

/// Can a text be a code that follows an app password? Recovery codes are for the portal.
pub(crate) fn is_inband_code(text: &str) -> bool {
    matches!(kind_of(text), Some(FactorKind::Totp | FactorKind::Device))
}

/// A code as people type it: without blanks and dashes, in lower case.
fn typed(code: &str) -> Zeroizing<String> {
    Zeroizing::new(code.chars().filter(|c| !c.is_whitespace() && *c != '-').take(64).map(|c| c.to_ascii_lowercase()).collect())
}

/// Has the account any second factor?
pub(crate) fn has_any(account: &Account, factors: &Factors) -> bool {
    account.totp.is_some() || !factors.passkeys.is_empty() || !factors.devices.is_empty()
}

impl Gate {
    /// At the portal: check a code and use it up; its owner is told when it was a recovery code.
    pub(crate) async fn use_code_at_portal(&self, account: &Account, code: &str, peer: IpAddr) -> Result<FactorKind, Refusal> {
        let kind = self.use_code(account, code).await?;
        if kind == FactorKind::Recovery {
            let left = self.engine().factors(account.id).recovery.len();
            self.0.outbox.notice(&account.address, Notice::FactorsChanged { what: format!("recovery code used, {left} left"), peer });
        }
        Ok(kind)
    }

    /// Check a code and use it up.
    pub(crate) async fn use_code(&self, account: &Account, code: &str) -> Result<FactorKind, Refusal> {
        let code = typed(code);
        let kind = kind_of(&code).ok_or(Refusal::InvalidCode)?;
        let attempt = self.0.attempts.of(account.id);
        let _turn = attempt.turn.lock().await;
        // As it is now that it is our turn.
        let account = self.engine().account(account.id).ok_or(Refusal::Ended)?;
        let factors = self.engine().factors(account.id);
        check_lock(&factors, kind)?;
        let found = match kind {
            FactorKind::Totp => self.use_totp(&account, &code).await,
            FactorKind::Device => self.use_sent(&account, SentFor::Factor, &code).await.map(|_| ()),
            FactorKind::Recovery => self.use_recovery(&account, &code).await,
            FactorKind::Passkey => Err(Refusal::InvalidCode),
        };
        match found {
            Ok(()) => {
                self.note_right(account.id, kind).await?;
                Ok(kind)
            }
            Err(Refusal::InvalidCode) if enrolled(&account, &factors, kind) => {
                if attempt.is_new(*self.0.key.hash_secret(code.as_bytes()).as_bytes()) {
                    self.note_wrong(&account, kind).await?;
                }
                Err(Refusal::InvalidCode)
            }
            Err(refusal) => Err(refusal),
        }
    }

    /// Take the turn of an account for something else than a code, such as a passkey.
    pub(crate) async fn in_turn<T>(&self, account: AccountId, act: impl Future<Output = T>) -> T {
        let attempt = self.0.attempts.of(account);
        let _turn = attempt.turn.lock().await;
        act.await
    }

    async fn use_totp(&self, account: &Account, code: &str) -> Result<(), Refusal> {
        let totp = account.totp.as_ref().ok_or(Refusal::InvalidCode)?;
        let secret = self.0.key.unseal(&totp.sealed_secret).ok_or(Refusal::InvalidCode)?;
        let step = second_factor::step_of(&secret, code, UnixTime::now().0).ok_or(Refusal::InvalidCode)?;
        let mut batch = Batch::new();
        batch.push(Change::UseTotpStep { account: account.id, step });
        match self.engine().commit(batch).await {
            // A right code that was used: no guess, and it opens nothing.
            Err(CommitError::Replayed) => Err(Refusal::UsedCode),
            other => Ok(other.map(|_| ())?),
        }
    }

    async fn use_recovery(&self, account: &Account, code: &str) -> Result<(), Refusal> {
        let hash = *self.0.key.hash_secret(code.as_bytes()).as_bytes();
        // Gone with the commit: against the version that was looked at, so it counts once.
        self.alter_factors(account.id, |factors| {
            let before = factors.recovery.len();
            factors.recovery.retain(|kept| blake3::Hash::from_bytes(*kept) != blake3::Hash::from_bytes(hash));
            if factors.recovery.len() < before { Ok(()) } else { Err(Refusal::InvalidCode) }
        })
        .await
    }

    /// Check a code that was sent and use it up; returns the device it was sent to. Whoever calls holds the account's turn.
    pub(crate) async fn use_sent(&self, account: &Account, purpose: SentFor, code: &str) -> Result<FactorId, Refusal> {
        let attempt = self.0.attempts.of(account.id);
        let device = {
            let mut sent = lock(&attempt.sent);
            let Some(waiting) = sent.as_mut().filter(|s| s.purpose == purpose && s.until > Instant::now()) else {
                return Err(Refusal::InvalidCode);
            };
            // `blake3::Hash` compares in constant time.
            if waiting.hash != self.0.key.hash_secret(code.as_bytes()) {
                waiting.wrong += 1;
                if waiting.wrong >= SENT_TRIES_MAX {
                    *sent = None;
                }
                return Err(Refusal::InvalidCode);
            }
            let device = waiting.device;
            *sent = None;
            device
        };
        if purpose == SentFor::Factor {
            let now = UnixTime::now();
            self.alter_factors(account.id, |factors| {
                let known = factors.devices.iter_mut().find(|known| known.id == device).ok_or(Refusal::InvalidCode)?;
                known.last_used = Some(now);
                Ok(())
            })
            .await?;
        }
        Ok(device)
    }

    /// The same in turn, for an enrolment or a reset.
    pub(crate) async fn use_sent_in_turn(&self, account: &Account, purpose: SentFor, code: &str) -> Result<FactorId, Refusal> {
        let code = typed(code);
        self.in_turn(account.id, self.use_sent(account, purpose, &code)).await
    }

    /// Send a new code to a device. The one before counts no longer.
    pub(crate) fn send_code(
        &self,
        account: &Account,
        purpose: SentFor,
        device: FactorId,
        reach: &octroi_model::Reach,
    ) -> Result<(), Refusal> {
        let attempt = self.0.attempts.of(account.id);
        let mut sent_at = lock(&attempt.sent_at);
        while sent_at.front().is_some_and(|at| at.elapsed() >= Duration::from_hours(1)) {
            sent_at.pop_front();
        }
        if sent_at.len() >= SENT_PER_HOUR_MAX {
            return Err(Refusal::Limit("codes that are sent in an hour"));
        }
        sent_at.push_back(Instant::now());
        drop(sent_at);
        let code = digits().ok_or(Refusal::Unavailable)?;
        let until = Instant::now() + Duration::from_mins(CODE_MINUTES);
        *lock(&attempt.sent) = Some(Sent { hash: self.0.key.hash_secret(code.as_bytes()), purpose, device, until, wrong: 0 });
        let (of, reach) = (account.address.clone(), reach.clone());
        self.0.outbox.put(Errand::Code { of, reach, code, minutes: CODE_MINUTES });
        Ok(())
    }

    /// Change an account's factors, however often others come in between.
    pub(crate) async fn alter_factors(
        &self,
        account: AccountId,
        mut alter: impl FnMut(&mut Factors) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        for _ in 0..ATTEMPTS_MAX {
            let now = self.engine().factors(account);
            let mut next = (*now).clone();
            alter(&mut next)?;
            next.version = now.version + 1;
            let mut batch = Batch::new();
            batch.expect(Expect::Factors { account, version: now.version });
            batch.push(Change::SetFactors { account, factors: next });
            match self.engine().commit(batch).await {
                Err(CommitError::Expectation(_)) => {}
                other => return Ok(other.map(|_| ())?),
            }
        }
        Err(Refusal::Unavailable)
    }

    pub(crate) async fn note_right(&self, account: AccountId, kind: FactorKind) -> Result<(), Refusal> {
        if self.engine().factors(account).tries(kind) == Tries::default() {
            return Ok(());
        }
        self.alter_factors(account, |factors| {
            factors.set_tries(kind, Tries::default());
            Ok(())
        })
        .await
    }

    /// A wrong try; the fifth locks the factor.
    pub(crate) async fn note_wrong(&self, account: &Account, kind: FactorKind) -> Result<(), Refusal> {
        let now = UnixTime::now();
        let mut locked = None;
        self.alter_factors(account.id, |factors| {
            let mut tries = factors.tries(kind);
            tries.wrong = tries.wrong.saturating_add(1);
            locked = None;
            if tries.wrong % TRIES == 0 {
                let doublings = 2 * (tries.wrong / TRIES - 1).min(20);
                tries.locked_until = UnixTime(now.0 + (LOCK_SECONDS << doublings).min(LOCK_SECONDS_MAX));
                locked = Some(tries.locked_until);
            }
            factors.set_tries(kind, tries);
            Ok(())
        })
        .await?;
        if let Some(until) = locked {
            self.0.outbox.notice(&account.address, Notice::FactorLocked { kind: kind.name(), until });
            let reason = format!("{TRIES} wrong tries, for {} s", until.0 - now.0);
            let line = Line {
                account: Some(account.id),
                act: "second factor lock",
                subject: kind.name(),
                peer: "",
                outcome: Outcome::Done,
                reason: &reason,
                via: AuditVia::default(),
            };
            self.audit(line).await;
        }
        Ok(())
    }

    /// New recovery codes; those from before count no longer. The only moment at which they exist.
    pub(crate) async fn make_recovery_codes(&self, account: AccountId) -> Result<Vec<Zeroizing<String>>, Refusal> {
        let mut shown = Vec::with_capacity(RECOVERY_CODES);
        let mut hashes = Vec::with_capacity(RECOVERY_CODES);
        for _ in 0..RECOVERY_CODES {
            let mut random = Zeroizing::new([0u8; 10]);
            fill_random(&mut *random).map_err(|_| Refusal::Unavailable)?;
            let text = Zeroizing::new(crate::app_password::BASE32.encode(&*random));
            hashes.push(*self.0.key.hash_secret(text.as_bytes()).as_bytes());
            let groups: Vec<&str> = (0..RECOVERY_CHARACTERS / 4).map(|at| &text[at * 4..at * 4 + 4]).collect();
            shown.push(Zeroizing::new(groups.join("-")));
        }
        self.alter_factors(account, |factors| {
            factors.recovery.clone_from(&hashes);
            Ok(())
        })
        .await?;
        Ok(shown)
    }
}

/// Is that kind of factor looked at just now?
pub(crate) fn check_lock(factors: &Factors, kind: FactorKind) -> Result<(), Refusal> {
    let left = factors.tries(kind).locked_until.0 - UnixTime::now().0;
    if left > 0 { Err(Refusal::FactorLocked(left)) } else { Ok(()) }
}

fn enrolled(account: &Account, factors: &Factors, kind: FactorKind) -> bool {
    match kind {
        FactorKind::Totp => account.totp.is_some(),
        FactorKind::Passkey => !factors.passkeys.is_empty(),
        FactorKind::Device => !factors.devices.is_empty(),
        FactorKind::Recovery => !factors.recovery.is_empty(),
    }
}

/// Eight random digits.
fn digits() -> Option<Zeroizing<String>> {
    let mut code = Zeroizing::new(String::with_capacity(SENT_DIGITS));
    let mut byte = [0u8; 1];
    while code.len() < SENT_DIGITS {
        fill_random(&mut byte).ok()?;
        // What would make some digits likelier is thrown away.
        if byte[0] < 250 {
            code.push(char::from(b'0' + byte[0] % 10));
        }
    }
    Some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_told_apart_by_their_form() {
        assert_eq!(kind_of("123456"), Some(FactorKind::Totp));
        assert_eq!(kind_of("12345678"), Some(FactorKind::Device));
        assert_eq!(kind_of(&typed("ABCD-efgh 2345-mnop")), Some(FactorKind::Recovery));
        for other in ["", "1234567", "12345a", "abcdefgh", "abcd-efgh"] {
            assert_eq!(kind_of(other), None, "{other}");
        }
    }

    #[test]
    fn sent_codes_differ() {
        let (one, other) = (digits(), digits());
        assert!(one.is_some() && one != other);
        assert!(one.is_some_and(|code| code.len() == SENT_DIGITS && code.bytes().all(|b| b.is_ascii_digit())));
    }
}
