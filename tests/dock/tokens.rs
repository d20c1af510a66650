//! The token border against SoftHSM: modules, names of tokens, certificates on them.

use crate::own_process;
use crate::softhsm::{certificate, create, make, module, open, pin, random, raw_session, raw_slot, save, saved, trial};
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::object::{Attribute, CertificateType, ObjectClass};
use cryptoki::session::SessionState;
use ecugate::hsm::{
    Answer, CertificateToWrite, Module, Permanence, Pin, Request, Role, SkipReason, TokenFault, TokenName, Tokens as _,
    TrialFolder, TrialTokens, softhsm,
};
use ecugate_verifier::values::keys::Signer as _;
use libtest_mimic::Trial;
use std::collections::BTreeSet;
use std::path::Path;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        // needs no SoftHSM
        Trial::test("what_is_no_module_is_named_and_not_loaded", || {
            own_process::run("what_is_no_module_is_named_and_not_loaded", |_| Default::default(), &[no_module])?;
            Ok(())
        }),
        trial("a_module_whose_configuration_is_gone_does_not_start", &[configuration_gone]),
        trial("a_module_started_by_somebody_else_in_this_process_is_adopted", &[adopted]),
        trial("nothing_is_made_in_a_token_store_that_is_not_the_sites_own", &[foreign_store]),
        trial("a_token_is_known_by_label_and_serial_together", &[names_of_tokens]),
        trial("attack_38_a_token_moved_away_in_mid_run_is_a_fault_and_no_empty_answer", &[moved_away]),
        trial(
            "certificates_written_by_the_officer_are_read_back_byte_for_byte_without_a_pin",
            &[four_tokens_are_made, certificates_are_read_without_pin],
        ),
        trial("a_token_without_certificates_gives_an_empty_answer_that_names_no_fault", &[no_certificates]),
        trial("attack_36_ghosts_garbage_and_copies_are_skipped_and_reported", &[ghosts_garbage_and_copies]),
        trial("attack_32_two_certificates_with_one_label_id_and_subject_are_both_read", &[certificates_alike]),
        trial("firm_certificates_cannot_be_deleted_by_anybody", &[firm_certificates]),
        trial("what_a_token_refuses_is_left_out_and_leaves_no_remnant", &[refused_attributes]),
    ]
}

fn no_module(folder: &Path) {
    let fault = |path: &Path| Module::open(path).unwrap_err();
    let found = |path: &Path| {
        let fault = fault(path);
        (fault.reason().code(), fault.finding().found)
    };
    let missing = |found: &str| ("module-missing", found.to_owned());
    let failed = |found: &str| ("module-failed", found.to_owned());
    assert_eq!(found(&folder.join("none.so")), missing("no such file"));
    assert_eq!(found(folder), missing("a folder"));
    assert_eq!(found(Path::new("")), missing("a relative path"));
    assert_eq!(found(Path::new("libsofthsm2.so")), missing("a relative path"));
    assert_eq!(found(Path::new("/dev/null")), missing("no regular file"));
    for (name, contents) in [("empty.so", &b""[..]), ("text.so", b"not a module\n")] {
        std::fs::write(folder.join(name), contents).unwrap();
        assert_eq!(found(&folder.join(name)), failed("the file is no ELF shared object"));
    }
    std::fs::write(folder.join("short.so"), b"\x7fELF\x02\x01\x01").unwrap();
    let short = fault(&folder.join("short.so"));
    assert_eq!(short.finding().found, "the file is no shared object that can be loaded here");
    assert!(!short.detail().is_empty());
    // A sound shared object that is no module: any library that this very test is linked with.
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let libc = maps.lines().filter_map(|line| line.split_whitespace().nth(5)).find(|path| path.contains("/libc.so"));
    let libc = fault(Path::new(libc.unwrap()));
    assert_eq!(libc.finding().found, "the file is no PKCS#11 module: it does not export C_GetFunctionList");
    assert_eq!(libc.reason().code(), "module-failed");
}

fn configuration_gone(folder: &Path) {
    std::fs::remove_dir(folder.join("tokens")).unwrap();
    for _ in 0..2 {
        let fault = Module::open(&softhsm().unwrap()).unwrap_err();
        assert_eq!((fault.reason().code(), fault.detail()), ("module-failed", "C_Initialize: GeneralError"));
        assert!(!fault.to_string().contains("GeneralError") && !fault.to_string().contains("horrible"), "{fault}");
    }
    // Put right, the same process can go on.
    std::fs::create_dir(folder.join("tokens")).unwrap();
    assert_eq!(module().describe().unwrap().tokens, []);
}

fn adopted(folder: &Path) {
    let raw = Pkcs11::new(softhsm().unwrap()).unwrap();
    raw.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
    let token = make(&module(), "adopted");
    assert!(raw_slot(&raw, &token).id() < u64::MAX);
    // By another path to the same file it is the same module.
    let link = folder.join("module.so");
    std::os::unix::fs::symlink(softhsm().unwrap(), &link).unwrap();
    let linked = Module::open(&link).unwrap().describe().unwrap();
    assert_eq!(linked, module().describe().unwrap());
    assert_eq!(linked.tokens, [token]);
    assert_eq!(Path::new(&linked.path), softhsm().unwrap().canonicalize().unwrap());
}

fn foreign_store(folder: &Path) {
    // This process was started for one folder; the trial is to be made in another.
    let other = folder.join("other");
    std::fs::create_dir(&other).unwrap();
    let other = TrialFolder::lay_out(&other).unwrap();
    let layout = TrialFolder::lay_out(folder).unwrap();
    let environment = layout.environment();
    let fault = TrialTokens::create(&module(), &environment, &other, &[], &random).unwrap_err();
    assert_eq!(fault.reason().code(), "module-failed");
    assert!(fault.to_string().contains("it was started with SOFTHSM2_CONF Some("), "{fault}");
    assert_eq!(std::fs::read_dir(folder.join("tokens")).unwrap().count(), 0);
    // And a store in which there are tokens already is left alone.
    make(&module(), "somebody's");
    let fault = TrialTokens::create(&module(), &environment, &layout, &[], &random).unwrap_err();
    assert!(fault.to_string().ends_with("it shows 1 tokens before any was made"), "{fault}");
    assert_eq!(std::fs::read_dir(folder.join("pins")).unwrap().count(), 0);
}

fn names_of_tokens(folder: &Path) {
    let made = create(folder, &[certificate("real")]);
    let module = module();
    let trust = &made.trust.name;
    // A second token with the label of the first: each is found by its serial.
    let twin = make(&module, "ecugate-trust");
    assert_ne!(twin.serial, trust.serial);
    assert_eq!(module.certificates(trust).unwrap().certificates.len(), 1);
    assert_eq!(module.certificates(&twin).unwrap().certificates.len(), 0);

    let wanted = TokenName::new("ecugate-trust", "00000000");
    let TokenFault::TokenWrongSerial { found, .. } = module.certificates(&wanted).unwrap_err() else { panic!() };
    let serials = BTreeSet::from([twin.serial.clone(), trust.serial.clone()]);
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), serials);

    let wanted = TokenName::new("ecugate-Trust", trust.serial.clone());
    let fault = module.certificates(&wanted).unwrap_err();
    assert_eq!(fault.reason().code(), "token-absent");
    let TokenFault::TokenAbsent { present, .. } = fault else { panic!() };
    let all = [&made.authority.name, trust, &made.signer.name, &made.standby.name, &twin].map(Clone::clone);
    assert_eq!(BTreeSet::from_iter(present), BTreeSet::from(all));

    for label in ["", "a-label-of-more-than-thirty-two-bytes", "blank "] {
        let request = Request::InitToken { label: label.to_owned(), officer_pin: pin("4711"), pin: pin("4711") };
        assert_eq!(module.ask(request).unwrap_err().reason().code(), "token-not-written", "{label:?}");
    }
}

/// Attack class 38: the token removed in mid-run.
fn moved_away(folder: &Path) {
    let made = create(folder, &[certificate("real")]);
    let module = module();
    let station = open(&made.signer, &made.station);
    assert_eq!(module.certificates(&made.trust.name).unwrap().certificates.len(), 1);
    station.sign(b"before").unwrap();
    std::fs::rename(folder.join("tokens"), folder.join("away")).unwrap();
    for _ in 0..2 {
        let fault = module.certificates(&made.trust.name).unwrap_err();
        let TokenFault::TokenAbsent { present, unreadable, .. } = fault else { panic!("{fault}") };
        assert_eq!((present.len(), unreadable.len()), (0, 4), "{unreadable:?}");
    }
    // The first answer is the module's error, the second finds the token closed.
    let reasons: Vec<_> = (0..2).map(|_| station.sign(b"after").unwrap_err().reason().code()).collect();
    assert_eq!(reasons, ["signer-failed", "token-key-missing"]);
}

fn four_tokens_are_made(folder: &Path) {
    let written = [certificate("Lenk & Söhne"), certificate("Hersteller 2")];
    let made = create(folder, &written);
    let tokens = [&made.authority, &made.trust, &made.signer, &made.standby];
    let labels = tokens.map(|token| token.name.label.as_str());
    assert_eq!(labels, ["ecugate-authority", "ecugate-trust", "ecugate-signer", "ecugate-standby"]);
    let serials: BTreeSet<&str> = tokens.iter().map(|token| token.name.serial.as_str()).collect();
    assert_eq!(serials.len(), 4);
    assert_eq!(made.certificates.len(), 2);
    for stuck in &made.certificates {
        assert_eq!((stuck.trusted, stuck.modifiable, stuck.copyable), (Some(true), Some(false), Some(false)));
        assert_eq!(stuck.destroyable, Some(true));
    }
    for (key, label) in made.officers.iter().zip(["officer-1", "officer-2"]) {
        assert_eq!((key.key.label.as_str(), &key.key.token), (label, &made.authority.name));
    }
    // No PIN in anything that can be shown.
    let module = module();
    let shown = format!("{made:?} {module:?} {:?}", module.describe().unwrap());
    for token in tokens {
        for file in [&token.pin_file, &token.officer_pin_file] {
            let pin = std::fs::read_to_string(file).unwrap();
            assert_eq!(pin.len(), 24);
            assert!(!shown.contains(&pin), "{file:?} is shown");
            assert!(Pin::from_file(file).is_ok(), "{file:?} has mode 0600");
        }
    }
    save(folder, "trust", &made.trust.name);
    for (number, certificate) in written.iter().enumerate() {
        std::fs::write(folder.join(format!("{number}.der")), &certificate.der).unwrap();
    }
}

fn certificates_are_read_without_pin(folder: &Path) {
    // Nobody has logged in in this process, and the PINs are gone.
    std::fs::remove_dir_all(folder.join("pins")).unwrap();
    let read = module().certificates(&saved(folder, "trust")).unwrap();
    assert_eq!(read.skipped, []);
    let expected: BTreeSet<Vec<u8>> =
        ["0.der", "1.der"].iter().map(|name| std::fs::read(folder.join(name)).unwrap()).collect();
    let found: BTreeSet<Vec<u8>> = read.certificates.iter().map(|certificate| certificate.der.clone()).collect();
    assert_eq!(found, expected);
    let labels: BTreeSet<&str> = read.certificates.iter().map(|certificate| certificate.label.as_str()).collect();
    assert_eq!(labels, BTreeSet::from(["Lenk & Söhne", "Hersteller 2"]));
    for certificate in &read.certificates {
        let digest = ecugate_verifier::values::digest::Sha256::of(&certificate.der);
        assert_eq!((certificate.trusted, certificate.id.clone()), (Some(true), digest.to_string()));
    }
}

fn no_certificates(folder: &Path) {
    let made = create(folder, &[]);
    let read = module().certificates(&made.trust.name).unwrap();
    assert_eq!((read.certificates, read.skipped), (vec![], vec![]));
}

/// Attack class 36: ghost objects with empty value. 34: a certificate added by nobody at all is read, and recorded as not
/// trusted: whether it counts is for the anchor list.
fn ghosts_garbage_and_copies(folder: &Path) {
    let real = certificate("real");
    let made = create(folder, std::slice::from_ref(&real));
    let session = raw_session(&made.trust.name);
    // Nobody is logged in, and SoftHSM lets anybody write. A refused write leaves a ghost behind.
    let mut refused = object("ghost", b"not read");
    refused.insert(0, Attribute::Trusted(true));
    session.create_object(&refused).unwrap_err();
    session.create_object(&object("garbage", b"\x30\x03abc")).unwrap();
    session.create_object(&object("trailing", &[&real.der[..], b"\0"].concat())).unwrap();
    session.create_object(&object("long", &vec![0x30; 70_000])).unwrap();
    session.create_object(&object("copy", &real.der)).unwrap();
    let anybodys = certificate("anybody's");
    session.create_object(&object("anybody's", &anybodys.der)).unwrap();

    let read = module().certificates(&made.trust.name).unwrap();
    let skipped: Vec<(&str, SkipReason)> = read.skipped.iter().map(|skip| (skip.label.as_str(), skip.why)).collect();
    let ghost = skipped.iter().filter(|(_, why)| *why == SkipReason::Empty).count();
    assert_eq!(ghost, 1, "{skipped:?}");
    let others: Vec<_> = skipped.into_iter().filter(|(_, why)| *why != SkipReason::Empty).collect();
    // Of two objects with the same bytes the one with the lower label is taken.
    assert_eq!(
        others,
        [
            ("garbage", SkipReason::NotACertificate),
            ("long", SkipReason::TooLong),
            ("real", SkipReason::Copy),
            ("trailing", SkipReason::NotACertificate),
        ]
    );
    let found: BTreeSet<_> = read.certificates.into_iter().map(|found| (found.der, found.trusted)).collect();
    assert_eq!(found, BTreeSet::from([(real.der, Some(false)), (anybodys.der, Some(false))]));
}

/// Attack class 32: two certificates with one label, id, subject.
fn certificates_alike(folder: &Path) {
    let made = create(folder, &[]);
    let session = raw_session(&made.trust.name);
    let alike = [certificate("maker"), certificate("maker")];
    for certificate in &alike {
        let mut object = object("maker", &certificate.der);
        object.push(Attribute::Id(b"1".to_vec()));
        session.create_object(&object).unwrap();
    }
    let read = module().certificates(&made.trust.name).unwrap();
    let found: BTreeSet<_> = read.certificates.into_iter().map(|found| (found.label, found.id, found.der)).collect();
    let expected = alike.map(|certificate| ("maker".to_owned(), "31".to_owned(), certificate.der));
    assert_eq!((found, read.skipped), (BTreeSet::from(expected), vec![]));
}

fn firm_certificates(folder: &Path) {
    let made = create(folder, &[]);
    let module = module();
    let write = |certificate: CertificateToWrite| {
        module.ask(Request::WriteCertificates {
            token: made.trust.name.clone(),
            role: Role::Officer,
            pin: Pin::from_file(&made.trust.officer_pin_file).unwrap(),
            certificates: vec![certificate],
            permanence: Permanence::UntilTokenIsErased,
        })
    };
    let Answer::Written(stuck) = write(certificate("firm")).unwrap() else { panic!() };
    assert_eq!((stuck[0].trusted, stuck[0].destroyable), (Some(true), Some(false)));
    let garbage = CertificateToWrite { label: "garbage".to_owned(), der: vec![0x30, 0x00] };
    assert_eq!(write(garbage).unwrap_err().reason().code(), "token-not-written");

    let session = raw_session(&made.trust.name);
    let all = session.find_objects(&[]).unwrap();
    assert_eq!(all.len(), 1);
    session.destroy_object(all[0]).unwrap_err();
    assert_eq!(module.certificates(&made.trust.name).unwrap().certificates.len(), 1);
}

fn refused_attributes(folder: &Path) {
    let made = create(folder, &[]);
    let session = raw_session(&made.trust.name);
    // Left behind by somebody else, and so not ours to remove.
    let mut refused = object("ghost", b"not read");
    refused.insert(0, Attribute::Trusted(true));
    session.create_object(&refused).unwrap_err();
    drop(session);
    // SoftHSM lets only its officer set CKA_TRUSTED.
    let request = Request::WriteCertificates {
        token: made.trust.name.clone(),
        role: Role::User,
        pin: Pin::from_file(&made.trust.pin_file).unwrap(),
        certificates: vec![certificate("real"), certificate("also")],
        permanence: Permanence::Removable,
    };
    let Answer::Written(stuck) = module().ask(request).unwrap() else { panic!() };
    for (stuck, label) in stuck.iter().zip(["real", "also"]) {
        assert_eq!((stuck.label.as_str(), stuck.trusted), (label, Some(false)));
        assert_eq!((stuck.modifiable, stuck.copyable, stuck.destroyable), (Some(false), Some(false), Some(true)));
    }
    assert_eq!(raw_session(&made.trust.name).find_objects(&[]).unwrap().len(), 3);
    let read = module().certificates(&made.trust.name).unwrap();
    assert_eq!(read.certificates.len(), 2);
    assert_eq!(read.skipped.iter().map(|skip| skip.why).collect::<Vec<_>>(), [SkipReason::Empty]);
    // Writing has logged out again.
    let fault = module().public_key(&made.trust.name, "any").unwrap_err();
    assert_eq!(fault.reason().code(), "token-key-missing");
    let session = raw_session(&made.trust.name);
    assert_eq!(session.get_session_info().unwrap().session_state(), SessionState::RwPublic);
}

/// A certificate object as an attacker would write it.
pub(crate) fn object(label: &str, value: &[u8]) -> Vec<Attribute> {
    vec![
        Attribute::Class(ObjectClass::CERTIFICATE),
        Attribute::CertificateType(CertificateType::X_509),
        Attribute::Token(true),
        Attribute::Private(false),
        Attribute::Label(label.as_bytes().to_vec()),
        Attribute::Subject(vec![0x30, 0x00]),
        Attribute::Value(value.to_vec()),
    ]
}
