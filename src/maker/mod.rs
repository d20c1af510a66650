//! The manufacturer's side.

pub mod key;
