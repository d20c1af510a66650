//! `inspect label`: fields in order and the one unit, or why there is none.

use crate::program::Bench;
use ecugate_verifier::values::digest::hex;
use serde_json::{Value, json};

const GOOD: &str = "[)>\u{1e}06\u{1d}1P3TN01414BA\u{1d}SALCLB4923FA8\u{1d}VANFC\u{1d}E\u{1e}\u{4}";

fn inspect(text: &[u8], more: &[&str]) -> (i32, Value) {
    let said = Bench::new(&[]).run_with(&[&["inspect", "label", "--json"], more].concat(), text);
    (said.status, said.object())
}

#[test]
fn part_serial_and_supplier_are_shown_with_every_field_in_order() {
    let (status, object) = inspect(GOOD.as_bytes(), &[]);
    assert_eq!(status, 0, "{object}");
    assert_eq!(
        (&object["part"], &object["serial"], &object["supplier"]),
        (&json!("3TN01414BA"), &json!("ALCLB4923FA8"), &json!("ANFC"))
    );
    assert_eq!((&object["syntax"], &object["symbology"]), (&json!("iso15434-format06"), &Value::Null));
    let fields: Vec<(&str, &str)> = object["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|field| (field["identifier"].as_str().unwrap(), field["value"].as_str().unwrap()))
        .collect();
    assert_eq!(fields, [("1P", "3TN01414BA"), ("S", "ALCLB4923FA8"), ("V", "ANFC"), ("E", "")]);
    assert_eq!(object["fields"][3]["meaning"], Value::Null);
    assert_eq!(object["raw_hex"], hex::encode(GOOD.as_bytes()));
}

#[test]
fn hex_text_and_standard_input_are_the_same_label() {
    let (_, from_input) = inspect(GOOD.as_bytes(), &[]);
    let (_, from_hex) = inspect(b"", &["--hex", &hex::encode(GOOD.as_bytes())]);
    let (_, from_text) = inspect(b"", &["--text", GOOD]);
    assert_eq!(from_input, from_hex);
    assert_eq!(from_input, from_text);
    assert_eq!(inspect(b"", &["--hex", "5"]).0, 2);
    assert_eq!(inspect(b"", &["--hex", "53", "--text", "S"]).0, 2);
}

#[test]
fn a_gs1_label_of_a_known_symbol_is_read() {
    let (status, object) = inspect(b"]d2010950600013435221SN00042\x1d10LOT7", &[]);
    assert_eq!(
        (status, &object["symbology"], &object["syntax"]),
        (0, &json!("gs1-data-matrix"), &json!("gs1")),
        "{object}"
    );
    assert_eq!(
        (&object["part"], &object["serial"], &object["lot"]),
        (&json!("09506000134352"), &json!("SN00042"), &json!("LOT7"))
    );
}

#[test]
fn a_box_of_many_shows_its_fields_and_why_it_is_no_unit() {
    let (status, object) = inspect(b"[)>\x1e06\x1dP8613013591\x1dQ448\x1e\x04", &[]);
    assert_eq!((status, &object["reason"]), (10, &json!("label-quantity")));
    assert_eq!((object["fields"].as_array().unwrap().len(), object.get("serial")), (2, None));
    let (status, object) = inspect(b"[)>\x1e06\x1dP8613013591\x1e\x04", &[]);
    assert_eq!((status, &object["reason"]), (10, &json!("label-no-serial")));
}

#[test]
fn a_bare_text_is_refused_as_the_gate_refuses_it_and_what_it_would_be_is_shown() {
    let (status, object) = inspect(b"SN12345ABC\r\n", &[]);
    assert_eq!((status, &object["reason"]), (10, &json!("label-bare-refused")));
    assert_eq!((&object["bare_serial"], &object["syntax"]), (&json!("SN12345ABC"), &json!("bare")));
    let said = Bench::new(&[]).run_with(&["inspect", "label"], b"SN12345ABC");
    assert!(
        said.out.contains("bare      serial SN12345ABC, only where the policy declares bare labels"),
        "{}",
        said.out
    );
}

#[test]
fn a_stand_in_for_gs_is_mapped_only_where_it_is_named() {
    let typed = "[)>\u{1e}06/1P3TN01414BA/SALCLB4923FA8\u{1e}\u{4}";
    let (status, object) = inspect(typed.as_bytes(), &["--gs-as", "/"]);
    assert_eq!((status, &object["serial"]), (0, &json!("ALCLB4923FA8")), "{object}");
    let (status, object) = inspect(typed.as_bytes(), &[]);
    assert_eq!((status, &object["reason"]), (10, &json!("label-mangled")), "{object}");
    for bad in ["", "GS", "123456789/"] {
        let (status, object) = inspect(typed.as_bytes(), &["--gs-as", bad]);
        assert_eq!((status, &object["reason"], &object["where"]), (2, &json!("usage"), &json!("--gs-as")), "{bad:?}");
    }
}

#[test]
fn damage_is_refused_with_its_byte() {
    for (text, reason) in [
        (&b""[..], "label-missing"),
        (b"\n", "label-missing"),
        (b"\xff\xfe", "label-field-malformed"),
        (b"[)>^06]pSAM14954CT-ND]1PLSHM-110]Q3", "label-mangled"),
        (b"[]>\x1e06\x1dS1\x1e\x04", "label-header-wrong"),
        (b"[)>\x1e06\x1dS1", "label-trailer-missing"),
        (b"{\"payloadType\":\"x\"}", "label-bare-refused"),
    ] {
        let (status, object) = inspect(text, &[]);
        assert_eq!((status, &object["reason"]), (10, &json!(reason)), "{text:?} {object}");
        assert!(object["where"].as_str().unwrap().starts_with("label"), "{object}");
        assert_eq!(object["raw_hex"], hex::encode(text));
    }
}

#[test]
fn a_label_that_is_too_long_or_has_no_end_is_refused() {
    let (status, object) = inspect(&vec![b'S'; 4_097], &[]);
    assert_eq!((status, &object["reason"]), (10, &json!("label-too-long")));
    let bench = Bench::new(&[]);
    let endless = std::fs::File::open("/dev/zero").unwrap();
    let output = bench.command(&["inspect", "label", "--json"]).stdin(endless).output().unwrap();
    let object: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &object["reason"]), (Some(10), &json!("input-too-large")));
}

/// Attack class 58: escapes in a label.
#[test]
fn attack_58_control_characters_of_a_label_never_reach_the_screen() {
    let said = Bench::new(&[]).run_with(&["inspect", "label"], b"[)>\x1e06\x1dS1\x1b[2J\x1e\x04");
    assert_eq!(said.status, 10);
    assert!(said.out.chars().all(|c| c == '\n' || !c.is_control()), "{:?}", said.out);
}

#[test]
fn cases_carry_text_or_hex() {
    let cases = [
        json!({"id": 1, "text": GOOD}),
        json!({"id": 2, "hex": hex::encode(GOOD.as_bytes())}),
        json!({"id": 3, "text": "[)>\u{1e}06/S1\u{1e}\u{4}", "gs_as": "/"}),
        json!({"id": 4, "text": "-"}),
        json!({"id": 5, "text": "--json"}),
        json!({"id": 6}),
        json!({"id": 7, "text": "a", "hex": "61"}),
        json!({"id": 8, "text": "[)>\u{1e}06\u{1d}S\u{0}\u{1e}\u{4}"}),
    ];
    let input: String = cases.iter().map(|case| format!("{case}\n")).collect();
    let said = Bench::new(&[]).run_with(&["inspect", "label", "--cases", "-"], input.as_bytes());
    let reasons: Vec<Value> = said.objects().into_iter().map(|object| object["reason"].clone()).collect();
    let (bare, usage) = (json!("label-bare-refused"), json!("usage"));
    let malformed = json!("label-field-malformed");
    assert_eq!(reasons, [Value::Null, Value::Null, Value::Null, bare.clone(), bare, usage.clone(), usage, malformed]);
    assert_eq!(said.status, 2);
}
