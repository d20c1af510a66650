//! The officers' commands on real tokens and a real ledger: what counts afterwards, and what nobody can change alone.

mod lists;
mod page;
mod policies;
mod restarts;
mod token;

use crate::delivery::{Delivery, today_of};
use crate::faults::object;
use crate::world::{World, unit};
use ecugate_verifier::values::ident::Manufacturer;
use libtest_mimic::Trial;
use serde_json::Value;

pub(crate) fn trials() -> Vec<Trial> {
    [lists::trials(), policies::trials(), token::trials(), restarts::trials(), page::trials()]
        .into_iter()
        .flatten()
        .collect()
}

/// The units of the second manufacturer.
const OTHER_SERIALS: [&str; 3] = ["OTHER-1", "OTHER-2", "OTHER-3"];

/// A founded site, with a second manufacturer's papers beside those of the first.
fn two_makers() -> (Delivery, World) {
    let (delivery, mut other) = (Delivery::founded(), today_of("Other Root"));
    let maker = Manufacturer::new("other").unwrap();
    (other.release.manufacturer, other.shipment.manufacturer) = (maker.clone(), maker);
    other.shipment.units = OTHER_SERIALS.map(unit).to_vec();
    write_other(&delivery, &other);
    (delivery, other)
}

fn write_other(delivery: &Delivery, other: &World) {
    delivery.write("other.pem", other.root.pem().as_bytes());
    delivery.write("other-release.json", &other.release_envelope());
    delivery.write("other-shipment.json", &other.shipment_envelope());
    delivery.write("other-root.crl", &other.crls[0]);
    delivery.write("other-issuing.crl", &other.crls[1]);
}

/// Presents a unit of the second manufacturer. Status and first reason.
fn receive_other(delivery: &Delivery, serial: &str) -> (i32, Option<String>) {
    let (status, said) = delivery.receive(serial, |arguments| {
        for argument in arguments {
            if ["release.json", "shipment.json", "root.crl", "issuing.crl"].contains(&argument.as_str()) {
                *argument = format!("other-{argument}");
            }
        }
    });
    (status, said["reason"].as_str().map(str::to_owned))
}

/// Presents a unit of the first manufacturer. Status and first reason.
fn receive(delivery: &Delivery, serial: &str) -> (i32, Option<String>) {
    let (status, said) = delivery.receive(serial, |_| {});
    (status, said["reason"].as_str().map(str::to_owned))
}

fn accepted() -> (i32, Option<String>) {
    (0, None)
}

fn refused(status: i32, reason: &str) -> (i32, Option<String>) {
    (status, Some(reason.to_owned()))
}

/// Runs a command of officers, its words parted by blanks. Status and the JSON object.
fn run(delivery: &Delivery, words: &str) -> (i32, Value) {
    let words: Vec<&str> = words.split_whitespace().chain(["--json", "--site", "site"]).collect();
    let said = delivery.run(&words);
    (said.status, object(&said))
}

/// Runs a command that must succeed.
#[track_caller]
fn done(delivery: &Delivery, words: &str) -> Value {
    let (status, said) = run(delivery, words);
    assert_eq!((status, &said["reason"], &said["environment"]), (0, &Value::Null, &"trial".into()), "{words}: {said}");
    said
}

/// Runs a command that must be refused with this status and reason.
#[track_caller]
fn fails(delivery: &Delivery, words: &str, status: i32, reason: &str) -> Value {
    let (found, said) = run(delivery, words);
    assert_eq!((found, said["reason"].as_str()), (status, Some(reason)), "{words}: {said}");
    said
}

/// Both officers sign a list.
fn both_sign(delivery: &Delivery, file: &str) {
    for officer in ["officer-1", "officer-2"] {
        done(delivery, &format!("anchors sign {file} --officer {officer}"));
    }
}

/// A list that both officers signed.
fn signed_list(delivery: &Delivery, file: &str, change: &str) {
    done(delivery, &format!("anchors propose {change} --reason because --out {file}"));
    both_sign(delivery, file);
}

/// Everything that a refused command may not have changed.
fn state(delivery: &Delivery) -> (Vec<u8>, Vec<u8>, u64, Value) {
    let read = |name: &str| std::fs::read(delivery.path(name)).unwrap();
    let listed = run(delivery, "anchors list").1;
    let size = delivery.ledger().head().unwrap().0;
    (read("site/anchor-list.json"), read("site/policy.json"), size, listed["not_listed"].clone())
}
