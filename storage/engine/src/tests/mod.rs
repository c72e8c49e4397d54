//! Tests of the engine as a whole; each file says what it shows.
#![allow(clippy::unwrap_used)]

mod basic;
mod world;
