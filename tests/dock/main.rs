//! Tests at the receiving dock: real tokens, each test in a process of its own. Where SoftHSM is missing a test is
//! reported *ignored*, with the reason in its name; `.ci/run` fails on any ignored line.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(unreachable_pub)]

#[path = "../support/answers.rs"]
mod answers;
mod attacks;
mod authority;
mod bad_modules;
mod campaign;
mod clock_step;
mod delivery;
mod dice;
mod failover;
mod faults;
mod flips;
mod founding;
mod gate;
mod guarded;
mod intake;
mod inventory;
mod inventory_commands;
mod kept;
mod keys;
mod kill;
mod ledger;
mod no_memory;
mod oracle;
#[path = "../support/own_process.rs"]
mod own_process;
mod pins;
#[path = "../support/pki.rs"]
mod pki;
mod power;
mod race;
mod receive;
mod rungs;
mod schema;
#[path = "../support/schemas.rs"]
mod schemas;
mod softhsm;
mod token_signing;
mod tokens;
#[path = "../support/world.rs"]
mod world;

fn main() {
    let arguments = libtest_mimic::Arguments::from_args();
    let sets: &[fn() -> Vec<libtest_mimic::Trial>] = &[
        tokens::trials,
        keys::trials,
        receive::trials,
        faults::trials,
        founding::trials,
        gate::trials,
        kept::trials,
        intake::trials,
        authority::trials,
        clock_step::trials,
        failover::trials,
        ledger::trials,
        inventory::trials,
        inventory_commands::trials,
        power::trials,
        rungs::trials,
        pins::trials,
        token_signing::trials,
        guarded::trials,
        bad_modules::trials,
        schema::trials,
        kill::trials,
        flips::trials,
        no_memory::trials,
        oracle::trials,
        race::trials,
        attacks::trials,
    ];
    let trials = sets.iter().flat_map(|set| set()).collect();
    libtest_mimic::run(&arguments, trials).exit();
}
