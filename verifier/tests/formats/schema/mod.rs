//! `docs/schema` says of every document what the reader of the program says, as far as a schema can say it.

mod examples;
mod kinds;
mod mutations;
#[path = "../../../../tests/support/schemas.rs"]
mod schemas;

use crate::page;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::reason::Reason;
use kinds::Kind;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

#[test]
fn every_example_has_the_form_that_its_schema_says() {
    for Kind { schema, read, examples } in kinds::all() {
        assert!(!examples.is_empty(), "{schema}");
        for example in examples {
            assert_eq!(schemas::faults(schema, &example), Vec::<String>::new(), "{schema}: {example:#}");
            assert_eq!(read(example.to_string().as_bytes()), Ok(()), "{schema}: {example:#}");
        }
    }
}

/// What a schema refuses the reader refuses: without any exception. What the reader refuses and a schema takes breaks a
/// rule that stands in the table of `docs/schema/README.md`, and every row of the table is such a rule.
#[test]
fn schema_and_reader_agree_on_every_mutation_of_every_document_but_for_the_rules_that_are_named() {
    let kinds = kinds::all();
    let (first, second) = kinds.split_at(7);
    let (first, second) = std::thread::scope(|scope| {
        let first = scope.spawn(|| disagreements(first));
        (disagreements(second), first.join().unwrap())
    });
    assert!(first.count.min(second.count) > 20_000, "{} and {} mutations", first.count, second.count);
    let unsaid: BTreeMap<Rule, String> = first.unsaid.into_iter().chain(second.unsaid).collect();
    let named = Rule::named();
    let unnamed: Vec<_> = unsaid.iter().filter(|(rule, _)| !named.contains(rule)).collect();
    assert!(unnamed.is_empty(), "not in the table of docs/schema/README.md: {unnamed:#?}");
    let idle: Vec<_> = named.iter().filter(|rule| !unsaid.contains_key(rule)).collect();
    assert!(idle.is_empty(), "in the table, and no mutation breaks it: {idle:#?}");
}

/// What came of mutations.
#[derive(Default)]
struct Disagreements {
    count: usize,
    /// Rules that a reader held a mutation to and a schema did not, each with one such mutation.
    unsaid: BTreeMap<Rule, String>,
}

fn disagreements(kinds: &[Kind]) -> Disagreements {
    let mut found = Disagreements::default();
    for Kind { schema, read, examples } in kinds {
        for mutation in mutations::of(examples) {
            found.count += 1;
            let read = read(mutation.text.as_bytes());
            // As a common parser has it: the last of two equal keys, and no more of the text than its values.
            let valid =
                serde_json::from_str::<Value>(&mutation.text).is_ok_and(|value| schemas::is_valid(schema, &value));
            match (read, valid) {
                (Ok(()), false) => panic!("{schema}: the reader takes what the schema refuses: {}", mutation.what),
                (Err(finding), true) => {
                    let one = format!("{}: {finding:?}", mutation.what);
                    found.unsaid.entry(Rule::of(schema, &finding)).or_insert(one);
                }
                (Ok(()), true) | (Err(_), false) => {}
            }
        }
    }
    found
}

/// A rule that no schema says: of which document, where, and what the reader demands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rule {
    schema: String,
    place: String,
    demand: String,
}

impl Rule {
    fn of(schema: &str, finding: &Finding) -> Self {
        let (mut schema, mut place) = (schema.to_owned(), without_figures(&finding.place));
        let mut demand = without_figures(&finding.expected);
        if finding.place.contains("line ") || finding.place.contains("the whole text") {
            (schema, place) = ("*".to_owned(), "the text".to_owned());
        }
        if place.starts_with("subject[") {
            schema = "*".to_owned();
        }
        if finding.reason == Reason::SubjectMismatch {
            (schema, demand) = ("*".to_owned(), "the subjects that follow from the predicate".to_owned());
        }
        if finding.found.starts_with("unknown reason") {
            let one = "a word of docs/reasons.md that the reader knows".to_owned();
            (schema, place, demand) = ("*".to_owned(), "reason".to_owned(), one);
        }
        Self { schema, place, demand }
    }

    /// The rows of the page.
    fn named() -> BTreeSet<Self> {
        let cell = |cell: &str| cell.trim_matches('`').to_owned();
        let rows = page::table_of(include_str!("../../../../docs/schema/README.md"), "schema");
        rows.iter().map(|row| Self { schema: cell(row[0]), place: cell(row[1]), demand: cell(row[2]) }).collect()
    }
}

/// Digests and numbers are those of one example.
fn without_figures(text: &str) -> String {
    let mut without = String::new();
    for word in text.split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
        let (body, rest) = word.split_at(word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric()).len());
        let figure = !body.is_empty() && (body.len() == 64 || body.bytes().all(|b| b.is_ascii_digit()));
        without.push_str(if figure { "…" } else { body });
        without.push_str(rest);
    }
    without
}

#[test]
fn every_schema_is_one_itself_is_used_and_describes_every_field() {
    let kinds = kinds::all();
    let mut used: BTreeSet<String> = kinds.iter().map(|kind| kind.schema.to_owned()).collect();
    used.insert("reasons".to_owned());
    // Answers are held by the tests that run the program (`tests/seams/schema.rs`, `tests/dock/schema.rs`).
    used.extend(schemas::all().keys().filter(|name| name.starts_with("answers/")).cloned());
    let mut waiting: Vec<String> = used.iter().cloned().collect();
    while let Some(name) = waiting.pop() {
        for id in references(&schemas::all()[&name]) {
            let (referred, _) = schemas::all()
                .iter()
                .find(|(_, schema)| schemas::id(schema) == id)
                .unwrap_or_else(|| panic!("{name} refers to {id}, which is nowhere"));
            if used.insert(referred.clone()) {
                waiting.push(referred.clone());
            }
        }
    }
    let files: BTreeSet<String> = schemas::all().keys().cloned().collect();
    assert_eq!(files, used);

    for (name, schema) in schemas::all() {
        assert!(jsonschema::meta::is_valid(schema), "{name}: {:?}", jsonschema::meta::validate(schema));
        let id = format!("urn:ecugate:schema:{}:v1", name.replace("answers/", "answer:"));
        assert_eq!(schemas::id(schema), id);
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema", "{name}");
        for word in ["title", "description"] {
            assert!(schema[word].as_str().is_some_and(|text| !text.is_empty()), "{name} has no {word}");
        }
        for (place, fields) in schemas::declarations(schema) {
            for (field, says) in fields {
                let described = says["description"].as_str().is_some_and(|text| text.len() > 2);
                assert!(described, "{name}: {place}/{field} is not described");
            }
        }
    }
}

/// The ids of other schemas to which this one refers.
fn references(schema: &Value) -> BTreeSet<String> {
    match schema {
        Value::Object(members) => {
            let own = members.get("$ref").and_then(Value::as_str).filter(|to| !to.starts_with('#'));
            let own = own.map(|to| to.split('#').next().unwrap().to_owned());
            own.into_iter().chain(members.values().flat_map(references)).collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => BTreeSet::new(),
    }
}

#[test]
fn every_field_table_of_the_formats_stands_in_a_schema_with_the_same_words() {
    let tables = [
        ("validity", "values", "/$defs/validity"),
        ("minimum", "values", "/$defs/minimum"),
        ("release manifest", "release", "/$defs/predicate"),
        ("component", "release", "/$defs/component"),
        ("file digest", "release", "/$defs/file-digest"),
        ("range", "release", "/$defs/range"),
        ("identity field", "release", "/$defs/identity-field"),
        ("unique area", "release", "/$defs/unique-area"),
        ("shipment manifest", "shipment", "/$defs/predicate"),
        ("unit of a shipment", "shipment", "/$defs/unit"),
        ("anchor list", "anchor-list", "/$defs/predicate"),
        ("listed certificate", "anchor-list", "/$defs/listing"),
        ("policy", "policy", "/$defs/predicate"),
        ("part family", "policy", "/$defs/family"),
        ("label rules", "policy", "/$defs/label-rules"),
        ("waiver", "policy", "/$defs/waiver"),
        ("receipt", "verdict", "/$defs/predicate"),
        ("record", "record", ""),
        ("part reference", "record", "/$defs/part-reference"),
        ("versions", "record", "/$defs/versions"),
        ("unit of a receipt", "values", "/$defs/unit-name"),
        ("assurance", "values", "/$defs/assurance"),
        ("check", "values", "/$defs/check"),
        ("waived check", "values", "/$defs/waived"),
        ("document version", "verdict", "/$defs/version"),
        ("CRL seen", "values", "/$defs/crl-seen"),
        ("release seen", "values", "/$defs/release-seen"),
        ("unit key", "values", "/$defs/unit-key"),
        ("finding", "values", "/$defs/finding"),
        ("attempt", "values", "/$defs/attempt"),
        ("dossier index", "dossier", ""),
        ("authority", "dossier", "/$defs/authority"),
        ("readout", "readout", ""),
        ("measurement", "readout", "/$defs/measurement"),
        ("memory", "memory", "/$defs/known"),
    ];
    assert_eq!(tables.len(), page::PAGE.matches("\n| field of ").count(), "a table of the page is not compared");
    for (table, name, pointer) in tables {
        let schema = schemas::all()[name].pointer(pointer).unwrap_or_else(|| panic!("{name}{pointer}"));
        let required: Vec<&str> = schema["required"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let mut fields: Vec<&str> = schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        let mut stated = Vec::new();
        for row in page::table(&format!("field of {table}")) {
            let [field, _, need, meaning] = row.as_slice() else { panic!("{row:?}") };
            let field = field.trim_matches('`');
            assert_eq!(schema["properties"][field]["description"], *meaning, "{table}: {field}");
            assert_eq!(required.contains(&field), *need == "yes", "{table}: {field}");
            stated.push(field);
        }
        stated.sort_unstable();
        fields.sort_unstable();
        assert_eq!(stated, fields, "{table}");
    }
}

#[test]
#[allow(clippy::disallowed_methods)] // writes the file anew where a person asks for it; the crate itself writes nothing
fn the_schema_of_reasons_has_the_words_of_today() {
    let words: Vec<&str> = Reason::ALL.iter().map(|reason| reason.code()).collect();
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:ecugate:schema:reasons:v1",
        "title": "The reasons of this version",
        "description": "Every word of docs/reasons.md, in its order. Written by a test (verifier/tests/formats/schema). \
                        The other schemas take any word: one may be added, and a word that you do not know is a refusal.",
        "enum": words,
    });
    let written = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
    let path = schemas::folder().join(format!("reasons{}", schemas::ENDING));
    if std::env::var("ECUGATE_BLESS").is_ok_and(|bless| bless == "1") {
        std::fs::write(path, written).unwrap();
        return;
    }
    let stands = std::fs::read_to_string(path).unwrap_or_default();
    assert!(stands == written, "reasons{} is not today's (ECUGATE_BLESS=1 writes it)", schemas::ENDING);
    for reason in Reason::ALL {
        assert_eq!(schemas::faults("reasons", &reason.code().into()), Vec::<String>::new());
    }
    assert!(!schemas::faults("reasons", &"fine".into()).is_empty());
}
