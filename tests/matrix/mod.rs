//! The rights matrix at the protocols themselves: every command × every right removed × zone × kind of credential, against the program over its
//! sockets, held against a simple oracle.
//!
//! Each row of a table is a command, the letters it needs (RFC 4314 section 4, RFC 3744 appendix B; written down here a second time, on purpose),
//! and what is to be seen when it is allowed. Allowed is OK and the effect is there. Refused is: NO or 4xx; no octet of what is not theirs to
//! see in anything that came on the connection; what the owner has is as before; and without `l`, the answer is octet for octet the one for a
//! name that never existed. A command that the tables do not know fails [`known`].

mod dav;
mod imap;
mod imap_rows;
mod known;
mod managesieve;
mod smtp;
mod world;

use std::sync::OnceLock;
use world::World;

/// How often something is tried that the server puts off.
const TRIES_MAX: usize = 8;

/// One world for all of this folder's tests.
fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(World::start)
}

/// All cases of one table, each owner's subjects on a thread of their own; every case that is not as it should be, in one report.
fn in_parallel(run: impl Fn(&'static World, usize) -> Vec<String> + Copy + Send + Sync) {
    let world = world();
    let faults: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..world::OWNERS).map(|number| scope.spawn(move || run(world, number))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(faults.is_empty(), "{} cases are not as they should be:\n{}", faults.len(), faults.join("\n"));
}
