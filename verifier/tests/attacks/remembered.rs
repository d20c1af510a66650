//! Signatures that were found good before save work and change no verdict.

use crate::pki::{AT, DAY, List, broken};
use crate::replay::FAULTS;
use crate::world::{Judged, LIMITS, World, judge, time};
use ecugate_verifier::inputs::dossier::{Dossier, Inputs};
use ecugate_verifier::judgement::appraisal::appraise;
use ecugate_verifier::judgement::verdict::{Ruling, Verdict};
use ecugate_verifier::values::reason::Reason;
use ecugate_verifier::values::verified::{Means, VerifiedSignatures};

/// What a gate knows that has let a good box of this delivery in.
fn after(world: &World) -> VerifiedSignatures {
    let signatures = VerifiedSignatures::up_to(64);
    judge_with(world.inputs(), &signatures).accepted();
    signatures
}

fn judge_with(inputs: Inputs, signatures: &VerifiedSignatures) -> Judged {
    let dossier = Dossier::assemble(inputs, Means { limits: LIMITS, signatures });
    let appraisal = appraise(&dossier);
    let verdict = Verdict::reach(&appraisal);
    Judged { dossier, appraisal, verdict }
}

/// The same boxes again and again, by a gate that knows no signature, all of them, or the last few.
#[test]
fn every_fault_is_judged_the_same_whatever_signatures_were_found_good_before() {
    for world in [World::new(), World::bound()] {
        let stores = [after(&world), VerifiedSignatures::up_to(1), VerifiedSignatures::up_to(0)];
        for (n, fault) in FAULTS.into_iter().enumerate() {
            let inputs = world.clone().with(fault).inputs();
            let alone = judge(inputs.clone());
            for signatures in stores.iter().flat_map(|store| [store, store]) {
                let judged = judge_with(inputs.clone(), signatures);
                assert_eq!(judged.appraisal, alone.appraisal, "fault {n}");
                assert_eq!(judged.verdict, alone.verdict, "fault {n}");
                assert_eq!(judged.dossier.encode(), alone.dossier.encode(), "fault {n}");
            }
        }
    }
}

type Change<'a> = &'a dyn Fn(&mut Inputs);

/// Each signature that the accept of the first box rests on, broken in the papers of the second.
#[test]
fn a_broken_signature_is_found_though_the_good_one_was_found_good_before() {
    let world = World::new();
    let signatures = after(&world);
    let broken_envelope = |envelope: &[u8], nth: usize| {
        // Its first base64 character codes the highest bits of R or r.
        let text = String::from_utf8(envelope.to_vec()).unwrap();
        let at = text.match_indices("\"sig\":\"").nth(nth).unwrap().0 + 7;
        let mut bytes = text.into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        bytes
    };
    let faults: [(Reason, Change<'_>); 7] = [
        (Reason::AnchorListThreshold, &|inputs| {
            inputs.anchor_list = Some(broken_envelope(inputs.anchor_list.as_ref().unwrap(), 0));
        }),
        (Reason::AnchorListThreshold, &|inputs| {
            inputs.anchor_list = Some(broken_envelope(inputs.anchor_list.as_ref().unwrap(), 1));
        }),
        (Reason::PolicyThreshold, &|inputs| {
            inputs.policy = Some(broken_envelope(inputs.policy.as_ref().unwrap(), 1));
        }),
        (Reason::SignatureInvalid, &|inputs| {
            inputs.presentation.manifests[0] = broken_envelope(&inputs.presentation.manifests[0], 0);
        }),
        (Reason::SignatureInvalid, &|inputs| {
            inputs.presentation.manifests[1] = broken_envelope(&inputs.presentation.manifests[1], 0);
        }),
        (Reason::CrlUnusable, &|inputs| inputs.presentation.crls[0] = broken(&inputs.presentation.crls[0])),
        (Reason::CrlUnusable, &|inputs| inputs.presentation.crls[1] = broken(&inputs.presentation.crls[1])),
    ];
    for (n, (reason, fault)) in faults.into_iter().enumerate() {
        let mut inputs = world.inputs();
        fault(&mut inputs);
        let judged = judge_with(inputs.clone(), &signatures);
        assert_eq!(judged.verdict, judge(inputs).verdict, "{n}");
        assert!(judged.reasons().contains(&reason), "{n}: {:?}", judged.reasons());
    }
}

/// The dates of what was signed, and who was revoked since, are no matter of signatures.
#[test]
fn a_signer_revoked_and_papers_out_of_date_since_the_last_box_are_found() {
    let world = World::new();
    let signatures = after(&world);
    let revoked = world.clone().with(|world| world.crls[1] = world.issuing.crl(&List::revoking(100)));
    for _ in 0..2 {
        judge_with(revoked.inputs(), &signatures).is(Ruling::Suspect, Reason::SignerRevoked);
    }
    let mut later = world.inputs();
    later.now = time(AT + 4_000 * DAY);
    let judged = judge_with(later.clone(), &signatures);
    assert_eq!(judged.verdict, judge(later).verdict);
    assert!(judged.reasons().contains(&Reason::AnchorListExpired), "{:?}", judged.reasons());
    judge_with(world.inputs(), &signatures).accepted();
}
