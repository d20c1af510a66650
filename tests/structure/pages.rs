//! `docs/architecture.md` leads a stranger through the code, so every path on it leads somewhere.

use std::collections::BTreeSet;
use std::path::Path;

const PAGE: &str = include_str!("../../docs/architecture.md");

/// Folders in which paths of the repository begin.
const FOLDERS: [&str; 6] = ["src/", "verifier/", "tests/", "docs/", "benches/", "examples/"];

/// What is being built and is not here yet: a line goes when its file comes, and not before.
const COMING: [&str; 0] = [];

/// Paths in code spans, and links beside the page.
fn paths(page: &str) -> BTreeSet<String> {
    let spans = page.split('`').skip(1).step_by(2).map(str::to_owned);
    let links = page.split("](").skip(1).filter_map(|rest| rest.split(')').next()).map(|link| format!("docs/{link}"));
    spans.chain(links).filter(|path| FOLDERS.iter().any(|folder| path.starts_with(folder))).collect()
}

fn missing(page: &str) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    paths(page).into_iter().filter(|path| !root.join(path).exists()).collect()
}

#[test]
fn every_path_on_the_page_of_the_architecture_exists() {
    assert!(paths(PAGE).len() > 60, "{:?}", paths(PAGE));
    assert_eq!(missing(PAGE), COMING, "a file that came is no longer COMING, and one that is gone leaves the page");
}

#[test]
fn a_path_that_leads_nowhere_is_found_in_a_code_span_and_in_a_link() {
    let page = "`src/lib.rs` `src/gone.rs`, `cargo test`, [here](formats.md), [there](gone.md)";
    assert_eq!(missing(page), ["docs/gone.md", "src/gone.rs"]);
}
