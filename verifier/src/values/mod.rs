//! Plain values that everything else is made of.

pub mod reason;

pub mod finding;

pub mod shown;

pub mod digest;

pub mod limits;

pub mod time;

pub mod ident;

pub mod verified;

pub mod keys;

pub mod attempt;
