//! Where the corpora are, and the table row that each set prints.

use libtest_mimic::{Failed, Trial};
use std::path::PathBuf;

/// The folder named by `ECUGATE_CORPORA`, or why there is none.
pub(crate) fn folder() -> Result<PathBuf, String> {
    match std::env::var_os("ECUGATE_CORPORA") {
        Some(folder) if PathBuf::from(&folder).is_dir() => Ok(folder.into()),
        Some(folder) => Err(format!("ECUGATE_CORPORA names {folder:?}, which is no folder")),
        None => Err("ECUGATE_CORPORA is not set".to_owned()),
    }
}

/// Unpacks `name` (a `.tar.gz` of the corpora) into a temporary folder that lives as long as the answer.
pub(crate) fn unpack(name: &str) -> Result<tempfile::TempDir, Failed> {
    let folder = tempfile::tempdir()?;
    let archive = folder_of(name)?;
    let status = std::process::Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(folder.path()).status()?;
    if status.success() { Ok(folder) } else { Err(format!("tar could not unpack {name}").into()) }
}

/// The path of one file of the corpora.
pub(crate) fn folder_of(name: &str) -> Result<PathBuf, Failed> {
    Ok(folder().map_err(Failed::from)?.join(name))
}

/// A test that runs if `needed` is there, and is reported as ignored with the reason if not.
pub(crate) fn trial<T: Send + 'static>(
    name: &str,
    needed: Result<T, String>,
    test: impl FnOnce(T) -> Result<(), Failed> + Send + 'static,
) -> Trial {
    match needed {
        Ok(input) => Trial::test(name, move || test(input)),
        Err(why) => Trial::test(format!("{name} (needs: {why})"), || Ok(())).with_ignored_flag(true),
    }
}

/// One row of the table in `docs/conformance.md`.
pub(crate) struct Row {
    pub(crate) set: &'static str,
    pub(crate) cases: usize,
    pub(crate) right: usize,
    pub(crate) false_accepts: usize,
    pub(crate) false_refusals: usize,
    pub(crate) worst: std::time::Duration,
}

impl Row {
    /// Prints the row (the run prints the whole table, one row a set).
    pub(crate) fn print(&self) {
        println!(
            "| {} | {} | {} | {} | {} | {:.1} ms |",
            self.set,
            self.cases,
            self.right,
            self.false_accepts,
            self.false_refusals,
            self.worst.as_secs_f64() * 1e3
        );
    }
}
