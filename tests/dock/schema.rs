//! The answers of `init` and `receive` are those that their schemas say, and their schemas let nothing else pass. (That
//! every other run of these tests is checked too stands in `delivery.rs`.)

use crate::answers::hold_to;
use crate::delivery::{Delivery, without};
use crate::faults::object;
use crate::receive::{strings, trial};
use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![trial("every_member_of_the_answers_of_init_and_receive_is_one_that_their_schemas_demand", held)]
}

const FACTS: &[&str] = &["where", "expected", "found"];

/// A new command that needs tokens has its calls here, one for each outcome.
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
