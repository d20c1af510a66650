//! The manufacturer's side: from a description and image files to a signed manifest.
//!
//! [`release::describe`] and [`shipment::describe`] make documents, [`sign::sign`] makes the envelope. Every one of
//! them judges with the verifier's own code, so that what leaves here is not refused at the dock for its form.

pub mod key;

pub mod token_key;

pub mod description;

pub mod release;

mod units;

pub mod shipment;

pub mod sign;
