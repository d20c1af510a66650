//! What a manufacturer signs: release manifests (what a genuine unit holds) and shipment manifests (which units).

pub mod validity;

pub mod assurance;

pub mod release;

pub mod shipment;

pub use validity::{Timeliness, Validity};
