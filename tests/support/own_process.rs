//! Runs a test in a process of its own.
//!
//! A PKCS#11 module reads its environment when it is loaded, and its state belongs to the process. So a test that loads
//! one starts its own test binary again with `--exact NAME`, a folder of its own and the environment it needs. A test
//! may have several stages, each in a new process over the same folder.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Names the folder, and so tells a process that it is the one that was started again.
const FOLDER: &str = "ECUGATE_TEST_FOLDER";
/// The number of the stage that it is to run.
const STAGE: &str = "ECUGATE_TEST_STAGE";
/// Longer than any stage takes on a loaded machine; a module that hangs ends here.
pub(crate) const DEADLINE: Duration = Duration::from_secs(120);

/// Part of a test that has a process to itself. It gets the folder of the test.
pub(crate) type Stage = fn(&Path);

/// Runs the stages of the test called `name`, one process after the other, each with `environment` of the test's
/// folder. In such a process itself, runs its stage.
pub(crate) fn run(
    name: &str,
    environment: impl FnOnce(&Path) -> BTreeMap<OsString, OsString>,
    stages: &[Stage],
) -> Result<(), String> {
    run_within(DEADLINE, name, environment, stages)
}

/// The same where a stage has more to do than others: each must end within `deadline`.
pub(crate) fn run_within(
    deadline: Duration,
    name: &str,
    environment: impl FnOnce(&Path) -> BTreeMap<OsString, OsString>,
    stages: &[Stage],
) -> Result<(), String> {
    if let (Some(folder), Ok(stage)) = (std::env::var_os(FOLDER), std::env::var(STAGE)) {
        let folder = PathBuf::from(folder);
        stages[stage.parse::<usize>().map_err(|error| error.to_string())?](&folder);
        return std::fs::write(folder.join(done(&stage)), name).map_err(|error| error.to_string());
    }
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let environment = environment(folder.path());
    for number in 0..stages.len() {
        start(deadline, name, folder.path(), &environment, &number.to_string())?;
    }
    Ok(())
}

fn start(
    deadline: Duration,
    name: &str,
    folder: &Path,
    environment: &BTreeMap<OsString, OsString>,
    stage: &str,
) -> Result<(), String> {
    let output = std::fs::File::create(folder.join("output")).map_err(|error| error.to_string())?;
    let errors = output.try_clone().map_err(|error| error.to_string())?;
    let mut child = Command::new(std::env::current_exe().map_err(|error| error.to_string())?)
        .args(["--exact", name, "--nocapture"])
        .envs(environment)
        .env(FOLDER, folder)
        .env(STAGE, stage)
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(errors)
        .spawn()
        .map_err(|error| error.to_string())?;
    let started = Instant::now();
    let status = loop {
        match child.try_wait().map_err(|error| error.to_string())? {
            Some(status) => break status.to_string(),
            None if started.elapsed() > deadline => {
                child.kill().and_then(|()| child.wait()).map_err(|error| error.to_string())?;
                break "past its deadline".to_owned();
            }
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    // The status alone proves nothing: a filter that matches no test ends well, and a module may call exit(0).
    let finished = std::fs::read_to_string(folder.join(done(stage))).is_ok_and(|text| text == name);
    if finished && status == "exit status: 0" {
        return Ok(());
    }
    let output = std::fs::read_to_string(folder.join("output")).unwrap_or_default();
    Err(format!("stage {stage} of {name} ended with {status}:\n{output}"))
}

fn done(stage: &str) -> String {
    format!("stage-{stage}-done")
}
