//! The way into inventory, step by step: an admission is of a unit that stands accepted and is its only one, a redemption
//! is of that admission while the unit still stands accepted, a confirmation is of that redemption and is its only one.
//!
//! Each rule looks at what stands before entry `seq` alone, so that it says the same when the entry is written, when it
//! is taken over after a crash, and when it is audited years later.

use super::Breach;
use crate::ledger::fault::LedgerFault;
use crate::ledger::index::Rows;
use crate::ledger::kind::EntryKind;
use crate::ledger::lookup::entry_about;
use crate::ledger::record::{More, Said};
use ecugate_verifier::documents::admission::{Admitted, Redeemed, RedemptionConfirmed};
use ecugate_verifier::documents::document::{self, Document};
use ecugate_verifier::documents::envelope::Envelope;
use ecugate_verifier::documents::receipt::Receipt;
use ecugate_verifier::inputs::custody::State;
use ecugate_verifier::values::limits::Limits;
use rusqlite::{Connection, OptionalExtension as _, params};

/// Whether an entry on the way into inventory may stand at `seq`.
pub(super) fn require_passage(rows: Rows<'_>, seq: u64, said: &Said) -> Result<(), Breach> {
    let Some(unit) = said.record.unit else { return unfit("it names no unit".to_owned()) };
    match &said.more {
        More::Admitted(admitted) => require_admissible(rows, seq, unit, admitted),
        More::Redeemed(redeemed) => require_redeemable(rows, seq, unit, redeemed),
        More::Confirmed(confirmed) => require_confirmable(rows.connection(), seq, unit, confirmed),
        _ => unfit(format!("{} is no step into inventory", said.kind.word())),
    }
}

fn require_admissible(rows: Rows<'_>, seq: u64, unit: u64, admitted: &Admitted) -> Result<(), Breach> {
    let connection = rows.connection();
    require_accepted(rows, seq, unit)?;
    require_first(connection, seq, unit, EntryKind::Admitted)?;
    let (envelope, receipt) = stored::<Receipt>(connection, unit, EntryKind::Verdict, seq)?;
    let same = envelope.digest() == admitted.receipt && receipt.unit == admitted.unit && receipt.site == admitted.site;
    if same { Ok(()) } else { unfit(format!("it admits on another receipt than that of entry {unit}")) }
}

fn require_redeemable(rows: Rows<'_>, seq: u64, unit: u64, redeemed: &Redeemed) -> Result<(), Breach> {
    require_accepted(rows, seq, unit)?;
    let (_, admitted) = stored::<Admitted>(rows.connection(), redeemed.admission, EntryKind::Admitted, seq)?;
    let same =
        admitted.record.unit == Some(unit) && admitted.consumer == redeemed.consumer && admitted.site == redeemed.site;
    if same { Ok(()) } else { unfit(format!("entry {} admits another unit, or for another", redeemed.admission)) }
}

fn require_confirmable(
    connection: &Connection,
    seq: u64,
    unit: u64,
    confirmed: &RedemptionConfirmed,
) -> Result<(), Breach> {
    require_first(connection, seq, unit, EntryKind::RedemptionConfirmed)?;
    let (_, redeemed) = stored::<Redeemed>(connection, confirmed.redemption, EntryKind::Redeemed, seq)?;
    let same = redeemed.record.unit == Some(unit)
        && redeemed.consumer == confirmed.consumer
        && redeemed.site == confirmed.site;
    if same { Ok(()) } else { unfit(format!("entry {} redeems another unit, or for another", confirmed.redemption)) }
}

/// Not contested, voided, shipped, or in inventory already: not then, whatever came of it later.
fn require_accepted(rows: Rows<'_>, seq: u64, unit: u64) -> Result<(), Breach> {
    match rows.standing_before(unit, seq)? {
        Some((State::Accepted, _)) => Ok(()),
        Some((state, _)) => unfit(format!("the unit of entry {unit} is {}, not accepted", state.word())),
        None => unfit(format!("entry {unit} is no verdict")),
    }
}

/// Each unit has one admission, and its redemption one confirmation, ever.
fn require_first(connection: &Connection, seq: u64, unit: u64, kind: EntryKind) -> Result<(), Breach> {
    match entry_about(connection, unit, kind, seq)? {
        Some(earlier) => unfit(format!("entry {earlier} is the {} of entry {unit} already", kind.word())),
        None => Ok(()),
    }
}

/// What a stored entry says, where it is of this kind and stands before entry `seq`.
fn stored<D: Document + Clone>(
    connection: &Connection,
    entry: u64,
    kind: EntryKind,
    seq: u64,
) -> Result<(Envelope, D), Breach> {
    let row = connection
        .prepare_cached(
            "SELECT entry.envelope FROM act JOIN entry ON entry.seq = act.seq \
             WHERE act.seq = ? AND act.kind = ? AND act.seq < ?",
        )
        .and_then(|mut statement| {
            statement.query_row(params![entry, kind.word(), seq], |row| row.get::<_, Option<Vec<u8>>>(0)).optional()
        })
        .map_err(LedgerFault::from)?;
    let bytes = row.flatten().ok_or_else(|| Breach::Unfit(format!("entry {entry} is no earlier {}", kind.word())))?;
    let limits = &Limits::STANDARD;
    let envelope = Envelope::parse(&bytes, limits).map_err(|fault| Breach::Unfit(fault.to_string()))?;
    let document = document::read_unverified(&envelope, limits).map_err(|fault| Breach::Unfit(fault.to_string()))?;
    Ok((envelope, document))
}

const fn unfit(why: String) -> Result<(), Breach> {
    Err(Breach::Unfit(why))
}
