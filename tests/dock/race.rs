//! Many docks at one instant: 32 processes with one serial, then with one device key, half of them killed on the way.

use crate::campaign::tell;
use crate::delivery::{Delivery, Said};
use crate::kill::{KEPT, trial};
use crate::oracle::Oracle;
use crate::world::unit;
use ecugate::ledger::Depth;
use ecugate_verifier::inputs::custody::State;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::ident::{KeyKind, Serial, UnitKey};
use libtest_mimic::Trial;
use std::process::{Child, Command, Stdio};

/// Processes that race.
const DOCKS: usize = 32;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "attack_51_of_32_docks_with_one_serial_half_of_them_killed_one_accepts_and_every_arrival_is_recorded",
            serial,
        ),
        trial(
            "attack_51_of_32_docks_with_one_device_key_half_of_them_killed_one_accepts_and_every_arrival_is_recorded",
            device_key,
        ),
    ]
}

fn serial() {
    let delivery = Delivery::founded();
    delivery.be_patient();
    let all = vec!["DEMO-0001".to_owned(); DOCKS];
    let key = UnitKey::serial(&Serial::new("DEMO-0001").unwrap());
    race(&delivery, &all, &key);
}

fn device_key() {
    let mut delivery = Delivery::new();
    let digest = Sha256::of(b"one key for all of them");
    let serials: Vec<String> = (0..DOCKS).map(|n| format!("CLONE-{n:04}")).collect();
    delivery.world.shipment.units = serials
        .iter()
        .map(|serial| {
            let mut unit = unit(serial);
            unit.device_key = Some(digest);
            unit
        })
        .collect();
    delivery.write("shipment.json", &delivery.world.shipment_envelope());
    let said = delivery.run(&["init", "--trial", "site", "--anchor", "root.pem", "--manufacturer", "maker"]);
    assert_eq!(said.status, 0, "{said:?}");
    delivery.be_patient();
    race(&delivery, &serials, &UnitKey::digest(KeyKind::DeviceKey, &digest));
}

/// Every second dock dies at another of its writes.
fn race(delivery: &Delivery, serials: &[String], key: &UnitKey) {
    let docks: Vec<(bool, Child)> = serials
        .iter()
        .enumerate()
        .map(|(n, serial)| match n % 2 {
            0 => (false, dock(delivery, Command::new(env!("CARGO_BIN_EXE_ecugate")), serial)),
            _ => {
                let mut command = Command::new("strace");
                command.args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=pwrite64,write,fdatasync,fsync"]);
                for path in KEPT {
                    command.arg("-P").arg(delivery.path(path));
                }
                command.args(["-e", &format!("inject=pwrite64,write,fdatasync,fsync:signal=KILL:when={}", 1 + n)]);
                command.arg(env!("CARGO_BIN_EXE_ecugate"));
                (true, dock(delivery, command, serial))
            }
        })
        .collect();
    let mut accepted = 0;
    let (mut told, mut tags, mut sent_away) = (Vec::new(), Vec::new(), Vec::new());
    let mut oracle = Oracle::default();
    for ((doomed, child), serial) in docks.into_iter().zip(serials) {
        let output = child.wait_with_output().unwrap();
        oracle.see(&output.stdout);
        if doomed && output.status.code().is_none_or(|code| code == 137) {
            continue;
        }
        let said = Said::of(output);
        assert!(matches!(said.status, 0 | 10 | 20 | 30), "{said:?}");
        accepted += usize::from(said.status == 0);
        let (status, said) = (said.status, serde_json::from_str::<serde_json::Value>(&said.out).unwrap());
        match said["record"]["seq"].as_u64() {
            Some(seq) => told.push((seq, said["record"]["leaf_hash"].as_str().unwrap().to_owned())),
            // On a busy machine the turn of a dock may not come in ten seconds. Tokens or ledger that stay busy are a hold
            // with a tag, which is entered later; a journal that does has no tag to give; and a ledger that was busy after
            // the commit confirms nothing.
            None if status == 30 => assert_eq!(said["reason"], "not-confirmed", "{said}"),
            None => {
                let found = said["findings"].as_array().unwrap();
                let is_untagged = found.iter().any(|finding| finding["reason"] == "journal-busy");
                assert!(said["tag"].is_string() != is_untagged, "{said}");
                match said["tag"].as_str() {
                    Some(tag) => tags.push(tag.to_owned()),
                    None => sent_away.push(serial),
                }
            }
        }
    }
    // Whoever could keep nothing of its box was told to present it again, and does.
    for serial in sent_away {
        let said = finished(delivery, serial);
        assert!(matches!(said.status, 0 | 10), "{said:?}");
        accepted += usize::from(said.status == 0);
    }
    assert!(accepted <= 1, "{accepted} docks said accept");
    // The one that was accepted may have died before it could say so; whoever comes next is none.
    let last = serials.last().unwrap();
    let again: Vec<i32> = (0..2).map(|_| finished(delivery, last).status).collect();
    let ledger = delivery.ledger();
    let states: Vec<State> =
        ledger.sightings(std::slice::from_ref(key)).unwrap().into_iter().map(|sighting| sighting.state).collect();
    let claimed = states.iter().filter(|state| matches!(state, State::Accepted | State::Contested)).count();
    assert_eq!(claimed, 1, "{states:?} {again:?}");
    assert_eq!(again[1], 10, "{again:?}");
    // What was held under a tag is entered, once: as a late hold, or as the verdict that stood already.
    let journal = std::fs::read_to_string(delivery.path("site/journal/000001.jsonl")).unwrap();
    let lines = journal.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let says: Vec<_> = lines.flat_map(|line| line["says"].as_array().unwrap().clone()).collect();
    for tag in tags {
        assert_eq!(says.iter().filter(|said| said["entered"]["tag"] == *tag).count(), 1, "{tag}");
    }
    for (seq, leaf_hash) in told {
        let look = ledger.look(ecugate::ledger::Select::Entry(seq)).unwrap();
        assert_eq!(look[0].leaf_hash.to_string(), leaf_hash);
    }
    assert!(ledger.audit(Depth::Signatures, &[7; 32]).unwrap().is_clean());
    oracle.see_folder(&delivery.path("site"));
    assert!(oracle.judge(&ledger).unwrap() > 1);
    tell(&format!("a race of {DOCKS} docks, half of them killed: one accept, every signed checkpoint of one history"));
}

fn dock(delivery: &Delivery, mut command: Command, serial: &str) -> Child {
    command.args(delivery.box_with(serial)).current_dir(delivery.path("")).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn finished(delivery: &Delivery, serial: &str) -> Said {
    Said::of(dock(delivery, Command::new(env!("CARGO_BIN_EXE_ecugate")), serial).wait_with_output().unwrap())
}
