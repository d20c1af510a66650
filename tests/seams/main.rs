//! The seams through the real program: what each prints and with which status it exits.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod batch;
mod inputs;
mod merkle;
mod output;
mod program;
