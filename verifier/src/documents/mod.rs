//! Signed documents: envelopes, statements, and one predicate a kind.

pub mod envelope;

pub mod statement;

pub mod document;

pub mod manifest;

pub mod anchor_list;

pub mod policy_text;

pub mod record;

pub mod question;

pub mod receipt;

pub mod founding;

pub mod late_hold;

pub mod admission;

pub mod change;

pub mod document_seen;

pub mod leaf;
