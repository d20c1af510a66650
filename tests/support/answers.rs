//! Every answer that a test sees is held against the schema of its command.
//!
//! Included with `#[path]` beside `schemas.rs`.
#![allow(dead_code, unreachable_pub, missing_docs)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::schemas::{all, answer_name, faults, is_valid_as_published};
use serde_json::{Value, json};
use std::ffi::OsStr;

/// Checks what a run with these arguments printed, where it printed answers: with `--json` and with `--cases`.
pub fn check(arguments: &[impl AsRef<OsStr>], printed: &str) {
    let words: Vec<&str> = arguments.iter().filter_map(|word| word.as_ref().to_str()).collect();
    if !words.iter().any(|word| ["--json", "--cases"].contains(word)) {
        return;
    }
    let is_answer = |line: &&str| line.starts_with("{\"command\":") || line.starts_with("{\"id\":");
    for line in printed.lines().filter(is_answer) {
        let answer: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        check_one(&words, &answer);
    }
}

/// Checks one answer; a line of a batch does not name its command, so that the call says which one it was.
pub fn check_one(call: &[&str], answer: &Value) {
    let command = answer["command"].as_str().map_or_else(|| command_of(call), str::to_owned);
    let name = answer_name(&command);
    assert!(all().contains_key(&name), "there is no docs/schema/{name}.schema.json for: {answer}");
    assert_eq!(faults(&name, answer), Vec::<String>::new(), "docs/schema/{name}.schema.json: {answer:#}");
}

/// The longest beginning of the call, flags aside, that has a schema.
fn command_of(call: &[&str]) -> String {
    let words: Vec<&str> = call.iter().copied().filter(|word| !word.starts_with('-')).collect();
    let beginnings = (1..=words.len()).rev().map(|length| words[..length].join(" "));
    beginnings.into_iter().find(|words| all().contains_key(&answer_name(words))).unwrap_or_default()
}

/// Holds the schema of an answer to the answer: a member taken away, of another type, or added is a fault. `free` are
/// members that may be missing.
pub fn hold_to(answer: &Value, free: &[&str]) {
    let command = answer["command"].as_str().unwrap();
    let name = answer_name(command);
    let refused = |changed: &Value| !faults(&name, changed).is_empty();
    let members = answer.as_object().unwrap();
    for key in members.keys() {
        let mut without = members.clone();
        without.remove(key);
        let is_free = free.contains(&key.as_str());
        assert_eq!(refused(&Value::Object(without)), !is_free, "{command} without {key}: {answer:#}");
    }
    let mut later = members.clone();
    later.insert("unheard_of".to_owned(), json!("x"));
    assert!(is_valid_as_published(&name, &Value::Object(later)), "{command}: an answer may gain fields");
    for (place, found) in places("", answer) {
        // A number is of no field's type but that of numbers, for which a truth value stands in.
        let other = if found.is_number() || found.is_null() { json!({"x": true}) } else { json!(-1) };
        let mut changed = answer.clone();
        *changed.pointer_mut(&place).unwrap() = other.clone();
        let is_id = place == "/command";
        assert!(is_id || refused(&changed), "{command}: {place} may be {other}: {answer:#}");
        if let Value::Object(inner) = found {
            let mut more = inner.clone();
            more.insert("unheard_of".to_owned(), json!("x"));
            let mut changed = answer.clone();
            *changed.pointer_mut(&place).unwrap() = Value::Object(more);
            assert!(refused(&changed), "{command}: {place} may have any member: {answer:#}");
        }
    }
}

/// Every place of a value, the root first, and what stands there.
fn places<'v>(place: &str, value: &'v Value) -> Vec<(String, &'v Value)> {
    let mut all = vec![(place.to_owned(), value)];
    match value {
        Value::Object(members) => {
            for (key, inner) in members {
                all.extend(places(&format!("{place}/{}", key.replace('~', "~0").replace('/', "~1")), inner));
            }
        }
        Value::Array(items) => {
            for (n, inner) in items.iter().enumerate() {
                all.extend(places(&format!("{place}/{n}"), inner));
            }
        }
        _ => {}
    }
    all
}
