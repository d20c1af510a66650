//! ed25519-speccheck (Chalkias, Garillot, Nikolaenko: Taming the many EdDSAs, 2020): twelve signatures on which
//! verifiers differ. RFC 8032 read strictly, without cofactor and without small-order points, takes one of them.

use crate::corpus::{self, Row};
use ecugate_verifier::values::digest::hex;
use ecugate_verifier::values::keys::{Algorithm, Encoding, verify_untrusted};
use libtest_mimic::{Failed, Trial};
use std::time::{Duration, Instant};

const FILE: &str = "ed25519-speccheck.json";

/// The only one to accept, from 0.
pub(crate) const ACCEPTED: &[usize] = &[3];

pub(crate) fn trials() -> Vec<Trial> {
    vec![corpus::trial("speccheck", corpus::folder(), |_| software())]
}

#[derive(serde::Deserialize)]
pub(crate) struct Case {
    pub(crate) message: String,
    pub_key: String,
    pub(crate) signature: String,
}

impl Case {
    /// The key as SubjectPublicKeyInfo (RFC 8410 section 4), in hex.
    pub(crate) fn key(&self) -> String {
        format!("302a300506032b6570032100{}", self.pub_key)
    }
}

/// The cases of the corpus.
pub(crate) fn cases() -> Result<Vec<Case>, Failed> {
    Ok(serde_json::from_slice(&std::fs::read(corpus::folder_of(FILE)?)?)?)
}

fn software() -> Result<(), Failed> {
    let cases = cases()?;
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
    let (spki, message, signature) = (read(&case.key()), read(&case.message), read(&case.signature));
    verify_untrusted(&spki, Algorithm::Ed25519, Encoding::Der, &message, &signature).is_ok()
}
