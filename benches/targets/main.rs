//! Measures the performance targets of `docs/performance.md`, side by side with public tools, and prints one row for
//! each: target, measured, verdict. `scripts/bench` runs it.
//!
//! CPU time where nothing else is said: the median of rounds that take every contender in turn, and in brackets the
//! least and the most. A ratio is taken within one round, so that what slows a machine down slows both sides.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]
#![allow(unreachable_pub)]

mod bags;
mod clock;
mod formats;
mod limbo;
mod memory;
mod row;
mod tokens;

#[path = "../../tests/support/pki.rs"]
mod pki;
#[path = "../../tests/support/unit_folder.rs"]
mod unit_folder;
#[path = "../../tests/support/world.rs"]
mod world;

fn main() {
    // cargo gives a bench the argument --bench
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let parts: [(&str, fn()); 4] = [
        ("memory", memory::measure),
        ("formats", formats::measure),
        ("bags", bags::measure),
        ("tokens", tokens::measure),
    ];
    row::print_head();
    for (name, measure) in parts {
        if wanted.is_empty() || wanted.iter().any(|word| word == name) {
            measure();
        }
    }
}
