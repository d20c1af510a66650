//! Failing allocations: SQLite gets no more memory than a limit allows, which falls below what it needs at one place after
//! the other. A box at the gate is then held, or gets the whole right answer.
//!
//! SQLite's limit holds for a process and is never raised again, so each limit has a process of its own.

use crate::campaign::{number, tell};
use crate::delivery::today;
use crate::gate::{found, gate, now};
use crate::own_process::{self, DEADLINE, Stage};
use crate::world::{PART, label, name, unit};
use ecugate::gate::{Arrival, Gate, GateError, ImageSource, Outcome, Stored};
use ecugate::ledger::{Depth, Ledger};
use ecugate::site::Site;
use ecugate_verifier::documents::manifest::shipment::Condition;
use ecugate_verifier::inputs::custody::{Attempt, Nonce, State};
use ecugate_verifier::values::ident::{Serial, UnitKey};
use libtest_mimic::{Failed, Trial};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Limits in one run of the tests. A campaign sets `ECUGATE_HEAP_LIMITS` to more.
const LIMITS: usize = 97;
/// With so much everything goes well.
const PLENTY: usize = 8 << 20;
/// So many limits of each kind halve the way to the least that is enough; the others go down from there.
const HALVINGS: usize = 10;

pub(crate) fn trials() -> Vec<Trial> {
    let name = "without_memory_for_the_ledger_a_box_is_held_or_gets_its_whole_answer_and_nothing_is_lost_or_doubled";
    vec![match ecugate::hsm::softhsm() {
        Err(why) => Trial::test(format!("{name} (needs: {why})"), || Ok(())).with_ignored_flag(true),
        Ok(_) => Trial::test(name, move || {
            let points = std::iter::repeat_n(point as Stage, limits());
            let stages: Vec<Stage> = [founded as Stage].into_iter().chain(points).chain([ended as Stage]).collect();
            own_process::run_within(DEADLINE, name, |_| BTreeMap::new(), &stages).map_err(Failed::from)
        }),
    }]
}

fn limits() -> usize {
    number("ECUGATE_HEAP_LIMITS", LIMITS)
}

fn serial(number: usize) -> String {
    format!("MEMORY-{number:05}")
}

/// What came of a box under a limit.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Point {
    /// Whether tokens and ledger were open before the limit fell. Else they open under it.
    is_warm: bool,
    limit: usize,
    status: u8,
    reason: String,
    /// Its entry and leaf hash, if it is a recorded one.
    entry: Option<(u64, String)>,
}

fn points(folder: &Path) -> Vec<Point> {
    std::fs::read(folder.join("points")).map_or(Vec::new(), |bytes| serde_json::from_slice(&bytes).unwrap())
}

/// Halves the way to the least limit that is enough, then goes down from it to half of it, in steps that grow: what fails
/// last needs a little more than what fails before.
fn next_limit(is_warm: bool, points: &[Point]) -> usize {
    let alike: Vec<&Point> = points.iter().filter(|point| point.is_warm == is_warm).collect();
    let enough = alike.iter().filter(|point| point.status == 0).map(|point| point.limit).min().unwrap_or(PLENTY);
    if let Some(steps) = alike.len().checked_sub(HALVINGS) {
        return enough - enough / 2 * steps * steps / (limits() / 2 - HALVINGS).pow(2);
    }
    let short = alike.iter().filter(|point| point.status != 0 && point.limit < enough).map(|point| point.limit).max();
    usize::midpoint(short.unwrap_or(0), enough)
}

fn founded(folder: &Path) {
    let mut world = today();
    world.shipment.units = (0..limits()).map(|number| unit(&serial(number))).collect();
    std::fs::create_dir(folder.join("site")).unwrap();
    found(&folder.join("site"), &world);
    for (file, bytes) in [
        ("release.json", world.release_envelope()),
        ("shipment.json", world.shipment_envelope()),
        ("root.crl", world.crls[0].clone()),
        ("issuing.crl", world.crls[1].clone()),
        ("image.bin", world.image.clone()),
    ] {
        std::fs::write(folder.join(file), bytes).unwrap();
    }
}

/// Presents a box: byte for byte what is presented with every other number.
fn present(gate: &Gate, folder: &Path, number: usize, attempt: u8) -> Result<Outcome, GateError> {
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let mut nonce = [attempt; 16];
    nonce[..8].copy_from_slice(&u64::try_from(number).unwrap().to_be_bytes());
    let image = read("image.bin");
    gate.receive(Arrival {
        attempt: Some(Attempt { station: name("dock-1"), nonce: Nonce::from_bytes(nonce) }),
        station: None,
        label: Some(label(PART, &serial(number))),
        housing_label: None,
        manifests: vec![read("release.json"), read("shipment.json")],
        images: vec![ImageSource { component: None, reader: Box::new(image.as_slice()) }],
        untrusted: Vec::new(),
        crls: vec![read("root.crl"), read("issuing.crl")],
        device_proof: None,
        condition: Condition::New,
        operator: None,
        order: None,
        stored: Stored::default(),
    })
}

fn entry(outcome: &Outcome) -> Option<(u64, String)> {
    let recorded = outcome.recorded()?.recorded();
    Some((recorded.seq, recorded.leaf_hashes[0].to_string()))
}

/// One box under one limit; and before it, without any, what became of the one before.
fn point(folder: &Path) {
    let mut all = points(folder);
    let site = folder.join("site");
    let mut gate = gate(&site, Some(now()));
    if let Some(before) = all.last() {
        settled(&gate, folder, all.len() - 1, before);
    }
    let is_warm = all.len() % 2 == 1;
    if !is_warm {
        gate = crate::gate::gate(&site, Some(now()));
    }
    let limit = next_limit(is_warm, &all);
    let other = rusqlite::Connection::open_in_memory().unwrap();
    let set: usize = other.query_row(&format!("PRAGMA hard_heap_limit = {limit}"), [], |row| row.get(0)).unwrap();
    assert_eq!(set, limit);
    let outcome = present(&gate, folder, all.len(), 1).unwrap();
    if let Outcome::NotRecorded { tag, .. } = &outcome {
        assert!(tag.is_some(), "a hold that nothing keeps: {outcome:?}");
    }
    let reason = outcome.findings().first().map(|finding| finding.reason.code().to_owned()).unwrap_or_default();
    all.push(Point { is_warm, limit, status: outcome.exit_status(), reason, entry: entry(&outcome) });
    std::fs::write(folder.join("points"), serde_json::to_vec(&all).unwrap()).unwrap();
}

/// With memory the same number gets what it came to, and a second box like it is suspect.
fn settled(gate: &Gate, folder: &Path, number: usize, point: &Point) {
    let ask = |attempt| present(gate, folder, number, attempt).unwrap();
    let again = ask(1);
    let accepted = match point.status {
        0 => {
            assert_eq!(entry(&again), point.entry, "{point:?}: {again:?}");
            again
        }
        30 => again,
        _ => {
            assert!(matches!(again, Outcome::NotRecorded { late: Some(_), .. }), "{point:?}: {again:?}");
            ask(2)
        }
    };
    assert!(matches!(accepted, Outcome::Accepted(_)), "{point:?}: {accepted:?}");
    let second = ask(3);
    assert!(matches!(second, Outcome::Quarantined(_)), "{point:?}: {second:?}");
    assert_eq!(second.receipt().contests, [entry(&accepted).unwrap().0], "{point:?}");
}

fn ended(folder: &Path) {
    let all = points(folder);
    let site = folder.join("site");
    settled(&gate(&site, Some(now())), folder, all.len() - 1, all.last().unwrap());
    let site = Site::open(&site).unwrap();
    let ledger = Ledger::open(&site.ledger(), site.trusted_keys(), site.marks()).unwrap();
    let audit = ledger.audit(Depth::Signatures, &[7; 32]).unwrap();
    assert!(audit.is_clean(), "{audit:?}");
    for (number, point) in all.iter().enumerate() {
        let key = UnitKey::serial(&Serial::new(serial(number)).unwrap());
        let states: Vec<State> = ledger.sightings(&[key]).unwrap().into_iter().map(|seen| seen.state).collect();
        let late = if matches!(point.status, 0 | 30) { &[][..] } else { &[State::Held] };
        assert_eq!(states, [late, &[State::Contested, State::Suspect]].concat(), "{point:?}");
    }
    // Not confirmed, where memory ended after the commit: the box presented again got its record above.
    let known = [(0, ""), (20, "ledger-failed"), (30, "not-confirmed")];
    for is_warm in [false, true] {
        let alike = all.iter().filter(|point| point.is_warm == is_warm);
        let came: BTreeSet<(u8, &str)> = alike.map(|point| (point.status, point.reason.as_str())).collect();
        assert!(came.iter().all(|one| known.contains(one)), "{came:?}");
        assert!(known[..2].iter().all(|one| came.contains(one)), "these limits show nothing: {came:?}");
    }
    let with = |status| all.iter().filter(|point| point.status == status).count();
    tell(&format!(
        "heap limits: {}; {} boxes were held, {} not confirmed, {} got the whole answer; none lost or doubled",
        all.len(),
        with(20),
        with(30),
        with(0)
    ));
}
