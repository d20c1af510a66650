//! `scripts/sum-tests`: the sum that says whether a run of tests counts.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::Command;

/// Status and output of the script over a log.
fn sum(log: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    std::fs::write(&path, log).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/sum-tests");
    let output = Command::new(script).arg(path).output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

const GOOD: &str = "test a ... ok\ntest result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n";
const SKIPPED: &str = "test limbo (needs: ECUGATE_CORPORA is not set) ... ignored\n\
                       test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.1s\n";
const BAD: &str = "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out\n";

#[test]
fn all_programs_are_summed_and_the_skipped_are_named() {
    let expected = "skipped: limbo (needs: ECUGATE_CORPORA is not set)\n15 passed, 0 failed, 1 skipped\n";
    assert_eq!(sum(&[GOOD, SKIPPED].concat()), (Some(0), expected.to_owned()));
}

#[test]
fn one_failure_among_many_passes_is_a_failure() {
    assert_eq!(sum(&[GOOD, BAD, GOOD].concat()), (Some(1), "27 passed, 2 failed, 0 skipped\n".to_owned()));
}

#[test]
fn a_run_in_which_nothing_ran_is_a_failure() {
    let nothing = "0 passed, 0 failed, 0 skipped\n".to_owned();
    assert_eq!(sum("error: could not compile `ecugate`\n"), (Some(1), nothing.clone()));
    assert_eq!(sum("test result: ok. 0 passed; 0 failed; 0 ignored\n"), (Some(1), nothing));
}
