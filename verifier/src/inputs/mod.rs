//! What an appraisal takes: trust, policy, custody, memory, evidence, all in one dossier.

pub mod trust;

pub mod policy;

pub mod custody;

pub mod memory;

pub mod evidence;

pub mod dossier;
