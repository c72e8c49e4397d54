//! Passwords that are made up.

/// Characters that nobody confuses when reading aloud.
const LOWER: &[u8] = b"abcdefghijkmnpqrstuvwxyz";
const UPPER: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ";
const DIGITS: &[u8] = b"23456789";

/// A main password of four groups, about 90 bits, that meets the policy.
pub(crate) fn password() -> Result<String, String> {
    let group = |alphabet: &[u8], count: usize| -> Result<String, String> {
        let mut out = String::new();
        while out.len() < count {
            let mut byte = [0u8; 1];
            getrandom::fill(&mut byte).map_err(|e| format!("no random bits: {e}"))?;
            // Values beyond a multiple of the alphabet would favour its first letters.
            let fair = 256 - 256 % alphabet.len();
            if usize::from(byte[0]) < fair {
                out.push(char::from(alphabet[usize::from(byte[0]) % alphabet.len()]));
            }
        }
        Ok(out)
    };
    Ok(format!("{}-{}-{}-{}", group(UPPER, 4)?, group(LOWER, 6)?, group(DIGITS, 4)?, group(LOWER, 6)?))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    #[test]
    fn passwords_differ_and_are_long() {
        let (a, b) = (super::password().unwrap(), super::password().unwrap());
        assert_ne!(a, b);
        assert_eq!(a.len(), 23);
    }
}
