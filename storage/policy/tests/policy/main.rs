//! Tests of the policy from outside: the file, the decisions and their explanations, the patterns, the sample.
#![allow(clippy::unwrap_used)]

mod actions;
mod admission;
mod decision;
mod expectations;
mod explaining;
mod file;
mod matching;
mod reserved;
mod sample;
mod zones;

/// The sample that is shipped.
const SAMPLE: &str = include_str!("../../../../deploy/profiles.toml");
