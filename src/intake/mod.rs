//! Intake: documents come in before their boxes, are read strictly, recorded, and found again by the scanned label.
//!
//! Nothing is believed here. The ledger's blobs are the documents; the index beside them is a hint that costs time where
//! it is wrong and can be made anew at any moment. Every receipt verifies its documents again.

mod documents;

mod fault;

mod key;

mod paper;

mod reading;

mod aside;

mod index;

mod store;

mod offered;

mod run;

mod candidates;

mod support;

mod stock;

pub use candidates::{Candidate, Candidates, Chosen};
pub use documents::Documents;
pub use offered::{Offered, OfferedFault};
pub use paper::Paper;
pub use run::{Became, Fate, Recorder, Run};
pub use stock::{Stock, StockLine};
pub use store::Intake;
pub use support::Support;

#[cfg(test)]
mod tests;
