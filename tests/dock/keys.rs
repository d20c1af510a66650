//! The token border against SoftHSM: PINs, keys, signatures.

use crate::softhsm::{
    certificate, create, make, module, open, pin, raw_module, raw_session, raw_slot, save, saved, trial,
};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass};
use cryptoki::session::UserType;
use cryptoki::types::AuthPin;
use ecugate::hsm::{
    ExpectedKey, KeyKind, Permanence, Pin, Request, Role, TokenFault, TokenKey, TokenName, TokenSigner, Tokens,
};
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::keys::{Algorithm, Signer as _};
use libtest_mimic::Trial;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("a_wrong_pin_is_refused_and_not_given_to_the_token_again", &[wrong_pin]),
        trial("a_pin_that_was_never_set_is_missing_and_not_wrong", &[pin_never_set]),
        trial("both_kinds_of_key_sign_and_the_host_verifies", &[both_sign, both_sign_after_a_restart]),
        trial("private_keys_only_sign_and_cannot_leave_the_token", &[keys_cannot_leave]),
        trial(
            "attack_39_a_public_key_put_in_place_of_the_true_one_makes_the_signer_a_liar",
            &[public_key_replaced, the_signer_lies],
        ),
        trial("a_key_that_is_missing_or_there_twice_is_named", &[keys_missing_and_twice]),
        trial("sixteen_threads_share_one_module_and_every_signature_verifies", &[sixteen_threads]),
    ]
}

fn wrong_pin(folder: &Path) {
    let made = create(folder, &[]);
    let module = module();
    // Not the signer: creating has left that one open.
    let token = make(&module, "another");
    let raw = raw_module();
    let slot = raw_slot(&raw, &token);
    let count_low = || raw.get_token_info(slot).unwrap().user_pin_count_low();
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
    let fault = module().log_in(&TokenName::new("bare", serial), pin("4711")).unwrap_err();
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
        (&made.standby_station, &made.standby, Algorithm::EcdsaP256Sha256),
        (&made.standby_log, &made.standby, Algorithm::Ed25519),
        (&made.officers[0], &made.authority, Algorithm::EcdsaP256Sha256),
        (&made.officers[1], &made.authority, Algorithm::EcdsaP256Sha256),
    ] {
        assert_eq!(key.public_key.algorithm(), algorithm);
        signs(&open(token, key));
    }
    let site = [&made.station, &made.log, &made.standby_station, &made.standby_log];
    let ids: BTreeSet<_> = site.into_iter().chain(&made.officers).map(|key| key.public_key.id()).collect();
    assert_eq!(ids.len(), 6);
    save(folder, "signer", &made.signer.name);
    std::fs::write(folder.join("log-id"), made.log.public_key.id().to_string()).unwrap();
}

fn both_sign_after_a_restart(folder: &Path) {
    let token = saved(folder, "signer");
    let pin = Pin::from_file(&folder.join("pins/signer.pin")).unwrap();
    let id = std::fs::read_to_string(folder.join("log-id")).unwrap();
    let expected = ExpectedKey::Recorded(Sha256::from_hex(&id).unwrap());
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
            AttributeType::Sign,
            AttributeType::Decrypt,
            AttributeType::Unwrap,
            AttributeType::Derive,
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
                Attribute::Sign(true),
                Attribute::Decrypt(false),
                Attribute::Unwrap(false),
                Attribute::Derive(false),
            ]
        );
        let value = session.get_attributes(keys[0], &[AttributeType::Value]).unwrap();
        assert!(value.is_empty(), "the secret of {label} can be read");
    }
    let taken =
        Request::GenerateKey { token: made.signer.name, key: "log".to_owned(), kind: KeyKind::P256, id: [7; 16] };
    assert_eq!(module().ask(taken).unwrap_err().finding().found, "a key of this label is there already");
}

/// Attack class 39: what the token states is not what it signs with.
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
    let recorded = ExpectedKey::Recorded(Sha256::from_hex(&id).unwrap());
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
        session.generate_key_pair(&Mechanism::EccKeyPairGen, &public, &private).unwrap();
    }
    assert_eq!(key_fault("twice").finding().found, "2 of this label");

    let public = [Attribute::Token(true), Attribute::EcParams(P384.to_vec()), Attribute::Label(b"wide".to_vec())];
    let private = [Attribute::Token(true), Attribute::Label(b"wide".to_vec())];
    session.generate_key_pair(&Mechanism::EccKeyPairGen, &public, &private).unwrap();
    assert_eq!(key_fault("wide").finding().expected, "P-256 or Ed25519");
    let (public, _) = session
        .generate_key_pair(
            &Mechanism::EccKeyPairGen,
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

fn signs(signer: &TokenSigner) {
    for message in [&b""[..], b"a receipt", &[7; 100_000]] {
        let signature = signer.sign(message).unwrap();
        assert_eq!(signer.public_key().verify(message, &signature), Ok(()));
        assert!(signer.public_key().verify(b"another", &signature).is_err());
    }
}

fn another_p256_point() -> Vec<u8> {
    let point = p256::SecretKey::from_slice(&[9; 32]).unwrap().public_key().to_sec1_bytes();
    [&[0x04, 0x41][..], &point].concat()
}

fn another_ed25519_point() -> Vec<u8> {
    let point = ed25519_dalek::SigningKey::from_bytes(&[9; 32]).verifying_key().to_bytes();
    [&[0x04, 0x20][..], &point].concat()
}

/// DER of the named curves P-256 and P-384 (RFC 5480 section 2.1.1.1).
const P256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

const P384: [u8; 7] = [0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22];
