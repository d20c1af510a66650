//! The crates that the verifier stands on are those of a written list: none comes in or stays unnoticed.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// Where the list is, in the workspace.
const LIST: &str = "verifier/allowed-dependencies.txt";

/// Names on the list: one a line, `#` begins a reason.
fn listed(text: &str) -> Result<BTreeSet<String>, String> {
    let mut names = BTreeSet::new();
    let mut last = String::new();
    for line in text.lines() {
        let name = line.split('#').next().unwrap_or_default().trim().to_owned();
        if name.is_empty() {
            continue;
        }
        if name <= last {
            return Err(format!("{name} is out of order or stands twice"));
        }
        last.clone_from(&name);
        names.insert(name);
    }
    Ok(names)
}

/// Names in the dependency tree of the verifier: normal dependencies, also of dependencies, for one target.
fn used() -> BTreeSet<String> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--locked", "--package", "ecugate-verifier", "--edges", "normal"])
        .args(["--target", "x86_64-unknown-linux-gnu", "--prefix", "none", "--format", "{p}"])
        .current_dir(workspace)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let names = String::from_utf8(output.stdout).unwrap();
    let names: BTreeSet<String> = names.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect();
    names.into_iter().filter(|name| !name.is_empty() && name != "ecugate-verifier").collect()
}

/// What is used and not listed, and what is listed and not used.
fn differences(listed: &BTreeSet<String>, used: &BTreeSet<String>) -> Vec<String> {
    let added = used.difference(listed).map(|name| format!("{name} is used and not listed"));
    let left = listed.difference(used).map(|name| format!("{name} is listed and not used"));
    added.chain(left).collect()
}

#[test]
fn the_verifier_stands_on_the_listed_crates_and_on_no_other() {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(LIST)).unwrap();
    assert_eq!(differences(&listed(&text).unwrap(), &used()), Vec::<String>::new(), "change {LIST}, with a reason");
}

#[test]
fn a_crate_that_came_in_and_one_that_was_left_over_are_both_found() {
    let listed = listed("# head\na\nc # reason\n").unwrap();
    let used = ["a", "b"].map(str::to_owned).into();
    assert_eq!(differences(&listed, &used), ["b is used and not listed", "c is listed and not used"]);
}

#[test]
fn a_list_out_of_order_or_with_a_name_twice_is_refused() {
    assert_eq!(listed("b\na\n"), Err("a is out of order or stands twice".to_owned()));
    assert_eq!(listed("a\na # again\n"), Err("a is out of order or stands twice".to_owned()));
}
