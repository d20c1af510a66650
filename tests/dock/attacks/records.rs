//! Accepts that are signed and not logged, and what a trial says of itself.

use super::{accepted, refused, sound, standing};
use crate::delivery::{Delivery, Said};
use crate::faults::{mode, obeying_modes, object, replace_in_configuration};
use crate::receive::{strings, trial};
use ecugate_verifier::inputs::custody::State;
use libtest_mimic::Trial;
use serde_json::{Value, json};

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial("attack_64_an_accept_that_no_ledger_takes_is_a_hold_and_is_accepted_once_later", never_logged),
        trial("attack_48_an_admission_with_the_proof_of_another_is_redeemed_by_no_command", another_proof),
        trial("attack_70_a_trial_says_so_in_each_form_and_no_setting_makes_it_a_production_site", trial_in_every_form),
    ]
}

fn never_logged() {
    let delivery = Delivery::founded();
    // The token signs, and the ledger can be read.
    mode(&delivery.path("site/ledger.db"), 0o400);
    let said = Said::of(obeying_modes(&delivery, &delivery.box_with("DEMO-0001")).output().unwrap());
    let held = object(&said);
    assert_eq!((said.status, &held["reason"], &held["outcome"]), (21, &json!("ledger-unusable"), &json!("hold")));
    assert_eq!((&held["record"], &held["tag"]), (&Value::Null, &json!("H-000001")), "no number, no proof");
    mode(&delivery.path("site/ledger.db"), 0o600);
    assert_eq!(delivery.ledger().head().unwrap().0, 2);
    // Later it is judged anew, behind its own hold, and accepted once.
    accepted(&delivery, "DEMO-0001", 3);
    assert_eq!(standing(&delivery, "DEMO-0001"), [State::Held, State::Accepted]);
    let second = refused(&delivery, "DEMO-0001", 10, "identity-seen-before");
    assert_eq!(second["contests"], json!([3]), "{second}");
    assert_eq!(standing(&delivery, "DEMO-0001").last(), Some(&State::Suspect));
    sound(&delivery);
}

fn asked(delivery: &Delivery, call: &str) -> (i32, Value) {
    let output = delivery.command(&call.split(' ').chain(["--json"]).collect::<Vec<_>>()).output().unwrap();
    (output.status.code().unwrap(), serde_json::from_slice(&output.stdout).unwrap())
}

fn another_proof() {
    let delivery = Delivery::founded();
    let mut files: Vec<Value> = Vec::new();
    for (n, serial) in ["DEMO-0001", "DEMO-0002"].into_iter().enumerate() {
        accepted(&delivery, serial, 2 + n as u64);
    }
    for (n, file) in ["one.json", "two.json"].into_iter().enumerate() {
        let (status, said) =
            asked(&delivery, &format!("admission --site site --record {} --consumer erp --out {file}", 2 + n));
        assert_eq!(status, 0, "{said}");
        files.push(serde_json::from_slice(&std::fs::read(delivery.path(file)).unwrap()).unwrap());
    }
    let before = sound(&delivery);
    let redeem = "redeem --site site --admission mixed.json --consumer erp --environment trial --reference GR-1";
    let fields: Vec<String> = files[0].as_object().unwrap().keys().cloned().collect();
    let mut came = Vec::new();
    for field in fields.iter().filter(|field| files[0][*field] != files[1][*field]) {
        let mut mixed = files[0].clone();
        mixed[field] = files[1][field].clone();
        delivery.write("mixed.json", mixed.to_string().as_bytes());
        let (status, said) = asked(&delivery, redeem);
        assert_ne!(status, 0, "{field}: {said}");
        came.push((field.as_str(), status, said["reason"].as_str().unwrap().to_owned()));
    }
    let wrong = |field, reason: &str| (field, 10, reason.to_owned());
    let expected = [
        wrong("checkpoint", "proof-wrong"),
        wrong("entry", "json-value"),
        wrong("envelope", "json-value"),
        wrong("inclusion", "proof-wrong"),
    ];
    assert_eq!(came, expected);
    assert_eq!(sound(&delivery), before, "nothing was redeemed");
}

fn trial_in_every_form() {
    let delivery = Delivery::founded();
    let present = |serial: &str, form: Option<&str>| {
        let mut arguments = delivery.box_with(serial);
        arguments.retain(|argument| argument != "--json");
        arguments.extend(form.map(str::to_owned));
        delivery.run(&strings(&arguments))
    };
    // Accepted, suspect, held: one line each.
    let line = present("DEMO-0001", None);
    assert!(line.status == 0 && line.out.trim_end().ends_with("| TRIAL"), "{line:?}");
    let line = present("DEMO-0001", None);
    assert!(line.status == 10 && line.out.trim_end().ends_with("| TRIAL"), "{line:?}");
    assert_eq!(object(&present("DEMO-0002", Some("--json")))["environment"], "trial");
    std::fs::rename(delivery.path("site/policy.json"), delivery.path("away")).unwrap();
    let line = present("DEMO-0003", None);
    assert!(line.status == 21 && line.out.trim_end().ends_with("| TRIAL"), "{line:?}");
    assert_eq!(object(&present("DEMO-0003", Some("--json")))["environment"], "trial");
    std::fs::rename(delivery.path("away"), delivery.path("site/policy.json")).unwrap();
    // Nobody could judge it at all.
    std::fs::rename(delivery.path("site/journal"), delivery.path("away")).unwrap();
    let line = present("DEMO-0004", None);
    assert!(line.status == 21 && line.out.trim_end().ends_with("| TRIAL"), "{line:?}");
    assert_eq!(object(&present("DEMO-0004", Some("--json")))["environment"], "trial");
    std::fs::rename(delivery.path("away"), delivery.path("site/journal")).unwrap();
    // And signed, for whoever reads the ledger.
    let ledger = delivery.ledger();
    assert!(ledger.origin().starts_with("trial."), "{}", ledger.origin());
    let (_, shown) = asked(&delivery, "ledger show --site site --entry 2");
    assert_eq!(shown["entries"][0]["predicate"]["environment"], "trial", "{shown}");
    let size = sound(&delivery);

    let whole = std::fs::read(delivery.path("site/site.toml")).unwrap();
    for (key, line) in [("environment", "environment = \"production\""), ("origin", "origin = \"log.dock.example\"")] {
        delivery.write("site/site.toml", &whole);
        replace_in_configuration(&delivery.path("site"), key, line);
        for call in [
            "admission --site site --record 2 --consumer erp",
            "redeem --site site --admission root.pem --consumer erp --environment production --reference GR-1",
            "ledger audit --site site",
            "anchors list --site site",
        ] {
            let (status, said) = asked(&delivery, call);
            assert_eq!((status, &said["reason"]), (2, &json!("site-malformed")), "{line}, {call}: {said}");
        }
        let said = present("DEMO-0005", Some("--json"));
        assert_eq!((said.status, &object(&said)["reason"]), (2, &json!("site-malformed")), "{line}: {said:?}");
    }
    delivery.write("site/site.toml", &whole);
    assert_eq!(sound(&delivery), size);
    let (status, said) = asked(&delivery, "init new --anchor root.pem");
    assert_eq!((status, &said["reason"]), (2, &json!("usage")), "{said}");
    assert!(!delivery.path("new").exists());
}
