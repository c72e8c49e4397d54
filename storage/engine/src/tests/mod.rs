//! Tests of the engine as a whole; each file says what it shows.
#![allow(clippy::unwrap_used)]

mod basic;
mod crash;
mod model;
mod property;
mod simdisk;
mod world;
