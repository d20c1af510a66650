//! What officers do: found a site, say which manufacturers count, and what the site demands of a unit.
//!
//! A new anchor list or policy goes from a proposal, which nobody has signed, over one signature of each officer
//! ([`Sheet`]) to its publication, which verifies it as a gate would, records it in the ledger and only then puts it in
//! force ([`publish_anchors`], [`publish_policy`]; the order is that of `docs/decisions/0012`). No step takes anything
//! for granted that an earlier one has checked: the file may have been anywhere between them.
//!
//! # What it does not establish
//! That the certificate in the file is the manufacturer's. Officers compare its digest with one that they got on
//! another way; that is what `docs/trust-officers.md` is about.

mod found;

mod annex;

mod desk;

mod succession;

mod officers;

mod publish;

mod trust_token;

mod anchors;

mod standing;

mod lowering;

mod policy;

mod quorum;

mod clock;

mod failover;

pub use anchors::{
    Addition, AnchorsPublished, Change, Listed, Proposal, ProposedList, changes, propose, propose_anchors,
    publish_anchors, review_anchors,
};
pub use annex::Annex;
pub use clock::{ClockStepped, Leap, step_clock};
pub use desk::Desk;
pub use failover::{FailedOver, Failover, fail_over};
pub use found::{AnchorGiven, Founded, Founding, found_trial, origin};
pub use lowering::{Difference, Effect, Rule, differences};
pub use officers::{OfficerKey, Sheet, open_officer};
pub use policy::{PolicyDraft, PolicyPublished, ProposedPolicy, propose_policy, publish_policy, review_policy};
pub use publish::Step;
pub use standing::{AnchorSeen, AnchorsStanding, StrangerSeen};
pub use succession::{Position, Successive};
