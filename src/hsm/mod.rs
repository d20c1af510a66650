//! Tokens behind PKCS#11: manufacturer certificates are read from them, and receipts and checkpoints signed on them.
//!
//! This is the only code that names cryptoki. Owned [`Request`]s go in and owned [`Answer`]s come out ([`Tokens`]); no
//! slot, session or handle leaves the module, so that it can stand in a process of its own: [`Guarded`] is what a gate
//! uses, and [`serve`] what that process runs. [`Module`] answers in this process. [`TokenSigner`] is the [`Signer`](ecugate_verifier::values::keys::Signer) of a key on a token and verifies
//! every signature before it lets it out.
//!
//! # What it does not establish
//! That a certificate stands on a token says nothing about it: with several modules anybody may write one, or delete
//! one. What counts is the signed anchor list.

mod name;

mod fault;

mod pin;

pub mod uri;

mod bytes;

pub mod environment;

mod exchange;

mod selection;

mod rv;

mod point;

mod tokens;

mod certificates;

mod data_objects;

mod keys;

mod module;

mod signer;

mod wire;

mod serve;

mod child;

mod remembered;

mod guarded;

mod trial;

pub use child::HelperStart;
pub use exchange::{
    Answer, CertificateRemoved, CertificateToWrite, CertificateWritten, DataToWrite, DataWritten, KeyKind, ModuleSeen,
    Permanence, Request, Role, SkipReason, SkippedObject, StoredCertificate, StoredData, TokenCertificates, TokenData,
    TokenSeen, Tokens, TokensSeen,
};
pub use fault::TokenFault;
pub use guarded::Guarded;
pub use module::Module;
pub use name::{TokenKey, TokenName};
pub use pin::{Pin, PinSource, PinSourceFault};
pub use selection::{SelectedToken, key_label, select};
pub use serve::serve;
pub use signer::{ExpectedKey, TokenSigner};
pub use trial::{TrialFolder, TrialKey, TrialToken, TrialTokens, softhsm};
