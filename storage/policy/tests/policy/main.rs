//! Tests of the policy from outside: the file, the two decisions, the patterns.
#![allow(clippy::unwrap_used)]

mod admission;
mod decision;
mod file;
mod matching;

/// The sample that is shipped.
const SAMPLE: &str = include_str!("../../../../deploy/profiles.toml");
