//! The seams through the real program: what each prints and with which status it exits.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../support/answers.rs"]
mod answers;
mod bad;
mod batch;
mod certificate;
mod chain;
mod documented;
mod envelope;
mod image;
mod inputs;
mod label;
mod maker;
mod manifest;
mod merkle;
mod output;
#[path = "../support/pki.rs"]
mod pki;
mod program;
mod schema;
#[path = "../support/schemas.rs"]
mod schemas;
mod signature;
mod unit;
#[path = "../support/world.rs"]
mod world;
