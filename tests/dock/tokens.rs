//! The token border against SoftHSM.

use crate::own_process::{self, Stage};
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::object::{Attribute, AttributeType, CertificateType, KeyType, ObjectClass};
use cryptoki::session::{Session, SessionState, UserType};
use cryptoki::types::AuthPin;
use ecugate::hsm::{
    Answer, CertificateToWrite, ExpectedKey, KeyKind, Module, Permanence, Pin, Request, Role, SkipReason, TokenFault,
    TokenKey, TokenName, TokenSigner, Tokens, TrialFolder, TrialKey, TrialToken, TrialTokens, softhsm,
};
use ecugate_verifier::values::keys::{Algorithm, Signer as _};
use libtest_mimic::Trial;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use zeroize::Zeroizing;

pub(crate) fn trials() -> Vec<Trial> {
    let tests: &[(&str, &[Stage])] = &[
        (
            "certificates_written_by_the_officer_are_read_back_byte_for_byte_without_a_pin",
            &[three_tokens_are_made, certificates_are_read_without_pin],
        ),
        ("ghosts_garbage_and_copies_are_skipped_and_reported", &[ghosts_garbage_and_copies]),
        ("a_token_without_certificates_gives_an_empty_answer_that_names_no_fault", &[no_certificates]),
        ("a_token_is_known_by_label_and_serial_together", &[names_of_tokens]),
        ("attack_32_two_certificates_with_one_label_id_and_subject_are_both_read", &[certificates_alike]),
        ("attack_38_a_token_moved_away_in_mid_run_is_a_fault_and_no_empty_answer", &[moved_away]),
        ("a_wrong_pin_is_refused_and_not_given_to_the_token_again", &[wrong_pin]),
        ("a_pin_that_was_never_set_is_missing_and_not_wrong", &[pin_never_set]),
        ("both_kinds_of_key_sign_and_the_host_verifies", &[both_sign, both_sign_after_a_restart]),
        ("private_keys_cannot_leave_the_token", &[keys_cannot_leave]),
        (
            "attack_39_a_public_key_put_in_place_of_the_true_one_makes_the_signer_a_liar",
            &[public_key_replaced, the_signer_lies],
        ),
        ("a_key_that_is_missing_or_there_twice_is_named", &[keys_missing_and_twice]),
        ("sixteen_threads_share_one_module_and_every_signature_verifies", &[sixteen_threads]),
        ("firm_certificates_cannot_be_deleted_by_anybody", &[firm_certificates]),
        ("what_a_token_refuses_is_left_out_and_leaves_no_remnant", &[refused_attributes]),
        ("nothing_is_made_in_a_token_store_that_is_not_the_sites_own", &[foreign_store]),
        ("a_module_whose_configuration_is_gone_does_not_start", &[configuration_gone]),
        ("a_module_started_by_somebody_else_in_this_process_is_adopted", &[adopted]),
    ];
    let mut trials = vec![Trial::test("what_is_no_module_is_named_and_not_loaded", || {
        own_process::run("what_is_no_module_is_named_and_not_loaded", |_| Default::default(), &[no_module])?;
        Ok(())
    })];
    trials.extend(tests.iter().map(|(name, stages)| match softhsm() {
        Err(why) => Trial::test(format!("{name} (needs: {why})"), || Ok(())).with_ignored_flag(true),
        Ok(_) => Trial::test(*name, || {
            own_process::run(name, |folder| TrialFolder::lay_out(folder).unwrap().environment(), stages)?;
            Ok(())
        }),
    }));
    trials
}

fn three_tokens_are_made(folder: &Path) {
    let written = [certificate("Lenk & Söhne"), certificate("Hersteller 2")];
    let made = create(folder, &written);
    let [authority, trust, signer] = [&made.authority, &made.trust, &made.signer];
    let labels = [authority, trust, signer].map(|token| token.name.label.as_str());
    assert_eq!(labels, ["ecugate-authority", "ecugate-trust", "ecugate-signer"]);
    let serials: BTreeSet<&str> = [authority, trust, signer].iter().map(|token| token.name.serial.as_str()).collect();
    assert_eq!(serials.len(), 3);
    assert_eq!(made.certificates.len(), 2);
    for stuck in &made.certificates {
        assert_eq!((stuck.trusted, stuck.modifiable, stuck.copyable), (Some(true), Some(false), Some(false)));
        assert_eq!(stuck.destroyable, Some(true));
    }
    for (key, label) in made.officers.iter().zip(["officer-1", "officer-2"]) {
        assert_eq!((key.key.label.as_str(), &key.key.token), (label, &authority.name));
    }
    // No PIN in anything that can be shown.
    let module = module();
    let shown = format!("{made:?} {module:?} {:?}", module.describe().unwrap());
    for token in [authority, trust, signer] {
        for file in [&token.pin_file, &token.officer_pin_file] {
            let pin = std::fs::read_to_string(file).unwrap();
            assert_eq!(pin.len(), 24);
            assert!(!shown.contains(&pin), "{file:?} is shown");
            assert!(Pin::from_file(file).is_ok(), "{file:?} has mode 0600");
        }
    }
    save(folder, "trust", &trust.name);
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

fn no_certificates(folder: &Path) {
    let made = create(folder, &[]);
    let read = module().certificates(&made.trust.name).unwrap();
    assert_eq!((read.certificates, read.skipped), (vec![], vec![]));
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
    let all = [&made.authority.name, trust, &made.signer.name, &twin].map(Clone::clone);
    assert_eq!(BTreeSet::from_iter(present), BTreeSet::from(all));

    for label in ["", "a-label-of-more-than-thirty-two-bytes", "blank "] {
        let pin = || Pin::new(Zeroizing::new("4711".to_owned()), "a test").unwrap();
        let request = Request::InitToken { label: label.to_owned(), officer_pin: pin(), pin: pin() };
        assert_eq!(module.ask(request).unwrap_err().reason().code(), "token-not-written", "{label:?}");
    }
}

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
        assert_eq!((present.len(), unreadable.len()), (0, 3), "{unreadable:?}");
    }
    // The first answer is the module's error, the second finds the token closed.
    let reasons: Vec<_> = (0..2).map(|_| station.sign(b"after").unwrap_err().reason().code()).collect();
    assert_eq!(reasons, ["signer-failed", "token-key-missing"]);
}

fn wrong_pin(folder: &Path) {
    let made = create(folder, &[]);
    let module = module();
    // Not the signer: creating has left that one open.
    let token = make(&module, "another");
    let raw = raw_module();
    let slot = raw_slot(&raw, &token);
    let count_low = || raw.get_token_info(slot).unwrap().user_pin_count_low();
    let pin = |text: &str| Pin::new(Zeroizing::new(text.to_owned()), "a test").unwrap();
    let wrong = TokenFault::PinWrong { token: token.clone() };

    assert!(!count_low());
    assert_eq!(module.log_in(&token, pin("wr0ng-1234")), Err(wrong.clone()));
    assert!(count_low(), "SoftHSM marks a token that has seen a wrong PIN");
    // Somebody logs in rightly, which takes the mark away, and out again.
    let session = raw.open_ro_session(slot).unwrap();
    session.login(UserType::User, Some(&AuthPin::from("4711"))).unwrap();
    session.logout().unwrap();
    drop(session);
    assert!(!count_low());
    assert_eq!(module.log_in(&token, pin("wr0ng-1234")), Err(wrong.clone()));
    assert!(!count_low(), "the refused PIN was given to the token again");
    // Another PIN is another try.
    assert_eq!(module.log_in(&token, pin("wr0ng-5678")), Err(wrong.clone()));
    assert!(count_low());
    assert_eq!(module.log_in(&token, pin("4711")), Ok(()));

    let shown = format!("{wrong} {wrong:?} {:?} {module:?}", wrong.finding());
    assert!(!shown.contains("wr0ng"), "{shown}");
    // The officer's is another PIN: refused too, and remembered apart.
    let write = |officer: &str| Request::WriteCertificates {
        token: made.trust.name.clone(),
        role: Role::Officer,
        pin: pin(officer),
        certificates: vec![certificate("real")],
        permanence: Permanence::Removable,
    };
    let wrong = TokenFault::PinWrong { token: made.trust.name.clone() };
    assert_eq!(module.ask(write("wr0ng-1234")), Err(wrong));
    let right = std::fs::read_to_string(&made.trust.officer_pin_file).unwrap();
    assert!(module.ask(write(&right)).is_ok());
}

fn pin_never_set(_folder: &Path) {
    let raw = raw_module();
    let slot = raw.get_slots_with_token().unwrap()[0];
    raw.init_token(slot, &AuthPin::from("4711"), "bare").unwrap();
    let serial = raw.get_token_info(slot).unwrap().serial_number().to_owned();
    let pin = Pin::new(Zeroizing::new("4711".to_owned()), "a test").unwrap();
    let fault = module().log_in(&TokenName::new("bare", serial), pin).unwrap_err();
    assert_eq!(
        (fault.reason().code(), fault.finding().found.as_str()),
        ("pin-missing", "no PIN has been set for its user")
    );
}

fn both_sign(folder: &Path) {
    let made = create(folder, &[]);
    for (key, token, algorithm) in [
        (&made.station, &made.signer, Algorithm::EcdsaP256Sha256),
        (&made.log, &made.signer, Algorithm::Ed25519),
        (&made.officers[0], &made.authority, Algorithm::EcdsaP256Sha256),
        (&made.officers[1], &made.authority, Algorithm::EcdsaP256Sha256),
    ] {
        assert_eq!(key.public_key.algorithm(), algorithm);
        signs(&open(token, key));
    }
    let ids: BTreeSet<_> =
        [&made.station, &made.log, &made.officers[0], &made.officers[1]].map(|key| key.public_key.id()).into();
    assert_eq!(ids.len(), 4);
    save(folder, "signer", &made.signer.name);
    std::fs::write(folder.join("log-id"), made.log.public_key.id().to_string()).unwrap();
}

fn both_sign_after_a_restart(folder: &Path) {
    let token = saved(folder, "signer");
    let pin = Pin::from_file(&folder.join("pins/signer.pin")).unwrap();
    let id = std::fs::read_to_string(folder.join("log-id")).unwrap();
    let expected = ExpectedKey::Recorded(ecugate_verifier::values::digest::Sha256::from_hex(&id).unwrap());
    let key = TokenKey { token, label: "log".to_owned() };
    let tokens: Arc<dyn Tokens> = Arc::new(module());
    signs(&TokenSigner::open(Arc::clone(&tokens), key.clone(), pin.clone(), expected).unwrap());
    let station = TokenKey { label: "station".to_owned(), ..key };
    let fault = TokenSigner::open(Arc::clone(&tokens), station.clone(), pin.clone(), expected).unwrap_err();
    assert_eq!(fault.reason().code(), "token-key-unusable", "{fault}");
    signs(&TokenSigner::open(tokens, station, pin, ExpectedKey::JustMade).unwrap());
}

fn keys_cannot_leave(folder: &Path) {
    let made = create(folder, &[]);
    let session = raw_session(&made.signer.name);
    for label in ["station", "log"] {
        let template = [Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::Label(label.as_bytes().to_vec())];
        let keys = session.find_objects(&template).unwrap();
        assert_eq!(keys.len(), 1);
        let kinds = [
            AttributeType::Token,
            AttributeType::Private,
            AttributeType::Sensitive,
            AttributeType::AlwaysSensitive,
            AttributeType::Extractable,
            AttributeType::NeverExtractable,
            AttributeType::Local,
        ];
        assert_eq!(
            session.get_attributes(keys[0], &kinds).unwrap(),
            [
                Attribute::Token(true),
                Attribute::Private(true),
                Attribute::Sensitive(true),
                Attribute::AlwaysSensitive(true),
                Attribute::Extractable(false),
                Attribute::NeverExtractable(true),
                Attribute::Local(true),
            ]
        );
        let value = session.get_attributes(keys[0], &[AttributeType::Value]).unwrap();
        assert!(value.is_empty(), "the secret of {label} can be read");
    }
    let taken = Request::GenerateKey { token: made.signer.name, key: "log".to_owned(), kind: KeyKind::P256 };
    assert_eq!(module().ask(taken).unwrap_err().finding().found, "a key of this label is there already");
}

fn public_key_replaced(folder: &Path) {
    let made = create(folder, &[]);
    let session = raw_session(&made.signer.name);
    for label in ["station", "log"] {
        let template = [Attribute::Class(ObjectClass::PUBLIC_KEY), Attribute::Label(label.as_bytes().to_vec())];
        let [key] = session.find_objects(&template).unwrap()[..] else { panic!("one public key {label}") };
        let kept = [AttributeType::Id, AttributeType::EcParams];
        let mut replacement = session.get_attributes(key, &kept).unwrap();
        session.destroy_object(key).unwrap();
        let (kind, point) = match label {
            "station" => (KeyType::EC, another_p256_point()),
            _ => (KeyType::EC_EDWARDS, another_ed25519_point()),
        };
        replacement.extend([Attribute::Token(true), Attribute::KeyType(kind), Attribute::EcPoint(point)]);
        replacement.extend(template);
        session.create_object(&replacement).unwrap();
    }
    // What was read before stays what counts in this process.
    signs(&open(&made.signer, &made.station));
    save(folder, "signer", &made.signer.name);
    std::fs::write(folder.join("station-id"), made.station.public_key.id().to_string()).unwrap();
}

fn the_signer_lies(folder: &Path) {
    let tokens: Arc<dyn Tokens> = Arc::new(module());
    let pin = Pin::from_file(&folder.join("pins/signer.pin")).unwrap();
    let key = |label: &str| TokenKey { token: saved(folder, "signer"), label: label.to_owned() };
    for label in ["station", "log"] {
        let signer = TokenSigner::open(Arc::clone(&tokens), key(label), pin.clone(), ExpectedKey::JustMade).unwrap();
        let fault = signer.sign(b"a receipt").unwrap_err();
        assert_eq!(fault.reason().code(), "signer-lied", "{fault}");
    }
    let id = std::fs::read_to_string(folder.join("station-id")).unwrap();
    let recorded = ExpectedKey::Recorded(ecugate_verifier::values::digest::Sha256::from_hex(&id).unwrap());
    let fault = TokenSigner::open(tokens, key("station"), pin, recorded).unwrap_err();
    assert_eq!((fault.reason().code(), fault.finding().expected), ("token-key-unusable", format!("key {id}")));
}

fn keys_missing_and_twice(folder: &Path) {
    let made = create(folder, &[]);
    let module = module();
    let key_fault = |label: &str| module.public_key(&made.signer.name, label).unwrap_err();
    let key = Box::new(TokenKey::new(&made.signer.name, "standby"));
    assert_eq!(key_fault("standby"), TokenFault::KeyMissing { key });
    // Nobody has logged in to the trust token.
    let fault = module.public_key(&made.trust.name, "station").unwrap_err();
    assert_eq!(fault.reason().code(), "token-key-missing");

    let session = raw_session(&made.signer.name);
    let public = [Attribute::Token(true), Attribute::EcParams(P256.to_vec()), Attribute::Label(b"twice".to_vec())];
    let private = [Attribute::Token(true), Attribute::Label(b"twice".to_vec())];
    for _ in 0..2 {
        session.generate_key_pair(&cryptoki::mechanism::Mechanism::EccKeyPairGen, &public, &private).unwrap();
    }
    assert_eq!(key_fault("twice").finding().found, "2 of this label");

    let public = [Attribute::Token(true), Attribute::EcParams(P384.to_vec()), Attribute::Label(b"wide".to_vec())];
    let private = [Attribute::Token(true), Attribute::Label(b"wide".to_vec())];
    session.generate_key_pair(&cryptoki::mechanism::Mechanism::EccKeyPairGen, &public, &private).unwrap();
    assert_eq!(key_fault("wide").finding().expected, "P-256 or Ed25519");
    let (public, _) = session
        .generate_key_pair(
            &cryptoki::mechanism::Mechanism::EccKeyPairGen,
            &[Attribute::Token(true), Attribute::EcParams(P256.to_vec()), Attribute::Label(b"half".to_vec())],
            &[Attribute::Token(true), Attribute::Label(b"half".to_vec())],
        )
        .unwrap();
    session.destroy_object(public).unwrap();
    assert_eq!(key_fault("half").finding().expected, "one public key of the same label and id");
}

fn sixteen_threads(folder: &Path) {
    let made = create(folder, &[certificate("real")]);
    let shared = Arc::new(open(&made.signer, &made.station));
    std::thread::scope(|scope| {
        for number in 0..16_u32 {
            let (shared, made) = (Arc::clone(&shared), &made);
            scope.spawn(move || {
                let own = open(&made.signer, &made.log);
                for round in 0..20_u32 {
                    let message = [number.to_be_bytes(), round.to_be_bytes()].concat();
                    let signature = shared.sign(&message).unwrap();
                    assert_eq!(made.station.public_key.verify(&message, &signature), Ok(()));
                    own.sign(&message).unwrap();
                    assert_eq!(module().certificates(&made.trust.name).unwrap().certificates.len(), 1);
                }
            });
        }
    });
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

fn foreign_store(folder: &Path) {
    // This process was started for one folder; the trial is to be made in another.
    let other = folder.join("other");
    std::fs::create_dir(&other).unwrap();
    let other = TrialFolder::lay_out(&other).unwrap();
    let fault = TrialTokens::create(&module(), &other, &[]).unwrap_err();
    assert_eq!(fault.reason().code(), "module-failed");
    assert!(fault.to_string().contains("SOFTHSM2_CONF is Some("), "{fault}");
    assert_eq!(std::fs::read_dir(folder.join("tokens")).unwrap().count(), 0);
    // And a store in which there are tokens already is left alone.
    make(&module(), "somebody's");
    let fault = TrialTokens::create(&module(), &TrialFolder::lay_out(folder).unwrap(), &[]).unwrap_err();
    assert!(fault.to_string().ends_with("it shows 1 tokens before any was made"), "{fault}");
    assert_eq!(std::fs::read_dir(folder.join("pins")).unwrap().count(), 0);
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

/// DER of the named curves P-256 and P-384 (RFC 5480 section 2.1.1.1).
const P256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: [u8; 7] = [0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22];

fn module() -> Module {
    Module::open(&softhsm().unwrap()).unwrap()
}

fn create(folder: &Path, certificates: &[CertificateToWrite]) -> TrialTokens {
    TrialTokens::create(&module(), &TrialFolder::lay_out(folder).unwrap(), certificates).unwrap()
}

fn make(module: &Module, label: &str) -> TokenName {
    let pin = || Pin::new(Zeroizing::new("4711".to_owned()), "a test").unwrap();
    match module.ask(Request::InitToken { label: label.to_owned(), officer_pin: pin(), pin: pin() }).unwrap() {
        Answer::Token(name) => name,
        other => panic!("{other:?}"),
    }
}

fn open(token: &TrialToken, key: &TrialKey) -> TokenSigner {
    let pin = Pin::from_file(&token.pin_file).unwrap();
    let expected = ExpectedKey::Recorded(key.public_key.id());
    TokenSigner::open(Arc::new(module()), key.key.clone(), pin, expected).unwrap()
}

fn signs(signer: &TokenSigner) {
    for message in [&b""[..], b"a receipt", &[7; 100_000]] {
        let signature = signer.sign(message).unwrap();
        assert_eq!(signer.public_key().verify(message, &signature), Ok(()));
        assert!(signer.public_key().verify(b"another", &signature).is_err());
    }
}

fn certificate(name: &str) -> CertificateToWrite {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut wanted = rcgen::CertificateParams::new(Vec::new()).unwrap();
    wanted.distinguished_name.push(rcgen::DnType::CommonName, name);
    CertificateToWrite { label: name.to_owned(), der: wanted.self_signed(&key).unwrap().der().to_vec() }
}

/// A certificate object as an attacker would write it.
fn object(label: &str, value: &[u8]) -> Vec<Attribute> {
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

fn another_p256_point() -> Vec<u8> {
    let point = p256::SecretKey::from_slice(&[9; 32]).unwrap().public_key().to_sec1_bytes();
    [&[0x04, 0x41][..], &point].concat()
}

fn another_ed25519_point() -> Vec<u8> {
    let point = ed25519_dalek::SigningKey::from_bytes(&[9; 32]).verifying_key().to_bytes();
    [&[0x04, 0x20][..], &point].concat()
}

/// The module without our border: what anybody who can load it can do.
fn raw_module() -> Pkcs11 {
    module();
    Pkcs11::new(softhsm().unwrap()).unwrap()
}

fn raw_slot(raw: &Pkcs11, token: &TokenName) -> cryptoki::slot::Slot {
    let is = |slot: &cryptoki::slot::Slot| {
        raw.get_token_info(*slot).is_ok_and(|seen| seen.label() == token.label && seen.serial_number() == token.serial)
    };
    raw.get_slots_with_token().unwrap().into_iter().find(is).unwrap()
}

fn raw_session(token: &TokenName) -> Session {
    let raw = raw_module();
    raw.open_rw_session(raw_slot(&raw, token)).unwrap()
}

fn save(folder: &Path, name: &str, token: &TokenName) {
    std::fs::write(folder.join(name), serde_json::to_string(token).unwrap()).unwrap();
}

fn saved(folder: &Path, name: &str) -> TokenName {
    serde_json::from_str(&std::fs::read_to_string(folder.join(name)).unwrap()).unwrap()
}
