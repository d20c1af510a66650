//! The gate: the one door. A box arrives, is judged, the verdict is signed, recorded and read back; then it is said.
//!
//! `Err` never admits, and no [`Outcome`] but [`Outcome::Accepted`] does.

mod arrival;

mod outcome;

mod open;

mod receive;

mod admission;

mod inventory;

pub use crate::surroundings::Surroundings;
pub use admission::{AcceptRecord, Admission, Confirmation, Consumer, Redemption, Unconfirmed};
pub use arrival::{Arrival, ImageSource};
pub use open::{Gate, GateError, Retry};
pub use outcome::{Judgement, Outcome, RecordedVerdict};
