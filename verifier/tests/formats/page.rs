//! The page as the tests read it: named JSON blocks, and tables.

use std::collections::BTreeMap;

pub(crate) const PAGE: &str = include_str!("../../../docs/formats.md");

/// The JSON blocks by the word after `json`.
pub(crate) fn blocks() -> BTreeMap<&'static str, &'static str> {
    let mut blocks = BTreeMap::new();
    for part in PAGE.split("\n```json ").skip(1) {
        let (name, rest) = part.split_once('\n').unwrap();
        let (text, _) = rest.split_once("\n```").unwrap();
        assert!(blocks.insert(name, text).is_none(), "two blocks {name}");
    }
    blocks
}

/// The page with the blocks replaced.
pub(crate) fn with_blocks(texts: &BTreeMap<&'static str, String>) -> String {
    let mut page = String::new();
    let mut parts = PAGE.split("\n```json ");
    page.push_str(parts.next().unwrap());
    for part in parts {
        let (name, rest) = part.split_once('\n').unwrap();
        let (old, after) = rest.split_once("\n```").unwrap();
        let text = texts.get(name).map_or(old, String::as_str);
        page.push_str(&format!("\n```json {name}\n{text}\n```{after}"));
    }
    page
}

/// The rows of the table whose first heading is this, each a list of cells.
pub(crate) fn table(heading: &str) -> Vec<Vec<&'static str>> {
    table_of(PAGE, heading)
}

/// Such a table of another page.
pub(crate) fn table_of<'p>(page: &'p str, heading: &str) -> Vec<Vec<&'p str>> {
    let begin = format!("| {heading} |");
    let mut tables = page.split("\n\n").filter(|block| block.lines().any(|line| line.starts_with(&begin)));
    let block = tables.next().unwrap_or_else(|| panic!("no table {heading:?}"));
    assert!(tables.next().is_none(), "two tables {heading:?}");
    let rows = block.lines().skip_while(|line| !line.starts_with(&begin)).skip(2);
    rows.map(|row| row.trim_matches('|').split(" | ").map(str::trim).collect()).collect()
}
