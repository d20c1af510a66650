//! Attack classes of signatures and thresholds, and the round trips.

use super::pen::Pen;
use super::{BASE64, Envelope, EnvelopeFault, PAYLOAD_TYPE, SealFault, countersign, pae, seal};
use crate::values::digest::hex;
use crate::values::ident::Name;
use crate::values::keys::{Algorithm, Encoding, KeyFault, PublicKey, Signer, verify_untrusted};
use crate::values::limits::Limits;
use crate::values::reason::Reason;
use crate::values::verified::VerifiedSignatures;
use base64::Engine as _;
use proptest::prelude::{ProptestConfig, any, proptest};
use serde_json::{Value, json};

const LIMITS: Limits = Limits::STANDARD;
const PAYLOAD: &[u8] = b"{\"what\":\"ever\"}";

fn sealed(pens: &[&Pen]) -> Envelope {
    let signers: Vec<(&Pen, &[Vec<u8>])> = pens.iter().map(|pen| (*pen, [].as_slice())).collect();
    seal(PAYLOAD.to_vec(), &signers).unwrap()
}

/// The envelope with something changed in its JSON.
fn changed(envelope: &Envelope, change: impl FnOnce(&mut Value)) -> Result<Envelope, EnvelopeFault> {
    let mut text: Value = serde_json::from_slice(envelope.bytes()).unwrap();
    change(&mut text);
    Envelope::parse(&serde_json::to_vec(&text).unwrap(), &LIMITS)
}

fn holder(name: &str, pen: &Pen) -> (Name, PublicKey) {
    (Name::new(name).unwrap(), pen.public_key().clone())
}

/// The example of `protocol.md`, section Test Vectors.
#[test]
fn the_pre_authentication_encoding_is_the_one_of_the_specification() {
    let expected = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world";
    assert_eq!(pae("http://example.com/HelloWorld", b"hello world"), expected);
    assert_eq!(pae("", b""), b"DSSEv1 0  0 ");
    assert_eq!(pae("\u{e9}", b"\xff"), b"DSSEv1 2 \xc3\xa9 1 \xff");
}

/// A foreign envelope in full is the one asked for, by the key given, and never becomes a document of ours.
#[test]
fn a_foreign_envelope_is_verified_under_the_type_asked_for_and_under_no_other() {
    const FOREIGN: &str = "application/vnd.example+json";
    let (pen, other) = (Pen::ed25519(1), Pen::ed25519(2));
    let signature = pen.sign(&pae(FOREIGN, PAYLOAD)).unwrap();
    let envelope = changed(&sealed(&[&pen]), |text| {
        text["payloadType"] = json!(FOREIGN);
        text["signatures"] = json!([{"sig": BASE64.encode(&signature)}]);
    })
    .unwrap();
    assert_eq!(envelope.verify_foreign(FOREIGN, pen.public_key()), Ok(PAYLOAD));
    let reason = |payload_type, key| envelope.verify_foreign(payload_type, key).unwrap_err().reason();
    assert_eq!(reason(PAYLOAD_TYPE, pen.public_key()), Reason::PayloadTypeWrong);
    assert_eq!(reason(FOREIGN, other.public_key()), Reason::SignatureInvalid);
    assert_eq!(envelope.verify_with(pen.public_key()).unwrap_err().reason(), Reason::PayloadTypeWrong);
    let two = sealed(&[&pen, &other]);
    assert_eq!(
        two.verify_foreign(PAYLOAD_TYPE, pen.public_key()).unwrap_err().reason(),
        Reason::EnvelopeSignatureCount
    );
}

/// The signature of `protocol.md`, section Test Vectors, made by the reference implementation.
#[test]
fn the_signature_of_the_specification_is_over_our_encoding() {
    const POINT: &str = "67cd390f77aa359cb08c2235f652270493a9ed832b0abcc01f70954c0390d2380c782bd54e269125a44f4433aff1432ce94e12bca73aa67ac80cea12608ddf74";
    let spki = hex::decode(&format!("3059301306072a8648ce3d020106082a8648ce3d03010703420004{POINT}")).unwrap();
    let signature = "A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA==";
    let signature = BASE64.decode(signature).unwrap();
    let verify =
        |message: &[u8]| verify_untrusted(&spki, Algorithm::EcdsaP256Sha256, Encoding::P1363, message, &signature);
    assert_eq!(verify(&pae("http://example.com/HelloWorld", b"hello world")), Ok(()));
    assert_eq!(verify(&pae("http://example.com/HelloWorld", b"hello World")), Err(KeyFault::SignatureInvalid));
    assert_eq!(PublicKey::from_spki(&spki), Err(KeyFault::PubliclyKnown));
}

#[test]
fn what_is_sealed_is_read_and_verified() {
    for pen in [Pen::ed25519(1), Pen::p256(1)] {
        let chain = [vec![0x30, 0], vec![0x30, 1, 2]];
        let envelope = seal(PAYLOAD.to_vec(), &[(&pen, chain.as_slice())]).unwrap();
        let verified = envelope.verify_with(pen.public_key()).unwrap();
        assert_eq!(verified.payload(), PAYLOAD);
        assert_eq!(verified.keys(), [pen.public_key().clone()]);
        let [signature] = envelope.signatures() else { panic!("one signature") };
        assert_eq!(signature.chain(), chain);
        assert_eq!(signature.key_id_hint(), Some(pen.public_key().id().to_string().as_str()));
        assert_eq!(Envelope::parse(envelope.bytes(), &LIMITS), Ok(envelope.clone()));
    }
}

/// Attack class 1 (CVE-2020-6174).
#[test]
fn attack_01_one_key_signing_twice_counts_once() {
    let (one, two) = (Pen::ed25519(1), Pen::ed25519(2));
    let holders = [holder("anna", &one), holder("ben", &two)];
    let envelope = sealed(&[&one]);
    let repeated = changed(&envelope, |text| {
        let mut again = text["signatures"][0].clone();
        again["keyid"] = json!("another");
        text["signatures"].as_array_mut().unwrap().push(again);
    });
    assert_eq!(repeated, Err(EnvelopeFault::SignatureRepeated { index: 1 }));

    // ECDSA: the same key, other bytes (the signature with n - s is good as well)
    let ecdsa = Pen::p256(3);
    let mirrored = changed(&sealed(&[&ecdsa]), |text| {
        let mut again = text["signatures"][0].clone();
        let bytes = BASE64.decode(again["sig"].as_str().unwrap()).unwrap();
        let signature = p256::ecdsa::Signature::from_der(&bytes).unwrap();
        let (r, s) = signature.split_scalars();
        let mirror = p256::ecdsa::Signature::from_scalars(r.to_bytes(), (-*s).to_bytes()).unwrap();
        again["sig"] = json!(BASE64.encode(mirror.to_der().as_bytes()));
        text["signatures"].as_array_mut().unwrap().push(again);
    })
    .unwrap();
    let holders_ecdsa = [holder("anna", &ecdsa), holder("ben", &two)];
    let fault = mirrored.verify_threshold(&holders_ecdsa, 2).unwrap_err();
    assert_eq!(fault, EnvelopeFault::Threshold { signed: 1, needed: 2 });
    assert_eq!(fault.reason(), Reason::ThresholdNotMet);

    let both = sealed(&[&one, &two]);
    let verified = both.verify_threshold(&holders, 2).unwrap();
    assert_eq!(verified.persons().iter().map(Name::as_str).collect::<Vec<_>>(), ["anna", "ben"]);
    assert_eq!(verified.keys().len(), 2);
}

/// Attack class 2: a key that stands under two names would make one person two.
#[test]
fn attack_02_one_key_under_two_names_is_refused() {
    let (one, two) = (Pen::ed25519(1), Pen::ed25519(2));
    let holders = [holder("anna", &one), holder("ben", &one), holder("ben", &two)];
    let fault = sealed(&[&one, &two]).verify_threshold(&holders, 2).unwrap_err();
    assert_eq!(fault.reason(), Reason::AuthorityKeyShared);
    let same = [holder("anna", &one), holder("anna", &one)];
    assert!(sealed(&[&one]).verify_threshold(&same, 1).is_ok());
}

/// Attack class 3: two keys of one person are one person.
#[test]
fn attack_03_the_threshold_counts_persons_and_not_keys() {
    let (one, spare, two) = (Pen::ed25519(1), Pen::ed25519(2), Pen::ed25519(3));
    let holders = [holder("anna", &one), holder("anna", &spare), holder("ben", &two)];
    let fault = sealed(&[&one, &spare]).verify_threshold(&holders, 2).unwrap_err();
    assert_eq!(fault, EnvelopeFault::Threshold { signed: 1, needed: 2 });
    let all = sealed(&[&one, &spare, &two]);
    assert_eq!(all.verify_threshold(&holders, 2).unwrap().persons().len(), 2);
    assert_eq!(all.verify_threshold(&holders, 3).unwrap_err(), EnvelopeFault::Threshold { signed: 2, needed: 3 });
}

/// Attack class 1: signing one after the other gives what signing together gives, and one signer twice stays one.
#[test]
fn attack_01_a_countersignature_is_over_the_same_bytes_and_one_person_stays_one() {
    let (one, two, edward) = (Pen::p256(1), Pen::p256(2), Pen::ed25519(3));
    let first = sealed(&[&one]);
    let both = countersign(&first, &two).unwrap();
    assert_eq!((both.payload(), both.signatures().len()), (first.payload(), 2));
    assert_eq!(both.signatures()[0], first.signatures()[0]);
    let holders = [holder("anna", &one), holder("ben", &two)];
    assert_eq!(both.verify_threshold(&holders, 2).unwrap().persons().len(), 2);
    // The bytes of an ECDSA or Ed25519 signature of the same key over the same message are the same here.
    for pen in [&one, &edward] {
        let again = countersign(&sealed(&[pen]), pen);
        assert!(matches!(again, Err(SealFault::Envelope(EnvelopeFault::SignatureRepeated { index: 1 }))), "{again:?}");
    }
    let other = changed(&first, |text| text["payloadType"] = json!("text/plain")).unwrap();
    let refused = countersign(&other, &two);
    assert!(matches!(refused, Err(SealFault::Envelope(EnvelopeFault::PayloadType { .. }))), "{refused:?}");
    // A payload exchanged below the first signature is not mended by the second.
    let mixed = changed(&both, |text| text["payload"] = json!(BASE64.encode(b"{}"))).unwrap();
    let fault = countersign(&mixed, &edward).unwrap().verify_threshold(&[holder("cleo", &edward)], 1).unwrap_err();
    assert_eq!(fault, EnvelopeFault::SignerUnknown { index: 0 });
}

/// Attack class 4.
#[test]
fn attack_04_a_threshold_of_zero_is_refused() {
    let pen = Pen::ed25519(1);
    let fault = sealed(&[&pen]).verify_threshold(&[holder("anna", &pen)], 0).unwrap_err();
    assert_eq!(fault.reason(), Reason::ThresholdZero);
    let fault = sealed(&[&pen]).verify_threshold(&[], 1).unwrap_err();
    assert_eq!(fault, EnvelopeFault::SignerUnknown { index: 0 });
}

/// Attack class 5.
#[test]
fn attack_05_a_key_id_decides_nothing() {
    let (genuine, forger) = (Pen::ed25519(1), Pen::ed25519(9));
    let forged = changed(&sealed(&[&forger]), |text| {
        text["signatures"][0]["keyid"] = json!(genuine.public_key().id().to_string());
    })
    .unwrap();
    let fault = forged.verify_with(genuine.public_key()).unwrap_err();
    assert_eq!(fault, EnvelopeFault::Signature { index: 0, fault: KeyFault::SignatureInvalid });
    assert_eq!(fault.reason(), Reason::SignatureInvalid);
    let fault = forged.verify_threshold(&[holder("anna", &genuine)], 1).unwrap_err();
    assert_eq!(fault, EnvelopeFault::SignerUnknown { index: 0 });

    for id in [Some("nonsense"), Some(""), None] {
        let envelope = changed(&sealed(&[&genuine]), |text| match id {
            Some(id) => text["signatures"][0]["keyid"] = json!(id),
            None => drop(text["signatures"][0].as_object_mut().unwrap().remove("keyid")),
        })
        .unwrap();
        assert!(envelope.verify_with(genuine.public_key()).is_ok(), "{id:?}");
    }
}

#[test]
fn a_key_id_or_chain_that_is_null_is_refused_and_not_taken_for_absent() {
    let envelope = sealed(&[&Pen::ed25519(1)]);
    for field in ["keyid", "x5c"] {
        let fault = changed(&envelope, |text| text["signatures"][0][field] = Value::Null).unwrap_err();
        assert_eq!(fault.reason(), Reason::JsonWrongType, "{field}");
        assert_eq!(fault.finding().place, format!("signatures[0].{field}"));
    }
}

/// Attack class 6: there is no field in which a document could name its algorithm.
#[test]
fn attack_06_an_algorithm_named_in_the_envelope_is_an_unknown_field() {
    let envelope = sealed(&[&Pen::ed25519(1)]);
    for field in ["alg", "algorithm", "scheme", "cert", "publicKey"] {
        let fault = changed(&envelope, |text| text["signatures"][0][field] = json!("none")).unwrap_err();
        assert_eq!(fault.reason(), Reason::JsonUnknownField, "{field}");
    }
    let ecdsa = sealed(&[&Pen::p256(1)]);
    let fault = ecdsa.verify_with(Pen::ed25519(1).public_key()).unwrap_err();
    assert_eq!(fault.reason(), Reason::SignatureMalformed);
}

/// Attack class 7 (CVE-2022-35930 class). The signature is good, the payload is of another type.
#[test]
fn attack_07_another_payload_type_is_refused_before_the_signature() {
    let pen = Pen::ed25519(1);
    for found in ["application/json", "application/vnd.in-toto+JSON", "application/vnd.in-toto+json ", ""] {
        let signature = BASE64.encode(pen.sign(&pae(found, PAYLOAD)).unwrap());
        let text = json!({"payload": BASE64.encode(PAYLOAD), "payloadType": found, "signatures": [{"sig": signature}]});
        let envelope = Envelope::parse(text.to_string().as_bytes(), &LIMITS).unwrap();
        let expected = EnvelopeFault::PayloadType { found: found.to_owned() };
        assert_eq!(envelope.verify_with(pen.public_key()).unwrap_err(), expected);
        assert_eq!(envelope.verify_threshold(&[holder("anna", &pen)], 1).unwrap_err(), expected);
        assert_eq!(expected.reason(), Reason::PayloadTypeWrong);
    }
}

/// Attack class 8: what is signed begins with `DSSEv1` and the type; a signature over anything else is none.
#[test]
fn attack_08_a_signature_over_the_bare_payload_is_none() {
    let pen = Pen::ed25519(1);
    for message in [PAYLOAD.to_vec(), pae("", PAYLOAD), pae(PAYLOAD_TYPE, b""), b"DSSEv1".to_vec()] {
        let signature = BASE64.encode(pen.sign(&message).unwrap());
        let envelope = changed(&sealed(&[&pen]), |text| text["signatures"][0]["sig"] = json!(signature)).unwrap();
        assert_eq!(envelope.verify_with(pen.public_key()).unwrap_err().reason(), Reason::SignatureInvalid);
    }
}

/// Attack class 11: key ids and certificates stand outside the signature, so changing them changes nothing that is
/// believed: the key comes from the caller, the payload from what the signature covers.
#[test]
fn attack_11_what_the_signature_does_not_cover_changes_nothing() {
    let pen = Pen::ed25519(1);
    let envelope = sealed(&[&pen]);
    let dressed = changed(&envelope, |text| {
        text["signatures"][0]["keyid"] = json!("somebody else");
        text["signatures"][0]["x5c"] = json!([BASE64.encode(b"a stranger's certificate")]);
    })
    .unwrap();
    let (plain, dressed) =
        (envelope.verify_with(pen.public_key()).unwrap(), dressed.verify_with(pen.public_key()).unwrap());
    assert_eq!((plain.payload(), plain.keys()), (PAYLOAD, dressed.keys()));
}

/// Attack class 9: the payload that is handed on is the one that the signature covers.
#[test]
fn attack_09_the_payload_read_is_the_payload_verified() {
    let pen = Pen::ed25519(1);
    let envelope = sealed(&[&pen]);
    let verified = envelope.verify_with(pen.public_key()).unwrap();
    assert_eq!(verified.payload().as_ptr(), envelope.payload().as_ptr());
    let other = changed(&envelope, |text| text["payload"] = json!(BASE64.encode(b"{}"))).unwrap();
    assert_eq!(other.verify_with(pen.public_key()).unwrap_err().reason(), Reason::SignatureInvalid);
    for field in ["payload", "Payload", "payloadTypes", "statement"] {
        let mut text = String::from_utf8(envelope.bytes().to_vec()).unwrap();
        text.insert_str(1, &format!("\"{field}\":\"e30=\","));
        let reason = Envelope::parse(text.as_bytes(), &LIMITS).unwrap_err().reason();
        let expected = [Reason::JsonDuplicateKey, Reason::JsonCaseVariantKey, Reason::JsonUnknownField];
        assert!(expected.contains(&reason), "{field}: {reason}");
    }
}

/// Attack class 13: a bad signature beside a good one refuses the whole.
#[test]
fn attack_13_a_bad_signature_beside_good_ones_refuses_the_whole() {
    let (one, two, stranger) = (Pen::ed25519(1), Pen::ed25519(2), Pen::ed25519(9));
    let holders = [holder("anna", &one), holder("ben", &two)];
    let fault = sealed(&[&one, &stranger, &two]).verify_threshold(&holders, 2).unwrap_err();
    assert_eq!(fault, EnvelopeFault::SignerUnknown { index: 1 });
    let fault = sealed(&[&one, &stranger]).verify_with(one.public_key()).unwrap_err();
    assert_eq!(fault, EnvelopeFault::SignatureCount { found: 2, most: 1 });
}

/// Attack classes 12 and 13.
#[test]
fn attack_12_an_envelope_with_a_second_spelling_is_refused() {
    let envelope = sealed(&[&Pen::ed25519(1)]);
    let payload = |text: &str| changed(&envelope, |value| value["payload"] = json!(text)).unwrap_err();
    // "????>>>>" needs both letters in which the alphabets differ
    assert!(changed(&envelope, |value| value["payload"] = json!("Pz8/Pz4+Pj4=")).is_ok());
    for text in [
        "Pz8_Pz4-Pj4=",
        "Pz8/Pz4+Pj4",
        "Pz8/Pz4+Pj5=",
        "Pz8/Pz4+Pj4==",
        "Pz8/ Pz4+Pj4=",
        "Pz8/\nPz4+Pj4=",
        "",
        "=",
        "P",
    ] {
        assert_eq!(payload(text).reason(), Reason::EnvelopeMalformed, "{text}");
    }
    for (change, expected) in [
        (json!([]), Reason::EnvelopeSignatureCount),
        (json!({}), Reason::JsonWrongType),
        (json!([{}]), Reason::JsonMissingField),
        (json!([{"sig": ""}]), Reason::EnvelopeMalformed),
        (json!([{"sig": "AA==", "x5c": []}]), Reason::EnvelopeMalformed),
        (json!([{"sig": "AA==", "x5c": [""]}]), Reason::EnvelopeMalformed),
        (json!([{"sig": "AA==", "x5c": "AA=="}]), Reason::JsonWrongType),
        (json!([["AA=="]]), Reason::JsonWrongType),
    ] {
        let fault = changed(&envelope, |text| text["signatures"] = change.clone()).unwrap_err();
        assert_eq!(fault.reason(), expected, "{change}");
    }
}

/// Attack class 47.
#[test]
fn attack_47_more_signatures_or_certificates_than_may_be_are_refused() {
    let envelope = sealed(&[&Pen::ed25519(1)]);
    let signatures = |count: usize| -> Vec<Value> {
        (0..count).map(|number| json!({"sig": BASE64.encode(number.to_be_bytes())})).collect()
    };
    assert!(changed(&envelope, |text| text["signatures"] = json!(signatures(16))).is_ok());
    let fault = changed(&envelope, |text| text["signatures"] = json!(signatures(17))).unwrap_err();
    assert_eq!(fault, EnvelopeFault::SignatureCount { found: 17, most: 16 });
    let fault = changed(&envelope, |text| text["signatures"][0]["x5c"] = json!(vec!["AA=="; 9])).unwrap_err();
    assert_eq!(fault, EnvelopeFault::ChainLength { index: 0, found: 9, most: 8 });
    let large = BASE64.encode(vec![0; LIMITS.certificate_bytes + 1]);
    let fault = changed(&envelope, |text| text["signatures"][0]["x5c"] = json!([large])).unwrap_err();
    assert!(matches!(fault, EnvelopeFault::CertificateTooLarge { .. }));
}

#[test]
fn a_file_of_another_kind_is_named() {
    for (bytes, kind) in [
        (b"-----BEGIN CERTIFICATE-----\nMIIB".as_slice(), "a PEM certificate"),
        (b"-----BEGIN X509 CRL-----\n", "a PEM certificate revocation list"),
        (b"-----BEGIN PUBLIC KEY-----\n", "a PEM public key"),
        (b":10000000000102030405060708090a0b0c0d0e0f78\n", "an Intel HEX image"),
        (b"S00600004844521B\n", "a Motorola S-record image"),
        (b"\x7fELF\x02\x01", "an ELF image"),
        (b"\x30\x03\x02\x01\x00", "a DER file"),
        (b"PK\x03\x04", "a ZIP archive"),
        (b"\0\0\0\0", "a binary file"),
    ] {
        let fault = Envelope::parse(bytes, &LIMITS).unwrap_err();
        assert_eq!(fault, EnvelopeFault::OtherFile(kind));
        assert_eq!(fault.reason(), Reason::EnvelopeMalformed);
    }
    let certificate = rcgen::generate_simple_self_signed(Vec::new()).unwrap();
    let fault = Envelope::parse(certificate.cert.der(), &LIMITS).unwrap_err();
    assert_eq!(fault, EnvelopeFault::OtherFile("a DER certificate"));
    assert_eq!(Envelope::parse(b"", &LIMITS).unwrap_err().reason(), Reason::InputEmpty);
    assert_eq!(Envelope::parse(b"serial,part\n", &LIMITS).unwrap_err().reason(), Reason::JsonSyntax);
}

/// Attack class 39: a token that answers with a signature of another key, or with none.
#[test]
fn attack_39_a_signer_that_lies_is_found_before_its_answer_is_used() {
    // It names signatures that it says it has verified, good ones of its own among them.
    struct Liar(Pen, Vec<u8>, VerifiedSignatures);
    impl Signer for Liar {
        type Error = core::convert::Infallible;
        fn public_key(&self) -> &PublicKey {
            self.0.public_key()
        }
        fn sign(&self, _: &[u8]) -> Result<Vec<u8>, Self::Error> {
            Ok(self.1.clone())
        }
        fn verified(&self) -> &VerifiedSignatures {
            &self.2
        }
    }
    let (pen, signatures) = (Pen::ed25519(1), VerifiedSignatures::up_to(8));
    for message in [pae(PAYLOAD_TYPE, PAYLOAD), b"another".to_vec()] {
        let good = pen.sign(&message).unwrap();
        pen.public_key().verify_among(&message, &good, &signatures).unwrap();
    }
    let other = Pen::ed25519(2).sign(&pae(PAYLOAD_TYPE, PAYLOAD)).unwrap();
    for (answer, expected) in [(other, KeyFault::SignatureInvalid), (Vec::new(), KeyFault::SignatureMalformed)] {
        let liar = Liar(Pen::ed25519(1), answer, signatures.clone());
        for _ in 0..2 {
            let fault = seal(PAYLOAD.to_vec(), &[(&liar, [].as_slice())]).unwrap_err();
            assert!(matches!(fault, SealFault::SignerLied { index: 0, fault } if fault == expected));
        }
    }
}

#[test]
fn nobody_seals_nothing() {
    let fault = seal::<Pen>(PAYLOAD.to_vec(), &[]).unwrap_err();
    assert!(matches!(fault, SealFault::Envelope(EnvelopeFault::SignatureCount { found: 0, .. })));
    let pen = Pen::ed25519(1);
    let fault = seal(Vec::new(), &[(&pen, [].as_slice())]).unwrap_err();
    assert!(matches!(fault, SealFault::Envelope(EnvelopeFault::Base64 { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_payload_is_sealed_read_and_verified(payload in proptest::collection::vec(any::<u8>(), 1..300), seed in 1_u8..) {
        let pen = Pen::ed25519(seed);
        let envelope = seal(payload.clone(), &[(&pen, [].as_slice())]).unwrap();
        let read = Envelope::parse(envelope.bytes(), &LIMITS).unwrap();
        assert_eq!(read.verify_with(pen.public_key()).unwrap().payload(), payload);
        assert!(read.verify_with(Pen::ed25519(seed.wrapping_add(1).max(1)).public_key()).is_err());
    }

    /// Promise 4: a changed byte is found, unless it stands in the hint.
    #[test]
    fn a_changed_byte_is_never_verified_as_another_payload(at in any::<proptest::sample::Index>(), flip in 1_u8..) {
        let pen = Pen::p256(5);
        let envelope = sealed(&[&pen]);
        let mut bytes = envelope.bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        let hint = envelope.bytes().windows(64).position(|window| {
            window == pen.public_key().id().to_string().as_bytes()
        }).unwrap();
        if let Ok(read) = Envelope::parse(&bytes, &LIMITS) {
            let verified = read.verify_with(pen.public_key());
            assert_eq!(verified.is_ok(), (hint..hint + 64).contains(&at), "byte {at}");
            assert!(verified.is_err() || read.payload() == PAYLOAD);
            assert_ne!(read.digest(), envelope.digest());
        }
    }

    /// Attack class 14.
    #[test]
    fn attack_14_arbitrary_bytes_are_never_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Envelope::parse(&bytes, &LIMITS);
        let text = json!({"payload": BASE64.encode(&bytes), "payloadType": PAYLOAD_TYPE, "signatures": [{"sig": BASE64.encode(&bytes)}]});
        if let Ok(envelope) = Envelope::parse(text.to_string().as_bytes(), &LIMITS) {
            assert!(envelope.verify_with(Pen::ed25519(1).public_key()).is_err());
            assert!(envelope.verify_with(Pen::p256(1).public_key()).is_err());
        }
    }
}
