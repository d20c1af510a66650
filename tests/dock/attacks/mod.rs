//! Attacks through the real program: papers and trust, boxes that are alike, what stands in the ledger's files. Each
//! class of `docs/threat-model.md` with its exact status, its reason, and what the ledger has afterwards.

mod boxes;
mod files;
mod papers;
mod records;

use crate::delivery::{Delivery, without};
use crate::receive::states;
use ecugate::ledger::Depth;
use ecugate_verifier::inputs::custody::State;
use libtest_mimic::Trial;
use serde_json::Value;

pub(crate) fn trials() -> Vec<Trial> {
    [papers::trials(), boxes::trials(), files::trials(), records::trials()].into_iter().flatten().collect()
}

/// Presents a box and says the status, the first reason (`""` for none) and the answer.
fn present(delivery: &Delivery, serial: &str, change: impl FnOnce(&mut Vec<String>)) -> (i32, String, Value) {
    let (status, said) = delivery.receive(serial, change);
    let reason = said["reason"].as_str().unwrap_or_default().to_owned();
    (status, reason, said)
}

/// A genuine box is refused, with this status and reason.
#[track_caller]
fn refused(delivery: &Delivery, serial: &str, status: i32, reason: &str) -> Value {
    let (found, because, said) = present(delivery, serial, |_| {});
    assert_eq!((found, because.as_str()), (status, reason), "{said}");
    said
}

/// A genuine box is accepted as this entry.
#[track_caller]
fn accepted(delivery: &Delivery, serial: &str, seq: u64) {
    let (status, reason, said) = present(delivery, serial, |_| {});
    assert_eq!((status, reason.as_str(), &said["record"]["seq"]), (0, "", &seq.into()), "{said}");
}

/// Replaces the name of a file in the arguments.
fn swapped(arguments: &mut [String], from: &str, to: &str) {
    for argument in arguments {
        if argument == from {
            to.clone_into(argument);
        }
    }
}

/// Without these files.
fn left_out(arguments: &mut Vec<String>, files: &[&str]) {
    for file in files {
        without(arguments, file);
    }
}

/// Entries in the ledger, in which an audit finds nothing wrong.
#[track_caller]
fn sound(delivery: &Delivery) -> u64 {
    let audit = delivery.ledger().audit(Depth::Signatures, &[7; 32]).unwrap();
    assert!(audit.is_clean(), "{audit:?}");
    audit.size
}

/// The states of the entries of a serial, without their numbers.
fn standing(delivery: &Delivery, serial: &str) -> Vec<State> {
    states(delivery, serial).into_iter().map(|(_, state)| state).collect()
}
