//! Rules of admission, redemption and its confirmation.

use super::Breach;
use crate::ledger::record::Said;
use rusqlite::Connection;

/// Refuses all three kinds until their rules stand here.
pub(super) fn require(_connection: &Connection, _seq: u64, said: &Said) -> Result<(), Breach> {
    Err(Breach::Unfit(format!("{} has no rules yet", said.kind.word())))
}
