//! The gate: the one door. A box arrives, is judged, the verdict is signed, recorded and read back; then it is said.
//!
//! `Err` never admits, and no [`Outcome`] but [`Outcome::Accepted`] does.
//!
//! Many boxes go through one gate at once. Each is judged by the thread that presents it; one thread writes to the
//! ledger, for all of them. An attempt is journalled before anything is judged and ends when its outcome was shown:
//! `docs/journal.md` says what a crash in between can do.

mod arrival;

mod outcome;

mod writer;

mod engine;

mod open;

mod judging;

mod attempts;

mod late;

mod receive;

mod admission;

mod records;

mod documents;
mod inventory;

pub use crate::surroundings::Surroundings;
pub use admission::{AcceptRecord, Admission, Confirmation, Consumer, Redemption, Unconfirmed};
pub use arrival::{Arrival, ImageSource, Stored};
pub use documents::Papers;
pub use open::{Gate, GateError, Retry};
pub use outcome::{Handover, Judgement, Outcome, RecordedVerdict};
