//! T6a and T6b: what a durable record costs, one by one and in groups of 100, beside a file that is appended to and
//! synced, and beside PostgreSQL. By the wall clock: it is a disk that is waited for.

use super::clock::Spread;
use super::postgres::Cluster;
use super::receipts::{FIRST, Marked, Sealed, Station, Unit};
use super::row::{Target, print, print_missing};
use ecugate::ledger::{Ledger, Member};
use ecugate_verifier::values::keys::Signer as _;
use std::fs::File;
use std::io::Write as _;
use std::time::Instant;

const ROUNDS: usize = 7;
/// Records of a round that are written one by one.
const SINGLES: u64 = 40;
/// Groups of a round.
const GROUPS: u64 = 4;
const GROUP: u64 = 100;
/// A receipt's pre-authentication encoding is about this long.
const MESSAGE: usize = 6_000;
/// What a P-256 signature may cost where 3,000 units a second are due, in milliseconds.
const SIGNATURE: f64 = 0.3;

/// Seconds a record, of one round.
#[derive(Default)]
struct Round {
    raw: f64,
    /// Bytes of a record.
    bytes: f64,
    envelope: f64,
    /// One by one, then in groups.
    alone: [f64; 2],
    whole: [f64; 2],
    postgres: Option<[f64; 2]>,
    /// Milliseconds of one P-256 signature in memory.
    signature: f64,
}

pub(crate) fn measure() {
    let station = Station::new();
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let mut alone = station.found(folders[0].path(), Marked::InMemory).1;
    let mut whole = station.found(folders[1].path(), Marked::InAFile).1;
    let cluster = Cluster::start();
    let mut raw = File::create(folders[0].path().join("raw")).unwrap();
    let mut rounds = Vec::new();
    for number in 0..ROUNDS as u64 {
        let first = number * (SINGLES + GROUPS * GROUP);
        let numbers = first..first + SINGLES + GROUPS * GROUP;
        rounds.push(round(&station, [&mut alone, &mut whole], cluster.as_ref().ok(), &mut raw, numbers));
    }
    report(&rounds, cluster.as_ref().map(|cluster| cluster.version.as_str()).map_err(String::as_str));
}

fn round(
    station: &Station,
    [alone, whole]: [&mut Ledger; 2],
    cluster: Option<&Cluster>,
    raw: &mut File,
    numbers: std::ops::Range<u64>,
) -> Round {
    let mut signed = station.sealed(numbers.clone());
    let rows: Vec<(u64, Vec<u8>)> = numbers.clone().zip(signed.iter().map(Sealed::bytes)).collect();
    let rows: Vec<(u64, &[u8])> = rows.iter().map(|(number, bytes)| (*number, bytes.as_slice())).collect();
    let units: Vec<(u64, Unit)> = numbers.map(|number| (number + FIRST, station.unit(number))).collect();
    let (single_rows, grouped_rows) = rows.split_at(SINGLES as usize);
    let grouped = signed.split_off(SINGLES as usize);
    let (single_units, grouped_units) = units.split_at(SINGLES as usize);
    let message = [7; MESSAGE];

    let mut round = Round {
        bytes: rows.iter().map(|(_, bytes)| bytes.len() as f64).sum::<f64>() / rows.len() as f64,
        envelope: signed.iter().map(|sealed| sealed.envelope_length() as f64).sum::<f64>() / signed.len() as f64,
        ..Round::default()
    };
    round.raw = seconds_each(single_rows.len(), || {
        for (_, bytes) in single_rows {
            raw.write_all(bytes).unwrap();
            raw.sync_data().unwrap();
        }
    });
    round.alone[0] =
        seconds_each(signed.len(), || signed.into_iter().for_each(|sealed| append(station, alone, vec![sealed])));
    round.whole[0] = seconds_each(single_units.len(), || {
        single_units.iter().for_each(|unit| receive(station, whole, std::slice::from_ref(unit)));
    });
    round.postgres = cluster.map(|cluster| [cluster.insert(single_rows, 1) / single_rows.len() as f64, 0.0]);
    let mut groups: Vec<Vec<Sealed>> = Vec::new();
    for (number, sealed) in grouped.into_iter().enumerate() {
        if number % GROUP as usize == 0 {
            groups.push(Vec::new());
        }
        groups.last_mut().unwrap().push(sealed);
    }
    let count = grouped_units.len();
    round.alone[1] = seconds_each(count, || groups.into_iter().for_each(|group| append(station, alone, group)));
    round.whole[1] = seconds_each(count, || {
        grouped_units.chunks(GROUP as usize).for_each(|units| receive(station, whole, units));
    });
    if let (Some(cluster), Some([_, grouped])) = (cluster, &mut round.postgres) {
        *grouped = cluster.insert(grouped_rows, GROUP as usize) / count as f64;
    }
    round.signature = 1e3
        * seconds_each(count, || {
            for _ in 0..count {
                std::hint::black_box(station.station.sign(&message).unwrap());
            }
        });
    round
}

/// Appends what is signed already.
pub(crate) fn append(station: &Station, ledger: &mut Ledger, sealed: Vec<Sealed>) {
    let members = sealed.into_iter().map(Sealed::into_member).collect();
    for answer in ledger.append_group(members, &station.log) {
        answer.unwrap();
    }
}

/// As the gate does: memory, then the receipt signed under the lock, then the record. Each of the units stands at its
/// place.
fn receive(station: &Station, ledger: &mut Ledger, units: &[(u64, Unit)]) {
    let member = |(_, unit): &'_ (u64, Unit)| {
        let memory = ledger.memory(unit.keys()).unwrap();
        assert!(memory.sightings.is_empty());
        unit.append(memory.size)
    };
    let appends: Vec<_> = units.iter().map(member).collect();
    let (key, log) = (station.station.keeping(ledger.signatures()), station.log.keeping(ledger.signatures()));
    let key = &key;
    let members = units.iter().zip(appends).map(|((seq, unit), append)| Member {
        append,
        seal: Box::new(move |place| {
            assert_eq!(place.seq, *seq);
            Ok(vec![Station::sealed_by(key, unit, place.seq)])
        }),
    });
    for answer in ledger.append_group(members.collect(), &log) {
        answer.unwrap();
    }
}

/// Seconds by the wall clock, of each of so many.
pub(crate) fn seconds_each(count: usize, work: impl FnOnce()) -> f64 {
    let begun = Instant::now();
    work();
    begun.elapsed().as_secs_f64() / count as f64
}

fn report(rounds: &[Round], version: Result<&str, &str>) {
    let over = |figure: &dyn Fn(&Round) -> f64| Spread::of(rounds.iter().map(figure));
    let row = |row: &str, what: &str, unit: &str, target, figure: &dyn Fn(&Round) -> f64| {
        print(row, what, unit, target, over(figure));
    };
    let (least, beside) = (Target::AtLeast, Target::Beside);
    row("T6a", "append alone, one by one, against appending to a file and `fdatasync`", " ×", least(0.4), &|round| {
        round.raw / round.alone[0]
    });
    row("T6a", "the same in groups of 100, against the file one by one", " ×", least(8.0), &|round| {
        round.raw / round.alone[1]
    });
    match version {
        Err(why) => print_missing("T6a", "append alone, against PostgreSQL", why),
        Ok(version) => {
            let against = |round: &Round, of: usize| round.postgres.unwrap()[of] / round.alone[of];
            let name = format!("append alone, one by one, against PostgreSQL {version}");
            row("T6a", &name, " ×", least(1.0), &|round| against(round, 0));
            let name = format!("the same in groups of 100, against PostgreSQL {version} in groups of 100");
            row("T6a", &name, " ×", least(4.0), &|round| against(round, 1));
        }
    }
    row("T6a", "group commit: 100 records in one commit against 100 commits", " ×", beside, &|round| {
        round.alone[0] / round.alone[1]
    });
    row(
        "T6b",
        "whole write path, one by one, against appending to a file and `fdatasync`",
        " ×",
        least(0.15),
        &|round| round.raw / round.whole[0],
    );
    let signature = over(&|round| round.signature);
    let due = if signature.median <= SIGNATURE { least(3_000.0) } else { beside };
    row("T6b", "whole write path in groups of 100", " units/s", due, &|round| 1.0 / round.whole[1]);
    print(
        "T6b",
        "beside: one P-256 signature in memory (3,000 units/s are due at 0.3 ms or less)",
        " ms",
        beside,
        signature,
    );
    row("T6b", "group commit: 100 units in one commit against 100 commits", " ×", beside, &|round| {
        round.whole[0] / round.whole[1]
    });
    row("T6", "beside: file, one by one", " ms", beside, &|round| round.raw * 1e3);
    row("T6", "beside: append alone, one by one", " ms", beside, &|round| round.alone[0] * 1e3);
    row("T6", "beside: append alone, in groups of 100", " ms a record", beside, &|round| round.alone[1] * 1e3);
    row("T6", "beside: whole write path, one by one", " ms", beside, &|round| round.whole[0] * 1e3);
    if version.is_ok() {
        let of = |round: &Round, of: usize| round.postgres.unwrap()[of] * 1e3;
        row("T6", "beside: PostgreSQL, one by one", " ms", beside, &|round| of(round, 0));
        row("T6", "beside: PostgreSQL, in groups of 100", " ms a record", beside, &|round| of(round, 1));
    }
    row("T6", "beside: signed receipt", " bytes", beside, &|round| round.envelope);
    row("T6", "beside: what is new with it (receipt, leaf, its own parts)", " bytes", beside, &|round| round.bytes);
}
