//! `verify inclusion` and `verify consistency`: the two smallest trees, worked out by hand.

use crate::program::Bench;
use serde_json::{Value, json};

/// SHA-256 of the one byte 0: the hash of an empty leaf (RFC 9162 section 2.1.1), in base64.
pub(crate) const EMPTY_LEAF: &str = "bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=";
/// The root over two of them: SHA-256 of 1 and both hashes.
pub(crate) const ROOT_OF_TWO: &str = "/kPWavpKmlxPnJ2on0/7UmNcjzQuf/tzHWjjbFmCByo=";

fn run(kind: &str, proof: &Value) -> (i32, Value) {
    let bench = Bench::new(&[("proof.json", proof.to_string().as_bytes())]);
    let said = bench.run(&["verify", kind, "proof.json", "--json"]);
    (said.status, said.object())
}

fn inclusion(leaf: &str, root: &str) -> Value {
    json!({"leafIdx": 1, "treeSize": 2, "root": root, "leafHash": leaf, "proof": [EMPTY_LEAF]})
}

#[test]
fn the_second_of_two_leaves_is_included_and_another_leaf_is_not() {
    let (status, object) = run("inclusion", &inclusion(EMPTY_LEAF, ROOT_OF_TWO));
    assert_eq!((status, &object["index"], &object["size"]), (0, &json!(1), &json!(2)), "{object}");
    let (status, object) = run("inclusion", &inclusion(ROOT_OF_TWO, ROOT_OF_TWO));
    assert_eq!((status, &object["reason"]), (10, &json!("proof-wrong")));
}

#[test]
fn a_tree_of_one_is_the_beginning_of_a_tree_of_two_and_not_with_swapped_roots() {
    let proof = |first: &str, second: &str| json!({"size1": 1, "size2": 2, "root1": first, "root2": second, "proof": [EMPTY_LEAF]});
    let (status, object) = run("consistency", &proof(EMPTY_LEAF, ROOT_OF_TWO));
    assert_eq!((status, &object["size1"], &object["size2"]), (0, &json!(1), &json!(2)), "{object}");
    let (status, object) = run("consistency", &proof(ROOT_OF_TWO, EMPTY_LEAF));
    assert_eq!((status, &object["reason"]), (10, &json!("proof-wrong")));
}

#[test]
fn a_file_that_is_no_proof_is_rejected() {
    for kind in ["inclusion", "consistency"] {
        let (status, object) = run(kind, &json!({"proof": []}));
        assert_eq!((status, &object["reason"]), (10, &json!("proof-malformed")), "{kind}");
    }
}
