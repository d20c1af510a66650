//! Every command answers in the form that its schema in `docs/schema/answers` says, and the schema lets nothing else
//! pass. (That every other run of these tests is checked too stands in `program.rs`.)

use crate::answers::hold_to;
use crate::merkle::{EMPTY_LEAF, ROOT_OF_TWO};
use crate::program::Bench;
use crate::{documented, maker, schemas};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// One call, the outcome of its answer, and the members that its answer may lack.
struct Row {
    call: &'static str,
    outcome: &'static str,
    free: &'static [&'static str],
}

const fn row(call: &'static str, outcome: &'static str, free: &'static [&'static str]) -> Row {
    Row { call, outcome, free }
}

/// What a finding says is left out where it has nothing to say.
const FACTS: &[&str] = &["where", "expected", "found"];

/// A new command is a line here for each outcome, or in `tests/dock/schema.rs` where it needs a token.
const ROWS: &[Row] = &[
    row("verify nothing", "error", FACTS),
    row("verify json release.json", "accept", &[]),
    row("verify json root.pem", "reject", FACTS),
    row("verify json nowhere", "error", FACTS),
    row(
        "verify chain signer.pem --anchor root.pem --untrusted issuing.pem --crl issuing.crl root.crl --at 2026-06-01T00:00:00Z",
        "accept",
        &[],
    ),
    row("verify chain signer.pem --anchor root.pem --at 2026-06-01T00:00:00Z", "reject", FACTS),
    row(
        "verify signature --alg ed25519 --message-hex= --key-hex 302a300506032b6570032100d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a --signature-hex e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        "accept",
        &[],
    ),
    row("verify signature --alg ed25519 --message-hex= --key-hex 00 --signature-hex 00", "reject", FACTS),
    row("verify envelope release.json --certificate signer.pem", "accept", &[]),
    row("verify envelope release.json --certificate root.pem", "reject", FACTS),
    row("verify inclusion inclusion.json", "accept", &[]),
    row("verify inclusion consistency.json", "reject", FACTS),
    row("verify consistency consistency.json", "accept", &[]),
    row("verify consistency inclusion.json", "reject", FACTS),
    row("verify unit unit --authority officer-1.der officer-2.der --at 2026-06-01T00:00:00Z", "accept", &[]),
    row("verify unit unit --authority officer-1.der officer-2.der --at 2029-06-01T00:00:00Z", "hold", FACTS),
    row("verify unit other --authority officer-1.der officer-2.der --at 2026-06-01T00:00:00Z", "quarantine", FACTS),
    row("verify unit nowhere --authority officer-1.der officer-2.der", "error", NO_UNIT),
    row("inspect image unit/image.bin --format raw --range 0..16", "accept", &[]),
    row("inspect image unit/image.bin --format elf", "reject", FACTS),
    row("inspect image release.json", "reject", FACTS),
    row("inspect label --hex 5b293e1e30361d3150334e303134313442411d53414c434c42343932334641381e04", "accept", &[]),
    row("inspect label --hex 5b293e1e30361d3150334e303134313442411d53414c43", "reject", CUT_LABEL),
    row("inspect label --hex 5b293e1e30361d50383631333031333539311d513434381e04", "reject", FACTS),
    row("inspect label --text SN12345ABC", "reject", BARE_LABEL),
    row("inspect manifest release.json", "accept", &[]),
    row("inspect manifest unit/manifests/shipment", "accept", &[]),
    row("inspect manifest unit/policy", "accept", &[]),
    row("inspect manifest unit/anchor-list", "accept", &[]),
    row("inspect manifest root.pem", "reject", FACTS),
    row("inspect certificate signer.pem", "accept", &[]),
    row("inspect certificate release.json", "reject", FACTS),
    row("maker release maker/release.toml --out r.payload", "accept", &[]),
    row("maker release bad.toml --out bad.payload", "reject", MAKER),
    row("maker shipment maker/shipment.toml --out s.payload", "accept", &[]),
    row("maker shipment bad.toml --out bad.payload", "reject", MAKER),
    row("maker sign r.payload --key maker/release.key --chain maker/release.pem --out r.json", "accept", &[]),
    row("maker sign s.payload --key maker/shipment.key --chain maker/shipment.pem --out s.json", "accept", &[]),
    row("maker sign r.payload --key maker/release.key --chain maker/shipment.pem --out x.json", "reject", FACTS),
];

/// A call that cannot be read says no more than any other; one that names no unit says that nothing is admitted.
const NO_UNIT: &[&str] = &["where", "expected", "found", "admission"];

/// A label that cannot be read has its bytes alone.
const CUT_LABEL: &[&str] = &["where", "expected", "found", "raw_hex"];

/// A text without identifiers, as long as it would be a serial.
const BARE_LABEL: &[&str] = &["where", "expected", "found", "bare_serial"];

const MAKER: &[&str] = &["where", "expected", "found", "more"];

/// Commands whose lines stand in `tests/dock/schema.rs`.
const IN_DOCK: &[&str] = &[
    "init",
    "receive",
    "ledger show",
    "journal begin",
    "journal show",
    "ledger audit",
    "ledger checkpoint",
    "ledger clock-step",
    "key failover",
    "intake",
    "anchors propose",
    "anchors show",
    "anchors sign",
    "anchors publish",
    "anchors list",
    "policy check",
    "policy sign",
    "policy publish",
    "admission",
    "redeem",
    "confirm",
    "unconfirmed",
];

fn bench() -> Bench {
    let bench = documented::delivery();
    let inclusion =
        json!({"leafIdx": 1, "treeSize": 2, "root": ROOT_OF_TWO, "leafHash": EMPTY_LEAF, "proof": [EMPTY_LEAF]});
    let consistency = json!({"size1": 1, "size2": 2, "root1": EMPTY_LEAF, "root2": ROOT_OF_TWO, "proof": [EMPTY_LEAF]});
    let put = |name: &str, contents: &[u8]| {
        let path = bench.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, contents).unwrap();
    };
    put("inclusion.json", inclusion.to_string().as_bytes());
    put("consistency.json", consistency.to_string().as_bytes());
    put("bad.toml", b"release = 7\nunits = \"x\"\n");
    for folder in ["", "manifests", "crls", "anchors"] {
        for entry in std::fs::read_dir(bench.path().join("unit").join(folder)).unwrap().flatten() {
            if entry.path().is_file() {
                let name = format!("other/{folder}/{}", entry.file_name().to_str().unwrap());
                put(&name, &std::fs::read(entry.path()).unwrap());
            }
        }
    }
    put("other/image.bin", b"another image");
    let maker = maker::bench();
    for entry in std::fs::read_dir(maker.path()).unwrap().flatten() {
        put(&format!("maker/{}", entry.file_name().to_str().unwrap()), &std::fs::read(entry.path()).unwrap());
    }
    bench
}

#[test]
fn every_member_of_every_answer_is_one_that_its_schema_demands_of_this_type_and_no_other() {
    let bench = bench();
    let mut answered = BTreeSet::new();
    for Row { call, outcome, free } in ROWS {
        let words: Vec<&str> = call.split(' ').chain(["--json"]).collect();
        let answer = bench.run(&words).object();
        assert_eq!(answer["outcome"], *outcome, "{call}: {answer:#}");
        hold_to(&answer, free);
        answered.insert((answer["command"].as_str().unwrap().to_owned(), *outcome));
    }
    let commands: BTreeSet<String> = answered.iter().map(|(command, _)| command.clone()).collect();
    for command in commands.iter().filter(|command| *command != "ecugate") {
        let outcomes = answered.iter().filter(|(one, _)| one == command).count();
        assert!(outcomes >= 2, "{command} has an answer of one outcome alone");
    }
    let elsewhere = IN_DOCK.iter().map(|command| (*command).to_owned());
    let named: BTreeSet<String> = commands.iter().cloned().chain(elsewhere).collect();
    let mut all = commands_of(&bench, &[]);
    all.insert("ecugate".to_owned());
    assert_eq!(named, all, "each command of the program has its lines");
    let described: BTreeSet<String> =
        schemas::all().keys().filter_map(|name| name.strip_prefix("answers/")).map(str::to_owned).collect();
    let expected: BTreeSet<String> = all.iter().map(|command| command.replace(' ', "-")).collect();
    assert_eq!(described, expected, "each command has its schema in docs/schema/answers");
}

/// Every command that the help of the program names, to the last word.
fn commands_of(bench: &Bench, words: &[&str]) -> BTreeSet<String> {
    let help = bench.run(&[words, &["--help"]].concat()).out;
    let Some((_, listed)) = help.split_once("\nCommands:\n") else { return BTreeSet::from([words.join(" ")]) };
    let names = listed.lines().take_while(|line| !line.is_empty());
    let names = names.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .flat_map(|name| commands_of(bench, &[words, &[name]].concat()))
        .collect()
}

#[test]
fn a_line_of_a_batch_has_an_id_where_a_single_answer_has_its_command() {
    let name = schemas::answer_name("verify json");
    let answer = |head: Value| {
        let mut answer = json!({"outcome": "reject", "reason": "json-syntax"});
        answer.as_object_mut().unwrap().extend(head.as_object().unwrap().clone());
        schemas::faults(&name, &answer).is_empty()
    };
    assert!(answer(json!({"command": "verify json"})));
    for id in [json!("a"), json!(7), json!(-7), Value::Null] {
        assert!(answer(json!({"id": id})), "{id}");
    }
    assert!(!answer(json!({"id": 1.5})) && !answer(json!({"id": {}})) && !answer(json!({})));
    assert!(!answer(json!({"id": 1, "command": "verify json"})) && !answer(json!({"command": "verify"})));
}

#[test]
fn an_accept_with_a_reason_and_a_refusal_without_one_are_no_answers() {
    for name in schemas::all().keys().filter(|name| name.starts_with("answers/")) {
        let command = schemas::all()[name]["properties"]["command"]["const"].clone();
        for outcome in ["accept", "reject", "error", "hold", "quarantine", "not-gated", "maybe"] {
            let reason = if outcome == "accept" { json!("json-syntax") } else { Value::Null };
            let answer = json!({"command": command, "outcome": outcome, "reason": reason});
            assert!(!schemas::faults(name, &answer).is_empty(), "{name}: {answer}");
        }
        let odd = json!({"command": command, "outcome": "error", "reason": "Not A Word"});
        assert!(!schemas::faults(name, &odd).is_empty(), "{name}");
    }
}
