//! The answers of commands that need a site are those that their schemas say, and their schemas let nothing else pass. (That
//! every other run of these tests is checked too stands in `delivery.rs`.)

use crate::answers::hold_to;
use crate::delivery::{Delivery, without};
use crate::faults::object;
use crate::pki::{DAY, Party, Spec};
use crate::receive::{strings, trial};
use ecugate_verifier::values::digest::Sha256;
use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("every_member_of_the_answers_of_init_and_receive_is_one_that_their_schemas_demand", held),
        trial("every_member_of_the_answers_of_intake_is_one_that_its_schema_demands", of_intake),
        trial("every_member_of_the_answers_about_a_ledger_is_one_that_their_schemas_demand", of_the_ledger),
        trial("every_member_of_the_answers_about_a_journal_is_one_that_their_schemas_demand", of_the_journal),
        trial("every_member_of_the_answers_to_officers_is_one_that_their_schemas_demand", of_officers),
        trial("every_member_of_the_answers_to_an_inventory_is_one_that_their_schemas_demand", of_inventories),
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

/// Runs one command about the site, and holds its schema to what it answers.
fn ask(delivery: &Delivery, line: &str, outcome: &str, free: &[&str]) {
    let words: Vec<&str> = line.split(' ').chain(["--site", "site", "--json"]).collect();
    let answer = object(&delivery.run(&words));
    assert_eq!(answer["outcome"], outcome, "{line}: {answer:#}");
    hold_to(&answer, free);
}

fn of_intake() {
    let delivery = Delivery::founded();
    ask(&delivery, "intake release.json shipment.json root.crl", "accept", &[]);
    ask(&delivery, "intake release.json image.bin", "reject", FACTS);
    ask(&delivery, "intake nowhere.json", "error", FACTS);
    ask(&delivery, "intake --trust x", "error", FACTS);
    ask(&delivery, "intake --list", "accept", &[]);
    ask(&delivery, "intake --reindex", "accept", &[]);
    std::fs::remove_file(delivery.path("site/ledger.db")).unwrap();
    ask(&delivery, "intake release.json", "hold", FACTS);
}

fn of_the_ledger() {
    let delivery = Delivery::founded();
    assert_eq!(delivery.receive("DEMO-0001", |_| {}).0, 0);
    assert_eq!(delivery.receive("DEMO-0001", |_| {}).0, 10);
    let ask = |line: &str, outcome: &str, free: &[&str]| ask(&delivery, line, outcome, free);
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

fn of_the_journal() {
    let delivery = Delivery::founded();
    std::fs::rename(delivery.path("site/ledger.db"), delivery.path("away")).unwrap();
    assert_eq!(delivery.receive("DEMO-0001", |_| {}).0, 21);
    let ask = |line: &str, outcome: &str, free: &[&str]| ask(&delivery, line, outcome, free);
    ask("journal show", "accept", &[]);
    ask("journal begin --after H-000001", "reject", FACTS);
    ask("journal begin --after 1", "error", FACTS);
    std::fs::rename(delivery.path("site/journal"), delivery.path("lost")).unwrap();
    ask("journal show", "reject", FACTS);
    ask("journal begin --after H-000001", "accept", &[]);
}

fn of_officers() {
    let delivery = Delivery::founded();
    let other = Party::root(Spec::ca("Other Root").with(|spec| spec.not_after += 9_000 * DAY));
    delivery.write("other.pem", other.pem().as_bytes());
    let policy = b"[minimum]\nidentity = \"listed\"\nfirmware = \"not-read\"\n";
    delivery.write("policy.toml", policy);
    let ask = |line: &str, outcome: &str, free: &[&str]| ask(&delivery, line, outcome, free);
    ask("anchors list", "accept", &[]);
    ask("anchors propose --add other.pem --manufacturer other --reason brakes --out list2", "accept", &[]);
    ask("anchors propose --renew --reason x --out list2", "error", FACTS);
    ask("anchors show list2", "accept", &[]);
    ask("anchors show policy.toml", "hold", FACTS);
    ask("anchors sign list2 --officer officer-1", "accept", &[]);
    ask("anchors sign list2 --officer officer-1", "error", FACTS);
    ask("anchors publish list2", "hold", FACTS);
    ask("anchors sign list2 --officer officer-2", "accept", &[]);
    ask("anchors publish list2", "accept", &[]);
    // What is in force comes first in the next list: one altered, one retired.
    let retire = format!("anchors propose --retire {} --reason gone --out list3", Sha256::of(&other.der));
    ask(&retire, "accept", &[]);
    ask("anchors sign list3 --officer officer-1", "accept", &[]);
    ask("anchors sign list3 --officer officer-2", "accept", &[]);
    ask("anchors publish list3", "accept", &[]);
    ask("anchors list", "accept", &[]);

    ask("policy check policy.toml", "accept", &[]);
    ask("policy check list2", "hold", FACTS);
    ask("policy sign policy.toml --officer officer-1 --reason boxes --out policy2", "accept", STATED);
    ask("policy sign policy2 --officer officer-1", "error", FACTS);
    ask("policy check policy2", "accept", STATED);
    ask("policy publish policy2", "hold", FACTS);
    ask("policy sign policy2 --officer officer-2", "accept", STATED);
    ask("policy publish policy2", "accept", &[]);
    std::fs::remove_file(delivery.path("site/anchor-list.json")).unwrap();
    ask("anchors list", "hold", FACTS);

    ask("key failover --reason lost --officer officer-1", "hold", FACTS);
    ask("key failover --reason lost", "accept", &[]);
    ask("key failover --reason lost", "hold", FACTS);
    ask("ledger clock-step --reason closed", "error", FACTS);
    let delivery = crate::clock_step::closed_for_three_days();
    self::ask(&delivery, "ledger clock-step --reason closed --officer officer-1", "hold", FACTS);
    self::ask(&delivery, "ledger clock-step --reason closed", "accept", &[]);
    let delivery = crate::clock_step::closed_for_three_days();
    self::ask(&delivery, "key failover --reason lost --clock-step", "accept", &[]);
}

/// A policy may be on its way without the file that says why.
const STATED: &[&str] = &["statement"];

fn of_inventories() {
    let delivery = Delivery::founded();
    assert_eq!(delivery.receive("DEMO-0001", |_| {}).0, 0);
    let ask = |line: &str, outcome: &str, free: &[&str]| ask(&delivery, line, outcome, free);
    ask("admission --record 2 --consumer erp", "accept", &[]);
    ask("admission --record 2 --consumer erp --out box", "accept", &[]);
    ask("admission --record 2 --consumer other --out other", "reject", REFUSED);
    ask("admission --record 2 --consumer erp --out box", "error", FACTS);
    let redeem = "redeem --admission box --consumer erp --environment trial --reference";
    ask(&format!("{redeem} 7"), "accept", &[]);
    ask(&format!("{redeem} 8"), "reject", REFUSED);
    ask("redeem --admission nowhere --consumer erp --environment trial --reference 7", "error", FACTS);
    ask("unconfirmed", "accept", &[]);
    ask("confirm --redemption 4 --consumer erp --booked-as stock-7", "accept", &[]);
    ask("confirm --redemption 2 --consumer erp --booked-as stock-7", "reject", REFUSED);
    std::fs::remove_file(delivery.path("site/ledger.db")).unwrap();
    ask("unconfirmed", "hold", REFUSED);
}

/// A refusal says of which environment it is, where it is known.
const REFUSED: &[&str] = &["where", "expected", "found", "environment"];
