//! What a campaign asks for by its environment (`scripts/campaign`), and the figures that it is told.

use std::io::Write as _;

/// The number in an environment variable, or the one of every run of the tests.
pub(crate) fn number(variable: &str, usual: usize) -> usize {
    std::env::var(variable).map_or(usual, |text| text.parse().unwrap_or_else(|error| panic!("{variable}: {error}")))
}

/// Adds a line to the file that `ECUGATE_FIGURES` names, if it does.
pub(crate) fn tell(line: &str) {
    let Some(path) = std::env::var_os("ECUGATE_FIGURES") else { return };
    let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
    // In one write, since several tests may tell something at once.
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
}
