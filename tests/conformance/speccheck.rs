//! ed25519-speccheck (Chalkias, Garillot, Nikolaenko: Taming the many EdDSAs, 2020): twelve signatures on which
//! verifiers differ. RFC 8032 read strictly, without cofactor and without small-order points, takes one of them.

use crate::corpus::{self, Row};
use ecugate_verifier::values::digest::hex;
use ecugate_verifier::values::keys::{Algorithm, Encoding, verify_untrusted};
use libtest_mimic::{Failed, Trial};
use std::time::{Duration, Instant};

const FILE: &str = "ed25519-speccheck.json";

/// The only one to accept, from 0.
const ACCEPTED: &[usize] = &[3];

pub(crate) fn trials() -> Vec<Trial> {
    vec![corpus::trial("speccheck", corpus::folder(), |_| software())]
}

#[derive(serde::Deserialize)]
struct Case {
    message: String,
    pub_key: String,
    signature: String,
}

fn software() -> Result<(), Failed> {
    let cases: Vec<Case> = serde_json::from_slice(&std::fs::read(corpus::folder_of(FILE)?)?)?;
    let mut accepted = Vec::new();
    let mut worst = Duration::ZERO;
    for (index, case) in cases.iter().enumerate() {
        let begin = Instant::now();
        if accepts(case) {
            accepted.push(index);
        }
        worst = worst.max(begin.elapsed());
    }
    let false_accepts = accepted.iter().filter(|index| !ACCEPTED.contains(index)).count();
    let false_refusals = ACCEPTED.iter().filter(|index| !accepted.contains(index)).count();
    let right = cases.len() - false_accepts - false_refusals;
    Row { set: "ed25519-speccheck, software", cases: cases.len(), right, false_accepts, false_refusals, worst }.print();
    if cases.len() != 12 || accepted != ACCEPTED {
        return Err(format!("{} cases, accepted {accepted:?}, expected {ACCEPTED:?}", cases.len()).into());
    }
    Ok(())
}

fn accepts(case: &Case) -> bool {
    let read = |text: &str| hex::decode(text).expect("the corpus is hex");
    let spki = [b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00".to_vec(), read(&case.pub_key)].concat();
    let (message, signature) = (read(&case.message), read(&case.signature));
    verify_untrusted(&spki, Algorithm::Ed25519, Encoding::Der, &message, &signature).is_ok()
}
