//! Tests that need something which is not in this repository: corpora (`ECUGATE_CORPORA`), firmware packages
//! (`ECUGATE_FIRMWARE`), `openssl`, SoftHSM. Where it is missing a test is reported *ignored*, with the reason in its
//! name; `.ci/run` fails on any ignored line.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]
#![allow(unreachable_pub)]

#[path = "../support/answers.rs"]
mod answers;
mod corpus;
mod firmware;
mod json;
mod limbo;
mod maker;
mod merkle;
mod oracle;
#[path = "../support/schemas.rs"]
mod schemas;
mod seams;
mod speccheck;
mod wycheproof;

fn main() {
    let arguments = libtest_mimic::Arguments::from_args();
    let mut trials = Vec::new();
    for set in [
        json::trials,
        speccheck::trials,
        wycheproof::trials,
        limbo::trials,
        merkle::trials,
        maker::trials,
        oracle::trials,
        firmware::trials,
        seams::trials,
    ] {
        trials.extend(set());
    }
    libtest_mimic::run(&arguments, trials).exit();
}
