//! The schemas of `docs/schema`, read from the folder: every `$ref` is resolved inside it, and nothing is fetched.
//!
//! Included with `#[path]`.
#![allow(dead_code, unreachable_pub, missing_docs)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // the crate reads no file; its tests read these

use jsonschema::{Registry, Validator};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// What every schema's name ends in.
pub const ENDING: &str = ".schema.json";

/// Every schema by its name: the path inside `docs/schema` without the ending (`release`, `answers/verify-json`).
pub fn all() -> &'static BTreeMap<String, Value> {
    static ALL: OnceLock<BTreeMap<String, Value>> = OnceLock::new();
    ALL.get_or_init(|| {
        let mut all = BTreeMap::new();
        for place in ["", "answers/"] {
            for entry in std::fs::read_dir(folder().join(place)).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_str().unwrap();
                if let Some(name) = name.strip_suffix(ENDING) {
                    let text = std::fs::read(&path).unwrap();
                    let schema = serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
                    all.insert(format!("{place}{name}"), schema);
                }
            }
        }
        all
    })
}

/// `docs/schema`, from the crate whose test this is.
pub fn folder() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    [root, root.parent().unwrap()].map(|root| root.join("docs/schema")).into_iter().find(|path| path.is_dir()).unwrap()
}

/// What keeps `value` from being what the schema of this name says: one line a fault.
pub fn faults(name: &str, value: &Value) -> Vec<String> {
    let faults = validator(name).iter_errors(value);
    faults.map(|fault| format!("{} at {:?}", fault, fault.instance_path().to_string())).collect()
}

/// Whether `value` is what the schema of this name says.
pub fn is_valid(name: &str, value: &Value) -> bool {
    validator(name).is_valid(value)
}

/// The name of the schema of a command's answers.
pub fn answer_name(command: &str) -> String {
    format!("answers/{}", command.replace(' ', "-"))
}

/// The same as others have it: an answer may have members that the schema does not name.
pub fn is_valid_as_published(name: &str, value: &Value) -> bool {
    static PUBLISHED: OnceLock<BTreeMap<String, Validator>> = OnceLock::new();
    PUBLISHED.get_or_init(|| validators(|_, schema| schema.clone()))[name].is_valid(value)
}

fn validator(name: &str) -> &'static Validator {
    static CLOSED: OnceLock<BTreeMap<String, Validator>> = OnceLock::new();
    let validators = CLOSED.get_or_init(|| validators(closed));
    validators.get(name).unwrap_or_else(|| panic!("no docs/schema/{name}{ENDING}"))
}

fn validators(form: fn(&str, &Value) -> Value) -> BTreeMap<String, Validator> {
    let schemas: Vec<(String, Value)> =
        all().iter().map(|(name, schema)| (id(schema).to_owned(), form(name, schema))).collect();
    let registry = Registry::new().extend(schemas).unwrap().prepare().unwrap();
    let build = |schema: &Value| {
        let options = jsonschema::options().with_registry(&registry).offline();
        options.build(&json!({"$ref": id(schema)})).unwrap_or_else(|error| panic!("{}: {error}", id(schema)))
    };
    all().iter().map(|(name, schema)| (name.clone(), build(schema))).collect()
}

pub fn id(schema: &Value) -> &str {
    schema["$id"].as_str().unwrap()
}

/// Answers may gain fields, so their schemas let unknown ones pass. Here none may: whoever adds a field describes it.
fn closed(name: &str, schema: &Value) -> Value {
    let mut schema = schema.clone();
    if name.starts_with("answer") {
        close_below(&mut schema);
    }
    if name.starts_with("answers/") {
        close(&mut schema);
    }
    schema
}

/// Closes every place of an instance that `schema` describes below its own.
fn close_below(schema: &mut Value) {
    let Some(members) = schema.as_object_mut() else { return };
    for (keyword, value) in members.iter_mut() {
        match (keyword.as_str(), value) {
            ("properties", Value::Object(properties)) => properties.values_mut().for_each(close_with_below),
            ("items", item) => close_with_below(item),
            ("$defs", Value::Object(definitions)) => definitions.values_mut().for_each(close_below),
            ("anyOf" | "allOf" | "oneOf", Value::Array(branches)) => branches.iter_mut().for_each(close_below),
            _ => {}
        }
    }
}

fn close_with_below(schema: &mut Value) {
    close_below(schema);
    close(schema);
}

/// What says nothing of its members leaves them to another schema.
fn close(schema: &mut Value) {
    let Some(members) = schema.as_object_mut() else { return };
    if ["properties", "$ref", "anyOf", "oneOf"].iter().any(|keyword| members.contains_key(*keyword)) {
        members.insert("unevaluatedProperties".to_owned(), Value::Bool(false));
    }
}

/// Every schema that says what fields an object has, with the place where it stands. Conditions (`if`, `allOf`, …) only
/// narrow what is said elsewhere.
pub fn declarations(schema: &Value) -> Vec<(String, &Map<String, Value>)> {
    let mut found = Vec::new();
    gather("", schema, &mut found);
    found
}

fn gather<'s>(place: &str, schema: &'s Value, found: &mut Vec<(String, &'s Map<String, Value>)>) {
    let Some(members) = schema.as_object() else { return };
    if let Some(Value::Object(properties)) = members.get("properties") {
        found.push((place.to_owned(), properties));
    }
    for keyword in ["properties", "$defs"] {
        for (name, inner) in members.get(keyword).and_then(Value::as_object).into_iter().flatten() {
            gather(&format!("{place}/{keyword}/{name}"), inner, found);
        }
    }
    if let Some(inner) = members.get("items") {
        gather(&format!("{place}/items"), inner, found);
    }
}
