//! The way through the entries: they are read in their order, looked at by all cores, and taken in their order.

use crate::ledger::fault::LedgerFault;
use rusqlite::{Connection, Rows};
use std::collections::VecDeque;
use std::sync::mpsc::sync_channel;
use std::thread::available_parallelism;

/// Entries that are handed to a core at once: few enough that what is under way stays small.
const BATCH: usize = 16;

/// A row of `entry`.
pub(super) struct StoredEntry {
    pub(super) seq: u64,
    pub(super) leaf: Vec<u8>,
    pub(super) leaf_hash: [u8; 32],
    pub(super) envelope: Option<Vec<u8>>,
}

/// Reads every entry. What needs no row is done by `look` on all cores, a batch ahead; `take` gets what that came to in
/// the order of the entries, and says whether to go on.
pub(super) fn through_entries<T: Send>(
    connection: &Connection,
    look: impl Fn(Vec<StoredEntry>) -> T + Sync,
    mut take: impl FnMut(T) -> Result<bool, LedgerFault>,
) -> Result<(), LedgerFault> {
    let mut statement = connection.prepare("SELECT seq, leaf, leaf_hash, envelope FROM entry ORDER BY seq")?;
    let mut rows = statement.query([])?;
    let look = &look;
    // Whoever panics below makes the whole scope panic at its end.
    std::thread::scope(|scope| {
        let mut cores = VecDeque::new();
        for _ in 0..available_parallelism().map_or(1, usize::from) {
            let (give, given) = sync_channel::<Vec<StoredEntry>>(1);
            let (answer, answers) = sync_channel(1);
            scope.spawn(move || given.iter().map(look).try_for_each(|looked| answer.send(looked)));
            cores.push_back((give, answers));
        }
        let (mut under_way, mut looked, mut ended) = (0, None, Ok(false));
        loop {
            // Each core has one batch, and its answer is asked for when its turn comes again.
            while matches!(ended, Ok(false))
                && let Some((give, _)) = cores.get(under_way)
            {
                ended = read_batch(&mut rows).map(|batch| batch.is_empty() || give.send(batch).is_err());
                under_way += usize::from(matches!(ended, Ok(false)));
            }
            if let Some(looked) = looked.take()
                && !take(looked)?
            {
                return Ok(());
            }
            if under_way == 0 {
                return ended.map(drop);
            }
            looked = cores.front().and_then(|(_, answers)| answers.recv().ok());
            cores.rotate_left(1);
            under_way -= 1;
        }
    })
}

fn read_batch(rows: &mut Rows<'_>) -> Result<Vec<StoredEntry>, LedgerFault> {
    let mut batch = Vec::new();
    while batch.len() < BATCH
        && let Some(row) = rows.next()?
    {
        batch.push(StoredEntry { seq: row.get(0)?, leaf: row.get(1)?, leaf_hash: row.get(2)?, envelope: row.get(3)? });
    }
    Ok(batch)
}
