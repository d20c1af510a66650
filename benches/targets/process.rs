//! Whole processes: what GNU time reports of them, and this program started again as one of them.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// Names what a process that was started again is to do.
const TASK: &str = "ECUGATE_BENCH_TASK";

/// A process that has ended.
pub(crate) struct Ran {
    /// Seconds by the wall clock.
    pub(crate) wall: f64,
    /// CPU seconds, to the hundredth, of it and of the processes that it has waited for.
    pub(crate) cpu: f64,
    /// MiB: the largest resident set of any of them.
    pub(crate) peak: f64,
    /// What it wrote.
    pub(crate) said: String,
}

/// Runs a program in a folder, under GNU time.
pub(crate) fn ran(folder: &Path, command: &Command) -> Ran {
    let report = folder.join("time-report");
    let mut time = Command::new("/usr/bin/time");
    time.args(["-f", "%e %U %S %M", "-o"]).arg(&report).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => time.env(name, value),
            None => time.env_remove(name),
        };
    }
    let output = time.current_dir(folder).stdin(Stdio::null()).output().expect("GNU time: Debian package `time`");
    let said = String::from_utf8(output.stdout).unwrap();
    let told = std::fs::read_to_string(&report).unwrap();
    let told = told.lines().last().unwrap_or_default();
    let figures: Vec<f64> = told.split(' ').filter_map(|word| word.parse().ok()).collect();
    let [wall, user, system, kib] = figures[..] else { panic!("{told}: {said}") };
    Ran { wall, cpu: user + system, peak: kib / 1024.0, said }
}

/// Milliseconds of a whole process by the wall clock, and what it wrote. It has to end well.
pub(crate) fn wall_milliseconds(command: &mut Command) -> (f64, String) {
    let begun = Instant::now();
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let took = begun.elapsed().as_secs_f64() * 1e3;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{command:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
    (took, said)
}

/// This program again, in a process of its own, for one task of a part.
pub(crate) fn again(task: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env(TASK, task).args(arguments);
    command
}

/// The task of this process, and its arguments, if it was started for one.
pub(crate) fn task() -> Option<(String, Vec<String>)> {
    let task = std::env::var(TASK).ok()?;
    Some((task, std::env::args().skip(1).collect()))
}

/// Why a program of this package cannot be run, if it cannot.
pub(crate) fn missing(program: &str, package: &str) -> Option<String> {
    let found = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).is_file()));
    (!found).then(|| format!("no {program}; Debian package {package}"))
}
