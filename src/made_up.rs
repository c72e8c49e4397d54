//! Passwords that are made up.

/// Characters that nobody confuses when reading aloud.
const LOWER: &[u8] = b"abcdefghijkmnpqrstuvwxyz";
const UPPER: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ";
const DIGITS: &[u8] = b"23456789";
/// What the groups of a password are made of. A group is shorter than any part of a name that the policy looks for, so none can be in it by chance.
const GROUPS: [&[u8]; 7] = [UPPER, LOWER, DIGITS, LOWER, LOWER, LOWER, LOWER];
const GROUP_CHARACTERS: usize = 3;

/// A main password of seven groups, about 90 bits, that meets the policy, whoever it is for.
pub(crate) fn password() -> Result<String, String> {
    // Large enough that no part of it is left behind where it grew.
    let mut password = String::with_capacity(GROUPS.len() * (GROUP_CHARACTERS + 1));
    for alphabet in GROUPS {
        if !password.is_empty() {
            password.push('-');
        }
        for _ in 0..GROUP_CHARACTERS {
            password.push(one_of(alphabet)?);
        }
    }
    Ok(password)
}

fn one_of(alphabet: &[u8]) -> Result<char, String> {
    // Values beyond a multiple of the alphabet would favour its first letters.
    let fair = 256 - 256 % alphabet.len();
    loop {
        let mut byte = [0u8; 1];
        getrandom::fill(&mut byte).map_err(|e| format!("no random bits: {e}"))?;
        let value = usize::from(byte[0]);
        if value < fair {
            return Ok(char::from(alphabet[value % alphabet.len()]));
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use octroi_gate::PASSWORD_OWN_PART_MIN;

    #[test]
    fn passwords_differ_and_are_long() {
        let (a, b) = (password().unwrap(), password().unwrap());
        assert_ne!(a, b);
        assert_eq!(a.len(), 27);
    }

    /// An account whose name was in the password by chance could not be added.
    #[test]
    fn none_can_hold_a_part_of_a_name() {
        let password = password().unwrap();
        let longest = password.split(|c: char| !c.is_alphanumeric()).map(str::len).max().unwrap();
        assert!(longest < PASSWORD_OWN_PART_MIN, "{password}");
    }
}
