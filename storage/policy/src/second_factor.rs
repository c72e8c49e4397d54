//! What a log-in needs beside the app password, as a value that is ordered by strictness.
//!
//! Used by profiles (per zone) and by app passwords that ask for more than the profile does.

use crate::units::{seconds, show_seconds};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use std::cmp::{Ordering, Reverse};
use std::fmt;
use std::str::FromStr;

/// What a protocol log-in needs beside the app password. The stricter one is the greater: a shorter time is above a longer one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SecondFactor {
    /// The app password was made under a second factor; that is enough.
    Enrolment,
    /// It was confirmed once from the network it is used from.
    Device,
    /// It was confirmed from there no longer than so many seconds ago.
    Within(i64),
}

impl SecondFactor {
    fn strictness(self) -> (u8, Reverse<i64>) {
        match self {
            Self::Enrolment => (0, Reverse(0)),
            Self::Device => (1, Reverse(0)),
            Self::Within(seconds) => (2, Reverse(seconds)),
        }
    }
}

impl Ord for SecondFactor {
    fn cmp(&self, other: &Self) -> Ordering {
        self.strictness().cmp(&other.strictness())
    }
}

impl PartialOrd for SecondFactor {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A text that is no [`SecondFactor`]; says what would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecondFactorError(String);

impl fmt::Display for SecondFactorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected \"enrolment\", \"device\" or a time: {}", self.0)
    }
}

impl std::error::Error for SecondFactorError {}

impl FromStr for SecondFactor {
    type Err = SecondFactorError;
    fn from_str(text: &str) -> Result<Self, SecondFactorError> {
        match text {
            "enrolment" => Ok(Self::Enrolment),
            "device" => Ok(Self::Device),
            _ => seconds(text).map(Self::Within).map_err(SecondFactorError),
        }
    }
}

impl fmt::Display for SecondFactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Enrolment => f.write_str("enrolment"),
            Self::Device => f.write_str("device"),
            Self::Within(seconds) => f.write_str(&show_seconds(*seconds)),
        }
    }
}

impl<'de> Deserialize<'de> for SecondFactor {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}
