//! TOTP (RFC 6238) with replay memory: a code counts once, over all protocols.

use totp_rs::{Builder, Secret, Totp};
use zeroize::Zeroizing;

/// An enrolment under way: shown to the person, kept by nobody until a first code proves it.
#[derive(Clone)]
pub struct TotpEnrolment {
    pub(crate) secret: Zeroizing<Vec<u8>>,
    /// The secret for typing, in base32.
    pub secret_base32: Zeroizing<String>,
    /// The `otpauth://` URL for a QR code.
    pub url: Zeroizing<String>,
}

impl TotpEnrolment {
    pub(crate) fn generate(issuer: &str, account: &str) -> Self {
        Self::from_secret(&Secret::generate(), issuer, account)
    }

    fn from_secret(secret: &Secret, issuer: &str, account: &str) -> Self {
        let secret_base32 = Zeroizing::new(secret.to_base32());
        let escape = |text: &str| -> String {
            text.bytes()
                .map(|b| if b.is_ascii_alphanumeric() || b"-._~@".contains(&b) { char::from(b).to_string() } else { format!("%{b:02X}") })
                .collect()
        };
        let url = format!("otpauth://totp/{0}:{1}?secret={2}&issuer={0}", escape(issuer), escape(account), *secret_base32);
        Self { secret: Zeroizing::new(secret.as_ref().to_vec()), secret_base32, url: Zeroizing::new(url) }
    }
}

/// The time step that `code` belongs to, if it is a code of `secret` within one step of `now`.
pub(crate) fn step_of(secret: &[u8], code: &str, now: i64) -> Option<u64> {
    let totp = totp(secret)?;
    let now = u64::try_from(now).ok()?;
    totp.check(code, now)
}

/// The code of `secret` at `now`.
pub fn code_at(secret_base32: &str, now: i64) -> Option<String> {
    let secret = Secret::try_from_base32(secret_base32).ok()?;
    Some(totp(secret.as_ref())?.generate(u64::try_from(now).ok()?).to_string())
}

fn totp(secret: &[u8]) -> Option<Totp> {
    Builder::new().with_secret(secret.to_vec()).build().ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn codes_match_their_step_and_the_neighbours_only() {
        let enrolment = TotpEnrolment::generate("Douane", "lea@douane.example");
        let now = 1_800_000_010;
        let code = code_at(&enrolment.secret_base32, now).unwrap();
        let step = now as u64 / 30;
        assert_eq!(step_of(&enrolment.secret, &code, now), Some(step));
        assert_eq!(step_of(&enrolment.secret, &code, now + 30), Some(step));
        assert_eq!(step_of(&enrolment.secret, &code, now + 90), None);
        assert_eq!(step_of(&enrolment.secret, "abcdef", now), None);
        assert!(enrolment.url.starts_with("otpauth://totp/Douane:lea@douane.example?secret="));
    }
}
