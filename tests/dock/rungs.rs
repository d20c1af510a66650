//! Data objects and rungs on SoftHSM: written once, all read again, and strangers' objects stop nothing.

use crate::clock_step::run;
use crate::delivery::{Delivery, copy_folder};
use crate::failover::{FAILOVER, accepted, held, tokens};
use crate::softhsm::{create, make, module, pin, raw_session, trial};
use cryptoki::object::{Attribute, ObjectClass};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use ecugate::hsm::{DataToWrite, DataWritten, ExpectedKey, Pin, SkipReason, TokenName, TokenSigner, Tokens};
use ecugate::ledger::KeySet;
use ecugate::ledger::mark::{Counts, Mark as _};
use ecugate::rungs::TokenRungs;
use ecugate::site::Site;
use ecugate_verifier::syntax::note::{Checkpoint, Origin, VerifiedCheckpoint, VerifierKey};
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::keys::Signer;
use ecugate_verifier::values::limits::Limits;
use libtest_mimic::Trial;
use std::num::NonZeroU64;
use std::path::Path;
use std::sync::Arc;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "data_objects_are_written_beside_each_other_fixed_and_read_by_application_and_label",
            &[written_and_read],
        ),
        trial("data_objects_that_are_empty_too_long_or_not_ours_are_skipped_and_reported", &[skipped]),
        trial("a_data_object_is_written_by_who_is_logged_in_alone", &[not_logged_in]),
        crate::receive::trial("after_a_failover_rungs_are_begun_on_the_standby_token_and_go_on", after_a_failover),
        crate::receive::trial(
            "attack_59_a_ledger_put_back_with_its_mark_meets_the_rungs_of_the_standby_token",
            put_back,
        ),
        crate::receive::trial("a_site_without_rungs_begins_none_at_a_failover", without_rungs),
        trial(
            "attack_68_a_strangers_rung_of_2_to_the_60_stops_no_reading_and_no_writing",
            &[rungs, rungs_after_a_restart],
        ),
    ]
}

const ORIGIN: &str = "trial.site-1.example";

/// Rungs are held against the key of their log.
const UNASKED: Counts<'_> = &|_| None;

fn data(label: &str, value: &[u8]) -> DataToWrite {
    DataToWrite { application: "ecugate".to_owned(), label: label.to_owned(), value: value.to_vec() }
}

fn values(tokens: &dyn Tokens, token: &TokenName, label: &str) -> Vec<Vec<u8>> {
    tokens.data(token, "ecugate", label).unwrap().objects.into_iter().map(|object| object.value).collect()
}

fn find(session: &Session, label: &str) -> Vec<cryptoki::object::ObjectHandle> {
    let template = [Attribute::Class(ObjectClass::DATA), Attribute::Label(label.as_bytes().to_vec())];
    session.find_objects(&template).unwrap()
}

fn written_and_read(folder: &Path) {
    let made = create(folder, &[]);
    let token = &made.signer.name;
    let module = module();
    let whole = vec![0xa5; 16 << 10];
    for (label, value) in [("a", &b"1"[..]), ("a", b"2"), ("b", &whole), ("a", b"0")] {
        let stuck = module.write_data(token, data(label, value)).unwrap();
        assert_eq!(stuck, DataWritten { private: Some(false), modifiable: Some(false), destroyable: Some(false) });
    }
    assert_eq!(values(&module, token, "a"), [b"0", b"1", b"2"]);
    assert_eq!(values(&module, token, "b"), [whole]);
    assert_eq!(values(&module, token, "none"), Vec::<Vec<u8>>::new());
    assert!(module.data(token, "another", "a").unwrap().objects.is_empty());

    // What SoftHSM lets nobody do, with the PIN too.
    let session = raw_session(token);
    for object in find(&session, "a") {
        assert!(session.destroy_object(object).is_err());
        assert!(session.update_attributes(object, &[Attribute::Label(b"c".to_vec())]).is_err());
    }
    // No remnants of the writes: what stands on the token is two key pairs and four objects.
    assert_eq!(session.find_objects(&[]).unwrap().len(), 8);
}

fn skipped(folder: &Path) {
    let made = create(folder, &[]);
    let token = &made.signer.name;
    let session = raw_session(token);
    let stranger = |application: &str, value: Option<Vec<u8>>| {
        let mut template = vec![
            Attribute::Class(ObjectClass::DATA),
            Attribute::Token(true),
            Attribute::Private(false),
            Attribute::Application(application.as_bytes().to_vec()),
            Attribute::Label(b"a".to_vec()),
        ];
        template.extend(value.map(Attribute::Value));
        session.create_object(&template).unwrap();
    };
    stranger("ecugate", None);
    stranger("ecugate", Some(Vec::new()));
    stranger("ecugate", Some(vec![1; (16 << 10) + 1]));
    stranger("payroll", Some(b"not ours".to_vec()));
    stranger("ecugate", Some(b"ours".to_vec()));
    stranger("ecugate", Some(b"ours".to_vec()));
    let read = module().data(token, "ecugate", "a").unwrap();
    assert_eq!(read.objects.iter().map(|object| object.value.as_slice()).collect::<Vec<_>>(), [b"ours"]);
    // What is left out could be what counts: so nothing is, and too much is a fault.
    for number in 0..=256_u16 {
        stranger("ecugate", Some([&number.to_be_bytes()[..], &[2; (16 << 10) - 2]].concat()));
    }
    let fault = module().data(token, "ecugate", "a").unwrap_err();
    assert_eq!(
        (fault.reason().code(), fault.finding().found.as_str()),
        ("token-failed", "they hold more than 4194304 bytes")
    );
    let why: Vec<SkipReason> = read.skipped.iter().map(|object| object.why).collect();
    assert_eq!(why, [SkipReason::Empty, SkipReason::Empty, SkipReason::TooLong, SkipReason::Copy]);
}

fn not_logged_in(_folder: &Path) {
    let module = module();
    let token = make(&module, "alone");
    let fault = module.write_data(&token, data("a", b"1")).unwrap_err();
    assert_eq!((fault.reason().code(), fault.finding().found.as_str()), ("token-not-written", "nobody is logged in"));
    // Public ones are read without a PIN.
    assert!(values(&module, &token, "a").is_empty());
    module.log_in(&token, pin("4711")).unwrap();
    for value in [Vec::new(), vec![0; (16 << 10) + 1]] {
        assert_eq!(module.write_data(&token, data("a", &value)).unwrap_err().reason().code(), "token-not-written");
    }
    assert!(module.write_data(&token, data("a", b"1")).is_ok());
    let gone = TokenName::new("gone", "1");
    assert_eq!(module.data(&gone, "ecugate", "a").unwrap_err().reason().code(), "token-absent");
}

fn note<S: Signer>(signer: &S, size: u64) -> String {
    let checkpoint = Checkpoint { origin: Origin::new(ORIGIN).unwrap(), size, root: Sha256::of(b"root") };
    checkpoint.sign(signer).map(|signed| signed.note).unwrap_or_else(|_| panic!("it signs"))
}

fn rungs_of(signer: &TokenSigner, every: u64) -> TokenRungs {
    let key = VerifierKey::new(ORIGIN, signer.public_key().clone()).unwrap();
    TokenRungs::new(Arc::new(module()), signer.key().token.clone(), key, NonZeroU64::new(every).unwrap())
}

fn log_signer(folder: &Path, token: &TokenName) -> TokenSigner {
    let key = ecugate::hsm::TokenKey::new(token, "log");
    let pin = Pin::from_file(&folder.join("pins/signer.pin")).unwrap();
    TokenSigner::open(Arc::new(module()), key, pin, ExpectedKey::JustMade).unwrap()
}

fn rungs(folder: &Path) {
    let made = create(folder, &[]);
    crate::softhsm::save(folder, "signer", &made.signer.name);
    let log = log_signer(folder, &made.signer.name);
    let mut rungs = rungs_of(&log, 10);
    assert_eq!(rungs.read().unwrap_err().reason.code(), "mark-missing");
    rungs.begin(2, &note(&log, 2)).unwrap();
    for size in [11, 12] {
        rungs.raise(size, &note(&log, size), UNASKED).unwrap();
    }
    assert_eq!(sorted(rungs.read().unwrap()), sorted(vec![note(&log, 2), note(&log, 12)]));

    // A stranger, who needs no PIN for it on SoftHSM: unsigned, of a size beyond all counting, and no note at all.
    let session = raw_session(&made.signer.name);
    let huge = note(&log, 12).replace("\n12\n", "\n1152921504606846976\n");
    for value in [huge.as_bytes(), b"\xff\xfe", &vec![0x41; 1 << 20]] {
        session
            .create_object(&[
                Attribute::Class(ObjectClass::DATA),
                Attribute::Token(true),
                Attribute::Private(false),
                Attribute::Application(b"ecugate".to_vec()),
                Attribute::Label(rungs.label().into_bytes()),
                Attribute::Value(value.to_vec()),
            ])
            .unwrap();
    }
}

fn rungs_after_a_restart(folder: &Path) {
    let token = crate::softhsm::saved(folder, "signer");
    let log = log_signer(folder, &token);
    let mut rungs = rungs_of(&log, 10);
    rungs.raise(21, &note(&log, 21), UNASKED).unwrap();
    rungs.raise(22, &note(&log, 22), UNASKED).unwrap();
    let huge = note(&log, 12).replace("\n12\n", "\n1152921504606846976\n");
    let expected = [
        note(&log, 2),
        note(&log, 12),
        note(&log, 22),
        huge,
        "\u{fffd}\u{fffd}".to_owned(),
        "an object that holds no note: TooLong\n".to_owned(),
    ];
    assert_eq!(sorted(rungs.read().unwrap()), sorted(expected.to_vec()));
    // With the PIN neither.
    let session = raw_session(&token);
    let text = std::fs::read_to_string(folder.join("pins/signer.pin")).unwrap();
    let _ = session.login(UserType::User, Some(&AuthPin::from(text.as_str())));
    let kept: Vec<bool> =
        find(&session, &rungs.label()).into_iter().map(|object| session.destroy_object(object).is_err()).collect();
    assert_eq!(kept.iter().filter(|kept| **kept).count(), 3, "our three cannot be removed");
}

/// A site that wants a rung every so many entries.
fn founded(every: u64) -> Delivery {
    let delivery = Delivery::founded();
    let path = delivery.path("site/site.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("rung_every = 1000\n"), "{text}");
    std::fs::write(&path, text.replace("rung_every = 1000\n", &format!("rung_every = {every}\n"))).unwrap();
    delivery
}

/// Sizes of the rungs on the standby token of a site, and how many objects that are none stand there.
fn on_standby(delivery: &Delivery) -> (Vec<u64>, usize) {
    let site = Site::open(&delivery.path("site")).unwrap();
    let standby = site.signing(KeySet::Standby).unwrap();
    let key = VerifierKey::new(site.origin().as_str(), standby.log.clone()).unwrap();
    let label = format!("ecugate-mark-{}", site.origin().as_str());
    let found = values(tokens(&site).as_ref(), &standby.text.token, &label);
    let open = |note: &Vec<u8>| VerifiedCheckpoint::open(note, &key, &Limits::STANDARD).ok();
    let mut sizes: Vec<u64> = found.iter().filter_map(open).map(|checkpoint| checkpoint.size()).collect();
    sizes.sort_unstable();
    let others = found.len() - sizes.len();
    (sizes, others)
}

fn failed_over(delivery: &Delivery) -> serde_json::Value {
    let (status, said) = run(delivery, &FAILOVER);
    assert_eq!(status, 0, "{said}");
    said["reported"].clone()
}

fn after_a_failover() {
    let delivery = founded(2);
    accepted(&delivery, "DEMO-0001");
    assert_eq!(on_standby(&delivery), (vec![], 0), "it signs nothing before, and bears no mark");
    // A stranger who had the token writes what should stop the site.
    let site = Site::open(&delivery.path("site")).unwrap();
    let standby = site.signing(KeySet::Standby).unwrap();
    let module = tokens(&site);
    let pin = Pin::from_file(&delivery.path("site/pins/standby.pin")).unwrap();
    module.log_in(&standby.text.token, pin).unwrap();
    let huge = b"trial.dock.example\n1152921504606846976\nAAAA\n";
    module.write_data(&standby.text.token, data("ecugate-mark-trial.dock.example", huge)).unwrap();
    drop(module);

    let reported = failed_over(&delivery);
    assert_eq!(reported.as_array().unwrap().len(), 1, "{reported}");
    assert_eq!(reported[0]["reason"], "note-malformed", "{reported}");
    assert_eq!(on_standby(&delivery), (vec![4], 1), "the checkpoint of the change");
    for (serial, sizes) in [("DEMO-0002", vec![4]), ("DEMO-0003", vec![4, 6]), ("DEMO-0004", vec![4, 6])] {
        accepted(&delivery, serial);
        assert_eq!(on_standby(&delivery), (sizes, 1), "after {serial}");
    }
}

/// Everything that a restore of the disks can reach goes back, to after the failover.
fn put_back() {
    let delivery = founded(1);
    assert_eq!(failed_over(&delivery), serde_json::json!([]));
    copy_folder(&delivery.path("site/mark"), &delivery.path("before/mark"));
    let files = ["ledger.db", "ledger.db-wal", "ledger.db-shm"];
    let copy = |from: &str, to: &str| {
        for name in files {
            let _ = std::fs::remove_file(delivery.path(to).join(name));
            let _ = std::fs::copy(delivery.path(from).join(name), delivery.path(to).join(name));
        }
    };
    copy("site", "before");
    accepted(&delivery, "DEMO-0001");
    copy("before", "site");
    std::fs::remove_dir_all(delivery.path("site/mark")).unwrap();
    copy_folder(&delivery.path("before/mark"), &delivery.path("site/mark"));
    // A clone of the box would be the first one there.
    assert_eq!(held(&delivery, "DEMO-0001").0, serde_json::json!("ledger-rolled-back"));
    assert_eq!(on_standby(&delivery), (vec![3, 4], 0));
}

fn without_rungs() {
    let delivery = founded(0);
    assert_eq!(failed_over(&delivery), serde_json::json!([]));
    accepted(&delivery, "DEMO-0001");
    assert_eq!(on_standby(&delivery), (vec![], 0));
}

fn sorted(mut notes: Vec<String>) -> Vec<String> {
    notes.sort();
    notes
}
