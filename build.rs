//! How the program is linked. Nothing is generated here.
//!
//! What always holds: only what is released is linked so, and only where the compiler brings its own linker, which knows these options.

use std::env;

/// Functions that a working server uses, one after the other; `tests/bench/order` makes it.
const ORDER: &str = "deploy/functions.order";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={ORDER}");
    let said = |name: &str| env::var(name).unwrap_or_default();
    // Rust's own linker is the default for this target alone; who chooses another one says so among the compiler's flags.
    let is_ours = said("TARGET") == "x86_64-unknown-linux-gnu" && !said("CARGO_ENCODED_RUSTFLAGS").contains("link");
    if said("PROFILE") != "release" || !is_ours {
        return;
    }
    // What is used lies together, and little of the rest comes into memory with it.
    println!("cargo:rustc-link-arg-bins=-Wl,--symbol-ordering-file={}/{ORDER}", said("CARGO_MANIFEST_DIR"));
    // A name may have gone since the list was made.
    println!("cargo:rustc-link-arg-bins=-Wl,--no-warn-symbol-ordering");
    // A program that can lie at any address is told at its start where it lies, and a hundred thousand pointers in tables are moved. The notes of which
    // take 24 octets each, read once and then in memory; packed, some hundredths of that. glibc knows the form from 2.36 on.
    println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
}
