//! `docs/seams.md`: its console examples are run, and its JSON examples have the fields that the program prints.

use crate::answers;
use crate::bad::spki;
use crate::pki::List;
use crate::program::Bench;
use crate::world::World;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

const PAGE: &str = include_str!("../../docs/seams.md");

/// The contents of the fenced blocks of one kind.
fn blocks(kind: &str) -> Vec<&'static str> {
    let open = format!("```{kind}\n");
    PAGE.split(open.as_str()).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

/// The files of one genuine unit, with which the calls on the page are run.
pub(crate) fn delivery() -> Bench {
    let world = World::new();
    let chain = [world.issuing.crl(&List::default()), world.root.crl(&List::default())];
    Bench::new(&[
        ("signer.pem", world.release_signer.pem().as_bytes()),
        ("root.pem", world.root.pem().as_bytes()),
        ("issuing.pem", world.issuing.pem().as_bytes()),
        ("issuing.crl", &chain[0]),
        ("root.crl", &chain[1]),
        ("release.json", &world.release_envelope()),
        ("officer-1.der", &spki(&world.officers[0])),
        ("officer-2.der", &spki(&world.officers[1])),
        ("unit/label", &world.label),
        ("unit/manifests/release", &world.release_envelope()),
        ("unit/manifests/shipment", &world.shipment_envelope()),
        ("unit/crls/root.crl", &chain[1]),
        ("unit/crls/issuing.crl", &chain[0]),
        ("unit/anchors/root.pem", world.root.pem().as_bytes()),
        ("unit/anchor-list", &world.list_envelope()),
        ("unit/policy", &world.policy_envelope()),
        ("unit/image.bin", &world.image),
    ])
}

/// What the program says about it, command by command.
fn real() -> BTreeMap<String, Value> {
    let bench = delivery();
    blocks("sh")
        .into_iter()
        .map(|call| {
            let joined = call.replace("\\\n", " ");
            let words: Vec<&str> = joined.split_whitespace().skip(1).collect();
            let object = bench.run(&[&words[..], &["--json"]].concat()).object();
            assert_eq!(object["outcome"], "accept", "{call}");
            (object["command"].as_str().unwrap().to_owned(), object)
        })
        .collect()
}

/// Where two values differ in their fields or in the kinds of their values.
fn differences(place: &str, page: &Value, real: &Value) -> Vec<String> {
    match (page, real) {
        (Value::Object(page), Value::Object(real)) => {
            let mut found: Vec<String> = Vec::new();
            for key in page.keys().filter(|key| !real.contains_key(*key)) {
                found.push(format!("{place}.{key} stands on the page alone"));
            }
            for (key, value) in real {
                match page.get(key) {
                    Some(other) => found.extend(differences(&format!("{place}.{key}"), other, value)),
                    None => found.push(format!("{place}.{key} is not on the page")),
                }
            }
            found
        }
        (Value::Array(page), Value::Array(real)) => match (page.first(), real.first()) {
            (Some(page), Some(real)) => differences(&format!("{place}[0]"), page, real),
            _ => Vec::new(),
        },
        (Value::String(_), Value::String(_))
        | (Value::Number(_), Value::Number(_))
        | (Value::Bool(_), Value::Bool(_))
        | (Value::Null, Value::Null) => Vec::new(),
        _ => vec![format!("{place}: {page} on the page, {real} printed")],
    }
}

#[test]
fn the_json_examples_have_exactly_the_fields_that_the_program_prints() {
    let real = real();
    let mut shown = Vec::new();
    for block in blocks("json") {
        let page: Value = serde_json::from_str(block).unwrap_or_else(|error| panic!("{error}: {block}"));
        let command = page["command"].as_str().unwrap();
        assert_eq!(differences(command, &page, &real[command]), Vec::<String>::new(), "printed: {}", real[command]);
        shown.push(command.to_owned());
    }
    shown.sort();
    assert_eq!(shown, ["inspect certificate", "inspect manifest", "verify chain", "verify envelope", "verify unit"]);
}

#[test]
fn the_console_examples_print_what_the_page_shows() {
    let bench = Bench::new(&[]);
    let program = Path::new(env!("CARGO_BIN_EXE_ecugate")).parent().unwrap().to_owned();
    let path = std::env::join_paths(
        std::iter::once(program).chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())),
    )
    .unwrap();
    let mut count = 0;
    for block in blocks("console") {
        let mut rest = block;
        while let Some(begun) = rest.strip_prefix("$ ") {
            let (call, after) =
                begun.split_once("\n$ ").map_or((begun, ""), |(call, _)| (call, &begun[call.len() + 1..]));
            // A command goes on while its lines end with a backslash; what follows is what it prints.
            let mut lines = call.lines();
            let mut command = String::new();
            for line in lines.by_ref() {
                command.push_str(line);
                command.push('\n');
                if !line.ends_with('\\') {
                    break;
                }
            }
            let expected: Vec<&str> = lines.collect();
            let output = std::process::Command::new("sh")
                .args(["-c", &command])
                .current_dir(bench.path())
                .env("PATH", &path)
                .env_remove("ECUGATE_NOW")
                .output()
                .unwrap();
            let printed = String::from_utf8(output.stdout).unwrap();
            if let Some((_, call)) = command.split_once("ecugate ") {
                answers::check(&call.split_whitespace().collect::<Vec<_>>(), &printed);
            }
            assert_eq!(printed.lines().collect::<Vec<_>>(), expected, "{command}");
            (rest, count) = (after, count + 1);
        }
        assert_eq!(rest, "", "a console example begins with `$ `");
    }
    assert!(count >= 8, "{count} commands");
}
