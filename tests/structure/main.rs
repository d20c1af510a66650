//! The shape of the code, held by tests: one module order, fences around what may be named where, sizes and names of
//! files, and the crates that the verifier stands on.
//!
//! The order is written once, as the `mod` lines of `lib.rs`, `main.rs` and every `mod.rs`, read from top to bottom.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod dependencies;
mod fences;
mod files;
mod imports;
mod order;
mod pages;
mod source;
