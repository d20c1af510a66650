//! What append refuses, adoption and audit refuse too: entries whose signatures, places and rows are all right, written
//! by a hand with file access and the station's key.

use super::bench::{Bench, Key, ORIGIN, Unit, time};
use super::tampering::{leaf_of, raw, slip_in, small};
use super::unit;
use crate::ledger::index::Index;
use crate::ledger::state::stored_edge;
use crate::ledger::{Depth, Record};
use ecugate_verifier::documents::envelope::Envelope;
use ecugate_verifier::documents::late_hold::LateHold;
use ecugate_verifier::documents::receipt::{Receipt, Ruling, UnitName};
use ecugate_verifier::documents::record::State;
use ecugate_verifier::syntax::note::{Checkpoint, Origin};
use ecugate_verifier::values::attempt::Environment;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::Name;
use ecugate_verifier::values::keys::Signer as _;
use ecugate_verifier::values::reason::Reason;

/// Writes entries behind the last one, with their blobs and rows.
fn slip(bench: &Bench, station: &Key, unit: &Unit, envelopes: &[Envelope]) {
    let connection = raw(&bench.path());
    for blob in unit.blobs() {
        connection
            .execute(
                "INSERT OR IGNORE INTO blob VALUES (?, ?, ?)",
                rusqlite::params![Sha256::of(&blob.bytes).as_bytes(), blob.media_type, blob.bytes],
            )
            .unwrap();
    }
    drop(connection);
    for envelope in envelopes {
        slip_in(&bench.path(), envelope, &leaf_of(envelope, station.public_key()), true);
    }
}

/// Signs a checkpoint over all that stands there, as whoever holds the log key can.
pub(super) fn cover_by(bench: &Bench, log: &Key) {
    let raw = raw(&bench.path());
    let size = raw.query_row("SELECT max(seq) + 1 FROM entry", [], |row| row.get::<_, u64>(0)).unwrap();
    let sign = |origin: &str, root| Checkpoint { origin: Origin::new(origin).unwrap(), size, root }.sign(log).unwrap();
    let note = sign(ORIGIN, stored_edge(&raw, size).unwrap().root()).note;
    let index_note = sign(&format!("index.{ORIGIN}"), Index::stored(&raw).unwrap().root()).note;
    raw.execute("INSERT INTO checkpoint VALUES (?, ?, ?)", rusqlite::params![size, note, index_note]).unwrap();
}

/// What opening says of the entries uncovered, and what an audit says of them covered.
fn refused(bench: &Bench, [station, log]: [&Key; 2], unit: &Unit, envelopes: &[Envelope]) -> (String, String) {
    raw(&bench.path()).execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    let original = std::fs::read(bench.path()).unwrap();
    slip(bench, station, unit, envelopes);
    let opened = bench.look().map(drop).unwrap_err();
    assert_eq!(opened.reason(), Reason::LedgerDiffers, "{opened}");
    cover_by(bench, log);
    let audit = bench.open().audit(Depth::Signatures, &[7; 32]).unwrap();
    let found = audit.differences.iter().map(|finding| finding.found.clone()).collect::<Vec<_>>().join("; ");
    for suffix in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", bench.path().display()));
    }
    std::fs::write(bench.path(), original).unwrap();
    (opened.to_string(), found)
}

pub(super) fn require_refused(bench: &Bench, unit: &Unit, envelopes: &[Envelope], why: &str) {
    require_refused_by(bench, &bench.station, &bench.log, unit, envelopes, why);
}

/// The same for entries whose leaf names this station's key, covered by this log key.
pub(super) fn require_refused_by(
    bench: &Bench,
    station: &Key,
    log: &Key,
    unit: &Unit,
    envelopes: &[Envelope],
    why: &str,
) {
    let (opened, audited) = refused(bench, [station, log], unit, envelopes);
    assert!(opened.contains(why), "opened: {opened}");
    assert!(audited.contains(why), "audited: {audited}");
}

fn late_hold(seq: u64, unit: &Unit) -> LateHold {
    let receipt = unit.accepted();
    LateHold {
        record: Record { seq, state: Some(State::Held), parts: Vec::new(), versions: None, ..receipt.record },
        environment: Environment::Trial,
        site: Name::new("dock").unwrap(),
        tag: Name::new("H-000001").unwrap(),
        held: time(0),
        unit: UnitName::default(),
        operator: None,
        order: None,
        findings: vec![Finding::bare(Reason::TokenAbsent)],
        journal: Sha256::of(b"journal"),
    }
}

/// The entries of `small`: 2 accepts S1 and is contested by 4 and 5, 3 accepts S2.
const NEXT: u64 = 6;

#[test]
fn a_second_verdict_or_late_hold_of_an_attempt_is_refused_wherever_it_is_met() {
    let bench = small();
    let again = unit("S2", 2);
    let held = again.ruled(Ruling::HoldPerson, vec![Finding::bare(Reason::CrlMissing)]);
    require_refused(&bench, &again, &bench.placed(&held, NEXT), "is recorded as entry 3");
    let hold = bench.sealed(late_hold(NEXT, &again), &[]);
    require_refused(&bench, &again, &[hold], "is recorded as entry 3");
    let fresh = unit("S5", 5);
    let hold = bench.sealed(late_hold(NEXT, &fresh), &[]);
    let verdict = bench.placed(&fresh.accepted(), NEXT + 1).remove(0);
    require_refused(&bench, &fresh, &[hold, verdict], "is recorded as entry 6");
}

#[test]
fn a_suspect_that_contests_nobody_is_refused_wherever_it_is_met() {
    let bench = small();
    let clone = unit("S2", 6);
    let judged = clone.judged(&bench.open().sightings(&clone.keys()).unwrap());
    assert_eq!(judged.contests, [3]);
    let quiet = Receipt { contests: Vec::new(), ..judged.clone() };
    require_refused(&bench, &clone, &bench.placed(&quiet, NEXT), "entry 3 holds");
    let receipt = bench.placed(&judged, NEXT);
    require_refused(&bench, &clone, &receipt[..1], "entry 3 is contested by the receipt and by no entry");
    let other = bench.sealed(bench.contested(&judged, 2, NEXT + 1), &[]);
    let other = [receipt[0].clone(), other];
    require_refused(&bench, &clone, &other, "entry 3 is contested by the receipt and by no entry");
    slip(&bench, &bench.station, &clone, &receipt);
    drop(bench.open());
}

#[test]
fn a_contested_that_no_receipt_asks_for_is_refused_wherever_it_is_met() {
    let bench = small();
    let clone = unit("S2", 6);
    let judged = clone.judged(&bench.open().sightings(&clone.keys()).unwrap());
    let alone = bench.sealed(bench.contested(&judged, 3, NEXT), &[]);
    require_refused(&bench, &clone, &[alone], "no receipt before it contests a unit");
}

#[test]
fn a_unit_that_was_never_accepted_is_contested_nowhere() {
    let bench = small();
    let clone = unit("S7", 7);
    let findings = vec![Finding::bare(Reason::IdentitySeenBefore)];
    let absurd = Receipt { contests: vec![1], ..clone.ruled(Ruling::Suspect, findings) };
    require_refused(&bench, &clone, &bench.placed(&absurd, NEXT), "entry 1 is no accepted unit");
}

#[test]
fn a_claimed_key_is_claimed_a_second_time_nowhere() {
    let bench = small();
    let second = unit("S2", 8);
    // The row of the claim does not fit a second time; rows and rule both say so.
    let (opened, audited) =
        refused(&bench, [&bench.station, &bench.log], &second, &bench.placed(&second.accepted(), NEXT));
    assert!(opened.contains("claim of entry 6"), "{opened}");
    assert!(audited.contains("which entry 3 has claimed"), "{audited}");
}
