//! The answers of commands that need a site are those that their schemas say, and their schemas let nothing else pass. (That
//! every other run of these tests is checked too stands in `delivery.rs`.)

use crate::answers::hold_to;
use crate::delivery::{Delivery, without};
use crate::faults::object;
use crate::receive::{strings, trial};
use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("every_member_of_the_answers_of_init_and_receive_is_one_that_their_schemas_demand", held),
        trial("every_member_of_the_answers_of_intake_is_one_that_its_schema_demands", of_intake),
        trial("every_member_of_the_answers_about_a_ledger_is_one_that_their_schemas_demand", of_the_ledger),
    ]
}

const FACTS: &[&str] = &["where", "expected", "found"];

/// A new command that needs a site has its calls here, one for each outcome.
fn held() {
    let delivery = Delivery::new();
    let init = ["init", "--trial", "site", "--anchor", "root.pem", "--manufacturer", "maker", "--json"];
    for (outcome, free) in [("accept", &[][..]), ("error", FACTS)] {
        let answer = object(&delivery.run(&init));
        assert_eq!(answer["outcome"], outcome, "{answer:#}");
        hold_to(&answer, free);
    }
    let receive = |serial: &str, outcome: &str, change: &dyn Fn(&mut Vec<String>)| {
        let mut arguments = delivery.box_with(serial);
        change(&mut arguments);
        let answer = object(&delivery.run(&strings(&arguments)));
        assert_eq!(answer["outcome"], outcome, "{answer:#}");
        hold_to(&answer, FACTS);
    };
    receive("DEMO-0001", "accept", &|_| {});
    receive("DEMO-0001", "quarantine", &|_| {});
    receive("DEMO-0002", "hold", &|arguments| without(arguments, "issuing.crl"));
    receive("DEMO-0003", "error", &|arguments| arguments.push("--no-such-flag".to_owned()));
    receive("DEMO-0003", "error", &|arguments| {
        let at = arguments.iter().position(|argument| argument == "image.bin").unwrap();
        "nowhere".clone_into(&mut arguments[at]);
    });
    std::fs::remove_file(delivery.path("site/ledger.db")).unwrap();
    receive("DEMO-0004", "hold", &|_| {});
}

fn of_intake() {
    let delivery = Delivery::founded();
    let ask = |line: &str, outcome: &str, free: &[&str]| {
        let words: Vec<&str> = line.split(' ').chain(["--site", "site", "--json"]).collect();
        let answer = object(&delivery.run(&words));
        assert_eq!(answer["outcome"], outcome, "{answer:#}");
        hold_to(&answer, free);
    };
    ask("intake release.json shipment.json root.crl", "accept", &[]);
    ask("intake release.json image.bin", "reject", FACTS);
    ask("intake nowhere.json", "error", FACTS);
    ask("intake --trust x", "error", FACTS);
    ask("intake --list", "accept", &[]);
    ask("intake --reindex", "accept", &[]);
    std::fs::remove_file(delivery.path("site/ledger.db")).unwrap();
    ask("intake release.json", "hold", FACTS);
}

fn of_the_ledger() {
    let delivery = Delivery::founded();
    assert_eq!(delivery.receive("DEMO-0001", |_| {}).0, 0);
    assert_eq!(delivery.receive("DEMO-0001", |_| {}).0, 10);
    let ask = |line: &str, outcome: &str, free: &[&str]| {
        let words: Vec<&str> = line.split(' ').chain(["--site", "site", "--json"]).collect();
        let answer = object(&delivery.run(&words));
        assert_eq!(answer["outcome"], outcome, "{answer:#}");
        hold_to(&answer, free);
    };
    ask("ledger show --last 9", "accept", &[]);
    ask("ledger show --serial DEMO-0002", "reject", &["where", "expected", "found", "entries"]);
    ask("ledger show --attempt x", "error", FACTS);
    ask("ledger checkpoint", "accept", &[]);
    ask("ledger audit", "accept", &[]);
    ask("ledger audit --signatures", "accept", &[]);
    std::fs::remove_file(delivery.path("site/ledger.db")).unwrap();
    for command in ["ledger show --last 1", "ledger checkpoint", "ledger audit"] {
        ask(command, "reject", FACTS);
    }
}
