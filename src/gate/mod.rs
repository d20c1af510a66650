//! The gate: the one door. A box arrives, is judged, the verdict is signed, recorded and read back; then it is said.
//!
//! `Err` never admits, and no [`Outcome`] but [`Outcome::Accepted`] does.

mod arrival;

mod outcome;

mod open;

mod receive;

mod documents;

pub use crate::surroundings::Surroundings;
pub use arrival::{Arrival, ImageSource};
pub use documents::Papers;
pub use open::{Gate, GateError, Retry};
pub use outcome::{Judgement, Outcome, RecordedVerdict};
