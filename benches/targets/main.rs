//! Measures the performance targets of `docs/performance.md`, side by side with public tools, and prints one row for
//! each: target, measured, verdict. `scripts/bench` runs it.
//!
//! CPU time where nothing else is said: the median of rounds that take every contender in turn, and in brackets the
//! least and the most. A ratio is taken within one round, so that what slows a machine down slows both sides.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]
#![allow(unreachable_pub)]

mod appending;
mod auditing;
mod bags;
mod clock;
mod dock;
mod filled;
mod formats;
mod growth;
mod instructions;
mod limbo;
mod memory;
mod postgres;
mod process;
mod receipts;
mod receiving;
mod row;
mod tokens;

#[path = "../../tests/support/pki.rs"]
mod pki;
#[path = "../../tests/support/unit_folder.rs"]
mod unit_folder;
#[path = "../../tests/support/world.rs"]
mod world;

use filled::Ledgers;

/// The ledgers that several parts are about, filled by the first of them.
type Shared = Option<Ledgers>;

/// What a part is called, and what measures it.
type Part = (&'static str, fn(&mut Shared));

fn main() {
    if let Some((task, arguments)) = process::task() {
        return run(&task, &arguments);
    }
    // cargo gives a bench the argument --bench
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let parts: [Part; 9] = [
        ("receiving", |_| receiving::measure()),
        ("memory", |_| memory::measure()),
        ("appending", |_| appending::measure()),
        ("growth", |shared| growth::measure(shared.get_or_insert_with(Ledgers::fill))),
        ("auditing", |shared| auditing::measure(shared.get_or_insert_with(Ledgers::fill))),
        ("formats", |_| formats::measure()),
        ("bags", |_| bags::measure()),
        ("instructions", |_| instructions::measure()),
        ("tokens", |_| tokens::measure()),
    ];
    let unknown = wanted.iter().find(|word| !parts.iter().any(|(name, _)| name == word));
    assert!(unknown.is_none(), "no part is called {}", unknown.unwrap());
    row::print_head();
    let mut shared = None;
    for (name, measure) in parts {
        if wanted.is_empty() || wanted.iter().any(|word| word == name) {
            measure(&mut shared);
        }
    }
}

/// What a process does that a part has started for it alone.
fn run(task: &str, arguments: &[String]) {
    match task {
        auditing::SCAN => auditing::scan(arguments),
        auditing::CHECK => auditing::check(arguments),
        auditing::VERIFY => auditing::verify(arguments),
        receiving::JUDGE => receiving::judge_one(arguments),
        instructions::JUDGED => instructions::judge_units(arguments),
        instructions::RECEIVED => instructions::receive_units(arguments),
        other => panic!("no task is called {other}"),
    }
}
