//! Wycheproof (C2SP): signatures made to be wrongly taken or wrongly refused, for every algorithm that can be named.
//!
//! Every case counts. No set holds an `acceptable` case but those of PKCS#1 v1.5, where each flag is decided below; a
//! new one elsewhere fails until it is decided.

use crate::corpus::Row;
use ecugate_verifier::values::keys::{Algorithm, Encoding, KeyFault, verify_untrusted};
use libtest_mimic::{Failed, Trial};
use std::time::{Duration, Instant};
use wycheproof::{TestResult, ecdsa, eddsa, rsa_pkcs1_verify, rsa_pss_verify};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = vec![Trial::test("wycheproof ed25519", ed25519)];
    for (name, set, algorithm, encoding) in ECDSA {
        trials.push(Trial::test(*name, || ecdsa(name, *set, *algorithm, *encoding)));
    }
    for (name, set) in PSS {
        trials.push(Trial::test(*name, || pss(name, *set)));
    }
    for (name, set, ours) in PSS_OTHER {
        trials.push(Trial::test(*name, || pss_other(name, *set, ours)));
    }
    for (name, set) in PKCS1 {
        trials.push(Trial::test(*name, || pkcs1(name, *set)));
    }
    trials
}

const ECDSA: &[(&str, ecdsa::TestName, Algorithm, Encoding)] = &[
    (
        "wycheproof ecdsa_secp256r1_sha256",
        ecdsa::TestName::EcdsaSecp256r1Sha256,
        Algorithm::EcdsaP256Sha256,
        Encoding::Der,
    ),
    (
        "wycheproof ecdsa_secp256r1_sha256_p1363",
        ecdsa::TestName::EcdsaSecp256r1Sha256P1363,
        Algorithm::EcdsaP256Sha256,
        Encoding::P1363,
    ),
    (
        "wycheproof ecdsa_secp384r1_sha384",
        ecdsa::TestName::EcdsaSecp384r1Sha384,
        Algorithm::EcdsaP384Sha384,
        Encoding::Der,
    ),
    (
        "wycheproof ecdsa_secp384r1_sha384_p1363",
        ecdsa::TestName::EcdsaSecp384r1Sha384P1363,
        Algorithm::EcdsaP384Sha384,
        Encoding::P1363,
    ),
];

const PSS: &[(&str, rsa_pss_verify::TestName)] = &[
    ("wycheproof rsa_pss_2048_sha256_mgf1_32", rsa_pss_verify::TestName::RsaPss2048Sha256Mgf1SaltLen32),
    ("wycheproof rsa_pss_3072_sha256_mgf1_32", rsa_pss_verify::TestName::RsaPss3072Sha256Mgf1SaltLen32),
    ("wycheproof rsa_pss_4096_sha256_mgf1_32", rsa_pss_verify::TestName::RsaPss4096Sha256Mgf1SaltLen32),
];

/// Good signatures of another salt length, mask or digest: all refused, but for a bad one among them that is ours (a
/// salt of 32 bytes among signatures without salt).
const PSS_OTHER: &[(&str, rsa_pss_verify::TestName, &[usize])] = &[
    ("wycheproof rsa_pss_2048_sha256_mgf1_0", rsa_pss_verify::TestName::RsaPss2048Sha256Mgf1SaltLen0, &[69]),
    ("wycheproof rsa_pss_2048_sha256_mgf1sha1_20", rsa_pss_verify::TestName::RsaPss2048Sha256Mgf1Sha1_20, &[]),
    ("wycheproof rsa_pss_2048_sha512_256_mgf1_32", rsa_pss_verify::TestName::RsaPss2048Sha512_256Mgf1SaltLen32, &[]),
];

const PKCS1: &[(&str, rsa_pkcs1_verify::TestName)] = &[
    ("wycheproof rsa_signature_2048_sha256", rsa_pkcs1_verify::TestName::Rsa2048Sha256),
    ("wycheproof rsa_signature_3072_sha256", rsa_pkcs1_verify::TestName::Rsa3072Sha256),
    ("wycheproof rsa_signature_4096_sha256", rsa_pkcs1_verify::TestName::Rsa4096Sha256),
];

/// One case: what is due, and what came of it.
struct Case {
    id: usize,
    accept: bool,
    accepted: bool,
    time: Duration,
}

impl Case {
    fn run(id: usize, accept: bool, verify: impl FnOnce() -> Result<(), KeyFault>) -> Self {
        let begin = Instant::now();
        let accepted = verify().is_ok();
        Self { id, accept, accepted, time: begin.elapsed() }
    }
}

/// `acceptable` has no answer of its own: whoever meets one decides it by its flags.
fn due(id: usize, result: TestResult) -> Result<bool, Failed> {
    match result {
        TestResult::Valid => Ok(true),
        TestResult::Invalid => Ok(false),
        TestResult::Acceptable => Err(format!("case {id} is acceptable, and nobody has decided it").into()),
    }
}

fn report(set: &'static str, cases: &[Case]) -> Result<(), Failed> {
    let wrong: Vec<usize> = cases.iter().filter(|case| case.accept != case.accepted).map(|case| case.id).collect();
    let false_accepts = cases.iter().filter(|case| case.accepted && !case.accept).count();
    Row {
        set,
        cases: cases.len(),
        right: cases.len() - wrong.len(),
        false_accepts,
        false_refusals: wrong.len() - false_accepts,
        worst: cases.iter().map(|case| case.time).max().unwrap_or_default(),
    }
    .print();
    if wrong.is_empty() && !cases.is_empty() { Ok(()) } else { Err(format!("{set}: wrong in {wrong:?}").into()) }
}

fn ed25519() -> Result<(), Failed> {
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519)?;
    let mut cases = Vec::new();
    for group in &set.test_groups {
        for test in &group.tests {
            let accept = due(test.tc_id, test.result)?;
            cases.push(Case::run(test.tc_id, accept, || {
                verify_untrusted(&group.der, Algorithm::Ed25519, Encoding::Der, &test.msg, &test.sig)
            }));
        }
    }
    report("wycheproof ed25519", &cases)
}

fn ecdsa(name: &'static str, set: ecdsa::TestName, algorithm: Algorithm, encoding: Encoding) -> Result<(), Failed> {
    let mut cases = Vec::new();
    for group in &ecdsa::TestSet::load(set)?.test_groups {
        for test in &group.tests {
            let accept = due(test.tc_id, test.result)?;
            cases.push(Case::run(test.tc_id, accept, || {
                verify_untrusted(&group.der, algorithm, encoding, &test.msg, &test.sig)
            }));
        }
    }
    report(name, &cases)
}

fn pss(name: &'static str, set: rsa_pss_verify::TestName) -> Result<(), Failed> {
    let mut cases = Vec::new();
    for group in &rsa_pss_verify::TestSet::load(set)?.test_groups {
        let verify = |message: &[u8], signature: &[u8]| {
            verify_untrusted(&group.der, Algorithm::RsaPssSha256, Encoding::Der, message, signature)
        };
        for test in &group.tests {
            let accept = due(test.tc_id, test.result)?;
            cases.push(Case::run(test.tc_id, accept, || verify(&test.msg, &test.sig)));
            // RFC 8017 section 5.2.2 step 1: the same signature plus the modulus is none
            if let (true, Some(second)) = (accept, plus(&test.sig, &group.key.n)) {
                cases.push(Case::run(test.tc_id, false, || verify(&test.msg, &second)));
            }
        }
    }
    report(name, &cases)
}

/// `signature + modulus`, where it still fits the length of the signature.
fn plus(signature: &[u8], modulus: &[u8]) -> Option<Vec<u8>> {
    let modulus = &modulus[modulus.len().checked_sub(signature.len())?..];
    let mut sum = vec![0; signature.len()];
    let mut carry = 0;
    for index in (0..signature.len()).rev() {
        let digit = u16::from(signature[index]) + u16::from(modulus[index]) + carry;
        sum[index] = digit.to_be_bytes()[1];
        carry = digit >> 8;
    }
    (carry == 0).then_some(sum)
}

fn pss_other(name: &'static str, set: rsa_pss_verify::TestName, ours: &[usize]) -> Result<(), Failed> {
    let mut cases = Vec::new();
    for group in &rsa_pss_verify::TestSet::load(set)?.test_groups {
        for test in &group.tests {
            cases.push(Case::run(test.tc_id, ours.contains(&test.tc_id), || {
                verify_untrusted(&group.der, Algorithm::RsaPssSha256, Encoding::Der, &test.msg, &test.sig)
            }));
        }
    }
    report(name, &cases)
}

fn pkcs1(name: &'static str, set: rsa_pkcs1_verify::TestName) -> Result<(), Failed> {
    use rsa_pkcs1_verify::TestFlag::{MissingNull, SmallPublicKey};
    let mut cases = Vec::new();
    for group in &rsa_pkcs1_verify::TestSet::load(set)?.test_groups {
        for test in &group.tests {
            // A DigestInfo without NULL is `acceptable`: RFC 8017 appendix A.2.4 says that NULL is there. Good
            // signatures by a key with exponent 3 are refused with the key.
            let refused = test.flags.contains(&MissingNull) || test.flags.contains(&SmallPublicKey);
            let accept = !refused && due(test.tc_id, test.result)?;
            cases.push(Case::run(test.tc_id, accept, || {
                verify_untrusted(&group.der, Algorithm::RsaPkcs1Sha256, Encoding::Der, &test.msg, &test.sig)
            }));
        }
    }
    report(name, &cases)
}
