//! T7: what a large ledger costs that a small one does not. By the wall clock, receipts signed beforehand.

use super::appending::seconds_each;
use super::clock::Spread;
use super::filled::{Filled, GROUP, Ledgers};
use super::receipts::Station;
use super::row::{Target, print, print_missing, thousands};
use ecugate::ledger::Select;
use rusqlite::{Connection, OpenFlags};

const ROUNDS: usize = 5;
/// Records of a round that are written one by one.
const SINGLES: u64 = 20;
/// Groups of a round.
const GROUPS: u64 = 6;
/// Entries that are looked up at once.
const LOOKED_UP: u64 = 1_000;
/// Tables with less of a record's bytes are told as one.
const NAMED_BYTES: f64 = 50.0;

/// Milliseconds of one round on one ledger.
struct Round {
    single: f64,
    group: f64,
    look: f64,
}

pub(crate) fn measure(ledgers: &mut Ledgers) {
    let (small, large) = (thousands(ledgers.small.records()), thousands(ledgers.large.records()));
    let Ledgers { station, small: small_ledger, large: large_ledger } = ledgers;
    let rounds: Vec<[Round; 2]> = (0..ROUNDS)
        .map(|_| {
            let of_small = round(station, small_ledger);
            [of_small, round(station, large_ledger)]
        })
        .collect();
    let row = |what: &str, target, figure: fn(&Round) -> f64| {
        let grown = rounds.iter().map(|[small, large]| figure(large) / figure(small));
        print("T7", &format!("{what}, {large} records against {small}"), " ×", target, Spread::of(grown));
        for (records, of) in [(&small, 0), (&large, 1)] {
            let figures = rounds.iter().map(|round| figure(&round[of]));
            print("T7", &format!("beside: {what}, {records} records"), " ms", Target::Beside, Spread::of(figures));
        }
    };
    row("single commit", Target::AtMost(1.6), |round| round.single);
    row("commit of 100", Target::AtMost(5.0), |round| round.group);
    print_missing("T7", "a day's report by range", "the ledger has no question that takes a range of time");
    row("the last 1,000 entries, verified and with their standing", Target::Beside, |round| round.look);
    bytes_of_a_record(large_ledger);
}

fn round(station: &Station, filled: &mut Filled) -> Round {
    let singles = filled.signed(station, SINGLES);
    let single = 1e3 * seconds_each(singles.len(), || filled.append(station, singles, 1));
    let groups = filled.signed(station, GROUPS * GROUP);
    let group = 1e3 * seconds_each(GROUPS as usize, || filled.append(station, groups, GROUP));
    let look = 1e3
        * seconds_each(1, || {
            let found = filled.ledger.look(Select::Last(LOOKED_UP)).unwrap();
            assert_eq!(found.len(), LOOKED_UP as usize);
        });
    Round { single, group, look }
}

/// Pages of each table with its indices, by SQLite's own count.
fn bytes_of_a_record(filled: &Filled) {
    let connection = Connection::open_with_flags(filled.file(), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut statement = connection
        .prepare(
            "SELECT coalesce(tbl_name, dbstat.name), sum(pgsize) FROM dbstat \
             LEFT JOIN sqlite_schema ON sqlite_schema.name = dbstat.name WHERE aggregate = TRUE \
             GROUP BY 1 ORDER BY 2 DESC",
        )
        .unwrap();
    let tables = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, f64>(1)?))).unwrap();
    let records = filled.records() as f64;
    let tables: Vec<(String, f64)> =
        tables.map(|table| table.unwrap()).map(|(name, size)| (name, size / records)).collect();
    let print = |what: &str, bytes: f64| print("T7", what, " bytes", Target::Beside, Spread::of([bytes]));
    print(
        &format!("bytes of a record, {} records", thousands(filled.records())),
        tables.iter().map(|(_, bytes)| bytes).sum(),
    );
    let (named, others): (Vec<_>, Vec<_>) = tables.into_iter().partition(|(_, bytes)| *bytes >= NAMED_BYTES);
    for (table, bytes) in named {
        print(&format!("beside: of them `{table}` with its indices"), bytes);
    }
    print("beside: of them everything else", others.iter().map(|(_, bytes)| bytes).sum());
}
