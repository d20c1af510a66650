//! The same dossier gives the same verdict, for ever; and a dossier in which anything was changed is no dossier.

use crate::pki::{AT, DAY, List, broken};
use crate::world::{LIMITS, PART, SERIAL, World, judge, label, name, part, seen, signed, time};
use ecugate_verifier::documents::document;
use ecugate_verifier::documents::envelope::Envelope;
use ecugate_verifier::documents::manifest::assurance::{Firmware, Identity, Minimum};
use ecugate_verifier::documents::receipt::Receipt;
use ecugate_verifier::inputs::custody::{Standing, State};
use ecugate_verifier::inputs::dossier::{Dossier, Encoded};
use ecugate_verifier::inputs::evidence::Measured;
use ecugate_verifier::inputs::memory::{Completeness, Memory};
use ecugate_verifier::inputs::trust::anchors::TokenCertificates;
use ecugate_verifier::judgement::appraisal::appraise;
use ecugate_verifier::judgement::verdict::{Ruling, Verdict};
use ecugate_verifier::syntax::image::Segment;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::{Serial, UnitKey};
use ecugate_verifier::values::reason::Reason;
use proptest::prelude::{ProptestConfig, any, prop, prop_assert_eq, proptest};
use std::collections::BTreeSet;

pub(crate) type Fault = fn(&mut World);

/// Single faults of every kind, from the label to the clock.
pub(crate) const FAULTS: [Fault; 30] = [
    |world| world.image[7] ^= 1,
    |world| world.image.truncate(100),
    |world| world.label = label("X", SERIAL),
    |world| world.label = label(PART, "another"),
    |world| world.label.truncate(9),
    |world| world.label.clear(),
    |world| world.crls.clear(),
    |world| world.crls[1] = world.issuing.crl(&List::revoking(100)),
    |world| world.crls.push(broken(&world.crls[0])),
    |world| world.crls.push(vec![0xff, 0, 1]),
    |world| world.untrusted.push(world.root.pem().into_bytes()),
    |world| world.untrusted.push(b"nothing".to_vec()),
    |world| world.token = TokenCertificates::Read(Vec::new()),
    |world| {
        world.token = TokenCertificates::Unavailable(Finding::new(Reason::TokenAbsent, "slot 1", "a token", "none"))
    },
    |world| world.list.expires = time(AT - DAY),
    |world| world.list.site = name("elsewhere"),
    |world| world.policy.expires = time(AT - DAY),
    |world| world.policy.minimum.firmware = Firmware::Measured,
    |world| world.policy.minimum = Minimum { identity: Identity::DeviceKey, firmware: Firmware::NotRead },
    |world| world.release.valid.until = time(AT - DAY),
    |world| world.release.parts = vec![part("X")],
    |world| world.release.components[0].security_version = 1,
    |world| world.shipment.consignee = name("elsewhere"),
    |world| world.shipment.units.truncate(1),
    |world| world.shipment.units[0].release = name("another"),
    |world| world.memory.completeness = Completeness::Incomplete,
    |world| world.memory.last = Some(time(AT + DAY)),
    |world| {
        let key = UnitKey::serial(&Serial::new(SERIAL).unwrap());
        world.memory.sightings = vec![seen(State::Accepted, vec![key])];
    },
    |world| world.condition = ecugate_verifier::documents::manifest::shipment::Condition::Returned,
    |world| world.now = time(AT + 4_000 * DAY),
];

fn decoded(encoded: &Encoded) -> Result<Dossier, Reason> {
    Dossier::decode(encoded, LIMITS).map_err(|finding| finding.reason)
}

#[test]
fn the_faults_of_the_replay_are_faults() {
    let mut reasons = BTreeSet::new();
    for (n, fault) in FAULTS.into_iter().enumerate() {
        let judged = World::new().with(fault).judge();
        // unneeded certificates, a second copy of a list and a shorter shipment do no harm
        let harmless = [8, 10, 21, 23].contains(&n);
        assert_eq!(judged.ruling() == Ruling::Accept, harmless, "fault {n}: {:#?}", judged.verdict);
        reasons.extend(judged.verdict.reason());
    }
    assert!(reasons.len() >= 20, "{reasons:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_stored_dossier_is_judged_as_it_was_the_first_time(
        bound in any::<bool>(),
        faults in prop::collection::vec(0..FAULTS.len(), 0..4),
    ) {
        let mut world = if bound { World::bound() } else { World::new() };
        // what empties a list must not keep a later fault from indexing into it
        let faults: BTreeSet<_> = faults.into_iter().collect();
        for fault in faults.into_iter().rev() {
            FAULTS[fault](&mut world);
        }
        let first = world.judge();
        // the memory is asked for every key under which the verdict remembers the unit
        let candidates = first.dossier.evidence().candidate_keys(&first.dossier.inputs().presentation.readouts);
        assert!(first.appraisal.keys().iter().all(|key| candidates.contains(key)), "{:?}", first.appraisal.keys());
        let encoded = first.dossier.encode();
        let again = decoded(&encoded).unwrap();
        prop_assert_eq!(&again, &first.dossier);
        let appraisal = appraise(&again);
        prop_assert_eq!(&Verdict::reach(&appraisal), &first.verdict);
        prop_assert_eq!(&appraisal, &first.appraisal);
        prop_assert_eq!(again.encode(), encoded);
    }

    /// Attack class 59, as far as a dossier reaches: a stored byte that was changed is found.
    #[test]
    fn a_changed_byte_in_a_stored_part_makes_the_dossier_unreadable(
        which in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        bit in 0_u8..8,
    ) {
        let mut encoded = World::bound().judge().dossier.encode();
        let digest = *encoded.parts.keys().nth(which.index(encoded.parts.len())).unwrap();
        let part = encoded.parts.get_mut(&digest).unwrap();
        let at = at.index(part.bytes.len());
        part.bytes[at] ^= 1 << bit;
        prop_assert_eq!(decoded(&encoded), Err(Reason::DossierMalformed));
    }

    /// A changed index is another index: either it cannot be read, or what it says differs.
    #[test]
    fn a_changed_byte_in_the_index_never_reads_as_the_same_dossier(
        at in any::<prop::sample::Index>(),
        bit in 0_u8..8,
    ) {
        let dossier = World::bound().judge().dossier;
        let mut encoded = dossier.encode();
        let at = at.index(encoded.index.len());
        encoded.index[at] ^= 1 << bit;
        match decoded(&encoded) {
            Err(reason) => prop_assert_eq!(reason, Reason::DossierMalformed),
            Ok(other) => assert_ne!(other, dossier),
        }
    }
}

#[test]
fn a_missing_part_makes_the_dossier_unreadable_whichever_it_is() {
    let encoded = World::bound().judge().dossier.encode();
    assert!(encoded.parts.len() >= 11, "{}", encoded.parts.len());
    for digest in encoded.parts.keys() {
        let mut without = encoded.clone();
        without.parts.remove(digest);
        assert_eq!(decoded(&without), Err(Reason::DossierMalformed), "{digest}");
    }
}

#[test]
fn an_index_of_another_format_or_with_an_authority_that_is_none_is_refused() {
    let encoded = World::new().judge().dossier.encode();
    let text = String::from_utf8(encoded.index.clone()).unwrap();
    for (from, to) in [
        ("urn:ecugate:dossier:v1", "urn:ecugate:dossier:v2"),
        ("\"threshold\":2", "\"threshold\":0"),
        ("\"threshold\":2", "\"threshold\":3"),
        ("\"condition\":\"new\"", "\"condition\":\"New\""),
        ("\"operator\":", "\"Operator\":"),
    ] {
        let index = text.replace(from, to).into_bytes();
        assert_ne!(index, encoded.index);
        let changed = Encoded { index, parts: encoded.parts.clone() };
        assert_eq!(decoded(&changed), Err(Reason::DossierMalformed), "{to}");
    }
    assert_eq!(decoded(&Encoded { index: Vec::new(), ..encoded }), Err(Reason::DossierMalformed));
}

/// A map of the most segments that an image may have, in more readouts than one document could hold.
#[test]
fn a_dossier_of_the_largest_measurements_is_read_back() {
    let mut inputs = World::new().inputs();
    let Measured::Done(measured) = &mut inputs.presentation.readouts[0].result else { panic!() };
    let segment = |n: u64| Segment { start: n << 16, length: 1, sha256: Sha256::of(&n.to_be_bytes()) };
    measured.segments = (0..LIMITS.image_segments as u64).map(segment).collect();
    inputs.presentation.readouts = vec![inputs.presentation.readouts[0].clone(); 1];
    let mut second = inputs.presentation.readouts[0].clone();
    let Measured::Done(measured) = &mut second.result else { panic!() };
    measured.segments[0].length = 2;
    let mut third = second.clone();
    let Measured::Done(measured) = &mut third.result else { panic!() };
    measured.segments[0].length = 3;
    inputs.presentation.readouts.extend([second, third]);
    let dossier = judge(inputs).dossier;
    let encoded = dossier.encode();
    assert!(encoded.parts.values().map(|part| part.bytes.len()).sum::<usize>() > LIMITS.document_bytes);
    assert_eq!(decoded(&encoded), Ok(dossier));
}

#[test]
fn an_unavailable_memory_is_stored_as_unavailable() {
    let mut inputs = World::new().inputs();
    inputs.memory = Memory::Unavailable(Finding::new(Reason::LedgerBusy, "ledger", "an answer", "none in 5 s"));
    let first = judge(inputs);
    first.is(Ruling::HoldPassing, Reason::LedgerBusy);
    assert_eq!(decoded(&first.dossier.encode()), Ok(first.dossier));
}

#[test]
fn a_receipt_survives_being_sealed_verified_and_read() {
    let station = World::new().release_signer;
    let contested = World::new().with(FAULTS[27]);
    for world in [World::new(), World::bound(), World::new().with(FAULTS[0]), World::new().with(FAULTS[12]), contested]
    {
        let judged = world.judge();
        let receipt = judged.receipt();
        let envelope = Envelope::parse(&signed(receipt.clone(), &[(&station, &[])]), LIMITS).unwrap();
        let key = crate::world::PartySigner::new(&station);
        let verified = envelope.verify_with(ecugate_verifier::values::keys::Signer::public_key(&key)).unwrap();
        assert_eq!(document::read::<Receipt>(&verified, LIMITS), Ok(receipt.clone()));
        assert_eq!(receipt.ruling, judged.ruling());
        assert_eq!(receipt.record.evidence, Some(judged.dossier.inputs().presentation.digest()));
    }
}

/// Attack class 48: the receipt of one unit beside the dossier of another.
#[test]
fn attack_48_a_receipt_names_its_dossier_and_no_other() {
    let (one, other) = (World::new().judge(), World::bound().judge());
    let (of_one, of_other) = (one.receipt(), other.receipt());
    assert_eq!(of_one.dossier, one.dossier.encode().digest());
    assert_ne!(of_one.dossier, of_other.dossier);
    assert_ne!(of_one.record.evidence, of_other.record.evidence);
    // the index of one with the parts of the other
    let mixed = Encoded { index: one.dossier.encode().index, parts: other.dossier.encode().parts };
    assert_eq!(decoded(&mixed), Err(Reason::DossierMalformed));
    // a receipt whose subject is another dossier than its predicate names
    let payload = String::from_utf8(document::payload(of_one.clone(), LIMITS).unwrap()).unwrap();
    let changed = payload.replacen(&of_one.dossier.to_string(), &of_other.dossier.to_string(), 1);
    let station = World::new().release_signer;
    let envelope = crate::world::signed_payload(changed.into_bytes(), &[(&station, &[])]);
    let envelope = Envelope::parse(&envelope, LIMITS).unwrap();
    let fault = document::read_unverified::<Receipt>(&envelope, LIMITS).map_err(|fault| fault.reason());
    assert_eq!(fault, Err(Reason::SubjectMismatch));
}

/// Attack class 60: a receipt whose ruling is not the one of its findings is no receipt.
#[test]
fn attack_60_a_receipt_that_says_accept_over_a_finding_is_refused() {
    let mut receipt = World::new().with(FAULTS[0]).judge().receipt();
    receipt.ruling = Ruling::Accept;
    assert_eq!(document::payload(receipt.clone(), LIMITS).map_err(|fault| fault.reason()), Err(Reason::JsonValue));
    receipt.ruling = Ruling::NotGated;
    assert_eq!(document::payload(receipt, LIMITS).map_err(|fault| fault.reason()), Err(Reason::JsonValue));
}

#[test]
fn what_a_verdict_supersedes_and_contests_stands_in_its_receipt() {
    let world = World::new();
    let keys = world.judge().appraisal.keys().to_vec();
    let held = world.clone().with(|world| world.memory.sightings = vec![seen(State::Held, keys.clone())]).judge();
    let receipt = held.receipt();
    assert_eq!((receipt.supersedes, receipt.contests), (vec![7], Vec::new()));
    let clone = world.with(|world| world.memory.sightings = vec![seen(State::Accepted, keys)]).judge();
    assert!(matches!(clone.appraisal.standing(), Standing::Refused { .. }));
    let receipt = clone.receipt();
    assert_eq!((receipt.supersedes, receipt.contests), (Vec::new(), vec![7]));
}
