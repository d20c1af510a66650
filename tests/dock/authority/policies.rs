//! Policies: who may change them, and what is told before anybody signs.

use super::{accepted, done, fails, receive, refused, state};
use crate::delivery::{Delivery, without};
use crate::receive::trial;
use libtest_mimic::Trial;
use serde_json::{Value, json};

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial("a_policy_that_two_officers_signed_decides_from_then_on", two_officers),
        trial("attack_71_a_policy_lowered_by_one_person_is_not_in_force_and_nothing_changed", one_person),
        trial("a_policy_is_told_in_words_and_what_it_lowers_is_marked", told),
        trial("attack_40_a_policy_put_back_by_a_copied_file_is_a_hold_until_the_newer_one_is_published", rolled_back),
    ]
}

/// Lets units in that nobody has read out.
const LOWERED: &[u8] = br#"minimum = { identity = "listed", firmware = "not-read" }"#;

fn signed(delivery: &Delivery, text: &[u8], out: &str) {
    delivery.write("policy.toml", text);
    done(delivery, &format!("policy sign policy.toml --officer officer-1 --reason sealed-boxes --out {out}"));
    done(delivery, &format!("policy sign {out} --officer officer-2"));
}

fn unread(delivery: &Delivery, serial: &str) -> (i32, Option<String>) {
    let (status, said) = delivery.receive(serial, |arguments| without(arguments, "image.bin"));
    (status, said["reason"].as_str().map(str::to_owned))
}

fn two_officers() {
    let delivery = Delivery::founded();
    assert_eq!(unread(&delivery, "DEMO-0001"), refused(21, "firmware-not-read"));
    signed(&delivery, LOWERED, "policy2");
    assert_eq!(unread(&delivery, "DEMO-0001"), refused(21, "firmware-not-read"), "signed, not yet in force");
    let published = done(&delivery, "policy publish policy2");
    assert_eq!((&published["version"], &published["recorded"]), (&2.into(), &"now".into()));
    // The release still asks for more than the policy: the stricter one counts.
    assert_eq!(unread(&delivery, "DEMO-0002"), refused(21, "firmware-not-read"));
    signed(&delivery, br#"minimum = { identity = "listed", firmware = "measured" }"#, "policy3");
    done(&delivery, "policy publish policy3");
    assert_eq!(receive(&delivery, "DEMO-0003"), refused(21, "binding-not-established"));
    let size = delivery.ledger().head().unwrap().0;
    let again = done(&delivery, "policy publish policy3");
    assert_eq!((&again["recorded"], &again["replaced"]), (&"before".into(), &"before".into()));
    assert_eq!(delivery.ledger().head().unwrap().0, size);
    assert!(delivery.path("site/policy.v1.json").exists() && delivery.path("site/policy.v2.json").exists());
}

/// Attack class 71: a policy lowered by one person.
fn one_person() {
    let delivery = Delivery::founded();
    delivery.write("policy.toml", LOWERED);
    done(&delivery, "policy sign policy.toml --officer officer-1 --reason x --out policy2");
    let before = state(&delivery);
    fails(&delivery, "policy publish policy2", 21, "policy-threshold");
    fails(&delivery, "policy sign policy2 --officer officer-1", 2, "officer-signed-already");
    fails(&delivery, "policy sign policy2 --officer officer-2 --key officer-1", 21, "token-key-unusable");
    fails(&delivery, "policy publish policy2", 21, "policy-threshold");
    assert_eq!(state(&delivery), before);
    std::fs::copy(delivery.path("policy2"), delivery.path("site/policy.json")).unwrap();
    assert_eq!(receive(&delivery, "DEMO-0001"), refused(21, "policy-threshold"));
}

fn told() {
    let delivery = Delivery::founded();
    delivery.write(
        "policy.toml",
        br#"
minimum = { identity = "claimed", firmware = "measured" }
[[families]]
name = "cables"
parts = ["C9*"]
gate = "not-gated"
minimum = { identity = "claimed", firmware = "not-read" }
[[waivers]]
check = "revocation"
why = "server moves"
until = 2099-01-01T00:00:00Z
"#,
    );
    let said = done(&delivery, "policy check policy.toml");
    assert_eq!((&said["version"], &said["lowered"]), (&2.into(), &3.into()), "{said}");
    let lowered: Vec<(&str, &str)> = said["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| (change["what"].as_str().unwrap(), change["effect"].as_str().unwrap()))
        .collect();
    assert_eq!(
        lowered,
        [("parts C9*", "lowered"), ("every other part", "lowered"), ("waiver of revocation", "lowered")]
    );
    assert_eq!(said["changes"][0]["after"], "not gated (not judged)");
    assert_eq!(said["demands"]["families"][0]["gate"], "not-gated");
    assert_eq!(said["floors"].as_array().unwrap().len(), 4);
    let text = delivery.run(&["policy", "check", "policy.toml", "--site", "site"]).out;
    assert!(text.contains("LOWERED   every other part") && text.contains("always    the signature"), "{text}");
    // Without a site it is read and told, and compared with nothing.
    let alone = delivery.run(&["policy", "check", "policy.toml", "--json"]);
    let alone: Value = serde_json::from_str(&alone.out).unwrap();
    assert_eq!((&alone["outcome"], &alone["changes"]), (&"accept".into(), &Value::Null));
    // Signed by one, it says so.
    done(&delivery, "policy sign policy.toml --officer officer-2 --reason x --out policy2");
    let said = done(&delivery, "policy check policy2");
    assert_eq!((&said["signed_by"], &said["lowered"]), (&json!(["officer-2"]), &3.into()));

    for (text, status, reason, place) in [
        (&b"minimum = 1"[..], 10, "description-malformed", "policy.toml line 1"),
        (b"\n\nminimum = { identity = \"listed\", firmware = \"measured\" }\nskip = 1", 10, "description-malformed", "policy.toml line 4"),
        (b"version = 9\nminimum = { identity = \"listed\", firmware = \"measured\" }", 21, "policy-not-next", "policy version"),
        (b"site = \"bremen\"\nminimum = { identity = \"listed\", firmware = \"measured\" }", 21, "policy-origin", "policy site"),
        (b"issued = 2001-01-01T00:00:00Z\nexpires = 2002-01-01T00:00:00Z\nminimum = { identity = \"listed\", firmware = \"measured\" }", 21, "policy-expired", "policy expires"),
    ] {
        delivery.write("policy.toml", text);
        for command in ["policy check policy.toml", "policy sign policy.toml --officer officer-1 --reason x --out bad"] {
            let said = fails(&delivery, command, status, reason);
            assert_eq!(said["where"], place);
        }
        assert!(!delivery.path("bad").exists());
    }
    delivery.write("policy.toml", LOWERED);
    fails(&delivery, "policy sign policy.toml --officer officer-1 --reason x", 2, "usage");
    fails(&delivery, "policy sign policy.toml --officer officer-1 --out bad", 2, "usage");
}

fn rolled_back() {
    let delivery = Delivery::founded();
    signed(&delivery, LOWERED, "policy2");
    done(&delivery, "policy publish policy2");
    std::fs::copy(delivery.path("site/policy.v1.json"), delivery.path("site/policy.json")).unwrap();
    assert_eq!(receive(&delivery, "DEMO-0001"), refused(21, "policy-rolled-back"));
    fails(&delivery, "policy publish site/policy.v1.json --reason x", 21, "policy-rolled-back");
    done(&delivery, "policy publish policy2");
    assert_eq!(receive(&delivery, "DEMO-0001"), accepted());
}
