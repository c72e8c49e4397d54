//! Tests of the engine as a whole; each file says what it shows.
#![allow(clippy::unwrap_used)]

mod annotations;
mod backlog;
mod backup;
mod basic;
mod changed;
mod compact;
mod compact_property;
mod crash;
mod damage;
mod full;
mod golden;
mod kill;
mod locks;
mod model;
mod parts;
mod property;
mod quota;
mod repair;
mod search;
mod simdisk;
mod world;
