//! Evidence in, verdict out.
//!
//! The pure heart of ecugate: bytes become evidence, evidence becomes a verdict. No file, clock, network, database,
//! process, environment or token is in sight; whatever they would have said comes in as a plain value, so that the
//! same dossier gives the same verdict for ever.
//!
//! The modules stand in one total order, and each imports only earlier ones:
//! [`values`] → [`syntax`] → [`documents`] → [`inputs`] → [`judgement`].

pub mod values;

pub mod syntax;

pub mod documents;

pub mod inputs;

pub mod judgement;

#[cfg(test)]
#[path = "../../tests/support/pki.rs"]
mod pki;
