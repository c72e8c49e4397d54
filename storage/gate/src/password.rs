//! Main passwords: what people choose, hashed with Argon2id. They open the portal and nothing else.
//!
//! Called by the portal's sign-in and by administration. Hashing runs on the blocking pool, at most one per core at a time, so that
//! a flood of sign-ins cannot take the memory of the machine.

use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use std::sync::LazyLock;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// Shortest main password, in characters.
pub const PASSWORD_CHARACTERS_MIN: usize = 12;
/// Longest main password, in bytes: more costs time for nothing.
pub const PASSWORD_BYTES_MAX: usize = 256;
/// Shortest part of the account's own words that a main password must not contain, in bytes.
pub const PASSWORD_OWN_PART_MIN: usize = 4;
/// Characters that are looked at for being easy to guess.
const GUESSED_CHARACTERS_MAX: usize = 100;
/// Hashes under way at once: each holds 19 MiB.
const HASHES_AT_ONCE: usize = 2;

static HASHING: Semaphore = Semaphore::const_new(HASHES_AT_ONCE);
/// Verified when there is no account, so that an unknown user costs the same work as a wrong password.
static DECOY: LazyLock<String> = LazyLock::new(|| hash_now(b"no account has this password").unwrap_or_default());

/// Why a main password is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordFault {
    /// Fewer than [`PASSWORD_CHARACTERS_MIN`] characters.
    TooShort,
    /// More than [`PASSWORD_BYTES_MAX`] bytes.
    TooLong,
    /// Upper case, lower case or digits are missing.
    Monotone,
    /// It holds the account's own name or address, or the organisation's name.
    OwnName,
    /// It is too easy to guess, however it looks.
    Weak,
}

impl std::fmt::Display for PasswordFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooShort => write!(f, "the password needs at least {PASSWORD_CHARACTERS_MIN} characters"),
            Self::TooLong => write!(f, "the password may have at most {PASSWORD_BYTES_MAX} bytes"),
            Self::Monotone => f.write_str("the password needs upper-case and lower-case letters and digits"),
            Self::OwnName => f.write_str("the password must not contain the account's name"),
            Self::Weak => f.write_str("the password is too easy to guess"),
        }
    }
}

/// The policy for main passwords: length, mixed case, digits, nothing of the account's own, and hard to guess (zxcvbn). `own`: address, names.
pub(crate) fn check(password: &str, own: &[String]) -> Result<(), PasswordFault> {
    if password.chars().count() < PASSWORD_CHARACTERS_MIN {
        return Err(PasswordFault::TooShort);
    }
    if password.len() > PASSWORD_BYTES_MAX {
        return Err(PasswordFault::TooLong);
    }
    let has = |class: fn(char) -> bool| password.chars().any(class);
    if !(has(char::is_uppercase) && has(char::is_lowercase) && has(char::is_numeric)) {
        return Err(PasswordFault::Monotone);
    }
    let lower = password.to_lowercase();
    let own: Vec<String> = own.iter().map(|text| text.to_lowercase()).collect();
    let parts: Vec<&str> =
        own.iter().flat_map(|text| text.split(|c: char| !c.is_alphanumeric())).filter(|part| part.len() >= PASSWORD_OWN_PART_MIN).collect();
    if parts.iter().any(|part| lower.contains(part)) {
        return Err(PasswordFault::OwnName);
    }
    // Its time grows with the length; a password that is good so far is good.
    let seen: String = password.chars().take(GUESSED_CHARACTERS_MAX).collect();
    if zxcvbn::zxcvbn(&seen, &parts).score() < zxcvbn::Score::Three {
        return Err(PasswordFault::Weak);
    }
    Ok(())
}

/// The PHC string of a password.
pub(crate) async fn hash(password: &str) -> Option<String> {
    let password = Zeroizing::new(password.as_bytes().to_vec());
    let _turn = HASHING.acquire().await.ok()?;
    tokio::task::spawn_blocking(move || hash_now(&password)).await.ok().flatten()
}

/// Is `password` the one of `phc`? With no `phc` the same work is done and the answer is no.
pub(crate) async fn verify(password: &str, phc: Option<&str>) -> bool {
    if password.len() > PASSWORD_BYTES_MAX {
        return false;
    }
    let password = Zeroizing::new(password.as_bytes().to_vec());
    let phc = phc.map(str::to_owned);
    let Ok(_turn) = HASHING.acquire().await else { return false };
    tokio::task::spawn_blocking(move || {
        let known = phc.is_some();
        let text = phc.unwrap_or_else(|| DECOY.clone());
        let Ok(parsed) = argon2::PasswordHash::new(&text) else { return false };
        Argon2::default().verify_password(&password, &parsed).is_ok() && known
    })
    .await
    .unwrap_or(false)
}

fn hash_now(password: &[u8]) -> Option<String> {
    Argon2::default().hash_password(password).ok().map(|hash| hash.to_string())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_verifies() {
        let phc = hash("Correct-Horse-7").await.unwrap();
        assert!(phc.starts_with("$argon2id$"));
        assert!(verify("Correct-Horse-7", Some(&phc)).await);
        assert!(!verify("Correct-Horse-8", Some(&phc)).await);
        assert!(!verify("no account has this password", None).await);
    }

    #[test]
    fn weak_passwords_are_named() {
        let own = ["lea.martin@douane.example".to_owned(), "Léa Martin".to_owned(), "Direction des douanes".to_owned()];
        let checked = |password: &str| check(password, &own);
        assert_eq!(checked("Short1"), Err(PasswordFault::TooShort));
        assert_eq!(checked("alllowercase1234"), Err(PasswordFault::Monotone));
        assert_eq!(checked("Martin-Bridge-77"), Err(PasswordFault::OwnName));
        assert_eq!(checked("Rue-des-Douanes-12"), Err(PasswordFault::OwnName));
        for weak in ["Password123456", "Qwertyuiop1234", "Aaaaaaaaaaaa1"] {
            assert_eq!(checked(weak), Err(PasswordFault::Weak), "{weak}");
        }
        assert_eq!(checked("Quay-Lantern-4821"), Ok(()));
        assert_eq!(checked(&"Quay-Lantern-4821".repeat(13)), Ok(()));
    }
}
