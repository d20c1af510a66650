//! (being written)

pub mod path;
