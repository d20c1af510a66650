//! The table that a run prints.

use super::clock::Spread;

/// What a figure has to be.
#[derive(Clone, Copy)]
pub(crate) enum Target {
    AtMost(f64),
    AtLeast(f64),
    /// No target: a figure to set others beside.
    Beside,
}

pub(crate) fn print_head() {
    println!("| row | what | target | measured | verdict |");
    println!("|---|---|---|---|---|");
}

/// One row: the verdict is on the median.
pub(crate) fn print(row: &str, what: &str, unit: &str, target: Target, measured: Spread) {
    let (due, verdict) = match target {
        Target::AtMost(most) => (format!("≤ {most}{unit}"), met(measured.median <= most)),
        Target::AtLeast(least) => (format!("≥ {least}{unit}"), met(measured.median >= least)),
        Target::Beside => ("".to_owned(), ""),
    };
    println!("| {row} | {what} | {due} | {measured}{unit} | {verdict} |");
}

/// One row that could not be measured.
pub(crate) fn print_missing(row: &str, what: &str, why: &str) {
    println!("| {row} | {what} | | not measured: {why} | |");
}

/// A number with a comma between thousands.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&[u8]> = digits.as_bytes().rchunks(3).rev().collect();
    String::from_utf8(groups.join(&b',')).unwrap()
}

const fn met(is: bool) -> &'static str {
    if is { "met" } else { "missed" }
}
