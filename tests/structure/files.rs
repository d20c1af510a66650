//! Sizes and names of files.

use crate::source::Sources;

/// Lines of one file, its tests (which stand last) not counted.
const LINES: usize = 500;

/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] =
    &["util", "utils", "helper", "helpers", "common", "manager", "info", "data", "process", "handle", "misc", "types"];

fn faults(sources: &Sources) -> Vec<String> {
    let mut faults = Vec::new();
    for (path, text) in sources.files() {
        let lines = text.lines().take_while(|line| *line != "#[cfg(test)]").count();
        if lines >= LINES {
            faults.push(format!("{path}: {lines} lines"));
        }
        for name in path.trim_end_matches(".rs").split('/').filter(|name| EMPTY_NAMES.contains(name)) {
            faults.push(format!("{path}: the name {name}"));
        }
    }
    faults
}

#[test]
fn every_file_is_short_and_has_a_name_that_says_something() {
    for folder in ["verifier/src", "src"] {
        assert_eq!(faults(&Sources::on_disk(folder)), Vec::<String>::new(), "{folder}");
    }
}

#[test]
fn a_long_file_and_an_empty_name_are_found_and_long_tests_are_allowed() {
    let long = "//\n".repeat(LINES);
    let tests = format!("#[cfg(test)]\n{long}");
    let planted = Sources::planted(&[("a.rs", &long), ("b.rs", &tests), ("utils/mod.rs", ""), ("x/common.rs", "")]);
    assert_eq!(faults(&planted), ["a.rs: 500 lines", "utils/mod.rs: the name utils", "x/common.rs: the name common"]);
}
