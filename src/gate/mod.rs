//! The gate: the one door. A box arrives, is judged, the verdict is signed, recorded and read back; then it is said.
//!
//! `Err` never admits, and no [`Outcome`] but [`Outcome::Accepted`] does.

mod arrival;

mod outcome;

mod tokens;

mod open;

mod receive;

pub use crate::surroundings::Surroundings;
pub use arrival::{Arrival, ImageSource};
pub(crate) use open::one_at_a_time;
pub use open::{Gate, GateError, Retry};
pub use outcome::{Judgement, Outcome, RecordedVerdict};
pub(crate) use tokens::open_tokens;
