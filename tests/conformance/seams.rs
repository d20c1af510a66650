//! Corpora once more, through the program as foreign suites run it: `verify chain --cases` and
//! `verify signature --cases`. Every answer must be the library's, with the same reason.

use crate::corpus::{folder, trial, unpack};
use crate::{limbo, speccheck};
use ecugate_verifier::values::digest::hex;
use ecugate_verifier::values::keys::{Algorithm, Encoding, verify_untrusted};
use ecugate_verifier::values::time::Time;
use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Output};

pub(crate) fn trials() -> Vec<Trial> {
    let with_corpora = || folder().and_then(|_| program());
    vec![
        trial("seams: limbo through verify chain --cases", with_corpora(), limbo_through_cases),
        trial("seams: speccheck through verify signature --cases", with_corpora(), speccheck_through_cases),
        trial("seams: wycheproof through verify signature --cases", program(), wycheproof_through_cases),
    ]
}

/// The program, where it was built.
fn program() -> Result<&'static str, String> {
    option_env!("CARGO_BIN_EXE_ecugate").ok_or_else(|| "the program, which was built without feature cli".to_owned())
}

fn limbo_through_cases(program: &str) -> Result<(), Failed> {
    let unpacked = unpack("x509-limbo-core.tar.gz")?;
    let root = unpacked.path().join("limbo-core");
    let cases = limbo::cases(&root)?;
    let lines: Result<Vec<Value>, Failed> = cases.iter().map(chain_case).collect();
    let answers = answers(program, "chain", &root, &lines?)?;
    let mut faults = Vec::new();
    for (case, answer) in cases.iter().zip(&answers) {
        let (library, _) = limbo::judge(&root.join(&case.case), case)?;
        let expected = match &library {
            Ok(()) => ("accept", None),
            Err(finding) => ("reject", Some(finding.reason.code())),
        };
        let same = (answer["outcome"].as_str(), answer["reason"].as_str()) == (Some(expected.0), expected.1);
        if !same || answer["id"] != case.id {
            faults.push(format!("{}: the library says {library:?}, the program {answer}", case.id));
        }
    }
    finish(cases.len(), answers.len(), 105, &faults)
}

fn chain_case(case: &limbo::Case) -> Result<Value, Failed> {
    let file = |name: &str| format!("{}/{name}", case.case);
    let mut line = json!({
        "id": case.id,
        "leaf": file("leaf.pem"),
        "anchor": [file("trusted.pem")],
        "untrusted": [file("untrusted.pem")],
        "revocation": if case.crls { "leaf" } else { "off" },
    });
    if let Some(seconds) = case.time.as_i64() {
        line["at"] = Time::from_unix_seconds(seconds).ok_or("a time beyond 9999")?.to_string().into();
    }
    if let Some(most) = case.max_depth {
        line["max_intermediates"] = most.into();
    }
    if case.crls {
        line["crl"] = json!([file("crls.pem")]);
    }
    Ok(line)
}

fn speccheck_through_cases(program: &str) -> Result<(), Failed> {
    let cases = speccheck::cases()?;
    let line = |(id, case): (usize, &speccheck::Case)| {
        json!({
            "id": id,
            "alg": "ed25519",
            "key_hex": case.key(),
            "message_hex": case.message,
            "signature_hex": case.signature,
        })
    };
    let lines: Vec<Value> = cases.iter().enumerate().map(line).collect();
    let answers = answers(program, "signature", tempfile::tempdir()?.path(), &lines)?;
    let accepted: Vec<usize> =
        answers.iter().enumerate().filter(|(_, one)| one["outcome"] == "accept").map(|(n, _)| n).collect();
    let faults = if accepted == speccheck::ACCEPTED { Vec::new() } else { vec![format!("accepted {accepted:?}")] };
    finish(cases.len(), answers.len(), 12, &faults)
}

/// One vector: key, message, signature, and the algorithm that it is for.
struct Vector {
    algorithm: Algorithm,
    encoding: Encoding,
    key: Vec<u8>,
    message: Vec<u8>,
    signature: Vec<u8>,
}

fn wycheproof_through_cases(program: &str) -> Result<(), Failed> {
    let vectors = vectors()?;
    let lines: Vec<Value> = vectors.iter().enumerate().map(signature_case).collect();
    let answers = answers(program, "signature", tempfile::tempdir()?.path(), &lines)?;
    let mut faults = Vec::new();
    for (vector, answer) in vectors.iter().zip(&answers) {
        let Vector { algorithm, encoding, key, message, signature } = vector;
        let library = verify_untrusted(key, *algorithm, *encoding, message, signature);
        let expected = match library {
            Ok(()) => ("accept", None),
            Err(fault) => ("reject", Some(fault.reason().code())),
        };
        if (answer["outcome"].as_str(), answer["reason"].as_str()) != (Some(expected.0), expected.1) {
            faults.push(format!("{}: the library says {library:?}, the program {answer}", algorithm.name()));
        }
    }
    finish(vectors.len(), answers.len(), answers.len().max(1_000), &faults)
}

/// One set for each algorithm, and one for the other encoding.
fn vectors() -> Result<Vec<Vector>, Failed> {
    let mut vectors = Vec::new();
    macro_rules! take {
        ($module:ident, $name:ident, $algorithm:ident, $encoding:ident) => {
            for group in wycheproof::$module::TestSet::load(wycheproof::$module::TestName::$name)?.test_groups {
                vectors.extend(group.tests.iter().map(|test| Vector {
                    algorithm: Algorithm::$algorithm,
                    encoding: Encoding::$encoding,
                    key: group.der.to_vec(),
                    message: test.msg.to_vec(),
                    signature: test.sig.to_vec(),
                }));
            }
        };
    }
    take!(eddsa, Ed25519, Ed25519, Der);
    take!(ecdsa, EcdsaSecp256r1Sha256, EcdsaP256Sha256, Der);
    take!(ecdsa, EcdsaSecp384r1Sha384P1363, EcdsaP384Sha384, P1363);
    take!(rsa_pss_verify, RsaPss2048Sha256Mgf1SaltLen32, RsaPssSha256, Der);
    take!(rsa_pkcs1_verify, Rsa2048Sha256, RsaPkcs1Sha256, Der);
    Ok(vectors)
}

fn signature_case((id, vector): (usize, &Vector)) -> Value {
    json!({
        "id": id,
        "alg": vector.algorithm.name(),
        "encoding": match vector.encoding {
            Encoding::Der => "der",
            Encoding::P1363 => "p1363",
        },
        "key_hex": hex::encode(&vector.key),
        "message_hex": hex::encode(&vector.message),
        "signature_hex": hex::encode(&vector.signature),
    })
}

/// Runs one batch whose cases stand in `folder`. No case may be malformed.
fn answers(program: &str, command: &str, folder: &Path, cases: &[Value]) -> Result<Vec<Value>, Failed> {
    let file = folder.join("cases.jsonl");
    std::fs::write(&file, cases.iter().map(|case| format!("{case}\n")).collect::<String>())?;
    let Output { status, stdout, stderr } =
        Command::new(program).args(["verify", command, "--cases"]).arg(&file).env_remove("ECUGATE_NOW").output()?;
    if !status.success() || !stderr.is_empty() {
        return Err(format!("{status}: {}", String::from_utf8_lossy(&stderr)).into());
    }
    let answers: Vec<Value> = String::from_utf8(stdout)?.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    answers.iter().for_each(|answer| crate::answers::check_one(&["verify", command], answer));
    Ok(answers)
}

fn finish(cases: usize, answers: usize, expected: usize, faults: &[String]) -> Result<(), Failed> {
    if cases != expected || answers != expected {
        return Err(format!("{cases} cases and {answers} answers, not {expected}").into());
    }
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n").into()) }
}
