//! The corpora once more, through the program as foreign suites run it: `verify chain --cases` and
//! `verify signature --cases`. Every answer must be the library's, with the same reason.

use crate::corpus::{folder, trial, unpack};
use crate::{limbo, speccheck};
use ecugate_verifier::values::time::Time;
use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Output};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("seams: limbo through verify chain --cases", needed(), limbo_through_cases),
        trial("seams: speccheck through verify signature --cases", needed(), speccheck_through_cases),
    ]
}

/// The program, where it was built and the corpora are there.
fn needed() -> Result<&'static str, String> {
    folder()?;
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

/// Runs one batch whose cases stand in `folder`. No case may be malformed.
fn answers(program: &str, command: &str, folder: &Path, cases: &[Value]) -> Result<Vec<Value>, Failed> {
    let file = folder.join("cases.jsonl");
    std::fs::write(&file, cases.iter().map(|case| format!("{case}\n")).collect::<String>())?;
    let Output { status, stdout, stderr } =
        Command::new(program).args(["verify", command, "--cases"]).arg(&file).env_remove("ECUGATE_NOW").output()?;
    if !status.success() || !stderr.is_empty() {
        return Err(format!("{status}: {}", String::from_utf8_lossy(&stderr)).into());
    }
    Ok(String::from_utf8(stdout)?.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
}

fn finish(cases: usize, answers: usize, expected: usize, faults: &[String]) -> Result<(), Failed> {
    if cases != expected || answers != expected {
        return Err(format!("{cases} cases and {answers} answers, not {expected}").into());
    }
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n").into()) }
}
