//! Whether this unit was ever seen before, and how far its identity and firmware are established.

use super::answers::{Answer, Answers};
use super::listing::Matched;
use crate::documents::manifest::assurance::{Firmware, Identity, Minimum};
use crate::documents::question::Question;
use crate::inputs::custody::{Standing, standing};
use crate::inputs::dossier::Dossier;
use crate::inputs::evidence::unit_keys;
use crate::inputs::memory::Known;
use crate::inputs::policy::InForce;
use crate::syntax::label::LabelledUnit;
use crate::values::finding::Finding;
use crate::values::ident::UnitKey;
use crate::values::limits::Limits;
use crate::values::reason::Reason;

/// What came of the identity.
pub(super) struct Judged {
    pub(super) level: Identity,
    pub(super) keys: Vec<UnitKey>,
    pub(super) standing: Standing,
}

/// Looks the unit up in the memory and establishes its identity.
pub(super) fn judge(
    dossier: &Dossier,
    known: Option<&Known>,
    label: Option<&LabelledUnit>,
    matched: &Matched<'_>,
    limits: &Limits,
    answers: &mut Answers,
) -> Judged {
    let nothing = Judged { level: Identity::Claimed, keys: Vec::new(), standing: Standing::New };
    let Some(unit) = label else {
        answers.not_run(Question::Sightings, "a label");
        return nothing;
    };
    let releases: Vec<_> = matched.release().into_iter().collect();
    let entries: Vec<_> = matched.entry().into_iter().collect();
    let presented = &dossier.inputs().presentation;
    let keys = unit_keys(unit, &releases, &entries, &presented.readouts);
    let Some(known) = known else {
        answers.not_run(Question::Sightings, "the memory");
        return Judged { keys, ..nothing };
    };
    if known.sightings.len() > limits.sightings {
        let expected = format!("at most {}", limits.sightings);
        let found = known.sightings.len().to_string();
        answers.fail(Question::Sightings, Finding::new(Reason::SightingsLimit, "ledger", expected, found));
    }
    let stands = standing(&known.sightings, &dossier.inputs().attempt, &presented.digest(), &keys);
    match &stands {
        Standing::New => answers.pass(Question::Sightings, "never seen"),
        Standing::Supersedes(entries) => {
            let numbers: Vec<_> = entries.iter().map(ToString::to_string).collect();
            answers.pass(Question::Sightings, format!("never decided; supersedes entries {}", numbers.join(", ")));
        }
        Standing::Recorded(seq) => {
            let finding = Finding::new(
                Reason::CheckNotRun,
                "sightings",
                "an attempt that is not recorded",
                format!("entry {seq}"),
            );
            answers.answer(Question::Sightings, Answer::NotRun(finding));
        }
        Standing::Refused { findings, .. } => {
            answers.answer(Question::Sightings, Answer::Fail(findings.clone()));
        }
    }
    Judged { level: level(answers), keys, standing: stands }
}

/// *Listed* needs all of it: a verified entry, consigned to us, in a complete memory. *Device key* is not reached yet.
fn level(answers: &Answers) -> Identity {
    let listed = [
        Question::ShipmentSigner,
        Question::Listing,
        Question::Consignee,
        Question::Condition,
        Question::Manufacturer,
        Question::Memory,
        Question::Sightings,
    ];
    if listed.into_iter().all(|question| answers.passed(question)) { Identity::Listed } else { Identity::Claimed }
}

/// Holds both axes against the minimum. Without a policy nobody has said what the minimum is: that is our fault, and
/// nothing is missing from the unit.
pub(super) fn minima(
    dossier: &Dossier,
    policy: Option<&InForce>,
    minimum: Minimum,
    identity: Identity,
    firmware: Firmware,
    answers: &mut Answers,
) {
    device_proof(dossier, policy, minimum, answers);
    if policy.is_none() {
        answers.not_run(Question::IdentityMinimum, "a policy");
        answers.not_run(Question::FirmwareMinimum, "a policy");
        return;
    }
    if identity >= minimum.identity {
        answers.pass(Question::IdentityMinimum, identity.word());
    } else {
        let (expected, found) = (minimum.identity.word(), identity.word());
        let finding = Finding::new(Reason::IdentityBelowMinimum, "identity", expected, found);
        answers.answer(Question::IdentityMinimum, Answer::NotRun(finding));
    }
    if firmware >= minimum.firmware {
        answers.pass(Question::FirmwareMinimum, firmware.word());
    } else {
        // What follows from another answer is never worse than that answer.
        let reason = match firmware {
            Firmware::MeasuredUnbound => Reason::BindingNotEstablished,
            _ if dossier.inputs().presentation.readouts.is_empty() => Reason::FirmwareNotRead,
            _ => Reason::CheckNotRun,
        };
        let finding = Finding::new(reason, "firmware", minimum.firmware.word(), firmware.word());
        answers.answer(Question::FirmwareMinimum, Answer::NotRun(finding));
    }
}

/// Nothing reads device proofs yet. One that is presented is never ignored, and one that is demanded is missing.
fn device_proof(dossier: &Dossier, policy: Option<&InForce>, minimum: Minimum, answers: &mut Answers) {
    if dossier.inputs().presentation.device_proof.is_some() {
        let finding = Finding::new(Reason::DeviceProofUnsupported, "device proof", "none: not supported yet", "one");
        answers.fail(Question::DeviceProof, finding);
    } else if policy.is_none() {
        answers.not_run(Question::DeviceProof, "a policy");
    } else if minimum.identity == Identity::DeviceKey {
        let finding = Finding::new(Reason::DeviceProofMissing, "device proof", "the answer to our challenge", "none");
        answers.fail(Question::DeviceProof, finding);
    } else {
        answers.pass(Question::DeviceProof, "not demanded");
    }
}
