//! `inspect image`: digest, form, segments, ranges; and refusals with line and digest.

use crate::bad::{self, verdict};
use crate::program::Bench;
use ecugate_verifier::values::digest::Sha256;
use serde_json::{Value, json};

/// Four bytes at 0x100 and two at 0x110.
const HEX: &str = ":0401000001020304F1\n:020110000506E2\n:00000001FF\n";

fn inspect(contents: &[u8], more: &[&str]) -> (i32, Value) {
    let bench = Bench::new(&[("image", contents)]);
    let said = bench.run(&[&["inspect", "image", "image", "--json"], more].concat());
    (said.status, said.object())
}

fn sha256(bytes: &[u8]) -> Value {
    Sha256::of(bytes).to_string().into()
}

#[test]
fn a_hex_file_is_shown_as_the_memory_that_it_fills() {
    let (status, object) = inspect(HEX.as_bytes(), &[]);
    assert_eq!((status, &object["format"], &object["length"]), (0, &json!("ihex"), &json!(HEX.len())), "{object}");
    assert_eq!(object["sha256"], sha256(HEX.as_bytes()));
    assert_eq!(
        object["segments"],
        json!([
            {"start": 0x100, "length": 4, "sha256": sha256(&[1, 2, 3, 4])},
            {"start": 0x110, "length": 2, "sha256": sha256(&[5, 6])},
        ])
    );
    assert_eq!(object["ranges"], json!([]));
}

#[test]
fn a_range_is_hashed_with_its_gaps_filled_or_has_no_digest() {
    let (status, object) = inspect(HEX.as_bytes(), &["--range", "0x100..0x104", "--range", "0x102..0x112"]);
    assert_eq!(status, 0);
    assert_eq!(
        object["ranges"],
        json!([
            {"start": 0x100, "end": 0x104, "fill": null, "sha256": sha256(&[1, 2, 3, 4]), "first_gap": null},
            {"start": 0x102, "end": 0x112, "fill": null, "sha256": null, "first_gap": 0x104},
        ])
    );
    let (_, object) = inspect(HEX.as_bytes(), &["--range", "0x102..0x112", "--fill", "0xff"]);
    let filled = [&[3, 4][..], &[0xff; 12], &[5, 6]].concat();
    assert_eq!(object["ranges"][0]["sha256"], sha256(&filled));
    assert_eq!((&object["ranges"][0]["fill"], &object["ranges"][0]["first_gap"]), (&json!(255), &json!(0x104)));
}

#[test]
fn a_raw_image_begins_at_its_base_and_addresses_beyond_two_to_the_53_are_hex() {
    let (status, object) = inspect(b"\x00\x01\x02", &["--format", "raw", "--base", "0xfffffffffffffff0"]);
    assert_eq!((status, &object["segments"][0]["start"]), (0, &json!("0xfffffffffffffff0")), "{object}");
    let (_, object) = inspect(b"\x00\x01\x02", &["--base", "4096"]);
    assert_eq!((&object["format"], &object["segments"][0]["start"]), (&json!("raw"), &json!(4096)));
    let (status, object) = inspect(b"\x00\x01\x02", &["--base", "0xffffffffffffffff"]);
    assert_eq!((status, &object["reason"]), (10, &json!("image-address-wrap")));
}

#[test]
fn the_form_is_guessed_only_where_nobody_names_it() {
    let (status, object) = inspect(HEX.as_bytes(), &["--format", "raw"]);
    assert_eq!((status, &object["format"]), (0, &json!("raw")));
    let (status, object) = inspect(HEX.as_bytes(), &["--format", "srec"]);
    assert_eq!((status, &object["reason"], &object["line"]), (10, &json!("image-form-mixed"), &json!(1)), "{object}");
    let (status, object) = inspect(HEX.as_bytes(), &["--base", "0"]);
    assert_eq!((status, &object["reason"]), (2, &json!("usage")));
    let srec = "S1060100010203F2\nS9030000FC\n";
    let (status, object) = inspect(srec.as_bytes(), &[]);
    assert_eq!((status, &object["format"]), (0, &json!("srec")), "{object}");
}

#[test]
fn a_refusal_names_the_line_and_the_digest_of_the_whole_file() {
    for (contents, reason, line) in [
        (HEX.replace("F1", "F2"), "image-checksum", json!(1)),
        (HEX.replace(":0201", ":0202"), "image-checksum", json!(2)),
        (format!("{HEX}:00000001FF\n"), "image-data-after-end", json!(4)),
        (HEX.replace(":00000001FF\n", ""), "image-end-missing", json!(3)),
        (HEX.replace(":00000001FF", ":0401000001020304F1\n:00000001FF"), "image-overlap", json!(3)),
        (HEX.replace(":00000001FF", ":00000009F7\n:00000001FF"), "image-record-type", json!(3)),
        (format!("hello\n{HEX}"), "image-form-mixed", Value::Null),
        ("just text".to_owned(), "image-form-unknown", Value::Null),
        (format!("\u{feff}{HEX}"), "image-byte-order-mark", json!(1)),
        (String::new(), "image-empty", Value::Null),
    ] {
        let (status, object) = inspect(contents.as_bytes(), &[]);
        assert_eq!((status, &object["reason"], &object["line"]), (10, &json!(reason), &line), "{contents:?} {object}");
        assert_eq!(
            (&object["sha256"], &object["length"]),
            (&sha256(contents.as_bytes()), &json!(contents.len())),
            "{contents:?}"
        );
    }
}

#[test]
fn a_record_type_that_is_allowed_is_passed_over() {
    let odd = HEX.replace(":00000001FF", ":00000009F7\n:00000001FF");
    let (status, object) = inspect(odd.as_bytes(), &["--allow-record-type", "9"]);
    assert_eq!((status, object["segments"].as_array().unwrap().len()), (0, 2), "{object}");
}

#[test]
fn flags_that_mean_nothing_are_refused() {
    for more in [
        &["--range", "5..5"][..],
        &["--range", "9..5"],
        &["--range", "a..b"],
        &["--fill", "256"],
        &["--base", "-1"],
        &["--format", "bin"],
        &["--allow-record-type", "x"],
    ] {
        assert_eq!(inspect(HEX.as_bytes(), more).0, 2, "{more:?}");
    }
}

#[test]
fn a_range_over_the_cap_is_rejected_quickly() {
    let (status, object) = inspect(HEX.as_bytes(), &["--range", "0..0xffffffffffff", "--fill", "0"]);
    assert_eq!((status, &object["reason"]), (10, &json!("image-range-limit")));
}

#[test]
fn a_bad_file_in_the_place_of_an_image_is_rejected_with_its_reason() {
    let bench = bad::bench(&[]);
    let call = ["inspect", "image", "{}"];
    bad::expect(
        &bench,
        &call,
        &[
            ("missing", 2, "input-missing"),
            ("folder", 2, "input-not-regular"),
            ("fifo", 2, "input-not-regular"),
            ("sparse", 10, "input-too-large"),
            ("empty", 10, "image-empty"),
            ("manifest", 10, "image-form-unknown"),
            ("manifest-cut", 10, "image-form-unknown"),
            ("binary", 0, ""),
            ("certificate", 0, ""),
        ],
    );
    bad::expect(&bench, &["inspect", "image", "--format", "elf", "{}"], &[("certificate", 10, "image-elf-malformed")]);
}

#[test]
fn an_image_comes_from_standard_input_as_well() {
    let said = Bench::new(&[]).run_with(&["inspect", "image", "-", "--json"], HEX.as_bytes());
    assert_eq!((said.status, &said.object()["sha256"]), (0, &sha256(HEX.as_bytes())));
}

#[test]
fn text_shows_every_segment_and_range() {
    let bench = Bench::new(&[("image", HEX.as_bytes())]);
    let text = bench.run(&["inspect", "image", "image", "--range", "0x102..0x112"]).out;
    let begins: Vec<&str> = text.lines().map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!(begins, ["accept", "sha256", "format", "segment", "segment", "range"], "{text}");
    assert!(text.contains("0x102..0x112 no digest: nothing at 0x104, and no --fill"), "{text}");
}

#[test]
fn cases_name_ranges_in_lists() {
    let bench = Bench::new(&[("image", HEX.as_bytes())]);
    let cases = [
        json!({"id": 1, "file": "image", "range": ["0x100..0x104", "0x110..0x112"]}),
        json!({"id": 2, "file": "image", "format": "elf"}),
        json!({"id": 3, "file": "image", "range": ["x"]}),
        json!({"id": 4, "file": "missing"}),
    ];
    let input: String = cases.iter().map(|case| format!("{case}\n")).collect();
    let said = bench.run_with(&["inspect", "image", "--cases", "-"], input.as_bytes());
    let objects = said.objects();
    let reasons: Vec<Value> = objects.iter().map(|object| object["reason"].clone()).collect();
    assert_eq!(reasons, [Value::Null, json!("image-elf-malformed"), json!("usage"), json!("input-missing")]);
    assert_eq!((said.status, objects[0]["ranges"].as_array().unwrap().len()), (2, 2));
    assert_eq!(objects[1]["sha256"], sha256(HEX.as_bytes()));
    assert_eq!(verdict(&bench, &["inspect", "image"]), (2, "usage".into()));
}
