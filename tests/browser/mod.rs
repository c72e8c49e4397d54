//! The portal in real browsers: Chromium and Firefox, both headless, through a small WebDriver client of our own.
//!
//! A test is a function over a [`Browser`] and is run in each of them by [`in_both`]; the browsers differ in how they are started and
//! spoken to (`chromium.rs`, `firefox.rs`), nothing else. Firefox sees the dark colours, Chromium the light ones. Pictures of all pages
//! are left in `target/screenshots`, to be looked at.

mod chromium;
mod documents;
mod driver;
mod factors;
mod firefox;
mod pages;
mod people;
mod planning;
mod programs;
mod staff;
mod steps;
mod visit;

use crate::support::{Server, shared};
use chromium::Chromium;
use firefox::Firefox;
use std::sync::OnceLock;
use visit::Browser;

/// Run a test in both browsers at the same time.
fn in_both(test: fn(&mut Browser<'_>)) {
    in_both_at(shared(), test);
}

/// The same at another server, for tests that guess: after some wrong secrets everything from their network is slowed down.
fn in_both_apart(test: fn(&mut Browser<'_>)) {
    static GUESSED: OnceLock<Server> = OnceLock::new();
    in_both_at(GUESSED.get_or_init(Server::demo), test);
}

fn in_both_at(server: &Server, test: fn(&mut Browser<'_>)) {
    std::thread::scope(|scope| {
        let chromium = scope.spawn(|| test(&mut Browser::new(server, Box::new(Chromium::start()))));
        let firefox = scope.spawn(|| test(&mut Browser::new(server, Box::new(Firefox::start()))));
        for (name, ended) in [("Chromium", chromium.join()), ("Firefox", firefox.join())] {
            assert!(ended.is_ok(), "it failed in {name}");
        }
    });
}
