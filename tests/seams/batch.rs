//! `--cases`: one case a line in, one result a line out, in order.

use crate::program::{Bench, Said};
use serde_json::{Value, json};

const RUN: &[&str] = &["verify", "json", "--cases", "-"];

fn words(said: &Said) -> Vec<(Value, String, Value)> {
    said.objects()
        .into_iter()
        .map(|object| (object["id"].clone(), object["outcome"].as_str().unwrap().to_owned(), object["reason"].clone()))
        .collect()
}

fn word(id: impl Into<Value>, outcome: &str, reason: impl Into<Value>) -> (Value, String, Value) {
    (id.into(), outcome.to_owned(), reason.into())
}

#[test]
fn results_come_in_the_order_of_the_cases_and_paths_are_relative_to_their_file() {
    let cases = b"{\"id\":\"b\",\"file\":\"good.json\"}\n{\"file\":\"deeper/twice.json\",\"id\":7}\n";
    let bench = Bench::new(&[
        ("set/cases.jsonl", cases),
        ("set/good.json", b"[]"),
        ("set/deeper/twice.json", b"{\"a\":1,\"a\":1}"),
    ]);
    let said = bench.run(&["verify", "json", "--cases", "set/cases.jsonl"]);
    assert_eq!(words(&said), [word("b", "accept", Value::Null), word(7, "reject", "json-duplicate-key")]);
    assert_eq!((said.status, said.err.as_str()), (0, ""));
    assert_eq!(said.objects()[0]["kind"], "array");
}

#[test]
fn a_malformed_case_is_an_error_that_names_its_line_and_the_run_goes_on() {
    let bench = Bench::new(&[("good.json", b"[]")]);
    let input = [
        "{\"id\":1,\"file\":\"good.json\"}",
        "not json",
        "",
        "[\"id\"]",
        "{\"id\":5,\"file\":\"good.json\",\"file\":\"good.json\"}",
        "{\"id\":6,\"leaf\":\"good.json\"}",
        "{\"id\":7}",
        "{\"id\":8,\"file\":\"nowhere.json\"}",
        "{\"id\":9,\"file\":\"-\"}",
        "{\"id\":10,\"cases\":\"x.jsonl\"}",
        "{\"id\":11,\"file\":\"zero\\u0000byte\"}",
        "{\"file\":\"good.json\"}",
        "{\"id\":13,\"file\":[\"good.json\",\"good.json\"]}",
        "{\"id\":14,\"file\":\"good.json\"}",
    ];
    let said = bench.run_with(RUN, input.join("\n").as_bytes());
    let usage = |id: Value| word(id, "error", "usage");
    assert_eq!(
        words(&said),
        [
            word(1, "accept", Value::Null),
            usage(Value::Null),
            usage(Value::Null),
            usage(Value::Null),
            usage(json!(5)),
            usage(json!(6)),
            usage(json!(7)),
            word(8, "error", "input-missing"),
            usage(json!(9)),
            usage(json!(10)),
            word(11, "error", "input-unreadable"),
            usage(Value::Null),
            usage(json!(13)),
            word(14, "accept", Value::Null),
        ]
    );
    assert_eq!((said.status, said.err.as_str()), (2, ""));
    for (object, line) in said.objects().iter().zip(1..) {
        let place = object["where"].as_str().unwrap_or_default();
        let is_error = object["outcome"] == "error";
        assert_eq!(place.starts_with(&format!("line {line}")), is_error, "{object}");
    }
}

#[test]
fn a_line_over_the_cap_is_an_error_and_the_next_one_is_read() {
    let bench = Bench::new(&[("good.json", b"[]")]);
    let input = format!("{}\n{{\"id\":2,\"file\":\"good.json\"}}\n", "x".repeat((16 << 20) + 1));
    let said = bench.run_with(RUN, input.as_bytes());
    assert_eq!(words(&said), [word(Value::Null, "error", "usage"), word(2, "accept", Value::Null)]);
    assert_eq!(said.status, 2);
}

#[test]
fn cases_together_with_an_argument_of_the_command_are_refused() {
    let bench = Bench::new(&[("good.json", b"[]")]);
    let said = bench.run(&["verify", "json", "good.json", "--cases", "c.jsonl", "--json"]);
    assert_eq!((said.status, said.object()["reason"].as_str()), (2, Some("usage")));
}

#[test]
fn cases_and_one_word_are_refused_wherever_the_flag_stands() {
    let bench = Bench::new(&[("c.jsonl", b"")]);
    for arguments in
        [["--quiet", "verify", "json", "--cases", "c.jsonl"], ["verify", "json", "--cases", "c.jsonl", "--quiet"]]
    {
        let said = bench.run(&arguments);
        assert_eq!((said.status, said.out.as_str()), (2, "error\n"), "{arguments:?}");
    }
}

#[test]
fn a_missing_file_of_cases_is_an_error() {
    let said = Bench::new(&[]).run(&["verify", "json", "--cases", "nowhere.jsonl", "--json"]);
    assert_eq!((said.status, said.object()["reason"].as_str()), (2, Some("input-missing")));
}

#[test]
fn a_case_that_names_the_file_of_cases_itself_is_just_a_file() {
    let line = b"{\"id\":1,\"file\":\"cases.jsonl\"}\n";
    let said = Bench::new(&[("cases.jsonl", line)]).run(&["verify", "json", "--cases", "cases.jsonl"]);
    assert_eq!(words(&said), [word(1, "accept", Value::Null)]);
}

#[test]
fn each_case_is_answered_before_the_next_is_read() {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::process::Stdio;
    let bench = Bench::new(&[("good.json", b"[]")]);
    let mut child = bench.command(RUN).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut to, mut from) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
    for id in 0..3 {
        writeln!(to, "{{\"id\":{id},\"file\":\"good.json\"}}").unwrap();
        let mut line = String::new();
        from.read_line(&mut line).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap()["id"], id);
    }
    drop(to);
    assert!(child.wait().unwrap().success());
}
