//! One real image of each form through the program: `ecugate verify unit`.

use super::verdicts::{Case, cases, released, world, world::World};
use super::{RealImage, expect};
use crate::corpus::Row;
use ecugate_verifier::judgement::verdict::Ruling;
use libtest_mimic::Failed;
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

#[path = "../../support/unit_folder.rs"]
mod unit_folder;

/// A small image of each form, as released and changed: exit status, outcome, ruling, reason.
pub(super) fn decides(images: &[RealImage]) -> Result<(), Failed> {
    let set = "real firmware images, by the program";
    let mut row = Row { set, cases: 0, right: 0, false_accepts: 0, false_refusals: 0, worst: Duration::ZERO };
    let mut faults = Vec::new();
    for name in ["arduino optiboot 8", "fx2lafw cypress", "arduino optiboot by objcopy", "tomu toboot"] {
        let of = |name: &str| images.iter().find(|image| image.name == name).ok_or(format!("no image {name}"));
        let image = of(name)?;
        let other = images.iter().find(|other| other.form == image.form && other.name != name).ok_or("one image")?;
        let bytes = std::fs::read(&image.path)?;
        let world = released(image, &bytes)?;
        let folder = tempfile::tempdir()?;
        unit_folder::write(&world, folder.path())?;
        for case in cases(image, other, &bytes, &world)? {
            std::fs::write(folder.path().join("unit/image.bin"), &case.image)?;
            let begun = Instant::now();
            let (status, said) = run(folder.path(), &world)?;
            row.worst = row.worst.max(begun.elapsed());
            row.cases += 1;
            match compare(&case, status, &said) {
                Ok(()) => row.right += 1,
                Err(fault) => {
                    row.false_accepts += usize::from(status == 0);
                    row.false_refusals += usize::from(case.due.ruling == Ruling::Accept);
                    faults.push(format!("{name}, {}: {}", case.what, fault.message().unwrap_or_default()));
                }
            }
        }
    }
    row.print();
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n").into()) }
}

fn compare(case: &Case, status: i32, said: &Value) -> Result<(), Failed> {
    let expected = match case.due.ruling {
        Ruling::Accept => 0,
        Ruling::Suspect => 10,
        Ruling::HoldPerson => 21,
        other => return Err(format!("no image here is due {other:?}").into()),
    };
    expect("exit status", &status, &expected)?;
    let text = |key: &str| said.get(key).and_then(Value::as_str).map(str::to_owned);
    expect("outcome", &text("outcome"), &Some(case.due.ruling.outcome().to_owned()))?;
    expect("ruling", &text("ruling"), &Some(case.due.ruling.word().to_owned()))?;
    let first = case.due.findings.first();
    expect("reason", &text("reason"), &first.map(|(reason, _)| reason.code().to_owned()))?;
    expect("admission", &said.get("admission"), &Some(&Value::Null))
}

fn run(folder: &Path, world: &World) -> Result<(i32, Value), Failed> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ecugate"));
    command.current_dir(folder).args(unit_folder::arguments(world)).env_remove("ECUGATE_NOW");
    let output = command.output()?;
    let said = serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("{error}: {}", String::from_utf8_lossy(&output.stderr)))?;
    Ok((output.status.code().ok_or("ended by a signal")?, said))
}
