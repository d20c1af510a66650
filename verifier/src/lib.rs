//! Evidence in, verdict out.
//!
//! The pure heart of ecugate: bytes become evidence, evidence becomes a verdict. No file, clock, network, database,
//! process, environment or token is in sight; whatever they would have said comes in as a plain value, so that the
//! same dossier gives the same verdict for ever.
//!
//! The modules stand in one total order, and each imports only earlier ones:
//! [`values`] → [`syntax`] → [`documents`] → [`inputs`] → [`judgement`].
//!
//! # Where to start
//!
//! | to … | take |
//! |---|---|
//! | judge one unit | [`inputs::dossier::Dossier::assemble`], [`judgement::judged::Judged::of`] |
//! | judge it again, years later | [`inputs::dossier::Dossier::decode`], then the same |
//! | read a signed document | [`documents::envelope::Envelope`] → [`documents::envelope::Verified`] → [`documents::document::read`] |
//! | vet who signed it | [`inputs::trust::signer::vet`]; for any chain [`inputs::trust::path::find_path`] |
//! | measure a firmware image | [`syntax::image::measure`] |
//! | read a label | [`syntax::label::read`] |
//! | check the ledger's proofs | [`syntax::merkle`], [`syntax::note`], [`documents::leaf`] |
//! | say in words what a reason means | [`judgement::words`] |
//!
//! A box with a label and no papers says nothing bad about the unit and is not accepted; the verdict says why, worst
//! first:
//!
//! ```
//! use ecugate_verifier::documents::manifest::shipment::Condition;
//! use ecugate_verifier::inputs::dossier::{Dossier, Environment, Inputs};
//! use ecugate_verifier::inputs::evidence::Presentation;
//! use ecugate_verifier::inputs::memory::{Known, Memory};
//! use ecugate_verifier::inputs::trust::anchors::TokenCertificates;
//! use ecugate_verifier::inputs::trust::authority::Authority;
//! use ecugate_verifier::judgement::judged::Judged;
//! use ecugate_verifier::judgement::verdict::Ruling;
//! use ecugate_verifier::values::attempt::{Attempt, Nonce};
//! use ecugate_verifier::values::digest::hex;
//! use ecugate_verifier::values::ident::Name;
//! use ecugate_verifier::values::keys::PublicKey;
//! use ecugate_verifier::values::limits::Limits;
//! use ecugate_verifier::values::reason::Reason;
//! use ecugate_verifier::values::time::Time;
//!
//! # fn main() { judge().expect("a unit that is judged"); }
//! # fn judge() -> Option<()> {
//! let limits = &Limits::STANDARD;
//! let officer = format!("302a300506032b6570032100{}", "58".to_owned() + &"66".repeat(31));
//! let officer = PublicKey::from_spki(&hex::decode(&officer)?).ok()?;
//! let dossier = Dossier::assemble(
//!     Inputs {
//!         attempt: Attempt { station: Name::new("dock-1").ok()?, nonce: Nonce::from_bytes([7; 16]) },
//!         now: Time::parse("2026-11-24T05:31:18Z")?,
//!         environment: Environment::Trial,
//!         site: Name::new("hamburg").ok()?,
//!         authority: Authority::new(vec![(Name::new("anna").ok()?, officer)], 1, 1, 1, limits).ok()?,
//!         token: TokenCertificates::Read(Vec::new()),
//!         anchor_list: None,
//!         policy: None,
//!         presentation: Presentation {
//!             label: Some(b"[)>\x1e06\x1d1P0281020048\x1dSA7-001042\x1e\x04".to_vec()),
//!             housing_label: None,
//!             manifests: Vec::new(),
//!             untrusted: Vec::new(),
//!             crls: Vec::new(),
//!             readouts: Vec::new(),
//!             device_proof: None,
//!             condition: Condition::New,
//!             operator: None,
//!             order: None,
//!         },
//!         memory: Memory::Known(Box::new(Known::empty())),
//!     },
//!     limits,
//! );
//! let judged = Judged::of(dossier);
//! let verdict = judged.verdict();
//! assert_eq!(verdict.ruling(), Ruling::Unproven);
//! assert_eq!(verdict.reason(), Some(Reason::ManifestAbsent));
//! assert!(verdict.findings().iter().any(|finding| finding.reason == Reason::AnchorListMissing));
//!
//! // what is stored is enough to reach the same again
//! let again = Dossier::decode(judged.encoded(), limits).ok()?;
//! assert_eq!(Judged::of(again), judged);
//! # Some(())
//! # }
//! ```
//!
//! # What holding a type proves
//!
//! [`Verified`](documents::envelope::Verified): these keys signed these bytes.
//! [`ValidPath`](inputs::trust::path::ValidPath): RFC 5280 accepts this path to an anchor.
//! [`Signer`](inputs::trust::signer::Signer): it ends at a line of the list that allows the role.
//! [`AnchorSet`](inputs::trust::anchors::AnchorSet) and [`InForce`](inputs::policy::InForce): the authority signed it,
//! for this site and time. [`Judged`](judgement::judged::Judged): this dossier gives these answers and this
//! verdict.
//! Each is made in one place. Documents (a release, a [`Receipt`](documents::receipt::Receipt)) are plain values that
//! anybody can write: what they prove follows from the envelope that they came in.
//!
//! # What is not established here
//!
//! - That the inputs are true. Whose keys the authority holds, what the token and the ledger said, what time it is and
//!   what was read out of the unit: a verdict is only as good as the one who filled in the dossier.
//! - That a unit was never seen before: the memory in the dossier says so, and only the ledger can confirm it.
//! - That an accept was recorded. A [`Verdict`](judgement::verdict::Verdict), and a receipt without its inclusion proof,
//!   admit nothing; the gate of crate `ecugate` does, after the checkpoint was read back.
//! - That an identity that was *listed* is not a copy: a clone of a unit that never arrives passes as that unit.

pub mod values;

pub mod syntax;

pub mod documents;

pub mod inputs;

pub mod judgement;

#[cfg(test)]
#[path = "../../tests/support/pki.rs"]
mod pki;
