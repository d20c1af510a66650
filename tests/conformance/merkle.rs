//! The proofs of `transparency-dev/merkle`: an error exactly where the corpus wants one.

use crate::corpus::{Row, folder, trial, unpack};
use ecugate_verifier::syntax::merkle::case::{CaseFault, ConsistencyCase, InclusionCase};
use ecugate_verifier::values::limits::Limits;
use libtest_mimic::{Failed, Trial};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Proofs of either kind in the corpus.
const CASES: usize = 98;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("merkle_proofs_inclusion", folder(), |_| {
            run("inclusion", |bytes| {
                let case = InclusionCase::from_json(bytes, &Limits::STANDARD)?;
                Ok((case.want_err, case.verify()))
            })
        }),
        trial("merkle_proofs_consistency", folder(), |_| {
            run("consistency", |bytes| {
                let case = ConsistencyCase::from_json(bytes, &Limits::STANDARD)?;
                Ok((case.want_err, case.verify()))
            })
        }),
    ]
}

/// What the corpus expects, and what we say.
type Judged = Result<(Option<bool>, Result<(), CaseFault>), CaseFault>;

fn run(kind: &'static str, judge: impl Fn(&[u8]) -> Judged) -> Result<(), Failed> {
    let unpacked = unpack("merkle-proofs.tar.gz")?;
    let mut files = Vec::new();
    collect(&unpacked.path().join(kind), &mut files)?;
    let set = if kind == "inclusion" { "Merkle proofs: inclusion" } else { "Merkle proofs: consistency" };
    let mut row = Row { set, cases: files.len(), right: 0, false_accepts: 0, false_refusals: 0, worst: Duration::ZERO };
    let mut wrong = Vec::new();
    for file in &files {
        let bytes = std::fs::read(file)?;
        let begin = Instant::now();
        let judged = judge(&bytes);
        row.worst = row.worst.max(begin.elapsed());
        // A file that cannot be read is never what the corpus wants: its errors are all in the proofs.
        let (want_err, verdict) = judged.map_err(|fault| format!("{}: {fault}", file.display()))?;
        let want_err = want_err.ok_or_else(|| format!("{}: no wantErr", file.display()))?;
        match (want_err, verdict) {
            (true, Err(_)) | (false, Ok(())) => row.right += 1,
            (true, Ok(())) => {
                row.false_accepts += 1;
                wrong.push(format!("{}: accepted", file.display()));
            }
            (false, Err(fault)) => {
                row.false_refusals += 1;
                wrong.push(format!("{}: refused: {fault}", file.display()));
            }
        }
    }
    row.print();
    match (files.len(), wrong.is_empty()) {
        (CASES, true) => Ok(()),
        (CASES, false) => Err(wrong.join("\n").into()),
        (found, _) => Err(format!("{found} proofs found, {CASES} expected").into()),
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let mut entries = std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    Ok(())
}
