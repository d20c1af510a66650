//! `verify signature`: each algorithm, both encodings, and what is no key or signature.

use crate::bad::{self, spki, verdict};
use crate::pki::{Kind, Party, Spec, pem};
use crate::program::Bench;
use ecugate_verifier::values::digest::hex;
use serde_json::{Value, json};

/// Ed25519 of RFC 8032 section 7.1, test 1: the empty message.
const KEY: &str = "302a300506032b6570032100d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
const SIGNATURE: &str = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b";

fn signer(kind: Kind) -> Party {
    Party::root(Spec::ca("Signer").with(|spec| spec.kind = kind))
}

/// r and s of a DER signature, each as long as the order.
fn p1363(der: &[u8], length: usize) -> Vec<u8> {
    let mut rest = &der[if der[1] & 0x80 == 0 { 2 } else { 3 }..];
    let mut out = Vec::new();
    for _ in 0..2 {
        let end = 2 + usize::from(rest[1]);
        let number: Vec<u8> = rest[2..end].iter().copied().skip_while(|byte| *byte == 0).collect();
        out.extend(vec![0; length - number.len()]);
        out.extend(number);
        rest = &rest[end..];
    }
    out
}

#[test]
fn a_published_signature_over_nothing_is_accepted_and_over_something_is_not() {
    let bench = Bench::new(&[]);
    let of = |message: &str| {
        let message = format!("--message-hex={message}");
        verdict(
            &bench,
            &["verify", "signature", "--alg", "ed25519", "--key-hex", KEY, &message, "--signature-hex", SIGNATURE],
        )
    };
    assert_eq!(of(""), (0, String::new()));
    assert_eq!(of("00"), (10, "signature-invalid".into()));
}

#[test]
fn each_kind_of_key_verifies_files_under_its_own_algorithm_alone() {
    for (kind, alg) in
        [(Kind::Ed25519, "ed25519"), (Kind::P256, "ecdsa-p256-sha256"), (Kind::P384, "ecdsa-p384-sha384")]
    {
        let party = signer(kind);
        let bench = Bench::new(&[
            ("key", &spki(&party)),
            ("message", b"what was signed"),
            ("signature", &party.sign(b"what was signed")),
        ]);
        let of = |alg: &str| {
            let files = ["--key", "key", "--message", "message", "--signature", "signature"];
            verdict(&bench, &[&["verify", "signature", "--alg", alg][..], &files].concat())
        };
        for other in ["ed25519", "ecdsa-p256-sha256", "ecdsa-p384-sha384", "rsa-pss-sha256", "rsa-pkcs1-sha256"] {
            let expected = if other == alg { (0, String::new()) } else { (10, "algorithm-not-for-key".into()) };
            assert_eq!(of(other), expected, "{alg} as {other}");
        }
        assert_eq!(of("none"), (2, "usage".into()));
    }
}

#[test]
fn an_ecdsa_signature_has_the_encoding_that_was_named_and_no_other() {
    for (kind, alg, length) in [(Kind::P256, "ecdsa-p256-sha256", 32), (Kind::P384, "ecdsa-p384-sha384", 48)] {
        let party = signer(kind);
        let der = party.sign(b"m");
        let bench = Bench::new(&[("key", &spki(&party)), ("der", &der), ("p1363", &p1363(&der, length))]);
        let of = |signature: &str, encoding: &str| {
            let call = ["verify", "signature", "--alg", alg, "--key", "key", "--message-hex", "6d"];
            verdict(&bench, &[&call[..], &["--signature", signature, "--encoding", encoding]].concat())
        };
        assert_eq!(of("der", "der"), (0, String::new()));
        assert_eq!(of("p1363", "p1363"), (0, String::new()));
        assert_eq!(of("der", "p1363"), (10, "signature-malformed".into()));
        assert_eq!(of("p1363", "der"), (10, "signature-malformed".into()));
        assert_eq!(of("der", "raw"), (2, "usage".into()));
    }
}

#[test]
fn the_answer_names_the_key_and_the_message_by_digest() {
    let bench = Bench::new(&[]);
    let call = ["verify", "signature", "--alg", "ed25519", "--key-hex", KEY, "--message-hex", ""];
    let said = bench.run(&[&call[..], &["--signature-hex", SIGNATURE, "--json"]].concat());
    let object = said.object();
    assert_eq!(object["alg"], "ed25519");
    assert_eq!(object["message_sha256"], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_eq!(object["key_sha256"].as_str().unwrap().len(), 64);
}

#[test]
fn a_key_a_message_and_a_signature_are_each_needed_once() {
    let bench = Bench::new(&[("k", b"k")]);
    let all = ["--key-hex", KEY, "--message-hex", "", "--signature-hex", SIGNATURE];
    for without in [0, 2, 4] {
        let mut call = vec!["verify", "signature", "--alg", "ed25519"];
        call.extend(all.chunks(2).enumerate().filter(|(at, _)| at * 2 != without).flat_map(|(_, pair)| pair));
        assert_eq!(verdict(&bench, &call), (2, "usage".into()), "{call:?}");
    }
    let twice = [&["verify", "signature", "--alg", "ed25519", "--key", "k"][..], &all].concat();
    assert_eq!(verdict(&bench, &twice), (2, "usage".into()));
    let odd =
        ["verify", "signature", "--alg", "ed25519", "--key-hex", "abc", "--message-hex", "", "--signature-hex", "00"];
    assert_eq!(verdict(&bench, &odd), (2, "usage".into()));
}

#[test]
fn a_bad_file_in_the_place_of_a_key_or_a_signature_is_rejected_with_its_reason() {
    let textual = pem("PUBLIC KEY", &hex::decode(KEY).unwrap());
    let bench = bad::bench(&[("good.key", &hex::decode(KEY).unwrap()), ("bad/pem", textual.as_bytes())]);
    let opening = [
        ("missing", 2, "input-missing"),
        ("folder", 2, "input-not-regular"),
        ("fifo", 2, "input-not-regular"),
        ("sparse", 10, "input-too-large"),
        ("empty", 10, "input-empty"),
    ];
    let call = ["verify", "signature", "--alg", "ed25519", "--message-hex", "", "--key"];
    let key = [&call[..], &["{}", "--signature-hex", SIGNATURE]].concat();
    bad::expect(&bench, &key, &opening);
    bad::expect(
        &bench,
        &key,
        &[
            ("certificate", 10, "key-malformed"),
            ("certificate-cut", 10, "key-malformed"),
            ("manifest", 10, "key-malformed"),
            ("image", 10, "key-malformed"),
            ("binary", 10, "key-malformed"),
            ("pem", 10, "key-malformed"),
            ("key", 10, "signature-invalid"),
        ],
    );
    let signature = [&call[..], &["good.key", "--signature", "{}"]].concat();
    bad::expect(&bench, &signature, &opening);
    bad::expect(&bench, &signature, &[("image", 10, "signature-malformed"), ("binary", 10, "signature-malformed")]);
    let message = ["verify", "signature", "--alg", "ed25519", "--key", "good.key", "--message", "{}"];
    let message = [&message[..], &["--signature-hex", SIGNATURE]].concat();
    bad::expect(&bench, &message, &opening[..4]);
    bad::expect(&bench, &message, &[("empty", 0, ""), ("binary", 10, "signature-invalid")]);
    let found = |path: &str| {
        let call = [&call[..], &[path, "--signature-hex", SIGNATURE, "--json"]].concat();
        bench.run(&call).object()["found"].clone()
    };
    assert_eq!(found("bad/pem"), "a PEM file");
    assert_eq!(found("bad/certificate"), "a certificate");
}

#[test]
fn cases_carry_hex_and_a_malformed_one_is_an_error() {
    let bench = Bench::new(&[]);
    let case = |id: &str, key: &str, signature: &str| json!({"id": id, "alg": "ed25519", "key_hex": key, "message_hex": "", "signature_hex": signature});
    let mut both = case("both", KEY, SIGNATURE);
    both["key"] = json!("x");
    let cases = [
        case("good", KEY, SIGNATURE),
        case("other", KEY, &SIGNATURE.replace("e556", "e557")),
        case("short", KEY, "00"),
        case("none", KEY, ""),
        case("cut", &KEY[..KEY.len() - 2], SIGNATURE),
        case("no hex", "xy", SIGNATURE),
        both,
    ];
    let input: String = cases.iter().map(|case| format!("{case}\n")).collect();
    let said = bench.run_with(&["verify", "signature", "--cases", "-"], input.as_bytes());
    let reasons: Vec<Value> = said.objects().into_iter().map(|object| object["reason"].clone()).collect();
    assert_eq!(
        reasons,
        [
            Value::Null,
            json!("signature-invalid"),
            json!("signature-malformed"),
            json!("signature-malformed"),
            json!("key-malformed"),
            json!("usage"),
            json!("usage")
        ]
    );
    assert_eq!(said.status, 2);
}
