//! `docs/threat-model.md` is held to the tests: each class once, each named test there, each test of this folder named.

use std::collections::BTreeSet;

const PAGE: &str = include_str!("../../../docs/threat-model.md");

/// The modules of this folder.
const HERE: [&str; 10] = [
    include_str!("age_and_scope.rs"),
    include_str!("certificates.rs"),
    include_str!("firmware.rs"),
    include_str!("identity.rs"),
    include_str!("parsing.rs"),
    include_str!("replay.rs"),
    include_str!("revocation.rs"),
    include_str!("signatures.rs"),
    include_str!("swaps.rs"),
    include_str!("verdict_rules.rs"),
];

/// The rows of the tables of classes: number, and the words in the column of tests.
fn rows() -> Vec<(u32, BTreeSet<&'static str>)> {
    let rows = PAGE.lines().filter_map(|line| {
        let (class, rest) = line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | ")?;
        let (_, tests) = rest.rsplit_once(" | ")?;
        let class = class.parse().ok()?;
        let names = tests.split('`').skip(1).step_by(2).collect();
        Some((class, names))
    });
    rows.collect()
}

fn attacks_in(source: &str) -> impl Iterator<Item = &str> {
    source
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("fn ")?.split('(').next())
        .filter(|name| name.starts_with("attack_"))
}

/// Every Rust source of the workspace, joined.
#[allow(clippy::disallowed_methods, clippy::disallowed_types)] // reads the sources of the tests that the page names
fn sources() -> String {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut folders: Vec<_> = ["src", "tests", "verifier/src", "verifier/tests"].map(|one| root.join(one)).to_vec();
    let mut text = String::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                text += &std::fs::read_to_string(path).unwrap();
            }
        }
    }
    text
}

#[test]
fn every_class_of_attack_stands_on_the_page_once_and_in_order() {
    let classes: Vec<_> = rows().into_iter().map(|(class, _)| class).collect();
    assert_eq!(classes, (1..=71).collect::<Vec<_>>());
}

#[test]
fn every_test_that_the_page_names_exists() {
    let sources = sources();
    for (class, names) in rows() {
        for name in names {
            // a function, or a trial that is named by a text
            let exists = [format!("fn {name}("), format!("\"{name}\"")].iter().any(|one| sources.contains(one));
            assert!(exists, "class {class}: {name}");
        }
    }
}

#[test]
fn every_attack_of_this_folder_stands_in_the_row_of_its_class() {
    let rows = rows();
    let mut count = 0;
    for name in HERE.into_iter().flat_map(attacks_in) {
        let class: u32 = name["attack_".len()..].split('_').next().unwrap().parse().unwrap();
        let row = rows.iter().find(|(number, _)| *number == class).unwrap();
        assert!(row.1.contains(name), "{name} is not named in row {class}");
        count += 1;
    }
    assert!(count >= 80, "{count}");
}
