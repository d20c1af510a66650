//! From answers to verdicts: no combination reaches an accept without every required answer.

use crate::pki::{AT, DAY, List};
use crate::world::{PART, SERIAL, World, judge, label, name, part, time};
use ecugate_verifier::documents::document::Document as _;
use ecugate_verifier::documents::manifest::assurance::{Firmware, Identity, Minimum};
use ecugate_verifier::documents::policy_text::{Family, GateRule, Waivable, Waiver};
use ecugate_verifier::documents::question::Question;
use ecugate_verifier::documents::receipt::{AnswerWord, Assurance, CheckLine, Receipt};
use ecugate_verifier::inputs::dossier::Environment;
use ecugate_verifier::inputs::memory::CrlSeen;
use ecugate_verifier::judgement::verdict::Ruling;
use ecugate_verifier::syntax::certificate::Certificate;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::PartScope;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;

const IDENTITIES: [Identity; 3] = [Identity::Claimed, Identity::Listed, Identity::DeviceKey];
const FIRMWARES: [Firmware; 4] = [Firmware::NotRead, Firmware::Reported, Firmware::MeasuredUnbound, Firmware::Measured];
const LOWEST: Minimum = Minimum { identity: Identity::Claimed, firmware: Firmware::NotRead };

fn minima() -> impl Iterator<Item = Minimum> {
    IDENTITIES.into_iter().flat_map(|identity| FIRMWARES.map(|firmware| Minimum { identity, firmware }))
}

/// Attack class 57: the same through whole dossiers, with papers and readout left away.
#[test]
fn attack_57_what_is_missing_from_the_evidence_is_accepted_only_below_it() {
    let world = World::new().with(|world| world.release.minimum = LOWEST);
    for minimum in minima() {
        let world = world.clone().with(|world| world.policy.minimum = minimum);
        let whole = world.inputs();
        for mask in 0..8_u32 {
            let (shipment, release, readout) = (mask & 1 == 0, mask & 2 == 0, mask & 4 == 0);
            let mut inputs = whole.clone();
            let manifests = &mut inputs.presentation.manifests;
            let kept = manifests.drain(..).zip([release, shipment]).filter(|(_, kept)| *kept).map(|(one, _)| one);
            *manifests = kept.collect();
            if !readout {
                inputs.presentation.readouts.clear();
            }
            let identity = if shipment { Identity::Listed } else { Identity::Claimed };
            let firmware = if readout { Firmware::MeasuredUnbound } else { Firmware::NotRead };
            let enough = release && identity >= minimum.identity && firmware >= minimum.firmware;
            let judged = judge(inputs);
            assert_eq!(judged.ruling() == Ruling::Accept, enough, "{minimum:?} {mask:b}: {:#?}", judged.verdict);
            if enough {
                assert_eq!((judged.appraisal.identity(), judged.appraisal.firmware()), (identity, firmware));
            }
        }
    }
}

/// A unit that is taken by its label alone has the part that its label states, if that is one part.
#[test]
fn without_a_shipment_the_part_is_the_one_of_the_release_that_the_label_states() {
    let world = World::new().with(|world| {
        (world.release.minimum, world.policy.minimum) = (LOWEST, LOWEST);
        world.release.parts.push(part("3TN01414BB"));
    });
    let without_shipment = |world: &World| {
        let mut inputs = world.inputs();
        drop(inputs.presentation.manifests.pop());
        judge(inputs)
    };
    let judged = without_shipment(&world);
    judged.accepted();
    assert_eq!(judged.appraisal.unit().part, Some(part(PART)));
    assert!(!judged.appraisal.releases().is_empty());
    let both = format!("[)>\u{1e}06\u{1d}1P{PART}\u{1d}P3TN01414BB\u{1d}S{SERIAL}\u{1e}\u{4}");
    let judged = without_shipment(&world.with(|world| world.label = both.into_bytes()));
    judged.is(Ruling::HoldPerson, Reason::LabelAmbiguous);
    assert_eq!(judged.appraisal.unit().part, None);
}

/// Attack class 57: floors stand in code. What contradicts counts however little is demanded.
#[test]
fn attack_57_a_contradiction_is_refused_however_low_the_minimum() {
    let low = World::new().with(|world| {
        (world.release.minimum, world.policy.minimum) = (LOWEST, LOWEST);
    });
    low.judge().accepted();
    type Change = fn(&mut World);
    let faults: [(Change, Reason); 6] = [
        (|world| world.image[7] ^= 1, Reason::FirmwareDiffers),
        (|world| drop(world.shipment.units.remove(0)), Reason::SerialNotListed),
        (|world| world.shipment.consignee = name("elsewhere"), Reason::ConsigneeDiffers),
        (|world| world.crls[1] = world.issuing.crl(&List::revoking(101)), Reason::SignerRevoked),
        (|world| world.list.anchors[0].parts = vec![PartScope::Exact(part("X"))], Reason::PartOutsideScope),
        (|world| world.label = label("X", SERIAL), Reason::PartDiffers),
    ];
    for (fault, reason) in faults {
        low.clone().with(fault).judge().is(Ruling::Suspect, reason);
    }
}

/// Attack class 55: what rests on a failed step is not passed.
#[test]
fn attack_55_nothing_passes_on_the_word_of_a_document_that_did_not_verify() {
    let mut inputs = World::bound().inputs();
    inputs.presentation.manifests = World::bound().presentation().manifests; // another maker's, of the same name
    let judged = judge(inputs);
    judged.is(Ruling::Suspect, Reason::CertificateSignatureInvalid);
    for question in [
        Question::ReleaseSigner,
        Question::ShipmentSigner,
        Question::Manufacturer,
        Question::Listing,
        Question::Consignee,
        Question::Release,
        Question::SecurityVersion,
        Question::Firmware,
        Question::Binding,
        Question::IdentityMinimum,
        Question::FirmwareMinimum,
    ] {
        assert!(!judged.appraisal.answers().passed(question), "{question:?}");
    }
    assert_eq!((judged.appraisal.identity(), judged.appraisal.firmware()), (Identity::Claimed, Firmware::NotRead));
    assert_eq!((judged.appraisal.crls(), judged.appraisal.releases()), ([].as_slice(), [].as_slice()));
}

fn waiving(until: u64) -> World {
    World::new().with(|world| {
        let why = "the maker's list server is down, order 77".to_owned();
        world.policy.waivers = vec![Waiver { check: Waivable::Revocation, why, until: time(until) }];
    })
}

/// Attack class 56: a check that the policy waives leaves its trace in the receipt.
#[test]
fn attack_56_a_waiver_is_named_in_the_receipt_with_what_it_waived() {
    let judged = waiving(AT + DAY).with(|world| world.crls.clear()).judge();
    judged.accepted();
    let waived = judged.receipt().waived;
    let reasons: Vec<_> = waived.iter().map(|line| (line.check.word(), line.finding.reason)).collect();
    assert_eq!(reasons, [("revocation", Reason::CrlMissing); 2]);
    let stale = List::default().with(|list| list.next_update = Some(AT - DAY / 2));
    let judged = waiving(AT + DAY).with(|world| world.crls[1] = world.issuing.crl(&stale)).judge();
    judged.accepted();
    assert_eq!(judged.appraisal.waived()[0].1.reason, Reason::CrlStale);
    // where nothing had to be waived, nothing is named
    let judged = waiving(AT + DAY).judge();
    judged.accepted();
    assert_eq!(judged.receipt().waived, []);
}

/// Attack class 56: what no waiver helps against.
#[test]
fn attack_56_a_waiver_neither_revives_the_revoked_nor_outlives_its_end() {
    waiving(AT).with(|world| world.crls.clear()).judge().accepted();
    waiving(AT - 1).with(|world| world.crls.clear()).judge().is(Ruling::HoldPerson, Reason::CrlMissing);
    let revoked = waiving(AT + DAY).with(|world| world.crls[1] = world.issuing.crl(&List::revoking(100)));
    revoked.judge().is(Ruling::Suspect, Reason::SignerRevoked);
    // the issuer is revoked, and the list that the leaf needs is missing
    let issuer = waiving(AT + DAY).with(|world| world.crls = vec![world.root.crl(&List::revoking(2))]);
    issuer.judge().is(Ruling::Suspect, Reason::IssuerRevoked);
    let malformed = waiving(AT + DAY).with(|world| world.crls.push(vec![0x30, 0]));
    malformed.judge().is(Ruling::HoldPerson, Reason::CrlMalformed);
    let rolled_back = waiving(AT + DAY).with(|world| {
        let issuing = Certificate::from_der(&world.issuing.der, crate::world::LIMITS).unwrap();
        world.memory.crls = vec![CrlSeen { issuer_key: Sha256::of(issuing.spki()), this_update: time(AT) }];
    });
    rolled_back.clone().judge().is(Ruling::HoldPerson, Reason::CrlRolledBack);
    // what is waived of one list does not hide what is not waived of the next
    let too_old = |world: &mut World| {
        world.list.anchors[0].crl_hours = 1;
        world.crls[1] = world.issuing.crl(&List::default());
    };
    let only_old = waiving(AT + DAY).with(too_old);
    only_old.judge().accepted();
    let both = waiving(AT + DAY).with(too_old).with(|world| {
        let root = Certificate::from_der(&world.root.der, crate::world::LIMITS).unwrap();
        world.memory.crls = vec![CrlSeen { issuer_key: Sha256::of(root.spki()), this_update: time(AT) }];
    });
    both.judge().is(Ruling::HoldPerson, Reason::CrlRolledBack);
}

/// Attack classes 56 and 60: a receipt names every check, also those that did not run.
#[test]
fn attack_60_every_receipt_names_every_check_and_says_which_did_not_run() {
    let words: Vec<_> = Question::ALL.map(Question::word).to_vec();
    let mut inputs = World::new().inputs();
    inputs.presentation.manifests.clear();
    for judged in [World::new().judge(), judge(inputs)] {
        let receipt = judged.receipt();
        let lines: Vec<_> = receipt.checks.iter().map(|line| line.check.word()).collect();
        assert_eq!(lines, words);
        for (line, question) in receipt.checks.iter().zip(Question::ALL) {
            let passed = judged.appraisal.answers().passed(question);
            assert_eq!(line.answer == AnswerWord::Pass, passed, "{question:?}");
            assert_eq!(line.findings.is_empty(), passed, "{question:?}");
        }
        let accepted = receipt.checks.iter().all(|line| {
            line.answer == AnswerWord::Pass || (line.answer == AnswerWord::NotRun && line.check == Question::Binding)
        });
        assert_eq!(receipt.ruling == Ruling::Accept, accepted);
    }
}

/// Attack classes 57 and 60: a receipt that a faulty or hostile station made is not read.
#[test]
fn attack_60_a_receipt_whose_ruling_hides_a_check_is_no_receipt() {
    let accept = World::new().judge().receipt();
    let fault = |change: &dyn Fn(&mut Receipt)| {
        let mut receipt = accept.clone();
        change(&mut receipt);
        receipt.fault(&Limits::STANDARD).map(|finding| (finding.place, finding.found))
    };
    let line = |question: Question, answer: AnswerWord| {
        let finding = Finding::bare(Reason::CheckNotRun);
        let findings = if answer == AnswerWord::Pass { Vec::new() } else { vec![finding] };
        CheckLine { check: question, answer, found: String::new(), findings }
    };
    assert_eq!(fault(&|_| {}), None);
    let minimum = accept.assurance.minimum;
    for (n, question) in Question::ALL.into_iter().enumerate() {
        let hidden = |word: &str| Some(("predicate.findings".to_owned(), format!("{}: {word}", question.word())));
        assert_eq!(fault(&|receipt| receipt.checks[n] = line(question, AnswerWord::Pass)), None);
        assert_eq!(fault(&|receipt| receipt.checks[n] = line(question, AnswerWord::Fail)), hidden("fail"));
        let expected = if question.is_required(minimum) { hidden("not run") } else { None };
        assert_eq!(fault(&|receipt| receipt.checks[n] = line(question, AnswerWord::NotRun)), expected);
        // a failure without a finding hides as well as one with
        let silent = CheckLine { findings: Vec::new(), ..line(question, AnswerWord::Fail) };
        assert_eq!(fault(&|receipt| receipt.checks[n] = silent.clone()), hidden("fail"));
        for answer in [AnswerWord::Pass, AnswerWord::NotRun] {
            let findings =
                if answer == AnswerWord::Pass { vec![Finding::bare(Reason::FirmwareDiffers)] } else { vec![] };
            let place = fault(&|receipt| {
                receipt.checks[n] = CheckLine { findings: findings.clone(), ..line(question, answer) }
            });
            assert_eq!(place.unwrap().0, format!("predicate.checks[{n}]"), "{question:?}");
        }
        assert_eq!(fault(&|receipt| drop(receipt.checks.remove(n))).unwrap().0, "predicate.checks");
    }
    assert_eq!(fault(&|receipt| receipt.checks.swap(0, 1)).unwrap().0, "predicate.checks");
    assert_eq!(fault(&|receipt| receipt.checks.clear()).unwrap().0, "predicate.checks");
    let below = |receipt: &mut Receipt| receipt.assurance.identity = Identity::Claimed;
    assert_eq!(fault(&below).unwrap().0, "predicate.assurance");
    let below = |receipt: &mut Receipt| receipt.assurance.minimum.firmware = Firmware::Measured;
    assert_eq!(fault(&below).unwrap().0, "predicate.findings");
    let bound = World::bound().judge().receipt();
    let below = Receipt { assurance: Assurance { firmware: Firmware::NotRead, ..bound.assurance }, ..bound };
    assert_eq!(below.fault(&Limits::STANDARD).unwrap().place, "predicate.assurance");
}

/// Whatever is judged, its receipt can be read.
#[test]
fn the_receipt_of_every_ruling_holds_to_its_own_rules() {
    let worlds: [fn(&mut World); 6] = [
        |_| {},
        |world| world.image[7] ^= 1,
        |world| world.crls.clear(),
        |world| world.label = b"nothing".to_vec(),
        |world| world.policy.families = vec![family("none", PART, GateRule::NotGated)],
        |world| world.policy.families = vec![family("later", PART, GateRule::Observed)],
    ];
    for change in worlds {
        let receipt = World::new().with(change).judge().receipt();
        assert_eq!(receipt.fault(&Limits::STANDARD), None, "{:?}", receipt.ruling);
    }
}

fn family(title: &str, scope: &str, gate: GateRule) -> Family {
    Family { name: name(title), parts: vec![PartScope::parse(scope).unwrap()], gate, minimum: LOWEST }
}

#[test]
fn a_unit_is_not_gated_only_where_every_part_number_on_its_label_is() {
    let with = |scopes: &[&str], label: String| {
        World::new().with(|world| {
            let families = scopes.iter().map(|scope| family(scope, scope, GateRule::NotGated));
            world.policy.families = families.collect();
            world.label = label.into_bytes();
        })
    };
    let two = || format!("[)>\u{1e}06\u{1d}1P{PART}\u{1d}PC-1\u{1d}S{SERIAL}\u{1e}\u{4}");
    let none = || format!("[)>\u{1e}06\u{1d}S{SERIAL}\u{1e}\u{4}");
    let judged = with(&[PART, "C-1"], two()).judge();
    judged.is(Ruling::NotGated, Reason::PartNotGated);
    assert_eq!(judged.verdict.findings().len(), 1);
    // one number that is gated is enough: the unit is judged, and this one is genuine
    with(&[PART], two()).judge().accepted();
    with(&["C-1"], two()).judge().accepted();
    // nor is it enough that the label gives the unit another name, where the documents know better
    let renamed = with(&["C-1"], format!("[)>\u{1e}06\u{1d}PC-1\u{1d}S{SERIAL}\u{1e}\u{4}"));
    renamed.clone().judge().is(Ruling::NotGated, Reason::PartNotGated);
    renamed.with(|world| world.release.aliases = vec![part("C-1")]).judge().accepted();
    // a label without part numbers names no family
    with(&[PART], none()).judge().accepted();
    // and where no policy is in force, everything is gated
    let mut inputs = with(&[PART, "C-1"], two()).inputs();
    inputs.policy = None;
    judge(inputs).is(Ruling::HoldPerson, Reason::PolicyMissing);
}

#[test]
fn an_observed_part_is_judged_and_never_accepted_whatever_its_label_says() {
    let observed = World::new().with(|world| {
        world.policy.families = vec![family("observed", PART, GateRule::Observed)];
        world.release.aliases = vec![part("C-1")];
        world.release.minimum = LOWEST;
    });
    let labelled = |text: String| observed.clone().with(|world| world.label = text.into_bytes());
    for text in [
        format!("[)>\u{1e}06\u{1d}1P{PART}\u{1d}S{SERIAL}\u{1e}\u{4}"),
        format!("[)>\u{1e}06\u{1d}1P{PART}\u{1d}PC-1\u{1d}S{SERIAL}\u{1e}\u{4}"),
        format!("[)>\u{1e}06\u{1d}PC-1\u{1d}S{SERIAL}\u{1e}\u{4}"),
        format!("[)>\u{1e}06\u{1d}S{SERIAL}\u{1e}\u{4}"),
    ] {
        labelled(text).judge().is(Ruling::HoldPerson, Reason::PartObserved);
    }
    // beside a number that is not gated too
    let mixed = labelled(format!("[)>\u{1e}06\u{1d}1P{PART}\u{1d}PC-1\u{1d}S{SERIAL}\u{1e}\u{4}"))
        .with(|world| world.policy.families.push(family("other", "C-1", GateRule::NotGated)));
    mixed.judge().is(Ruling::HoldPerson, Reason::PartObserved);
    // what is wrong with it is told all the same
    let differs = observed.with(|world| world.image[7] ^= 1);
    differs.judge().is(Ruling::Suspect, Reason::FirmwareDiffers);
}

/// Attack class 70, as far as a verdict reaches: what was judged in a trial says so, in what is signed and in what
/// its digest covers.
#[test]
fn attack_70_a_trial_verdict_says_so_and_is_no_production_verdict() {
    let trial = World::new().inputs();
    let mut production = trial.clone();
    production.environment = Environment::Production;
    let (trial, production) = (judge(trial), judge(production));
    let (of_trial, of_production) = (trial.receipt(), production.receipt());
    assert_eq!((of_trial.ruling, of_production.ruling), (Ruling::Accept, Ruling::Accept));
    assert_eq!((of_trial.environment, of_production.environment), (Environment::Trial, Environment::Production));
    assert_ne!(of_trial.dossier, of_production.dossier);
    assert_eq!(trial.appraisal.environment(), Environment::Trial);
}

/// Our fault is never the unit's: without a policy nothing is demanded of the supplier.
#[test]
fn a_policy_that_is_not_in_force_is_a_hold_and_no_missing_evidence() {
    let mut inputs = World::new().inputs();
    inputs.policy = None;
    let judged = judge(inputs);
    judged.is(Ruling::HoldPerson, Reason::PolicyMissing);
    assert!(!judged.reasons().contains(&Reason::DeviceProofMissing), "{:#?}", judged.verdict);
}
